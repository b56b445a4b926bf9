"""Values that are equal stay equal, whatever the order in which they were added up.

Decimals have no exact doubles: (0.1 + 0.2 + 0.3) / 3 and (0.3 + 0.2 + 0.1) / 3 differ in the last bit, and the
difference of 29.4 and 27.2 is not that of 3.4 and 1.2. A rank decided by that bit would be decided by nothing. So
what was computed is rounded to 13 digits of the numbers that it was computed from: published values have fewer, and
errors of addition are smaller.
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles

_DIGITS = 13


def settled(value: Doubles, *, near: Doubles | None = None) -> Doubles:
    """Round computed values to 13 digits; ``near``: to those of the larger numbers that they are differences of.

    >>> sums = np.array([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1]) / 3
    >>> bool(sums[0] == sums[1]), len(set(settled(sums).tolist()))
    (False, 1)
    >>> one, other = np.array([29.4, 3.4]), np.array([27.2, 1.2])
    >>> settled(one - other, near=one)
    array([2.2, 2.2])
    """
    size = np.abs(value if near is None else near)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.where(size > 0, np.floor(np.log10(size)) + 1, 0.0)
        steps = 10.0 ** np.clip(_DIGITS - digits, -300, 300)
        return np.where(np.isfinite(value), np.rint(value * steps) / steps, value)
