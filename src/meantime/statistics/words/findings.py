"""What all sentences about results keep to.

A sentence says what was estimated or tested, and is as sure as the test: where nothing is significant it says that
the data do not show a difference, never that things are equal. A sentence about several locations rests on what holds
for all of them at once: adjusted p-values, or the simultaneous interval.
"""

from __future__ import annotations

from typing import Any

# More would repeat the table.
MOST_OF_A_KIND = 5


def counted(is_tested: Any, is_aggregate: Any) -> Any:
    """Return which of the tested are counted as locations: aggregates are not, unless nothing else is there.

    >>> import numpy as np
    >>> counted(np.array([True, True, False]), np.array([True, False, False])).tolist()
    [False, True, False]
    >>> counted(np.array([True]), np.array([True])).tolist()
    [True]
    """
    locations = is_tested & ~is_aggregate
    return locations if locations.any() else is_tested
