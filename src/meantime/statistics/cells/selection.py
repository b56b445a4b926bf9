"""The cells of a request: a grid with a row for each group (a location, or a stratum of one), and a column a period.

Each cell is a published estimate with its standard error, or empty: absent from the file, or suppressed or missing.
What was wanted and is not there is named, with the reason; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, Doubles, Integers, Period, ValueType
from meantime.dataset.facts.geography import Geography, for_locations
from meantime.dataset.facts.known_breaks import breaks_of
from meantime.dataset.facts.titles import title_of
from meantime.dataset.snapshot import Break, Polarity, Snapshot
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.default_groups import is_group_of_people
from meantime.statistics.cells.periods import periods_text
from meantime.statistics.cells.standardized_groups import StandardizedGroups
from meantime.statistics.methods.reliability import Flags, flags
from meantime.statistics.methods.standard_errors import Scale
from meantime.statistics.parameters import period_text
from meantime.statistics.words.subject import Subject
from meantime.table import Cell
from meantime.text import listed, quoted

Booleans = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

_GRIDS = ("cell", "value", "se", "low", "high", "used_low", "used_high", "respondents", "origin", "flags")


class LeftOut(NamedTuple):
    """A requested location that cannot be in the answer."""

    location: str
    reason: str  # of this one location, as the end of a sentence about it: "has no 2019 value"


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The cells of a request: one row a group, one column a period. NaN where there is no value."""

    snapshot: Snapshot
    parameters: CellParameters
    question: int  # its code
    value_type: ValueType
    unit: str | None
    is_percent: bool
    geography: Geography
    scale: Scale  # of the question, whichever of its cells are selected
    step: float  # to which its values and limits are rounded
    periods: tuple[Period | None, ...]  # in the order of time; None where the table has no years
    locations: Integers  # codes, of each group
    categories: Integers  # likewise; ABSENT where the rows have none
    strata: Integers
    cell: Integers  # (groups, periods): place in the cube's cells, ABSENT where there is no row
    value: Doubles
    se: Doubles
    low: Doubles  # as published; computed where it was not
    high: Doubles
    used_low: Doubles  # what differences are made of: these, or others where they are not good for it
    used_high: Doubles
    respondents: Doubles
    origin: Codes  # of the standard error, as places in ORIGINS
    flags: Flags
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    by_default: str = ""  # what was chosen because the request does not name it, in a sentence
    later_years: str = ""  # the latest period of all locations, where that of these is an earlier one
    standardized: StandardizedGroups | None = None  # where each value is the weighted sum of several cells

    def __len__(self) -> int:
        return len(self.locations)

    def __getitem__(self, rows: Any) -> Selection:
        """Return the selection of some groups."""
        arrays = ("locations", "categories", "strata", *_GRIDS)
        standardized = None if self.standardized is None else self.standardized[rows]
        return replace(self, standardized=standardized, **{name: getattr(self, name)[rows] for name in arrays})

    @property
    def polarity(self) -> Polarity | None:
        """Which values are good, if that is known for the question."""
        return self.snapshot.about.questions[self.question].polarity

    @property
    def breaks(self) -> tuple[Break, ...]:
        """The years from which the question's values are not comparable with earlier ones."""
        question = self.snapshot.about.questions[self.question]
        return breaks_of(question.text) if question.breaks is None else question.breaks

    @cached_property
    def names(self) -> list[str]:
        """The location of each group."""
        labels = self.snapshot.cube.labels.locations
        return [labels[code] for code in self.locations.tolist()]

    @property
    def stratum_names(self) -> list[tuple[str, str]]:
        """Category and stratum of each group; "" where the rows have none."""
        return self._named_strata(zip(self.categories.tolist(), self.strata.tolist(), strict=True))

    @cached_property
    def distinct_strata(self) -> frozenset[tuple[str, str]]:
        """Category and stratum of the groups, each pair once."""
        # Codes first: there are as many groups as places, and a few pairs.
        return frozenset(self._named_strata(set(zip(self.categories.tolist(), self.strata.tolist(), strict=True))))

    def _named_strata(self, codes: Iterable[tuple[int, int]]) -> list[tuple[str, str]]:
        labels = self.snapshot.cube.labels
        # At the end, where the code of what is absent (-1) finds it.
        categories, strata = (*labels.categories, ""), (*labels.strata, "")
        return [(categories[category], strata[stratum]) for category, stratum in codes]

    @cached_property
    def is_aggregate(self) -> Booleans:
        """Which groups are of a location that is the sum of others."""
        return _are_aggregates(self.snapshot.cube.labels.locations)[self.locations]

    @property
    def is_group(self) -> Booleans:
        """Which strata are groups of people, and not "not reported" or the like."""
        return np.array([is_group_of_people(stratum) for _, stratum in self.stratum_names], dtype=bool)

    def reason(self, row: int, index: int) -> str:
        """Return the reason why a cell has no value, in the file's own words."""
        block = self.snapshot.cube.block(self.question)
        entry = int(block.cells.withheld_cell.searchsorted(self.cell[row, index] - block.start))
        return quoted(self.snapshot.cube.labels.reasons[block.cells.withheld_reason[entry]])

    def at(self, text: Cell) -> Selection:
        """Return the selection of one period, named as answers name it."""
        index = ["" if period is None else period_text(period) for period in self.periods].index(str(text))
        cut = {name: getattr(self, name)[:, [index]] for name in _GRIDS}
        standardized = None if self.standardized is None else self.standardized[:, [index]]
        return replace(self, periods=(self.periods[index],), standardized=standardized, **cut)

    @property
    def all_cells(self) -> Integers:
        """The cells of the cube: of standardized values (groups, periods, strata), else (groups, periods)."""
        return self.cell if self.standardized is None else self.standardized.cell

    @property
    def cells_read(self) -> int:
        """How many cells of the cube these are, including those that are suppressed or missing."""
        return int((self.all_cells != ABSENT).sum())

    @property
    def cells_per_value(self) -> int:
        """Of how many published values each value is made."""
        return 1 if self.standardized is None else len(self.standardized.standard.shares)

    @property
    def flagged(self) -> Integers:
        """How many of the cells of each value have a flag of their own."""
        return (self.flags != 0).astype(np.int64) if self.standardized is None else self.standardized.flagged

    def weighted_cells(self, index: Any, weights: Doubles) -> tuple[Integers, Doubles]:
        """Return the cells of some values, each with its weight, from the weights of these values."""
        if self.standardized is None:
            return self.cell[index].ravel(), weights.ravel()
        shares = self.standardized.standard.weights
        return self.standardized.cell[index].ravel(), (weights[..., None] * shares).ravel()

    def missing_group(self, row: int, index: int) -> str:
        """Return the first group that a standardized value lacks; "" for values that are published."""
        if self.standardized is None:
            return ""
        groups = list(self.standardized.standard.shares)
        place: int = self.standardized.cell[row, index].tolist().index(self.cell[row, index])
        return groups[place]

    @property
    def asked_for(self) -> set[str]:
        """The requested locations, including those without a row."""
        return {*self.names, *(each.location for each in self.left_out)}

    @property
    def years_parameter(self) -> str:
        """The value of ``years`` that selects exactly these periods: "latest" may differ for other locations."""
        return ",".join(period_text(period) for period in self.periods if period is not None) or "latest"

    @cached_property
    def years(self) -> str:
        """The periods, for people; "" where the table has none."""
        return periods_text([period for period in self.periods if period is not None])

    @cached_property
    def subject(self) -> Subject:
        """What sentences about the cells are about; of several strata, the people of the question."""
        title = title_of(self.snapshot.about.questions[self.question].text)
        if self.standardized is not None:
            title = self.standardized.standard.title(title)
        subject = Subject(title=title, years=self.years, unit=self.unit, geography=self.geography)
        strata = self.distinct_strata
        return subject.of(*next(iter(strata))) if len(strata) == 1 else subject

    @cached_property
    def people(self) -> str:
        """Whom the cells are about, in words: one group, the people of the question, or the groups of categories."""
        pairs = self.distinct_strata
        if len(pairs) == 1:
            return self.subject.group or self.subject.title.people or "everyone"
        return f"groups of {listed(sorted({category for category, _ in pairs}))}" if pairs else ""

    @property
    def wanted_places(self) -> set[str]:
        """The locations that were wanted and are no aggregates, those without a value too."""
        return self.asked_for - set(self.geography.aggregates)


@lru_cache(maxsize=64)
def _are_aggregates(locations: tuple[str, ...]) -> Booleans:
    """Say which locations of a table are aggregates; found once for all answers."""
    return np.array(list(map(for_locations(locations).is_aggregate, locations)), dtype=bool)


class Rows(NamedTuple):
    """All cells of a question, in the requested periods and locations."""

    cells: Integers  # places in the cube's cells, in the order of the locations
    locations: Integers  # of each
    periods: tuple[Period, ...]
    unit: str | None
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def left_out_warning(left_out: Sequence[LeftOut]) -> str:
    """List the locations that are not in the answer, and why; "" if none is left out.

    >>> left_out_warning([LeftOut("Guam", "has no 2019 value"), LeftOut("Ohio", "has no 2019 value")])
    'Not shown: Guam and Ohio have no 2019 value.'
    >>> left_out_warning([LeftOut("National", "is an aggregate"), LeftOut("Iowa", "has no standard error")])
    'Not shown: National is an aggregate; Iowa has no standard error.'
    """
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        by_reason.setdefault(each.reason, []).append(each.location)
    parts = [
        f"{listed(names)} {of_several(reason) if len(names) > 1 else reason}" for reason, names in by_reason.items()
    ]
    return f"Not shown: {'; '.join(parts)}." if parts else ""


def of_several(reason: str) -> str:
    """Write the reason of one location for several.

    >>> [of_several(reason) for reason in ("has no value", "is an aggregate", "is suppressed", "lacks a group")]
    ['have no value', 'are aggregates', 'are suppressed', 'lack a group']
    """
    verbs = (("has ", "have "), ("is an aggregate", "are aggregates"), ("is ", "are "), ("lacks ", "lack "))
    one, several = next(each for each in verbs if reason.startswith(each[0]))
    return several + reason.removeprefix(one)


def no_value(when: str, group: str = "") -> str:
    """Say that a location has no row for some years, or for a group in them.

    >>> no_value("2019"), no_value("2018, 2019"), no_value(""), no_value("2019", "Female")
    ('has no 2019 value', 'has no value for 2018, 2019', 'has no value', 'has no value for "Female" in 2019')
    """
    if group:
        return f"has no value for {quoted(group)}" + (f" in {when}" if when else "")
    if when.isdecimal():
        return f"has no {when} value"
    return f"has no value for {when}" if when else "has no value"


def flags_of(
    selection: Selection, value: Doubles, se: Doubles, low: Doubles, high: Doubles, respondents: Doubles
) -> Flags:
    """Return the flags of estimates made from a selection, by the standard that the request names."""
    if not selection.is_percent:
        # The rules are made for percents.
        return np.zeros(value.shape, dtype=np.int8)
    return flags(value, se, low, high, respondents, standard=selection.parameters.reliability)
