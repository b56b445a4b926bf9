"""Which values of a question are there: for each location, period and stratum, published, withheld, or absent.

Absent and withheld are two things: a row says that a value was not given, and often why; no row says nothing at all.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cube, Integers

_LOCATION, _CATEGORY, _STRATUM, _PERIOD = (
    list(AXES).index(name) for name in ("location", "category", "stratum", "period")
)


class Presence(StrEnum):
    """What there is of an entry."""

    ABSENT = "absent"  # no row
    PUBLISHED = "published"  # every row has a value
    WITHHELD = "withheld"  # no row has one
    MIXED = "mixed"  # some rows have one


class Mark(NamedTuple):
    """What is known of an entry, beside where it is."""

    presence: Presence
    reasons: tuple[str, ...] = ()  # why values are withheld, by name


class Stratum(NamedTuple):
    """A category and what is within it, as codes; ABSENT twice for the rows without a category."""

    category: int
    stratum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The sides of a coverage, as codes of the cube's labels, in the order of the labels."""

    question: int
    strata: tuple[Stratum, ...]
    periods: tuple[int, ...]  # ABSENT for the rows without one
    locations: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many entries there are, the absent ones included."""
        return len(self.strata) * len(self.periods) * len(self.locations)


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """A mark for each entry."""

    axes: Axes
    legend: tuple[Mark, ...]  # those that occur, and absent, which is the first whether it does or not
    marks: Integers  # (strata, periods, locations): places in the legend

    def counts(self) -> tuple[int, ...]:
        """Return how many entries have each mark of the legend."""
        return tuple(np.bincount(self.marks.ravel(), minlength=len(self.legend)).tolist())


def axes_of(
    cube: Cube,
    question: int,
    *,
    locations: AbstractSet[int] | None = None,
    categories: AbstractSet[int] | None = None,
    strata: AbstractSet[int] | None = None,
    periods: AbstractSet[int] | None = None,
) -> Axes:
    """Return the sides of a question's coverage: every location of the table, and its own periods and strata.

    So a location that was never asked shows as absent, and a year in which nobody was asked does not show at all. Each
    side is narrowed to the codes that are given; what is not on it is passed over.

    >>> from meantime.dataset.samples import example
    >>> cube = example.snapshot().cube
    >>> axes = axes_of(cube, cube.question_codes[example.BREAKFAST])
    >>> len(axes.strata), len(axes.periods), len(axes.locations)
    (4, 2, 4)
    >>> axes_of(cube, cube.question_codes[example.TEA], locations={0, 99}).size
    1
    """
    keys = cube.cells.keys[cube.starts[question] : cube.starts[question + 1]]
    pairs = np.unique(keys[:, [_CATEGORY, _STRATUM]], axis=0).tolist()
    return Axes(
        question=question,
        strata=tuple(Stratum(*pair) for pair in pairs if _is_in(categories, pair[0]) and _is_in(strata, pair[1])),
        periods=tuple(code for code in np.unique(keys[:, _PERIOD]).tolist() if _is_in(periods, code)),
        locations=tuple(code for code in range(len(cube.labels.locations)) if _is_in(locations, code)),
    )


def coverage(cube: Cube, axes: Axes) -> Coverage:
    """Return what there is of each entry; rows of several value types are taken together.

    >>> from meantime.dataset.samples import example
    >>> cube = example.snapshot().cube
    >>> axes = axes_of(cube, cube.question_codes[example.BREAKFAST], locations={0, 2})
    >>> found = coverage(cube, axes)
    >>> [(mark.presence.value, mark.reasons, count) for mark, count in zip(found.legend, found.counts(), strict=True)]
    [('absent', (), 11), ('published', (), 4), ('withheld', ('~',), 1)]
    >>> [cube.labels.strata[code] for _, code in axes.strata[1:]]
    ['Female', 'Male', 'Total']
    >>> found.marks[2, 0].tolist()  # Male, 2020: withheld in Avalon, absent in Cockaigne
    [2, 0]
    """
    places, entries = _entries(cube, axes)
    count, withheld = (
        # In doubles, which hold whole numbers of rows exactly.
        np.bincount(entries, weights=rows[places], minlength=axes.size)
        for rows in (cube.cells.moments.count, cube.cells.moments.withheld)
    )
    marked = {entry: Mark(Presence.PUBLISHED) for entry in np.flatnonzero((count > 0) & (withheld == 0)).tolist()}
    for entry, reasons in _reasons(cube, places, entries).items():
        marked[entry] = Mark(Presence.MIXED if count[entry] else Presence.WITHHELD, reasons)
    order = list(Presence)
    legend = (
        Mark(Presence.ABSENT),
        *sorted(set(marked.values()), key=lambda mark: (order.index(mark.presence), mark.reasons)),
    )
    codes = {mark: code for code, mark in enumerate(legend)}
    marks = np.zeros(axes.size, dtype=np.int64)
    marks[list(marked)] = [codes[mark] for mark in marked.values()]
    shape = (len(axes.strata), len(axes.periods), len(axes.locations))
    return Coverage(axes=axes, legend=legend, marks=marks.reshape(shape))


def _is_in(wanted: AbstractSet[int] | None, code: int) -> bool:
    return wanted is None or code in wanted


def _entries(cube: Cube, axes: Axes) -> tuple[Integers, Integers]:
    """Return the places of the cells that are on the axes, and for each of them which entry it belongs to."""
    first, behind = int(cube.starts[axes.question]), int(cube.starts[axes.question + 1])
    keys = cube.cells.keys[first:behind]
    # Stratum by stratum would be a pass for each; one number for both, and it is one search.
    width = len(cube.labels.strata) + 1
    sides = (
        (np.array([pair.category * width + pair.stratum for pair in axes.strata]), _pair_numbers(keys, width)),
        (np.array(axes.periods), keys[:, _PERIOD]),
        (np.array(axes.locations), keys[:, _LOCATION]),
    )
    entries = np.zeros(len(keys), dtype=np.int64)
    is_on = np.full(len(keys), axes.size > 0)
    for side, codes in sides:
        if not len(side):
            break
        at = np.minimum(np.searchsorted(side, codes), len(side) - 1)
        is_on &= side[at] == codes
        entries = entries * len(side) + at
    return np.flatnonzero(is_on) + first, entries[is_on]


def _pair_numbers(keys: Integers, width: int) -> Integers:
    numbers: Integers = keys[:, _CATEGORY] * width + keys[:, _STRATUM]
    return numbers


def _reasons(cube: Cube, places: Integers, entries: Integers) -> dict[int, tuple[str, ...]]:
    """Return why values of each entry are withheld, where any are."""
    entry_of = np.full(len(cube.cells), ABSENT, dtype=np.int64)
    entry_of[places] = entries
    found = np.stack([entry_of[cube.cells.withheld_cell], cube.cells.withheld_reason], axis=1)
    reasons: dict[int, tuple[str, ...]] = {}
    for entry, reason in np.unique(found[found[:, 0] != ABSENT], axis=0).tolist():
        reasons[entry] = (*reasons.get(entry, ()), cube.labels.reasons[reason])
    return reasons
