"""Ranks with the honesty about them that chance demands.

The rank of a location lies between 1 + the number of locations that are significantly better than it, and K - the
number of those that are significantly worse. What "significantly" means decides what the interval is true of:

* ``marginal``: Holm at 5% over the K - 1 two-sided differences of one location. For this one location, at least 95%.
* ``simultaneous``: all pairs against the range of K (Tukey-Kramer). For all locations at once; any sentence about
  several ("the best five") needs it.

Both are counts at a critical value (``pairs``), so the pairs are gone through in blocks, and no table of K x K is made.

Not to be used: ranks of values drawn around the estimates. With all locations equal the 95% interval of those covers
0.6%, since an estimate that came out high is drawn high again; in groups of ten 70%. The rule here covers above 97,
99.9 and 100%.

Source: Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks with applications to mobility across neighbourhoods
and academic achievement across countries, Review of Economic Studies 91 (2024). For comparison: Klein, Wright and
Wieczorek, A joint confidence region for an overall ranking of populations, Journal of the Royal Statistical Society C
69 (2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles, Integers
from meantime.later import special
from meantime.statistics.methods.blocks import Check, blocks, unchecked
from meantime.statistics.methods.pairs import Booleans, Different, Pairs
from meantime.statistics.methods.studentized_range import critical

# Steps at which pairs are counted for Holm. With more of them fewer pairs are left between two; each costs the reaches
# of all locations. Up to so many tests every critical value is a step.
_MOST_STEPS = 256


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


def marginal(
    compared: Pairs, rows: Integers | None = None, *, level: float = 0.95, check: Check = unchecked
) -> Different:
    """Count for each location, or for chosen ``rows`` alone, the others that it differs from, by Holm over its own.

    Not symmetrical: it is one family of tests a location. Of m differences Holm finds those beyond the critical value
    of the m - r that are left when r have been found. That is a fixed point: with r = 0 more are found, with these more
    again, until no more are.

    >>> from meantime.statistics.methods.differences import Estimates
    >>> from meantime.statistics.methods.pairs import pairs
    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> value, se = np.array([20.0, 22.9, 30.0]), np.ones(3)
    >>> marginal(pairs(Estimates(value=value, se=se, scale=Scale.LINEAR))).higher
    array([2, 1, 0])
    """
    tested, found = compared.tested, compared.none()
    if len(tested) < 2:
        return found
    holm = _Holm(len(tested) - 1, 1 - level)
    rows = tested if rows is None else tested[np.isin(tested, rows)]
    reached = np.full(len(compared), -1)  # the last step at which a location's pairs were counted
    while len(rows):
        step = holm.step(found.number[rows])
        if (is_further := step > reached[rows]).any():
            further = rows[is_further]
            reached[further] = step[is_further]
            found = found.replaced(further, compared.beyond(further, holm.steps[reached[further]], check=check))
            continue
        # Where the critical value is the step itself, that is the end. Below it, pairs before the next step decide.
        rows = rows[holm.critical(found.number[rows]) < holm.steps[reached[rows]]]
        low, high = holm.steps[reached[rows] + 1], holm.steps[reached[rows]]
        for index, is_lower, z in compared.between(rows, low, high, check=check):
            is_found = holm.found(found.number[rows], index, z)
            lower, higher = (np.bincount(index[is_found & side], minlength=len(rows)) for side in (is_lower, ~is_lower))
            found = found.replaced(rows, Different(lower=found.lower[rows] + lower, higher=found.higher[rows] + higher))
        rows = rows[holm.step(found.number[rows]) > reached[rows]]
    return found


class _Holm:
    """Critical values of Holm's tests, and steps among them at which all pairs are counted.

    To count at the critical value of each location would take the reaches of all locations at each of these values. So
    pairs are counted at the nearest step above it, where what differs also differs at the critical value; only of the
    few between two steps the z itself is found.
    """

    def __init__(self, tests: int, alpha: float) -> None:
        """Prepare for so many tests of a location."""
        self._falling = -special.ndtri(alpha / 2 / np.arange(tests, 0, -1))
        chosen: npt.NDArray[np.int64] = np.arange(tests)
        if tests > _MOST_STEPS:
            even = np.linspace(self._falling[0], self._falling[-1], _MOST_STEPS)
            chosen = np.unique(np.searchsorted(-self._falling, -even))
        self.steps: Doubles = self._falling[chosen]

    def critical(self, number: Integers) -> Doubles:
        """Return the critical values when so many differences have been found."""
        return np.asarray(self._falling[np.minimum(number, len(self._falling) - 1)], dtype=np.float64)

    def step(self, number: Integers) -> Integers:
        """Return the place of the nearest step at or above the critical value."""
        return np.searchsorted(-self.steps, -self.critical(number), side="right") - 1

    def found(self, number: Integers, index: Integers, z: Doubles) -> npt.NDArray[np.bool_]:
        """Say which further differences are found, each of the location at an index, that has found so many before."""
        is_found, more = z > self.critical(number)[index], np.zeros_like(number)
        while (now := np.bincount(index[is_found], minlength=len(number))).sum() > more.sum():
            more = now
            is_found = z > self.critical(number + more)[index]
        return is_found


def simultaneous(compared: Pairs, *, level: float = 0.95, check: Check = unchecked) -> Different:
    """Count for each location the others that it differs from when all pairs are compared at once."""
    z = np.full(len(compared.tested), critical(level, len(compared)))
    return compared.none().replaced(compared.tested, compared.beyond(compared.tested, z, check=check))


def rank_interval(different: Different, *, is_lower_better: bool) -> RankInterval:
    """Return the interval of each location's rank.

    >>> different = Different(lower=np.array([0, 0, 2]), higher=np.array([1, 1, 0]))
    >>> found = rank_interval(different, is_lower_better=True)
    >>> found.least, found.greatest
    (array([1, 1, 3]), array([2, 2, 3]))
    """
    better, worse = (different.lower, different.higher) if is_lower_better else (different.higher, different.lower)
    return RankInterval(least=1 + better, greatest=len(better) - worse)


def differ(compared: Pairs, rows: Integers, *, level: float = 0.95) -> Booleans:
    """Say from which others (columns) chosen locations (rows) differ when all pairs are compared at once.

    A block of the caller's size, (len(rows), K).
    """
    return compared.differ(rows, critical(level, len(compared)))


def indistinguishable(
    compared: Pairs, rows: Integers, order: Integers, *, level: float = 0.95, check: Check = unchecked
) -> Iterator[list[int]]:
    """Go through chosen locations, and give of each the others that it cannot be distinguished from.

    The others are given as places in ``order``, an order of all, and come in that order.

    For pairs compared all at once (``simultaneous``), so that the relation is symmetrical: table, sentence, highlight
    and tooltip have this one. Not transitive: A may be like B and B like C, and A still differ from C. How many they
    are is known from the counts alone: K - 1 - ``simultaneous(...).number``.

    >>> from meantime.statistics.methods.differences import Estimates
    >>> from meantime.statistics.methods.pairs import pairs
    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> compared = pairs(Estimates(value=np.array([20.0, 30.0, 22.0]), se=np.ones(3), scale=Scale.LINEAR))
    >>> list(indistinguishable(compared, np.array([2, 1]), order=np.array([1, 2, 0])))
    [[2], []]
    """
    for block in blocks(len(rows), len(compared), check):
        alike = ~differ(compared, rows[block], level=level)
        alike[np.arange(len(alike)), rows[block]] = False
        which, others = np.nonzero(alike[:, order])
        places, ends = others.tolist(), np.searchsorted(which, np.arange(len(alike)), side="right").tolist()
        for start, end in pairwise([0, *ends]):
            yield places[start:end]


def like_any(compared: Pairs, rows: Integers, *, level: float = 0.95, check: Check = unchecked) -> int:
    """Count the others that cannot be distinguished from one or more of some locations, all pairs compared at once."""
    from_all = np.ones(len(compared), dtype=np.bool_)
    for block in blocks(len(rows), len(compared), check):
        from_all &= differ(compared, rows[block], level=level).all(axis=0)
    from_all[rows] = True
    return int((~from_all).sum())
