"""Every estimate against every other, at a critical value: which pairs differ, and how many.

A pair differs at z if MOVER's interval of its difference (``differences``) at that z leaves out 0: the squared gap
between the two is larger than the sum of their squared reaches toward each other. So what each location brings to its
pairs is computed once, and a pair costs a few operations; nothing of K x K is kept. The condition does not separate
into one limit for each location, so all pairs have to be gone through.

Both orders of a pair are decided by the same arithmetic: if A differs from B, B differs from A, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.blocks import Check, blocks, most_in_a_block, rows_in_a_block, unchecked
from meantime.statistics.methods.differences import (
    Estimates,
    Reaches,
    difference,
    difference_of_differences,
    reaches,
    reaches_of_differences,
)

Booleans = npt.NDArray[np.bool_]
# Of so few estimates whole blocks are added up: to go through the rows would take longer than their numbers do.
_FEW = 256
# The z at which pairs of these indices differ, the smaller index first.
_Touching = Callable[[Integers, Integers], Doubles]


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

    def __init__(self, value: Doubles, reach_of: Callable[[Integers], Reaches], touching: _Touching) -> None:
        """Compare values; ``reach_of`` gives the reaches of chosen ones, ``touching`` the z at which pairs differ."""
        self._number = len(value)
        every, one = reach_of(np.arange(len(value))), np.ones(1)
        is_known = ~np.isnan(value + every(one, -1) + every(one, 1))
        order = np.argsort(value, kind="stable")
        self._order = order[is_known[order]]
        self._value = value[self._order]
        self._reach = reach_of(self._order)
        self._touching = touching
        self._place = np.full(len(value), -1)  # in that order; -1 for those that are not in it
        self._place[self._order] = np.arange(len(self._order))
        # Where all are one block: which differ from which at the last z.
        self._table: tuple[float, Booleans] | None = None

    def __len__(self) -> int:
        return self._number

    @property
    def tested(self) -> Integers:
        """The indices of those that have a value and limits."""
        return self._order

    def none(self) -> Different:
        """Return counts of nothing."""
        return Different(lower=np.zeros(len(self), dtype=np.int64), higher=np.zeros(len(self), dtype=np.int64))

    def beyond(self, rows: Integers, z: Doubles, *, check: Check = unchecked) -> Different:
        """Count for chosen estimates, tested ones, the others that differ from them at z, of each its own."""
        lower, higher = np.zeros((2, len(rows)), dtype=np.int64)
        places = self._place[rows]
        for some, differs in self._blocks(places, z, check):
            is_lower = np.arange(differs.shape[1]) < places[some, None]
            # Not count_nonzero, which takes longer to begin than to count.
            lower[some] = below = np.add.reduce(differs & is_lower, axis=1)
            higher[some] = np.add.reduce(differs, axis=1) - below
        return Different(lower=lower, higher=higher)

    def between(
        self, rows: Integers, low: Doubles, high: Doubles, *, check: Check = unchecked
    ) -> Iterator[tuple[Integers, Booleans, Doubles]]:
        """Go through the pairs of chosen estimates, tested ones, that differ at a low z and not at a high one.

        Of each pair: the place of the estimate in ``rows``, whether the other is lower, and the z at which they differ.
        All pairs of an estimate come together. ``low`` and ``high`` must have the same order.
        """
        places, pieces, number = self._place[rows], list[tuple[Integers, Integers]](), 0
        at_low, at_high = (self._blocks(places, z, check) for z in (low, high))
        for (some, differs), (_, differs_at_high) in zip(at_low, at_high, strict=True):
            which, others = np.nonzero(differs & ~differs_at_high)
            pieces.append((some[which], others))
            number += len(others)
            if number >= most_in_a_block():
                yield self._measured(places, pieces)
                pieces, number = [], 0
        if pieces:
            yield self._measured(places, pieces)

    def differ(self, rows: Integers, z: float) -> Booleans:
        """Say of chosen estimates (rows) which others (columns) differ from them at z: (len(rows), K)."""
        if len(self) > rows_in_a_block(len(self)):
            return self._differ(rows, z)
        # All are one block. Asked for again and again at one z: by whoever counts, lists and tells of them.
        if self._table is None or self._table[0] != z:
            self._table = z, self._differ(np.arange(len(self)), z)
        return np.asarray(self._table[1][rows], dtype=np.bool_)

    def _differ(self, rows: Integers, z: float) -> Booleans:
        found = np.zeros((len(rows), len(self)), dtype=np.bool_)
        tested = np.flatnonzero(self._place[rows] >= 0)
        for some, differs in self._blocks(self._place[rows[tested]], np.full(len(tested), z), unchecked):
            found[tested[some, None], self._order] = differs
        return found

    def _blocks(self, places: Integers, z: Doubles, check: Check) -> Iterator[tuple[Integers, Booleans]]:
        """Go through some, those of the same z together: which they are, and what differs from them (rows).

        The next block overwrites this one.
        """
        size, value = len(self._order), self._value
        if len(z) and (z == z[0]).all():  # most often, and sorting takes as long as comparing
            levels, level, by_level = z[:1], np.zeros(len(z), dtype=np.int64), np.arange(len(z))
        else:
            levels, level = np.unique(z, return_inverse=True)
            by_level = np.argsort(level, kind="stable")
        first = np.searchsorted(level[by_level], np.arange(len(levels) + 1))
        # Used again and again: fresh memory takes longer than the arithmetic in it.
        most = min(len(places), rows_in_a_block(size))
        gaps, reaches, differs = np.empty((most, size)), np.empty((most, size)), np.empty((most, size), dtype=np.bool_)
        for at in blocks(len(levels), size, check):
            down, up = (np.square(self._reach(levels[at, None], sign)) for sign in (-1, 1))
            these = by_level[first[at.start] : first[at.stop]]
            for block in blocks(len(these), size, check):
                some = these[block]
                gap, reach = gaps[: len(some)], reaches[: len(some)]
                self._add_up(down, up, places[some], level[some] - at.start, out=reach)
                np.square(np.subtract(value[places[some], None], value, out=gap), out=gap)
                yield some, np.greater(gap, reach, out=differs[: len(some)])

    @staticmethod
    def _add_up(down: Doubles, up: Doubles, places: Integers, level: Integers, *, out: Doubles) -> None:
        """Add up the squared reaches of estimates and of all others toward each other, each at its level (row)."""
        # Of those that are lower the upper limits reach toward it, of the others the lower ones.
        if out.shape[1] <= _FEW:
            is_lower = np.arange(out.shape[1]) < places[:, None]
            own_down, own_up = down[level, places][:, None], up[level, places][:, None]
            np.add(np.where(is_lower, up[level], down[level]), np.where(is_lower, own_down, own_up), out=out)
            return
        for row, place, own in zip(out, places.tolist(), level.tolist(), strict=True):
            np.add(up[own, :place], down[own, place], out=row[:place])
            np.add(down[own, place:], up[own, place], out=row[place:])

    def _measured(
        self, places: Integers, pieces: Sequence[tuple[Integers, Integers]]
    ) -> tuple[Integers, Booleans, Doubles]:
        """Find the z of pairs: of each an index of places, and the place of the other."""
        index, other = (np.concatenate(each) for each in zip(*pieces, strict=True))
        place = places[index]
        both = np.sort(self._order[np.stack([place, other])], axis=0)
        return index, other < place, self._touching(both[0], both[1])


def pairs(estimates: Estimates) -> Pairs:
    """Compare all pairs of estimates.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> found = pairs(Estimates(value=np.array([20.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR))
    >>> [found.beyond(np.array([0]), z).higher.tolist() for z in np.array([[7.07], [7.08]])]
    [[1], [0]]
    """

    def touching(one: Integers, other: Integers) -> Doubles:
        return difference(estimates[one], estimates[other]).z

    return Pairs(estimates.value, lambda which: reaches(estimates[which]), touching)


def pairs_of_gaps(upper: Estimates, lower: Estimates) -> Pairs:
    """Compare all pairs of gaps, each upper minus lower.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> upper = Estimates(value=np.array([24.0, 30.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> lower = Estimates(value=np.array([20.0, 22.0]), se=np.array([1.0, 1.0]), scale=Scale.LINEAR)
    >>> found = pairs_of_gaps(upper, lower)
    >>> [found.beyond(np.array([0]), z).higher.tolist() for z in np.array([[1.99], [2.01]])]
    [[1], [0]]
    """

    def touching(one: Integers, other: Integers) -> Doubles:
        return difference_of_differences((upper[one], lower[one]), (upper[other], lower[other])).z

    return Pairs(upper.value - lower.value, lambda which: reaches_of_differences(upper[which], lower[which]), touching)
