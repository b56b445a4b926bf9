"""Which values a question has: for each location, period and stratum, published, suppressed or missing, or absent.

Withheld (suppressed or missing) and absent differ: a withheld value has a row, often with a reason; an absent one has
no row at all.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cells, Cube, Integers

_LOCATION, _CATEGORY, _STRATUM, _PERIOD = (
    list(AXES).index(name) for name in ("location", "category", "stratum", "period")
)


class Presence(StrEnum):
    """What the table has for an entry."""

    ABSENT = "absent"  # no row
    PUBLISHED = "published"  # every row has a value
    WITHHELD = "withheld"  # no row has a value
    MIXED = "mixed"  # some rows have a value


class Mark(NamedTuple):
    """What is known of an entry."""

    presence: Presence
    reasons: tuple[str, ...] = ()  # why values are withheld, sorted


class Stratum(NamedTuple):
    """A category and a stratum of it, as codes; both ABSENT for the rows without a category."""

    category: int
    stratum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The axes of a coverage, as codes of the cube's labels, in the order of the labels."""

    question: int
    strata: tuple[Stratum, ...]
    periods: tuple[int, ...]  # ABSENT for the rows without a period
    locations: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many entries there are, including absent ones."""
        return len(self.strata) * len(self.periods) * len(self.locations)


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """A mark for each entry."""

    axes: Axes
    legend: tuple[Mark, ...]  # absent, which always comes first, and the marks that occur
    marks: Integers  # (strata, periods, locations): indices in the legend

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
    """Return the axes of a question's coverage: all locations of the table, and the question's own periods and strata.

    So a location without any row shows as absent, and a year without any row is left out. Each axis can be limited to
    some codes; codes that are not on it are ignored.

    >>> from meantime.dataset.samples import example
    >>> cube = example.snapshot().cube
    >>> axes = axes_of(cube, cube.question_codes[example.BREAKFAST])
    >>> len(axes.strata), len(axes.periods), len(axes.locations)
    (4, 2, 4)
    >>> axes_of(cube, cube.question_codes[example.TEA], locations={0, 99}).size
    1
    """
    outline = cube.outline(question)
    pairs = [(group.category, group.stratum) for group in outline.groups]
    return Axes(
        question=question,
        strata=tuple(Stratum(*pair) for pair in pairs if _is_in(categories, pair[0]) and _is_in(strata, pair[1])),
        periods=tuple(code for code in outline.periods if _is_in(periods, code)),
        locations=tuple(code for code in range(len(cube.labels.locations)) if _is_in(locations, code)),
    )


def coverage(cube: Cube, axes: Axes) -> Coverage:
    """Return what the table has for each entry; rows of all value types together.

    >>> from meantime.dataset.samples import example
    >>> cube = example.snapshot().cube
    >>> axes = axes_of(cube, cube.question_codes[example.BREAKFAST], locations={0, 2})
    >>> result = coverage(cube, axes)
    >>> [(mark.presence.value, mark.reasons, count) for mark, count in zip(result.legend, result.counts(), strict=True)]
    [('absent', (), 11), ('published', (), 4), ('withheld', ('~',), 1)]
    >>> [cube.labels.strata[code] for _, code in axes.strata[1:]]
    ['Female', 'Male', 'Total']
    >>> result.marks[2, 0].tolist()  # Male, 2020: withheld in Avalon, absent in Cockaigne
    [2, 0]
    """
    of_question = cube.block(axes.question).cells
    cells, entries = _entries(cube, of_question.keys, axes)
    count, withheld = (
        # As doubles, which hold whole numbers of rows exactly.
        np.bincount(entries, weights=rows[cells], minlength=axes.size)
        for rows in (of_question.moments.count, of_question.moments.withheld)
    )
    marked = {entry: Mark(Presence.PUBLISHED) for entry in np.flatnonzero((count > 0) & (withheld == 0)).tolist()}
    for entry, reasons in _reasons(cube, of_question, cells, entries).items():
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


def _is_in(codes: AbstractSet[int] | None, code: int) -> bool:
    return codes is None or code in codes


def _entries(cube: Cube, keys: Integers, axes: Axes) -> tuple[Integers, Integers]:
    """Return the indices of the question's cells on the axes, and the entry of each of them."""
    # With one number for category and stratum, a single search finds both.
    width = len(cube.labels.strata) + 1
    sides = (
        (np.array([pair.category * width + pair.stratum for pair in axes.strata]), _stratum_numbers(keys, width)),
        (np.array(axes.periods), keys[:, _PERIOD]),
        (np.array(axes.locations), keys[:, _LOCATION]),
    )
    entries = np.zeros(len(keys), dtype=np.int64)
    is_on = np.full(len(keys), axes.size > 0)
    for side, codes in sides:
        if not len(side):
            break
        index = np.minimum(np.searchsorted(side, codes), len(side) - 1)
        is_on &= side[index] == codes
        entries = entries * len(side) + index
    return np.flatnonzero(is_on), entries[is_on]


def _stratum_numbers(keys: Integers, width: int) -> Integers:
    numbers: Integers = keys[:, _CATEGORY] * width + keys[:, _STRATUM]
    return numbers


def _reasons(cube: Cube, of_question: Cells, cells: Integers, entries: Integers) -> dict[int, tuple[str, ...]]:
    """Return why values of each entry are withheld, for entries with such values."""
    entry_of = np.full(len(of_question), ABSENT, dtype=np.int64)
    entry_of[cells] = entries
    pairs = np.stack([entry_of[of_question.withheld_cell], of_question.withheld_reason], axis=1)
    reasons: dict[int, tuple[str, ...]] = {}
    for entry, reason in np.unique(pairs[pairs[:, 0] != ABSENT], axis=0).tolist():
        reasons[entry] = (*reasons.get(entry, ()), cube.labels.reasons[reason])
    return reasons
