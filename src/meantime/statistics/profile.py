"""A place on one page: each question of a table at one location, by the statistics that answer for it alone.

No number here has a method of its own: values and years are those of ``estimate``, differences from the nation those of
``comparison``, ranks and their intervals those of ``ranking``, and gaps between groups those of ``disparity``. Each
interval holds for its one question; nothing is adjusted for how many questions a table has.

What a profile costs is stated before each question (``cost``), so a long table is answered in parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT
from meantime.dataset.facts import geography
from meantime.dataset.facts.titles import place_words, title_of
from meantime.dataset.snapshot import Polarity, Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.default_groups import comparable, question_groups, strata_by_category, with_values
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Rows, Selection
from meantime.statistics.cells.value_types import value_type_text
from meantime.statistics.cost import Cost, in_words
from meantime.statistics.families.comparison import STATISTIC as COMPARISON
from meantime.statistics.families.comparison import Comparison
from meantime.statistics.families.disparity import STATISTIC as DISPARITY
from meantime.statistics.families.disparity import Disparity
from meantime.statistics.families.estimate import STATISTIC as ESTIMATE
from meantime.statistics.families.estimate import Estimate
from meantime.statistics.families.ranking import in_order
from meantime.statistics.methods.pairs import pairs
from meantime.statistics.methods.rank_intervals import marginal, rank_interval, ranks
from meantime.statistics.parameters import period_text
from meantime.statistics.statistic import AnyStatistic
from meantime.statistics.words.subject import Subject, capitalized
from meantime.table import Cell, Heading, Table
from meantime.text import count, quoted

# The selections of a question's cells that a profile makes at least: its years, its reference, all places.
_SELECTIONS = 3


def _says(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class ProfileValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the place, in one year or period."""

    period: Annotated[str, _says('"2023" or "2019-2021"; "" where the table has no years.')]
    estimate: float | None
    low: Annotated[float | None, _says("Lower limit of its 95% confidence interval.")]
    high: Annotated[float | None, _says("Upper limit of it.")]
    withheld: Annotated[str | None, _says("Why there is no value, in the file's words; null where there is one.")]


class ProfileReference(msgspec.Struct, frozen=True, kw_only=True):
    """What the value is seen beside, in the same year."""

    kind: Annotated[
        Literal["location", "median"],
        _says(
            "location: the whole, such as the nation, and the difference is tested. median: the median of the places, "
            "where the table has no value for the whole; the difference from it is not tested."
        ),
    ]
    location: Annotated[str | None, _says("The whole; null for the median.")]
    words: Annotated[str, _says('What it is called in a sentence: "the nation", "the median of 52 places".')]
    places: Annotated[int | None, _says("Of how many places it is the median.")]
    estimate: float
    difference: Annotated[float, _says("The place's value minus this one.")]
    difference_low: Annotated[float | None, _says("Lower limit of its 95% confidence interval.")]
    difference_high: float | None
    verdict: Annotated[str | None, _says("As in the statistic comparison, of this place alone.")]


class ProfileRank(msgspec.Struct, frozen=True, kw_only=True):
    """Where the place stands among all, as far as sampling error lets it be seen."""

    rank: int
    rank_low: Annotated[int, _says("The best rank of a 95% confidence interval for this place's rank.")]
    rank_high: Annotated[int, _says("The worst rank of it.")]
    places: Annotated[int, _says("How many places are ranked.")]
    better: Annotated[Literal["lower", "higher"], _says("Which values are better: 1 is the best.")]


class ProfileGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of people at the place."""

    stratum: str
    people: Annotated[str, _says('In words: "women".')]
    estimate: float


class ProfileGap(msgspec.Struct, frozen=True, kw_only=True):
    """The gap between the highest and the lowest group of a category, as in the statistic disparity."""

    category: str
    highest: ProfileGroup
    lowest: ProfileGroup
    gap: float
    gap_corrected: Annotated[float, _says("With a partial correction for picking the extremes.")]
    gap_low: Annotated[float, _says("Lower limit of a 95% interval for all pairs of these groups.")]
    gap_high: float
    p: Annotated[float | None, _says("p-value of all groups of the category being equal.")]


class ProfileQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One question at the place."""

    question: str
    title: str
    topic: str
    unit: str | None
    polarity: Polarity | None
    category: Annotated[str | None, _says("The group's category, where the table has no values for everyone.")] = None
    stratum: str | None = None
    people: Annotated[str, _says('Whom the value is about, in words: "adults".')] = ""
    value_type: Annotated[str | None, _says("The type of value; null where the question has but one.")] = None
    last_period: Annotated[str | None, _says("The latest period of any place; null without years.")] = None
    value: Annotated[ProfileValue | None, _says("Of the latest period in which the place has a value.")] = None
    no_value: Annotated[str | None, _says("Why there is no value, as a sentence.")] = None
    reference: ProfileReference | None = None
    rank: ProfileRank | None = None
    no_rank: Annotated[str | None, _says("Why there is no rank, as a sentence.")] = None
    breaks: Annotated[list[int], _says("Years from which values were measured in another way than before.")] = []
    series: Annotated[list[ProfileValue], _says("Every period with a row, in the order of time.")] = []
    gaps: Annotated[list[ProfileGap], _says("The widest first.")] = []
    rows: Annotated[int, _says("Rows of the file about this question and place, all groups and years.")] = 0
    withheld: Annotated[int, _says("How many of them are suppressed or missing.")] = 0
    withheld_by_reason: Annotated[dict[str, int], _says("Why, in the file's words; most frequent first.")] = {}


@dataclass(slots=True, kw_only=True)
class Profile:
    """The questions of a place, one after the other; what they have cost so far stands in ``cost_s``."""

    snapshot: Snapshot
    location: str
    is_brief: bool = False  # values and years alone
    limit_s: float  # no question that costs more by itself
    cost_s: float = field(default=0.0, init=False)

    def questions(self, codes: Sequence[int]) -> Iterator[ProfileQuestion]:
        """Answer some questions, by their codes.

        >>> from meantime.dataset.samples import survey_example
        >>> dorado = Profile(snapshot=survey_example.snapshot(), location="Dorado", limit_s=1.0)
        >>> soup, singing = dorado.questions([0, 1])
        >>> soup.value.period, soup.value.estimate, [each.estimate for each in soup.series]
        ('2020', 26.2, [25.8, 26.1, 26.6, 25.9, 26.2])

        Erewhon has no value in 2020, and of the four others two are tied; there is no nation to compare with:

        >>> soup.rank
        ProfileRank(rank=2, rank_low=2, rank_high=3, places=4, better='lower')
        >>> soup.reference.kind, soup.reference.estimate, soup.reference.places
        ('median', 26.2, 4)
        """
        return map(self._question, codes)

    def least_cost_s(self, code: int) -> float:
        """Return what a question costs at least, without opening it."""
        cube = self.snapshot.cube
        own = cube.cells_of(code)
        selections = 1 if self.is_brief else _SELECTIONS + len(self._categories(code))
        return Cost(searched=(own.stop - own.start) * selections).seconds

    def _categories(self, code: int) -> list[str]:
        cube = self.snapshot.cube
        return comparable(strata_by_category(cube, with_values(cube, code)))

    def _question(self, code: int) -> ProfileQuestion:
        info, cube = self.snapshot.about.questions[code], self.snapshot.cube
        group = question_groups(cube, code).group
        last = cube.outline(code).periods[-1]
        made: dict[str, Any] = {
            "question": info.text,
            "title": capitalized(title_of(info.text).topic),
            "topic": info.topic,
            "unit": info.unit,
            "polarity": info.polarity,
            "category": group and group.category,
            "stratum": group and group.stratum,
            "last_period": None if last == ABSENT else period_text(cube.labels.periods[last]),
        }
        if (least := self.least_cost_s(code)) > self.limit_s:
            own = cube.cells_of(code)
            detail = in_words("question", Cost(searched=own.stop - own.start))
            return ProfileQuestion(**made, no_value=f"{detail} That is too much for a profile.")
        self.cost_s += least
        made |= self._rows(code)
        try:
            series = self._series(code, made)
        except RequestInvalid as invalid:
            return ProfileQuestion(**made, no_value=self._without_value(made, invalid))
        names = ("period", "estimate", "low", "high", "withheld")
        made["series"] = every = [
            ProfileValue(**dict(zip(names, values, strict=True))) for values in _records(series, *names)
        ]
        value = next((each for each in reversed(every) if each.estimate is not None), None)
        if value is None:
            return ProfileQuestion(**made, no_value=self._without_value(made))
        made |= {"value": value, "people": (series.about or _NOBODY).people}
        return ProfileQuestion(**made) if self.is_brief else self._beside_others(code, value, made)

    def _beside_others(self, code: int, value: ProfileValue, made: dict[str, Any]) -> ProfileQuestion:
        """Add what the value is seen beside: the whole, the other places, and the groups at the place."""
        own: dict[str, Any] = {name: made.get(name) for name in ("question", "category", "stratum", "value_type")}
        own["years"] = value.period or "latest"
        made |= {"reference": self._whole(own), "gaps": self._gaps(code, own)}
        try:
            every = pool_periods(select(self.snapshot, CellParameters(**own)))
        except RequestInvalid as invalid:  # of other places, such as several rows of which nobody knows the estimate
            return ProfileQuestion(**made, no_rank=f"Not ranked. {invalid}")
        self.cost_s += Cost(cells=every.selection.cells_read, pairs=len(every)).seconds
        made["reference"] = made["reference"] or self._median(value, every)
        return ProfileQuestion(**made, **self._rank(every, made["polarity"]))

    def _answer(self, statistic: AnyStatistic, parameters: msgspec.Struct) -> Table | None:
        """Answer with a statistic; None where there is nothing to answer."""
        try:
            prepared = statistic.prepared(self.snapshot, parameters)
        except RequestInvalid:
            return None
        self.cost_s += replace(prepared.cost, searched=0).seconds  # which the least cost has counted
        return prepared.compute(Unwatched())

    def _rows(self, code: int) -> dict[str, Any]:
        """Count the rows of the place, and why values are suppressed or missing."""
        cube = self.snapshot.cube
        cells = cube.block(code).cells
        is_own = cells.keys[:, 1] == cube.location_codes[self.location]
        of_reason = is_own[cells.withheld_cell]
        rows = np.bincount(
            cells.withheld_reason[of_reason],
            weights=cells.withheld_count[of_reason],
            minlength=len(cube.labels.reasons),
        )
        reasons = {cube.labels.reasons[each]: int(rows[each]) for each in np.flatnonzero(rows).tolist()}
        return {
            "rows": int(cells.rows[is_own].sum()),
            "withheld": int(cells.moments.withheld[is_own].sum()),
            "withheld_by_reason": dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
        }

    def _series(self, code: int, made: dict[str, Any]) -> Table:
        """Return the values of each period, of the question's first type of value that it has for this group."""
        cube = self.snapshot.cube
        kinds = [value_type_text(cube.labels.value_types[each]) for each in cube.outline(code).value_types]
        own = {name: made[name] for name in ("question", "category", "stratum")}
        refusals = []
        for kind in kinds if len(kinds) > 1 else [None]:
            each = Estimate(**own, value_type=kind, locations=(self.location,), years="all", by=("period",))
            try:
                prepared = ESTIMATE.prepared(self.snapshot, each)
            except RequestInvalid as invalid:
                refusals.append(invalid)
                continue
            made |= {"value_type": kind, "breaks": _years_of_breaks(prepared.data)}
            self.cost_s += Cost(cells=prepared.cost.cells).seconds
            return prepared.compute(Unwatched())
        raise refusals[0]

    def _without_value(self, made: dict[str, Any], refused: RequestInvalid | None = None) -> str:
        """Say in words for readers why the place has no value."""
        rows, withheld = count(made["rows"], "row"), _reasons(made["withheld_by_reason"])
        if not made["rows"]:
            return f"The table has no row about {self.location}."
        if made["rows"] == made["withheld"]:
            return f"All values are suppressed or missing: {withheld}."
        if refused is not None and any(each.code != "absent" for each in refused.problems):
            return str(refused)
        missing = f"; suppressed or missing: {withheld}" if withheld else ""
        subject, category = Subject(title=title_of(made["question"])), made["category"]
        who = "everyone" if category is None else subject.people_in(category, made["stratum"] or "")
        return f"No value for {who}. The table has {rows} about {self.location}{missing}."

    def _whole(self, own: dict[str, Any]) -> ProfileReference | None:
        """Compare with the whole, where the table has a value for it."""
        if geography.for_locations(self.snapshot.cube.labels.locations).is_country(self.location):
            return None
        table = self._answer(COMPARISON, Comparison(**own, locations=(self.location,)))
        if table is None or not len(table):
            return None
        names = ("reference", "reference_estimate", "difference", "difference_low", "difference_high", "verdict")
        location, estimate, difference, low, high, verdict = next(_records(table, *names))
        return ProfileReference(
            kind="location",
            location=location,
            words=place_words(location).name,
            places=None,
            estimate=estimate,
            difference=difference,
            difference_low=low,
            difference_high=high,
            verdict=verdict,
        )

    def _median(self, value: ProfileValue, every: Pooled) -> ProfileReference | None:
        """Return the median of the places; None where the value is that of no place, or of the only one."""
        places = every.without(every.groups.is_aggregate, "is an aggregate")
        if self.location not in places.groups.names or len(places) < 2 or value.estimate is None:
            return None
        median = float(np.median(places.value))
        return ProfileReference(
            kind="median",
            location=None,
            words=f"the median of {count(len(places), 'place')}",
            places=len(places),
            estimate=median,
            difference=value.estimate - median,
            difference_low=None,
            difference_high=None,
            verdict=None,
        )

    def _rank(self, every: Pooled, polarity: Polarity | None) -> dict[str, Any]:
        """Return the rank with its interval, or why there is none; a rank is not given without the interval."""
        ordered = in_order(every)
        names = ordered.groups.names
        if self.location not in names:
            reason = next((each.reason for each in ordered.left_out if each.location == self.location), "has no value")
            return {"no_rank": f"Not ranked: {self.location} {reason}."}
        if len(names) < 2:
            return {"no_rank": "Not ranked: no other place has a value with a standard error."}
        if polarity is None:
            return {"no_rank": "Not ranked: it is not set whether lower or higher values are better."}
        index, is_lower_better = names.index(self.location), polarity == "lower"
        interval = rank_interval(marginal(pairs(ordered.estimates), np.array([index])), is_lower_better=is_lower_better)
        rank = ProfileRank(
            rank=int(ranks(ordered.value, is_lower_better=is_lower_better)[index]),
            rank_low=int(interval.least[index]),
            rank_high=int(interval.greatest[index]),
            places=len(names),
            better=polarity,
        )
        return {"rank": rank}

    def _gaps(self, code: int, own: dict[str, Any]) -> list[ProfileGap]:
        """Return the gap of each category that has two groups with a value at the place."""
        subject = Subject(title=title_of(own["question"]))
        found = []
        for category in self._categories(code):
            asked = {"question": own["question"], "value_type": own["value_type"], "years": own["years"]}
            table = self._answer(DISPARITY, Disparity(**asked, category=category, locations=(self.location,)))
            gap = table and _gap_of(table, category, subject)
            if gap:
                found.append(gap)
        return sorted(found, key=lambda each: -each.gap)


_NOBODY = Heading(topic="", title="", people="", years="")


def _years_of_breaks(selection: Selection | Rows) -> list[int]:
    return [each.year for each in selection.breaks] if isinstance(selection, Selection) else []


def _records(table: Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name) for name in names), strict=True)


def _gap_of(table: Table, category: str, subject: Subject) -> ProfileGap | None:
    """Return the gap of the one location of an answer; None where fewer than two groups have a standard error."""
    names = ("stratum", "estimate", "low", "verdict", "gap", "gap_corrected", "gap_low", "gap_high", "gap_p")
    rows = [row for row in _records(table, *names) if row[3] != "no group" and row[2] is not None]
    if not rows or rows[0][4] is None:
        return None
    highest, lowest = max(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[1])

    def group(row: tuple[Cell, ...]) -> ProfileGroup:
        stratum, estimate = row[:2]
        people = subject.people_in(category, str(stratum))
        return ProfileGroup(stratum=str(stratum), people=people, estimate=float(estimate or 0))

    gap, corrected, low, high, p = rows[0][4:]
    return ProfileGap(
        category=category,
        highest=group(highest),
        lowest=group(lowest),
        gap=gap,
        gap_corrected=corrected,
        gap_low=low,
        gap_high=high,
        p=p,
    )


def _reasons(reasons: dict[str, int]) -> str:
    """List why values are suppressed or missing.

    >>> _reasons({"~": 3, "*": 1})
    '3 rows "~", 1 row "*"'
    """
    return ", ".join(f"{count(rows, 'row')} {quoted(reason)}" for reason, rows in reasons.items())
