"""The nine statistics of the classic API: means of the file's rows as they come, across strata and years.

That is their contract, and it is a poor estimate: a state's men, its women and its total are added up as if they were
three states. Every table says so in its warnings.

Each one reads a marginal of the cube, so that it touches as many entries as its answer has and never a row: it prepares
which entries these are. They are
over in microseconds; that is why none of them looks at its ``work``.

What holds for all of them: a withheld row counts nowhere, and a location or group without any value has no row in the
answer. So what is asked of nothing but withheld values gives a table without rows (``check`` refuses it before
that, with the reason). Ties are in the order of the names. A question or state that the snapshot does not have raises
KeyError.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT, Integers, Marginal
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns
from meantime.statistics.cells.provenance import (
    REFERENCE,
    Provenance,
    cells_with,
    code_of,
    of_mean,
    unweighted,
)
from meantime.statistics.parameters import LocationName, QuestionText
from meantime.statistics.statistic import Prepared
from meantime.statistics.words import warnings
from meantime.table import Cell, Column, Table

# How many best5 and worst5 name. It is in their names.
_FIVE = 5

_OVER_ROWS = (
    "Means of the file's rows as they come, over strata and years; each row counts once, whatever its sample size."
)
_POOR_ESTIMATE = (
    "A poor estimate of the population: overall figures, their breakdowns and different years are averaged together. "
    "Do not rank by it."
)


class OfQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a statistic of all locations is asked with."""

    question: QuestionText


class OfState(msgspec.Struct, frozen=True, kw_only=True):
    """What a statistic of one location is asked with."""

    question: QuestionText
    state: LocationName


_COUNTS = (columns.COUNT, columns.WITHHELD)
_MEAN_OF_LOCATION = columns.number("mean", "mean of the location's rows")
# What the tables have, as the registry tells it.
MEANS = (columns.LOCATION, _MEAN_OF_LOCATION, *_COUNTS)
MEAN_OF_ALL = (columns.number("mean", "mean of all rows of the question"), *_COUNTS)
DIFFERENCES = (
    columns.LOCATION,
    columns.number(
        "difference",
        "mean of all rows of the question minus the mean of the location's rows",
        unit=columns.OF_DIFFERENCE,
    ),
    _MEAN_OF_LOCATION,
    columns.number("global_mean", "mean of all rows of the question"),
    *_COUNTS,
)
MEANS_OF_GROUPS = (
    columns.LOCATION,
    columns.CATEGORY,
    columns.STRATUM,
    columns.number("mean", "mean of the group's rows"),
    *_COUNTS,
)


def question_entry(snapshot: Snapshot, asked: OfQuestion) -> Integers:
    """Return the entry of the question among those by question, if it has a value."""
    marginal = snapshot.cube.by_question
    return _with_value(marginal, marginal.of(snapshot.cube.question_codes[asked.question]))


def location_entries(snapshot: Snapshot, asked: OfQuestion | OfState) -> Integers:
    """Return the entries by location that have a value."""
    return _entries(snapshot, snapshot.cube.by_location, asked)


def stratum_entries(snapshot: Snapshot, asked: OfQuestion | OfState) -> Integers:
    """Return the entries by location, category and stratum that have a value."""
    return _entries(snapshot, snapshot.cube.by_stratum, asked)


def _entries(snapshot: Snapshot, marginal: Marginal, asked: OfQuestion | OfState) -> Integers:
    question = snapshot.cube.question_codes[asked.question]
    state = asked.state if isinstance(asked, OfState) else None
    return _with_value(marginal, _places(snapshot, marginal, question, state))


def states_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average the question's rows in each location, in ascending order of the mean.

    Avalon and Borduria are tied and so in the order of their names; one of Avalon's rows is withheld and counts
    nowhere; Dorado has nothing but a withheld row and is left out:

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> table = STATISTICS["states_mean"].answer(example.snapshot(), OfQuestion(question=example.BREAKFAST))
    >>> [column.name for column in table.columns]
    ['location', 'mean', 'count', 'withheld']
    >>> for row in table.rows():
    ...     print(*row)
    Avalon 21.0 2 1
    Borduria 21.0 1 0
    Cockaigne 31.55 2 0

    A question without any value gives a table without rows:

    >>> len(STATISTICS["states_mean"].answer(example.snapshot(), OfQuestion(question=example.NAPS)))
    0
    """
    entries = _Locations(prepared)
    return entries.table(entries.ascending())


def state_mean(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Average the question's rows in one location.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(state):
    ...     asked = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATISTICS["state_mean"].answer(example.snapshot(), asked).rows())
    >>> of("Avalon")  # a withheld row counts nowhere; nothing can be tied
    [('Avalon', 21.0, 2, 1)]
    >>> of("Dorado")  # nothing but a withheld row
    []
    """
    entries = _Locations(prepared)
    return entries.table(entries.given)


def best5(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Give the five best of the means by location, best first; fewer where fewer locations have a value.

    The question's polarity says what is good; here, a low value:

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(question):
    ...     table = STATISTICS["best5"].answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(table.column("location"))
    >>> of(example.BREAKFAST)  # the first two are tied; Dorado has nothing but a withheld row
    ['Avalon', 'Borduria', 'Cockaigne']
    >>> of(example.NAPS)
    []

    Raises:
        ValueError: the question has no polarity; ``check`` refuses that before.
    """
    entries = _Locations(prepared)
    order = entries.ascending() if _is_lower_better(prepared) else entries.descending()
    return entries.table(order[:_FIVE])


def worst5(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Give the five worst of the means by location, worst first; fewer where fewer locations have a value.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(question):
    ...     table = STATISTICS["worst5"].answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(table.column("location"))
    >>> of(example.BREAKFAST)  # the tied ones are in the order of their names here too
    ['Cockaigne', 'Avalon', 'Borduria']
    >>> of(example.NAPS)  # nothing but a withheld row
    []

    Raises:
        ValueError: the question has no polarity; ``check`` refuses that before.
    """
    entries = _Locations(prepared)
    order = entries.descending() if _is_lower_better(prepared) else entries.ascending()
    return entries.table(order[:_FIVE])


def global_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average all rows of the question.

    The mean of the rows, not of the locations' means: a location with more rows counts more. "National" is in it too.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(question):
    ...     return list(STATISTICS["global_mean"].answer(example.snapshot(), OfQuestion(question=question)).rows())
    >>> of(example.BREAKFAST)  # two withheld rows count nowhere; nothing can be tied
    [(25.22, 5, 2)]
    >>> of(example.NAPS)  # nothing but a withheld row
    []
    """
    snapshot, given = prepared.snapshot, prepared.data
    marginal = snapshot.cube.by_question
    code = snapshot.cube.question_codes[prepared.parameters.question]
    return Table(
        columns=columns.of_question(MEAN_OF_ALL, snapshot, code),
        data=(marginal.mean[given].tolist(), *_counts(marginal, given)),
        notes=_notes(snapshot),
        warnings=_warnings(snapshot, code),
    )


def diff_from_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Subtract each location's mean from the mean of all rows, in the order of ``states_mean``.

    Positive: the location is below the mean of all rows. The difference is that of the exact means, rounded once.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(question):
    ...     table = STATISTICS["diff_from_mean"].answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(zip(table.column("location"), table.column("difference")))
    >>> of(example.BREAKFAST)  # the first two are tied; Dorado has nothing but a withheld row
    [('Avalon', 4.22), ('Borduria', 4.22), ('Cockaigne', -6.33)]
    >>> of(example.NAPS)
    []
    """
    entries = _Locations(prepared)
    return entries.differences(entries.ascending())


def state_diff_from_mean(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Subtract one location's mean from the mean of all rows.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(state):
    ...     asked = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATISTICS["state_diff_from_mean"].answer(example.snapshot(), asked).rows())
    >>> of("Avalon")  # location, difference, mean, global mean, rows, withheld rows; nothing can be tied
    [('Avalon', 4.22, 21.0, 25.22, 2, 1)]
    >>> of("Dorado")  # nothing but a withheld row
    []
    """
    entries = _Locations(prepared)
    return entries.differences(entries.given)


def mean_by_category(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average the question's rows in each location, stratification category and stratum, in the order of these names.

    Avalon's men are withheld and left out, as is Dorado; a row of Cockaigne has no category and is in no group. Tied
    groups keep the order of their names, as all do:

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> table = STATISTICS["mean_by_category"].answer(example.snapshot(), OfQuestion(question=example.BREAKFAST))
    >>> for row in table.rows():
    ...     print(*row)
    Avalon Sex Female 22.0 1 0
    Avalon Total Total 20.0 1 0
    Borduria Total Total 21.0 1 0
    Cockaigne Total Total 33.1 1 0
    >>> len(STATISTICS["mean_by_category"].answer(example.snapshot(), OfQuestion(question=example.NAPS)))
    0
    """
    return _by_category(prepared)


def groups_read(snapshot: Snapshot, asked: OfQuestion) -> int:
    """Return how many groups of location, category and stratum a question has: of counties there are 100,000."""
    places = snapshot.cube.by_stratum.of(snapshot.cube.question_codes[asked.question])
    return len(range(places.start, places.stop))


def state_mean_by_category(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Average the question's rows in each category and stratum of one location, in the order of the names.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.registry import STATISTICS
    >>> def of(state):
    ...     asked = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATISTICS["state_mean_by_category"].answer(example.snapshot(), asked).rows())
    >>> of("Avalon")  # its men are withheld; ties do not matter to an order of names
    [('Avalon', 'Sex', 'Female', 22.0, 1, 0), ('Avalon', 'Total', 'Total', 20.0, 1, 0)]
    >>> of("Dorado")
    []
    """
    return _by_category(prepared)


def rests_on(prepared: Prepared[Any, Integers], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a mean rests on: all rows of its location, and of its category and stratum where it has them."""
    snapshot, asked = prepared.snapshot, prepared.parameters
    given = row or ({"location": asked.state} if isinstance(asked, OfState) else {})
    axes = ("location", "category", "stratum")
    cells = cells_with(
        snapshot, asked.question, **{axis: code_of(snapshot, axis, given[axis]) for axis in axes if axis in given}
    )
    if row is None:
        return Provenance(number=None, parts=(unweighted(cells),))
    return Provenance(number="mean", parts=(of_mean(snapshot, cells),))


def difference_rests_on(prepared: Prepared[Any, Integers], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a difference rests on: all rows of the question, and those of the location once more, the other way."""
    snapshot, question = prepared.snapshot, prepared.parameters.question
    everything = cells_with(snapshot, question)
    if row is None:
        return Provenance(number=None, parts=(unweighted(everything),))
    own = cells_with(snapshot, question, location=code_of(snapshot, "location", row["location"]))
    reference = of_mean(snapshot, everything, REFERENCE)
    return Provenance(number="difference", parts=(of_mean(snapshot, own, sign=-1.0), reference))


class _Locations:
    """The entries of a question by location, those with a value, in the order of the names."""

    def __init__(self, prepared: Prepared[Any, Integers]) -> None:
        self._snapshot = prepared.snapshot
        self._question = prepared.snapshot.cube.question_codes[prepared.parameters.question]
        self._marginal = prepared.snapshot.cube.by_location
        self.given = prepared.data

    def ascending(self) -> Integers:
        # Stable, over entries that are in the order of the names: ties are by name.
        order: Integers = self.given[np.argsort(self._marginal.mean[self.given], kind="stable")]
        return order

    def descending(self) -> Integers:
        # Not the reverse of ascending(), which would turn the tied ones around too.
        order: Integers = self.given[np.argsort(-self._marginal.mean[self.given], kind="stable")]
        return order

    def table(self, order: Integers) -> Table:
        return self._told(MEANS, (self._marginal.mean[order].tolist(),), order)

    def differences(self, order: Integers) -> Table:
        mean_of_all = float(self._snapshot.cube.by_question.mean[self._question])
        data = (self._exact_differences(order), self._marginal.mean[order].tolist(), [mean_of_all] * len(order))
        return self._told(DIFFERENCES, data, order)

    def _exact_differences(self, order: Integers) -> list[float]:
        overall = self._snapshot.cube.by_question.moments
        n_all, total_all = int(overall.count[self._question]), int(overall.total[self._question])
        unit_of_scale = 10**self._snapshot.cube.scale
        moments = self._marginal.moments
        # Python's integers: the products may not fit in 64 bits, and their division rounds once.
        return [
            (total_all * n - total * n_all) / (n_all * n * unit_of_scale)
            for n, total in zip(moments.count[order].tolist(), moments.total[order].tolist(), strict=True)
        ]

    def _told(self, described: tuple[Column, ...], data: tuple[Sequence[Cell], ...], order: Integers) -> Table:
        names = self._snapshot.cube.labels.locations
        return Table(
            columns=columns.of_question(described, self._snapshot, self._question),
            data=(
                [names[code] for code in self._marginal.keys[order, 1].tolist()],
                *data,
                *_counts(self._marginal, order),
            ),
            notes=_notes(self._snapshot),
            warnings=_warnings(self._snapshot, self._question),
        )


def _by_category(prepared: Prepared[Any, Integers]) -> Table:
    snapshot = prepared.snapshot
    labels = snapshot.cube.labels
    marginal = snapshot.cube.by_stratum
    code = snapshot.cube.question_codes[prepared.parameters.question]
    given = prepared.data
    given = given[marginal.keys[given, 2] != ABSENT]
    _, locations, categories, strata = marginal.keys[given].T.tolist()
    # One name more, at the end, where the code of a stratum that is absent (-1) finds it.
    stratum_names = (*labels.strata, "")
    return Table(
        columns=columns.of_question(MEANS_OF_GROUPS, snapshot, code),
        data=(
            [labels.locations[place] for place in locations],
            [labels.categories[place] for place in categories],
            [stratum_names[place] for place in strata],
            marginal.mean[given].tolist(),
            *_counts(marginal, given),
        ),
        notes=_notes(snapshot),
        warnings=_warnings(snapshot, code),
    )


def _places(snapshot: Snapshot, marginal: Marginal, question: int, state: str | None) -> slice:
    """Find the entries of a question, or of one of its locations; entries are sorted by key."""
    of_question = marginal.of(question)
    if state is None:
        return of_question
    code = snapshot.cube.location_codes[state]
    entries = range(of_question.start, of_question.stop)

    def location_at(place: int) -> int:
        return int(marginal.keys[place, 1])

    # By hand and not np.searchsorted, which would first copy the column of all locations.
    first = bisect_left(entries, code, key=location_at)
    behind = bisect_left(entries, code + 1, lo=first, key=location_at)
    return slice(of_question.start + first, of_question.start + behind)


def _with_value(marginal: Marginal, places: slice) -> Integers:
    given: Integers = np.flatnonzero(marginal.moments.count[places]) + places.start
    return given


def _counts(marginal: Marginal, order: Integers) -> tuple[list[int], list[int]]:
    return marginal.moments.count[order].tolist(), marginal.moments.withheld[order].tolist()


def _is_lower_better(prepared: Prepared[OfQuestion, Integers]) -> bool:
    snapshot, question = prepared.snapshot, prepared.parameters.question
    polarity = snapshot.about.questions[snapshot.cube.question_codes[question]].polarity
    if polarity is None:
        raise ValueError(f"no polarity is known for {question!r}, and it is never guessed")
    return polarity == "lower"


def _notes(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(filter(None, (_OVER_ROWS, warnings.synthetic(snapshot))))


def _warnings(snapshot: Snapshot, question: int) -> tuple[str, ...]:
    moments = snapshot.cube.by_question.moments
    given, withheld = int(moments.count[question]), int(moments.withheld[question])
    told = (_POOR_ESTIMATE, warnings.withheld(withheld, given + withheld), warnings.kinds_of_value(snapshot, question))
    return tuple(filter(None, told))
