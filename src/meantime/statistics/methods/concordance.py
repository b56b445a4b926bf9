"""How much alike two rankings of the same locations are.

Kendall's tau: the share of pairs that stand in the same order, less the share of those that stand the other way round.
With ties it is tau-b, which a ranking has 1 with itself however many are tied.

Sources: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945); Knight, A computer method for
calculating Kendall's tau with ungrouped data, Journal of the American Statistical Association 61 (1966).
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles, Integers


def kendall_tau(one: Doubles | Integers, other: Doubles | Integers) -> float:
    """Return tau-b of two rankings without NaN; NaN where one of them is all ties, or has not two locations.

    In n log n, by Knight: in the order of the one, pairs the other way round are the inversions of the other.

    >>> round(kendall_tau(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3])), 3)
    0.667
    >>> kendall_tau(np.array([1, 2]), np.array([1, 1]))
    nan
    """
    first, second = (np.unique(each, return_inverse=True)[1].astype(np.int64) for each in (one, other))
    every = _pairs(len(first))
    untied, other_untied = every - _tied(first), every - _tied(second)
    if not untied or not other_untied:
        return np.nan
    # Among those that are tied in the one, in the order of the other: they are no inversions.
    inversions = _inversions(second[np.lexsort((second, first))])
    tied_in_both = _tied(first * len(first) + second)
    the_same_way = untied + other_untied - every + tied_in_both - inversions
    return float((the_same_way - inversions) / np.sqrt(float(untied) * float(other_untied)))


def shared_best(one: Integers, other: Integers, *, best: int) -> int:
    """Count those that are among the best in both.

    >>> shared_best(np.array([1, 2, 3, 4]), np.array([2, 3, 1, 4]), best=2)
    1
    """
    return int(((one <= best) & (other <= best)).sum())


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _tied(codes: Integers) -> int:
    """Count the pairs of equal ones."""
    return sum(map(_pairs, np.unique(codes, return_counts=True)[1].tolist()))


def _inversions(codes: Integers) -> int:
    """Count the pairs of which the first is greater than the second, bit by bit from the highest.

    Of two that have the higher bits in common, the first is greater if it has the bit and the second has not.
    """
    count = 0
    for bit in reversed(range(int(codes.max()).bit_length())):
        has_bit, higher = (codes >> bit) & 1, codes >> (bit + 1)
        before = np.cumsum(has_bit) - has_bit
        of_the_same = before - before[np.searchsorted(higher, higher)]
        count += int(of_the_same[has_bit == 0].sum())
        codes = codes[np.argsort(codes >> bit, kind="stable")]
    return count
