"""How much alike two rankings of the same locations are.

Kendall's tau: the share of pairs that stand in the same order, less the share of those that stand the other way round.
With ties it is tau-b, which a ranking has 1 with itself however many are tied.

Source: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945).
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles, Integers


def kendall_tau(one: Doubles | Integers, other: Doubles | Integers) -> float:
    """Return tau-b of two rankings; NaN where one of them is all ties, or has not two locations.

    >>> round(kendall_tau(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3])), 3)
    0.667
    >>> kendall_tau(np.array([1, 2]), np.array([1, 1]))
    nan
    """
    first, second = np.triu_indices(len(one), 1)
    order, other_order = np.sign(one[first] - one[second]), np.sign(other[first] - other[second])
    pairs = np.sqrt(float((order**2).sum()) * float((other_order**2).sum()))
    return float((order * other_order).sum() / pairs) if pairs > 0 else np.nan


def shared_best(one: Integers, other: Integers, *, best: int) -> int:
    """Count those that are among the best in both.

    >>> shared_best(np.array([1, 2, 3, 4]), np.array([2, 3, 1, 4]), best=2)
    1
    """
    return int(((one <= best) & (other <= best)).sum())
