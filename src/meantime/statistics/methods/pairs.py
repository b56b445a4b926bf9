"""Every estimate against every other, at a critical value: which pairs differ, and how many.

A pair differs at z if MOVER's interval of its difference (``differences``) at that z leaves out 0: the squared gap
between the two is larger than the sum of their squared reaches toward each other. So what each location brings to its
pairs is computed once, and a pair costs a few operations; nothing of K x K is kept. The condition does not separate
into one limit for each location, so all pairs have to be gone through.

Both orders of a pair are decided by the same arithmetic: if A differs from B, B differs from A, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.blocks import Check, blocks, unchecked
from meantime.statistics.methods.differences import Estimates, Reaches, reaches, reaches_of_differences

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Different:
    """How many of the others are significantly lower than each location, and how many higher."""

    lower: Integers
    higher: Integers

    @property
    def number(self) -> Integers:
        """How many it differs from."""
        return self.lower + self.higher

    def replaced(self, rows: Integers, by: Different) -> Different:
        """Return the same with other counts for some locations."""
        lower, higher = self.lower.copy(), self.higher.copy()
        lower[rows], higher[rows] = by.lower, by.higher
        return Different(lower=lower, higher=higher)


class Pairs:
    """Every estimate against every other. Of one that has no value or no limits nothing differs.

    The estimates are kept in the order of their values, so that of each one the lower ones stand on one side.
    """

    def __init__(self, value: Doubles, reach_of: Callable[[Integers], Reaches]) -> None:
        """Compare values; ``reach_of`` gives the reaches of chosen ones."""
        self._number = len(value)
        every = reach_of(np.arange(len(value)))
        one = np.ones(1)
        is_known = ~np.isnan(value + every(one, -1) + every(one, 1))
        order = np.argsort(value, kind="stable")
        self._order = order[is_known[order]]
        self._value = value[self._order]
        self._reach = reach_of(self._order)
        self._place = np.full(len(value), -1)  # in that order; -1 for those that are not in it
        self._place[self._order] = np.arange(len(self._order))

    def __len__(self) -> int:
        return self._number

    @property
    def tested(self) -> int:
        """How many have a value and limits."""
        return len(self._order)

    @property
    def rows(self) -> Integers:
        """The indices of these."""
        return self._order

    def none(self) -> Different:
        """Return counts of nothing."""
        return Different(lower=np.zeros(len(self), dtype=np.int64), higher=np.zeros(len(self), dtype=np.int64))

    def beyond(self, rows: Integers, z: Doubles | float, *, check: Check = unchecked) -> Different:
        """Count for chosen estimates, tested ones, the others that differ from them at z, of all or of each its own."""
        at = np.broadcast_to(np.asarray(z, dtype=np.float64), rows.shape)
        lower, higher = np.zeros((2, len(rows)), dtype=np.int64)
        by_z = np.argsort(at, kind="stable")
        for block in blocks(len(rows), self.tested, check):
            chosen = by_z[block]
            places = self._place[rows[chosen]]
            differs, is_lower = self._differ(places, at[chosen])
            lower[chosen] = (differs & is_lower).sum(axis=1)
            higher[chosen] = (differs & ~is_lower).sum(axis=1)
        return Different(lower=lower, higher=higher)

    def differ(self, rows: Integers, z: float) -> Booleans:
        """Say of chosen estimates (rows) which others (columns) differ from them at z: a block, (len(rows), K)."""
        found = np.zeros((len(rows), len(self)), dtype=np.bool_)
        is_tested = self._place[rows] >= 0
        differs, _ = self._differ(self._place[rows[is_tested]], np.full(int(is_tested.sum()), z))
        found[np.ix_(is_tested, self._order)] = differs
        return found

    def _differ(self, places: Integers, z: Doubles) -> tuple[Booleans, Booleans]:
        """Say which differ, and which stand on the lower side."""
        levels, level = np.unique(z, return_inverse=True)
        down, up = (np.square(self._reach(levels[:, None], sign)) for sign in (-1, 1))
        is_lower = np.arange(self.tested) < places[:, None]
        own_down, own_up = down[level, places][:, None], up[level, places][:, None]
        reach = np.where(is_lower, own_down + up[level], own_up + down[level])
        gap = self._value[places][:, None] - self._value
        return np.square(gap) > reach, is_lower


def pairs(estimates: Estimates) -> Pairs:
    """Compare all pairs of estimates.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> found = pairs(Estimates(value=np.array([20.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR))
    >>> [found.beyond(np.array([0]), z).higher.tolist() for z in (7.07, 7.08)]
    [[1], [0]]
    """
    return Pairs(estimates.value, lambda which: reaches(estimates[which]))


def pairs_of_gaps(upper: Estimates, lower: Estimates) -> Pairs:
    """Compare all pairs of gaps, each upper minus lower.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> upper = Estimates(value=np.array([24.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> lower = Estimates(value=np.array([20.0, 22.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> found = pairs_of_gaps(upper, lower)
    >>> [found.beyond(np.array([0]), z).higher.tolist() for z in (1.99, 2.01)]
    [[1], [0]]
    """
    return Pairs(upper.value - lower.value, lambda which: reaches_of_differences(upper[which], lower[which]))
