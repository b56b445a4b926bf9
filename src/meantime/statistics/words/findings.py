"""Sentences about results, from one table of messages, so that equal findings are said in equal words.

A sentence is made only of a tested statement, and is as sure as the test: where nothing is significant it says that
nothing can be told apart, never that things are equal. A sentence about several locations rests on what holds for all
of them at once: adjusted p-values, or the simultaneous interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meantime.text import with_interval

# More would repeat the table.
MOST_OF_A_KIND = 5


def size_of_difference(value: float, low: float, high: float, unit: str | None, *, tested: int = 1) -> str:
    """Write the size of a difference with its interval; where several were tested, say that it is unadjusted.

    That there is a difference is adjusted for all that were tested; how large it is, is not.

    >>> size_of_difference(-3.1, -4.26, -1.94, "percentage points")
    '3.1 percentage points (95% CI 1.9 to 4.3)'
    >>> size_of_difference(3.1, 1.94, 4.26, None, tested=52)
    '3.10 (unadjusted 95% CI 1.94 to 4.26)'
    """
    low, high = (low, high) if value >= 0 else (-high, -low)
    return with_interval(abs(value), low, high, unit, kind="unadjusted" if tested > 1 else "")


def counted(is_tested: Any, is_aggregate: Any) -> Any:
    """Return which of the tested are counted as locations: aggregates are not, unless nothing else is there.

    >>> counted(np.array([True, True, False]), np.array([True, False, False])).tolist()
    [False, True, False]
    >>> counted(np.array([True]), np.array([True])).tolist()
    [True]
    """
    locations = is_tested & ~is_aggregate
    return locations if locations.any() else is_tested


def told_names(names: list[str], is_counted: Any, is_aggregate: Any) -> list[str]:
    """Return the names, those of aggregates that are told beside the locations as such.

    >>> told_names(["National", "Utah"], np.array([False, True]), np.array([True, False]))
    ['National (an aggregate)', 'Utah']
    """
    beside = np.asarray(is_aggregate & ~is_counted).tolist()
    return [f"{name} (an aggregate)" if apart else name for name, apart in zip(names, beside, strict=True)]


def strongest(z: Any, is_told: Any) -> list[int]:
    """Return the places of the few findings with the largest z, the strongest first; ties keep their order."""
    indices = np.flatnonzero(is_told)
    return [int(index) for index in indices[np.argsort(-np.asarray(z)[indices], kind="stable")][:MOST_OF_A_KIND]]


def strongest_apart(z: Any, is_told: Any, is_counted: Any) -> list[int]:
    """Return the strongest of the counted, and after them those of the others."""
    return strongest(z, is_told & is_counted) + strongest(z, is_told & ~is_counted)
