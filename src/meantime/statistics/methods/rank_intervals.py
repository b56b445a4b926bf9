"""Ranks with the honesty about them that chance demands.

The rank of a location lies between 1 + the number of locations that are significantly better than it, and K - the
number of those that are significantly worse. What "significantly" means decides what the interval is true of:

* ``marginal``: Holm at 5% over the K - 1 two-sided differences of one location. For this one location, at least 95%.
* ``simultaneous``: all pairs against the range of K (Tukey-Kramer). For all locations at once; any sentence about
  several
  ("the best five") needs it.

Not to be used: ranks of values drawn around the estimates. With all locations equal the 95% interval of those covers
0.6%, since an estimate that came out high is drawn high again; in groups of ten 70%. The rule here covers above 97,
99.9 and 100%.

Source: Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks with applications to mobility across neighbourhoods
and academic achievement across countries, Review of Economic Studies 91 (2024). For comparison: Klein, Wright and
Wieczorek, A joint confidence region for an overall ranking of populations, Journal of the Royal Statistical Society C
69 (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.differences import Compared, Estimates, difference, difference_of_differences
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.studentized_range import critical

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Every estimate against every other: (K, K), the diagonal is no pair (NaN)."""

    z: Doubles  # at which the interval of the difference touches 0
    p: Doubles

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankInterval:
    """The least and the greatest rank that each location may have; 1 is the best."""

    least: Integers
    greatest: Integers


def ranks(value: Doubles, *, is_lower_better: bool) -> Integers:
    """Return the rank of each value, 1 the best; ties share the smallest.

    >>> ranks(np.array([30.0, 20.0, 30.0, 40.0]), is_lower_better=True)
    array([2, 1, 2, 4])
    """
    ordered = np.sort(value if is_lower_better else -value)
    return np.asarray(np.searchsorted(ordered, value if is_lower_better else -value) + 1, dtype=np.int64)


def pairs(estimates: Estimates) -> Pairs:
    """Compare all pairs, each once.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> found = pairs(Estimates(value=np.array([20.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR))
    >>> found.z.round(3)
    array([[  nan, 7.071],
           [7.071,   nan]])
    """
    one, other = np.triu_indices(len(estimates.value), 1)
    return _square(difference(estimates[one], estimates[other]), len(estimates.value))


def pairs_of_gaps(upper: Estimates, lower: Estimates) -> Pairs:
    """Compare all pairs of gaps, each upper minus lower.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> upper = Estimates(value=np.array([24.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> lower = Estimates(value=np.array([20.0, 22.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> pairs_of_gaps(upper, lower).z.round(3)
    array([[nan,  2.],
           [ 2., nan]])
    """
    one, other = np.triu_indices(len(upper.value), 1)
    found = difference_of_differences((upper[one], lower[one]), (upper[other], lower[other]))
    return _square(found, len(upper.value))


def marginal(compared: Pairs, *, level: float = 0.95) -> Booleans:
    """Say of each location (row) from which others (columns) it differs, by Holm over its own differences.

    Not symmetrical: it is one family of tests a row.
    """
    return np.asarray(adjusted(compared.p) < 1 - level)


def simultaneous(compared: Pairs, *, level: float = 0.95) -> Booleans:
    """Say which pairs differ when all are compared at once."""
    return np.asarray(compared.z > critical(level, len(compared)))


def rank_interval(value: Doubles, differs: Booleans, *, is_lower_better: bool) -> RankInterval:
    """Return the interval of each location's rank.

    >>> value = np.array([20.0, 21.0, 30.0])
    >>> differs = np.array([[False, False, True], [False, False, True], [True, True, False]])
    >>> found = rank_interval(value, differs, is_lower_better=True)
    >>> found.least, found.greatest
    (array([1, 1, 3]), array([2, 2, 3]))
    """
    other_is_less = value[None, :] < value[:, None]
    # A pair of equal values never differs, so that "not less" is "greater" here.
    better = differs & (other_is_less if is_lower_better else ~other_is_less)
    worse = differs & ~better
    return RankInterval(
        least=np.asarray(1 + better.sum(axis=1), dtype=np.int64),
        greatest=np.asarray(len(value) - worse.sum(axis=1), dtype=np.int64),
    )


def indistinguishable(differs: Booleans) -> list[list[int]]:
    """Return for each location the indices of the others that it cannot be distinguished from.

    For pairs compared all at once (``simultaneous``), so that the relation is symmetrical: table, sentence, highlight
    and tooltip have this one. Not transitive: A may be like B and B like C, and A still differ from C.

    >>> indistinguishable(np.array([[False, True, False], [True, False, False], [False, False, False]]))
    [[2], [2], [0, 1]]
    """
    alike = ~differs & ~np.eye(len(differs), dtype=bool)
    return [np.flatnonzero(row).tolist() for row in alike]


def _square(found: Compared, k: int) -> Pairs:
    one, other = np.triu_indices(k, 1)
    z, p = np.full((k, k), np.nan), np.full((k, k), np.nan)
    z[one, other] = z[other, one] = found.z
    p[one, other] = p[other, one] = found.p
    return Pairs(z=z, p=p)
