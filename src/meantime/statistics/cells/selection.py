"""From a request to the cells that it is about: the one place where basis, years and locations are decided.

A selection is a grid: one row a group (a location, or a stratum of one), one column a period. Each place of it is a
published estimate with its standard error, or empty: absent from the file, or withheld. What was wanted and is
not there is told by name, with the reason; nothing is filled in.

Refused, with everything that is wrong at once: a basis that the table does not have (the choices are listed), years
that it does not have, locations that it does not have, value types that would be mixed, and cells of several rows, of
which nobody can say which is the estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, AXES, Cube, Doubles, Integers, Period, ValueType
from meantime.dataset.facts import geography
from meantime.dataset.facts.geography import Geography
from meantime.dataset.facts.units import normalized_unit
from meantime.dataset.snapshot import Polarity, Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.statistics.cells.cell_parameters import Ground
from meantime.statistics.cells.periods import SYNTAX, Years, latest, matching, parse, sharing, told
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.effective_size import errors_if_equal
from meantime.statistics.methods.heterogeneity import Heterogeneity, heterogeneity
from meantime.statistics.methods.pooling import Weights, pool
from meantime.statistics.methods.reliability import Flags, flags
from meantime.statistics.methods.standard_errors import ORIGINS, Origin, Scale, fitting_scale, limits, standard_errors
from meantime.statistics.methods.ties import settled
from meantime.statistics.parameters import period_text
from meantime.statistics.words import warnings
from meantime.table import Cell
from meantime.text import PERCENT, listed, quoted

Booleans = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

_QUESTION, _LOCATION, _CATEGORY, _STRATUM, _VALUE_TYPE, _PERIOD = range(len(AXES))

# How overall strata are called, in lower case. Data of the kind that belongs beside the spellings of columns.
_OVERALL = frozenset({"total", "overall", "all", "all adults", "all students"})
# Strata that are no groups of people: shown, and left out of comparisons of groups.
_NO_GROUPS = frozenset({"data not reported", "not reported", "unknown", "missing", "don't know", "refused"})
# So many names in a sentence; a list of a hundred is for no reader.


class LeftOut(NamedTuple):
    """A location that was wanted and cannot be in the answer."""

    location: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """The cells of a request: one row a group, one column a period. NaN where there is no value."""

    snapshot: Snapshot
    asked: Ground
    question: int  # its code
    value_type: ValueType
    unit: str | None
    is_percent: bool
    geography: Geography
    scale: Scale
    periods: tuple[Period | None, ...]  # in the order of time; None where the table has no years
    locations: Integers  # codes, of each group
    categories: Integers  # likewise; ABSENT where the rows have none
    strata: Integers
    cell: Integers  # (groups, periods): place in the cube's cells, ABSENT where there is no row
    value: Doubles
    se: Doubles
    low: Doubles  # as published; computed where it was not
    high: Doubles
    respondents: Doubles
    origin: Codes  # of the standard error, as places in ORIGINS
    flags: Flags
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.locations)

    def __getitem__(self, rows: Any) -> Selection:
        """Return the selection of some groups."""
        grids = ("cell", "value", "se", "low", "high", "respondents", "origin", "flags")
        arrays = ("locations", "categories", "strata", *grids)
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    @property
    def polarity(self) -> Polarity | None:
        """Which values are good, where it is known of the question."""
        return self.snapshot.about.questions[self.question].polarity

    @property
    def names(self) -> list[str]:
        """The location of each group."""
        labels = self.snapshot.cube.labels.locations
        return [labels[code] for code in self.locations.tolist()]

    @property
    def stratum_names(self) -> list[tuple[str, str]]:
        """Category and stratum of each group; "" where the rows have none."""
        labels = self.snapshot.cube.labels
        categories, strata = (*labels.categories, ""), (*labels.strata, "")
        return [(categories[c], strata[s]) for c, s in zip(self.categories.tolist(), self.strata.tolist(), strict=True)]

    @property
    def is_aggregate(self) -> Booleans:
        """Which groups are of a location that is the sum of others."""
        return np.array([name in self.geography.aggregates for name in self.names], dtype=bool)

    @property
    def is_group(self) -> Booleans:
        """Which strata are groups of people, and not what nobody said."""
        return np.array([stratum.casefold() not in _NO_GROUPS for _, stratum in self.stratum_names], dtype=bool)

    def reason(self, row: int, place: int) -> str:
        """Say why the value of a cell is withheld, in the file's own words."""
        cells = self.snapshot.cube.cells
        entry = int(cells.withheld_cell.searchsorted(self.cell[row, place]))
        return quoted(self.snapshot.cube.labels.reasons[cells.withheld_reason[entry]])

    def at(self, text: Cell) -> Selection:
        """Return the selection of one period, named as answers name it."""
        place = ["" if period is None else period_text(period) for period in self.periods].index(str(text))
        grids = ("cell", "value", "se", "low", "high", "respondents", "origin", "flags")
        cut = {name: getattr(self, name)[:, [place]] for name in grids}
        return replace(self, periods=(self.periods[place],), **cut)

    @property
    def asked_for(self) -> set[str]:
        """The locations that were asked for, those without a row too."""
        return {*self.names, *(each.location for each in self.left_out)}

    @property
    def years_parameter(self) -> str:
        """What ``years`` must be for these very periods: the latest one of other locations may be another."""
        return ",".join(period_text(period) for period in self.periods if period is not None) or "latest"

    @property
    def years(self) -> str:
        """The periods, for people; "" where the table has none."""
        return told([period for period in self.periods if period is not None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """One estimate a group: that of its one period, or of all of them together."""

    selection: Selection  # all that was selected, incomplete groups too
    of: Selection  # the groups that are complete, in the same order
    value: Doubles
    se: Doubles
    low: Doubles
    high: Doubles
    respondents: Doubles
    weights: Doubles  # (groups, periods), adding up to 1
    flagged: Integers  # how many of the cells have a flag of their own
    flags: Flags
    left_out: tuple[LeftOut, ...]

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, rows: Any) -> Pooled:
        arrays = ("of", "value", "se", "low", "high", "respondents", "weights", "flagged", "flags")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    @property
    def estimates(self) -> Estimates:
        """What comparisons are made of."""
        return Estimates(value=self.value, se=self.se, scale=self.of.scale)

    @property
    def heterogeneity(self) -> Heterogeneity:
        """Whether they differ by more than sampling error, by the errors that they would have if they were equal."""
        errors = errors_if_equal(self.value, self.se, self.respondents, is_percent=self.of.is_percent)
        return heterogeneity(self.value, errors)

    def told(self, left_out: tuple[LeftOut, ...]) -> Pooled:
        """Return the same with others told to be left out; what ``without`` has left out stays told."""
        return replace(self, left_out=tuple(sorted({*self.left_out, *left_out})))

    def without(self, rows: Any, reason: str) -> Pooled:
        """Leave some groups out, by name."""
        rows = np.asarray(rows, dtype=bool)
        named = tuple(LeftOut(name, reason) for name, out in zip(self.of.names, rows.tolist(), strict=True) if out)
        return replace(self[~rows], left_out=self.left_out + named)


class Rows(NamedTuple):
    """All cells of a question, in the periods and locations that are asked for."""

    cells: Integers  # places in the cube's cells, in the order of the locations
    locations: Integers  # of each
    periods: tuple[Period, ...]
    unit: str | None
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def check_form(asked: Ground) -> tuple[Problem, ...]:
    """Say what is wrong with a request, as far as it can be said without the data: of the years, their form."""
    if parse(str(asked.years)) is not None:
        return ()
    return (Problem(pointer="/years", code="type", detail=f'"years" must be {SYNTAX}.'),)


def raise_problems(problems: Iterable[Problem]) -> None:
    """Refuse a request with everything that is wrong with it, if something is."""
    found = tuple(problems)
    if found:
        raise RequestInvalid(" ".join(each.detail for each in found), problems=found)


def refusal(pointer: str, code: str, detail: str) -> RequestInvalid:
    """Return the error of a request with one thing wrong with it."""
    return RequestInvalid(detail, problems=(Problem(pointer=pointer, code=code, detail=detail),))


def select(
    snapshot: Snapshot,
    asked: Ground,
    *,
    by_stratum: bool = False,
    also: str | None = None,
    each_period: bool = False,
) -> Selection:
    """Return the cells of a request.

    ``by_stratum``: those of every stratum (of the category, where one is named). ``also``: of this location too.
    ``each_period``: each period is told by itself, so that they may have years in common.

    Four of the five locations have 2020, which is not nine in ten of them; of the years, 2019 is the last that all
    have:

    >>> from meantime.dataset.samples import survey_example
    >>> chosen = select(survey_example.snapshot(), Ground(question=survey_example.SOUP))
    >>> chosen.years, chosen.names, chosen.value.ravel().tolist()
    ('2019', ['Avalon', 'Borduria', 'Cockaigne', 'Dorado', 'Erewhon'], [20.9, 26.6, 31.0, 25.9, 24.1])

    What is withheld is empty, and ``pooled`` leaves its location out by name:

    >>> chosen = select(survey_example.snapshot(), Ground(question=survey_example.SOUP, years="2018..2019"))
    >>> chosen.value[2]
    array([nan, 31.])
    >>> pooled(chosen).left_out
    (LeftOut(location='Cockaigne', reason='withheld in 2018 ("~")'),)

    Raises:
        RequestInvalid: it cannot be answered from this snapshot; carries all problems.
        KeyError: the snapshot does not have the question.
    """
    return _Selecting(snapshot, asked, by_stratum=by_stratum, also=also).result(each_period=each_period)


def select_rows(snapshot: Snapshot, asked: Ground) -> Rows:
    """Return all cells of a question, over all categories: what the basis ``all_rows`` averages.

    Raises:
        RequestInvalid: as ``select``.
    """
    return _Selecting(snapshot, asked, by_stratum=False, also=None).rows()


def pooled(selection: Selection, weights: Weights | None = None) -> Pooled:
    """Return one estimate a group, over all its periods; a group that lacks one is left out by name.

    Without ``weights`` the periods count as the request says.
    """
    has_all = ~np.isnan(selection.value).any(axis=1)
    missing = tuple(_missing(selection, row) for row in np.flatnonzero(~has_all).tolist())
    of = selection[has_all]
    chosen = (weights or selection.asked.weights) if len(of.periods) > 1 else Weights.EQUAL
    made = pool(of.value, of.se, of.respondents, weights=chosen)
    # Of one period the value as published; what was added up may be equal, and must then be the same number.
    value = made.value if len(of.periods) == 1 else settled(made.value)
    computed = limits(value, made.se, scale=of.scale)
    # Of one period the published limits, so that a reader finds in the answer what is in the file.
    low, high = (of.low[:, 0], of.high[:, 0]) if len(of.periods) == 1 else computed
    respondents = of.respondents.sum(axis=1)
    return Pooled(
        selection=selection,
        of=of,
        value=value,
        se=made.se,
        low=low,
        high=high,
        respondents=respondents,
        weights=made.weights,
        flagged=np.asarray((of.flags != 0).sum(axis=1), dtype=np.int64),
        flags=_flags(selection, value, made.se, low, high, respondents),
        left_out=selection.left_out + missing,
    )


def locations_of(cube: Cube, question: int) -> list[str]:
    """Return the locations that a question has rows of, in the order of their names."""
    codes: list[int] = cube.by_location.keys[cube.by_location.of(question), 1].tolist()
    return [cube.labels.locations[code] for code in codes]


def has_total(cube: Cube, question: int) -> bool:
    """Whether a question has values of everybody, so that it may be asked without naming a basis."""
    pairs = _pairs(cube, cube.cells.keys[cube.starts[question] : cube.starts[question + 1]])
    return any(pair == (ABSENT, ABSENT) or _is_overall(cube, *pair) for pair in pairs)


def _pairs(cube: Cube, keys: Integers) -> list[tuple[int, int]]:
    """Return the different categories and strata of some cells, in the order of their codes."""
    # As one number each: to sort twenty thousand rows of two takes 9 ms, to tell as many numbers apart 0.25 ms.
    strata = len(cube.labels.strata) + 1
    joined = (keys[:, _CATEGORY].astype(np.int64) - ABSENT) * strata + (keys[:, _STRATUM] - ABSENT)
    return [(pair // strata + ABSENT, pair % strata + ABSENT) for pair in np.unique(joined).tolist()]


def _is_overall(cube: Cube, category: int, stratum: int) -> bool:
    labels = cube.labels
    names = [table[code] for table, code in ((labels.categories, category), (labels.strata, stratum)) if code >= 0]
    return bool(names) and all(name.casefold().strip() in _OVERALL for name in names)


def left_out_warning(left_out: Sequence[LeftOut]) -> str:
    """Say who is not in the answer, and why; "" where everybody is.

    >>> left_out_warning([LeftOut("Guam", "no row for 2019"), LeftOut("Ohio", "no row for 2019")])
    'Left out: Guam and Ohio (no row for 2019).'
    """
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        by_reason.setdefault(each.reason, []).append(each.location)
    parts = [f"{listed(names)} ({reason})" for reason, names in by_reason.items()]
    return f"Left out: {'; '.join(parts)}." if parts else ""


class _Selecting:
    """Puts a selection together, step by step; each step may find problems."""

    def __init__(self, snapshot: Snapshot, asked: Ground, *, by_stratum: bool, also: str | None) -> None:
        self._snapshot, self._asked, self._by_stratum, self._also = snapshot, asked, by_stratum, also
        self._cube = snapshot.cube
        self._question = self._cube.question_codes[asked.question]
        self._start = int(self._cube.starts[self._question])
        self._keys = self._cube.cells.keys[self._start : int(self._cube.starts[self._question + 1])]
        self._has_value = self._cube.cells.moments.count[self._start : self._start + len(self._keys)] > 0
        self._geography = geography.for_locations(self._cube.labels.locations)
        self._problems: list[Problem] = []
        self._notes: list[str] = []
        self._warnings: list[str] = []

    def result(self, *, each_period: bool) -> Selection:
        wanted = self._wanted()
        of_basis = self._of_basis()
        value_type = self._value_type(of_basis)
        of_basis &= self._keys[:, _VALUE_TYPE] == value_type
        chosen = of_basis & np.isin(self._keys[:, _LOCATION], wanted)
        periods = self._periods(of_basis, chosen)
        chosen &= np.isin(self._keys[:, _PERIOD], periods)
        if not each_period:
            self._refuse_shared_years(periods)
        self._refuse_mixed(chosen)
        raise_problems(self._problems)
        return self._grid(chosen, wanted, self._cube.labels.value_types[value_type], periods)

    def rows(self) -> Rows:
        wanted = self._wanted()
        every: Booleans = np.ones(len(self._keys), dtype=bool)
        value_type = self._value_type(every)
        every &= self._keys[:, _VALUE_TYPE] == value_type
        chosen = every & np.isin(self._keys[:, _LOCATION], wanted)
        periods = self._periods(every, chosen)
        chosen &= np.isin(self._keys[:, _PERIOD], periods) & self._has_value
        raise_problems(self._problems)
        places, labels = np.flatnonzero(chosen), self._cube.labels
        locations = self._keys[places, _LOCATION]
        return Rows(
            cells=places + self._start,
            locations=locations,
            periods=tuple(labels.periods[code] for code in periods if code != ABSENT),
            unit=self._unit(labels.value_types[value_type]),
            left_out=self._without_row(locations, wanted, periods),
            notes=tuple(self._notes),
            warnings=tuple(self._warnings),
        )

    def _unit(self, value_type: ValueType) -> str | None:
        return self._snapshot.about.questions[self._question].unit or value_type.unit or None

    def _refuse(self, pointer: str, code: str, detail: str, near: tuple[str, ...] = ()) -> None:
        self._problems.append(Problem(pointer=pointer, code=code, detail=detail, closest=near))

    # Locations

    def _wanted(self) -> Integers:
        """Return the codes of the locations that are asked for, in the order of the names."""
        also = [] if self._also is None else [self._cube.location_codes[self._also]]
        return np.union1d(self._asked_for(), also).astype(np.int64)

    def _asked_for(self) -> Integers:
        asked, labels = self._asked.locations, self._cube.labels.locations
        of_question = np.unique(self._keys[:, _LOCATION])
        if asked == ("all",):
            return of_question
        if len(asked) == 1 and asked[0] in self._geography.sets:
            members = set(self._geography.sets[asked[0]])
            return np.array([code for code, name in enumerate(labels) if name in members], dtype=np.int64)
        codes = self._cube.location_codes
        for place, name in enumerate(asked):
            if name not in codes:
                self._unknown_location(f"/locations/{place}", name)
        return np.array(sorted(codes[name] for name in asked if name in codes), dtype=np.int64)

    def _unknown_location(self, pointer: str, name: str) -> None:
        sets = ", ".join(f'"{each}"' for each in ("all", *self._geography.sets))
        near = closest(name, self._cube.labels.locations)
        detail = f"The data set has no location {quoted(name)}. {suggestion(near)}Alone, one may also say {sets}."
        self._refuse(pointer, "unknown", detail, near)

    # Basis

    def _of_basis(self) -> Booleans:
        asked = self._asked
        if self._by_stratum:
            return self._of_every_stratum()
        if asked.basis == "all_rows":
            detail = "The mean of all rows has no standard error, since categories overlap; only estimate gives it."
            self._refuse("/basis", "no-standard-error", detail)
        elif asked.basis == "total" and (asked.category is not None or asked.stratum is not None):
            self._refuse("/basis", "contradiction", 'The basis "total" has no category and no stratum of its own.')
        elif asked.stratum is not None and asked.category is not None:
            return self._of_stratum(asked.category, asked.stratum)
        elif asked.basis == "stratum" or asked.category is not None or asked.stratum is not None:
            detail = f"The basis needs both category and stratum. {self._choices()}"
            self._refuse("/stratum" if asked.stratum is None else "/category", "missing", detail)
        else:
            return self._of_total()
        return np.zeros(len(self._keys), dtype=bool)

    def _of_every_stratum(self) -> Booleans:
        of = np.ones(len(self._keys), dtype=bool)
        if self._asked.category is not None:
            of &= self._keys[:, _CATEGORY] == self._code("categories", self._asked.category)
        if self._asked.stratum is not None:
            of &= self._keys[:, _STRATUM] == self._code("strata", self._asked.stratum)
        if not of.any():
            self._refuse("/category", "absent", f"The question has no such stratum. {self._choices()}")
        return of

    def _of_stratum(self, category: str, stratum: str) -> Booleans:
        of: Booleans = np.asarray(self._keys[:, _CATEGORY] == self._code("categories", category))
        of &= self._keys[:, _STRATUM] == self._code("strata", stratum)
        if not of.any():
            self._refuse("/stratum", "absent", f"The question has no such stratum. {self._choices()}")
        self._notes.append(f"Basis: the stratum {quoted(stratum)} of {quoted(category)}.")
        return of

    def _of_total(self) -> Booleans:
        pairs = self._keys[:, [_CATEGORY, _STRATUM]]
        overall = [pair for pair in _pairs(self._cube, self._keys) if self._is_overall(*pair)]
        # A table without categories has nothing but totals; beside one that is called so, rows without a category are
        # what is left of something else.
        wanted = overall[0] if overall else (ABSENT, ABSENT)
        of: Booleans = np.asarray((pairs == wanted).all(axis=1))
        if not of.any():
            detail = f"The question has no overall stratum, so the basis must be named. {self._choices()}"
            self._refuse("/basis", "missing", detail)
        self._notes.append("Basis: the total, as published.")
        return of

    def _is_overall(self, category: int, stratum: int) -> bool:
        return _is_overall(self._cube, category, stratum)

    def _choices(self) -> str:
        labels = self._cube.labels
        categories, strata = (*labels.categories, ""), (*labels.strata, "")
        found: dict[str, list[str]] = {}
        for category, stratum in _pairs(self._cube, self._keys):
            found.setdefault(categories[category], []).append(strata[stratum])
        named = (f"{quoted(category)}: {listed(map(quoted, members))}" for category, members in found.items())
        return f"There are, by category: {'; '.join(named)}."

    def _code(self, labels: str, name: str) -> int:
        """Return the code of a category or stratum: ABSENT for "", and one that no row has for an unknown name."""
        known = getattr(self._cube.labels, labels)
        return ABSENT if not name else known.index(name) if name in known else len(known)

    # Value type

    def _value_type(self, chosen: Booleans) -> int:
        kinds = self._cube.labels.value_types
        there = np.unique(self._keys[chosen, _VALUE_TYPE]).tolist()
        asked = self._asked.value_type and _normalized_kind(self._asked.value_type)
        fitting = [code for code in there if asked is None or asked in (kinds[code].name, _kind_text(kinds[code]))]
        if len(fitting) == 1:
            return int(fitting[0])
        if there:
            told = ", ".join(quoted(_kind_text(kinds[code])) for code in there)
            why = "has values of several types, which are never mixed; name one" if fitting else "has no such type"
            self._refuse("/value_type", "mixed" if fitting else "unknown", f"The question {why}. There are: {told}.")
        return ABSENT

    # Years

    def _periods(self, of_basis: Booleans, chosen: Booleans) -> list[int]:
        """Return the codes of the periods that are asked for, in the order of time.

        Which years there are is seen in all locations, so that one that lacks a year is told to lack it; the latest one
        is that of the locations that are asked for.
        """
        years = parse(str(self._asked.years))
        if years is None:
            self._problems += check_form(self._asked)
            return []
        given = (chosen if years.is_latest else of_basis) & self._has_value
        codes = np.unique(self._keys[given, _PERIOD]).tolist()
        if ABSENT in codes:
            return self._without_years(years, codes)
        if not codes:
            self._no_value()
            return []
        there = [self._cube.labels.periods[code] for code in codes]
        if years.is_latest:
            having = [int((self._keys[given, _PERIOD] == code).sum()) for code in codes]
            return [codes[self._latest(there, having, len(np.unique(self._keys[given, _LOCATION])))]]
        places, absent = matching(years, there)
        if absent or not places:
            named = told(absent) if absent else "these years"
            self._refuse("/years", "absent", f"The question has no value for {named}. It has: {told(there)}.")
        return [codes[place] for place in places]

    def _refuse_shared_years(self, codes: list[int]) -> None:
        """Refuse periods that are of the same people in part: taken for separate surveys they would look too sure."""
        shared = sharing([self._cube.labels.periods[code] for code in codes if code != ABSENT])
        if shared is not None:
            detail = (
                f"{told(shared)} have years in common, so they are no separate surveys. Name periods that have none."
            )
            self._refuse("/years", "contradiction", detail)

    def _without_years(self, years: Years, codes: list[int]) -> list[int]:
        if len(codes) > 1 or years.named or years.ranges:
            self._refuse("/years", "absent", 'The rows have no year; "latest" takes them as they are.')
        return codes[:1]

    def _no_value(self) -> None:
        if not self._problems:
            self._refuse("/question", "absent", "There is no value of the question for what is asked.")

    def _latest(self, there: Sequence[Period], having: Sequence[int], locations: int) -> int:
        if self._by_stratum:
            # Each location counts as often as it has strata, in what it has and in what there is.
            locations = max(having)
        place, is_had_by_most = latest(there, having, locations)
        if not is_had_by_most:
            self._warnings.append(
                f"No year is there for nine in ten of the locations; {period_text(there[place])} is there for most "
                f"({having[place]:,} of {locations:,})."
            )
        return place

    # Cells

    def _refuse_mixed(self, chosen: Booleans) -> None:
        cells = np.flatnonzero(chosen) + self._start
        mixed = cells[self._cube.cells.rows[cells] > 1]
        if not len(mixed):
            return
        about = self._snapshot.about
        key = self._cube.cells.keys[mixed[0]]
        location = self._cube.labels.locations[key[_LOCATION]]
        others = [name for name in about.columns if name not in set(about.roles.values())]
        where = f"the columns {listed(map(quoted, others))}" if others else "their values alone"
        detail = (
            f"{len(mixed):,} of the {len(cells):,} cells have several rows (the first: {quoted(location)}, "
            f"{int(self._cube.cells.rows[mixed[0]]):,} rows), so it cannot be said which is the estimate. They agree "
            f"in question, location, category, stratum, value type and period, and so may differ in {where}. Split the "
            "file by that, or ask summary, which averages rows."
        )
        self._refuse("/question", "mixed", detail)

    def _grid(
        self,
        chosen: Booleans,
        wanted: Integers,
        value_type: ValueType,
        periods: list[int],
    ) -> Selection:
        places = np.flatnonzero(chosen)
        keys = self._keys[places]
        groups, row = np.unique(keys[:, [_LOCATION, _CATEGORY, _STRATUM]], axis=0, return_inverse=True)
        column = np.array([periods.index(code) for code in keys[:, _PERIOD].tolist()], dtype=np.int64)
        cell = np.full((len(groups), len(periods)), ABSENT, dtype=np.int64)
        cell[row.ravel(), column] = places + self._start
        unit = self._unit(value_type)
        is_percent = unit == PERCENT
        return self._estimated(cell, groups, wanted, value_type, periods, unit, is_percent)

    def _estimated(
        self,
        cell: Integers,
        groups: Integers,
        wanted: Integers,
        value_type: ValueType,
        periods: list[int],
        unit: str | None,
        is_percent: bool,
    ) -> Selection:
        cells, asked = self._cube.cells, self._asked
        is_there = cell != ABSENT

        def of(numbers: Doubles) -> Doubles:
            return np.where(is_there, numbers[cell], np.nan)

        # Rows that have a value only: the mean of one is the value itself, exactly as published.
        flat = cell[is_there]
        value = np.full(cell.shape, np.nan)
        value[is_there] = cells.moments[flat].means(self._cube.scale)
        published_low, published_high, respondents = of(cells.low), of(cells.high), of(cells.sample_size)
        scale = (
            fitting_scale(value, published_low, published_high, is_percent=is_percent)
            if asked.interval_scale == "auto"
            else Scale(asked.interval_scale)
        )
        if not is_percent:
            scale = Scale.LINEAR
        errors = standard_errors(
            value,
            published_low,
            published_high,
            respondents,
            scale=scale,
            is_percent=is_percent,
            step=10.0**-self._cube.scale,
            design_effect=asked.design_effect,
        )
        computed_low, computed_high = limits(value, errors.se, scale=scale)
        low = np.where(np.isnan(published_low), computed_low, published_low)
        high = np.where(np.isnan(published_high), computed_high, published_high)
        labels = self._cube.labels
        self._tell(value, errors.origin, scale, value_type, is_percent)
        found = Selection(
            snapshot=self._snapshot,
            asked=asked,
            question=self._question,
            value_type=value_type,
            unit=unit,
            is_percent=is_percent,
            geography=self._geography,
            scale=scale,
            periods=tuple(None if code == ABSENT else labels.periods[code] for code in periods),
            locations=groups[:, 0],
            categories=groups[:, 1],
            strata=groups[:, 2],
            cell=cell,
            value=value,
            se=errors.se,
            low=low,
            high=high,
            respondents=respondents,
            origin=errors.origin,
            flags=np.zeros(cell.shape, dtype=np.int8),
            left_out=self._without_row(groups[:, 0], wanted, periods),
            notes=(),
            warnings=(),
        )
        return replace(
            found,
            flags=_flags(found, value, errors.se, low, high, respondents),
            notes=(*self._notes, *_years_notes(found)),
            warnings=tuple(self._warnings),
        )

    def _without_row(self, there: Integers, wanted: Integers, periods: list[int]) -> tuple[LeftOut, ...]:
        labels = self._cube.labels
        when = told([labels.periods[code] for code in periods if code != ABSENT])
        reason = f"no row for {when}" if when else "no row"
        return tuple(LeftOut(labels.locations[code], reason) for code in np.setdiff1d(wanted, there).tolist())

    def _tell(
        self,
        value: Doubles,
        origin: Codes,
        scale: Scale,
        value_type: ValueType,
        is_percent: bool,
    ) -> None:
        """Write down how standard errors came about, and what a reader must know of them."""
        given = origin[~np.isnan(value)]
        counts = {each: int((given == place).sum()) for place, each in enumerate(ORIGINS)}
        if len(self._cube.labels.value_types) > 1:
            self._notes.append(f"Type of value: {quoted(_kind_text(value_type))}.")
        if counts[Origin.LIMITS] or counts[Origin.ONE_LIMIT]:
            chosen = "as asked" if self._asked.interval_scale != "auto" else "the published limits are more even there"
            chosen = chosen if is_percent else "the values are no percents"
            self._notes.append(f"Standard errors come from the published limits, on the {scale} scale ({chosen}).")
        if counts[Origin.SAMPLE_SIZE]:
            self._warnings.append(
                f"{counts[Origin.SAMPLE_SIZE]:,} of {len(given):,} values were published without limits; their "
                "standard errors are those of a simple random sample, with an assumed design effect of "
                f"{self._asked.design_effect:g}."
            )
        if counts[Origin.NOTHING]:
            self._warnings.append(
                f"{counts[Origin.NOTHING]:,} of {len(given):,} values were published with neither limits nor "
                "respondents: how sure they are is not known, and nothing is tested with them."
            )
        if counts[Origin.BOUNDARY]:
            self._warnings.append(
                f"{counts[Origin.BOUNDARY]:,} of {len(given):,} values are 0 or 100, and have no standard error."
            )
        self._notes.append(warnings.synthetic(self._snapshot))


def _years_notes(selection: Selection) -> list[str]:
    if not selection.years:
        return []
    if len(selection.periods) == 1:
        return [f"Year: {selection.years} (a single one)."]
    return [f"Years: {selection.years}."]


def _flags(
    selection: Selection, value: Doubles, se: Doubles, low: Doubles, high: Doubles, respondents: Doubles
) -> Flags:
    if not selection.is_percent:
        # The rules are made for percents.
        return np.zeros(value.shape, dtype=np.int8)
    return flags(value, se, low, high, respondents, standard=selection.asked.reliability)


def _missing(selection: Selection, row: int) -> LeftOut:
    """Say which period a group lacks, and why."""
    place = int(np.flatnonzero(np.isnan(selection.value[row]))[0])
    period, cell = selection.periods[place], int(selection.cell[row, place])
    when = "" if period is None else period_text(period)
    cube = selection.snapshot.cube
    name = cube.labels.locations[selection.locations[row]]
    if len(np.unique(selection.strata)) > 1:
        name = f"{selection.stratum_names[row][1]} in {name}"
    if cell == ABSENT:
        return LeftOut(name, f"no row for {when}")
    reason = selection.reason(row, place)
    return LeftOut(name, f"withheld in {when} ({reason})" if when else f"withheld ({reason})")


def _normalized_kind(asked: str) -> str:
    """Give the unit in the text of a type of value its one spelling: "Crude in %" is "Crude in percent"."""
    name, separator, unit = asked.rpartition(" in ")
    return f"{name}{separator}{normalized_unit(unit)}"


def _kind_text(kind: ValueType) -> str:
    return " in ".join(filter(None, kind)) or "unnamed"
