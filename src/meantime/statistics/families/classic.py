"""The nine statistics of the classic API, in one long file because each shows its behavior by example.

They are means of the file's rows as they come, across strata and years. By contract they average all rows, which is a
poor estimate: a state's men, its women and its total count as if they were three states. Every table warns of it.

Each reads a marginal of the cube: as many entries as its answer has rows. That takes microseconds, so none of them
looks at its ``work``.

For all of them, suppressed and missing values count nowhere, and a location or group without any value has no row in
the answer. A question with only such values gives a table without rows (``check`` refuses it before, with the reason).
Ties are in the order of the names. A question or state that the snapshot does not have raises KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from meantime.dataset.cube import Block, Integers
from meantime.dataset.facts.classic_polarity import classic_polarity
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics.cells.marginals import entries_with_value
from meantime.statistics.cells.provenance import (
    REFERENCE,
    Provenance,
    cells_with,
    code_of,
    of_mean,
    unweighted,
)
from meantime.statistics.classic_tables import (
    DIFFERENCES,
    MEAN_OF_ALL,
    MEANS,
    MEANS_OF_GROUPS,
    LocationTables,
    mean_of_all,
    means_of_groups,
)
from meantime.statistics.cost import Cost
from meantime.statistics.explain.means import explain_difference_of_means, explain_mean
from meantime.statistics.parameters import LocationName, QuestionText
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.table import Cell, Table

# How many best5 and worst5 name. It is in their names.
_FIVE = 5


class OfQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a statistic of all locations."""

    question: QuestionText


class OfState(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a statistic of one location."""

    question: QuestionText
    state: LocationName


def _block(snapshot: Snapshot, parameters: OfQuestion | OfState) -> Block:
    return snapshot.cube.block(snapshot.cube.question_codes[parameters.question])


def question_entry(snapshot: Snapshot, parameters: OfQuestion) -> Integers:
    """Select the entry of the question among those by question, if it has a value."""
    code = snapshot.cube.question_codes[parameters.question]
    has_value = bool(snapshot.cube.by_question.moments.count[code])
    return np.arange(code, code + has_value, dtype=np.int64)


def location_entries(snapshot: Snapshot, parameters: OfQuestion | OfState) -> Integers:
    """Select the entries by location that have a value."""
    return entries_with_value(snapshot.cube, _block(snapshot, parameters).by_location, _state(parameters))


def stratum_entries(snapshot: Snapshot, parameters: OfQuestion | OfState) -> Integers:
    """Select the entries by location, category and stratum that have a value."""
    return entries_with_value(snapshot.cube, _block(snapshot, parameters).by_stratum, _state(parameters))


def states_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average the question's rows in each location, in ascending order of the mean.

    Avalon and Borduria are tied and so in the order of their names; one of Avalon's rows is withheld and counts
    nowhere; Dorado has nothing but a withheld row and is left out:

    >>> from meantime.dataset.samples import example
    >>> table = STATES_MEAN.answer(example.snapshot(), OfQuestion(question=example.BREAKFAST))
    >>> [column.name for column in table.columns]
    ['location', 'mean', 'count', 'withheld']
    >>> for row in table.rows():
    ...     print(*row)
    Avalon 21.0 2 1
    Borduria 21.0 1 0
    Cockaigne 31.55 2 0

    A question without any value gives a table without rows:

    >>> len(STATES_MEAN.answer(example.snapshot(), OfQuestion(question=example.NAPS)))
    0
    """
    locations = _locations(prepared)
    return locations.table(locations.ascending())


def state_mean(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Average the question's rows in one location.

    >>> from meantime.dataset.samples import example
    >>> def of(state):
    ...     parameters = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATE_MEAN.answer(example.snapshot(), parameters).rows())
    >>> of("Avalon")  # a withheld row counts nowhere; nothing can be tied
    [('Avalon', 21.0, 2, 1)]
    >>> of("Dorado")  # nothing but a withheld row
    []
    """
    locations = _locations(prepared)
    return locations.table(locations.entries)


def best5(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Give the five best of the means by location, best first; fewer where fewer locations have a value.

    The question's polarity says what is good; here, a low value:

    >>> from meantime.dataset.samples import example
    >>> def of(question):
    ...     table = BEST5.answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(table.column("location"))
    >>> of(example.BREAKFAST)  # the first two are tied; Dorado has nothing but a withheld row
    ['Avalon', 'Borduria', 'Cockaigne']
    >>> of(example.NAPS)
    []

    Raises:
        ValueError: the question has no polarity; ``check`` refuses that before.
    """
    locations = _locations(prepared)
    order = locations.ascending() if _is_lower_better(prepared) else locations.descending()
    return locations.table(order[:_FIVE])


def worst5(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Give the five worst of the means by location, worst first; fewer where fewer locations have a value.

    >>> from meantime.dataset.samples import example
    >>> def of(question):
    ...     table = WORST5.answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(table.column("location"))
    >>> of(example.BREAKFAST)  # the tied ones are in the order of their names here too
    ['Cockaigne', 'Avalon', 'Borduria']
    >>> of(example.NAPS)  # nothing but a withheld row
    []

    Raises:
        ValueError: the question has no polarity; ``check`` refuses that before.
    """
    locations = _locations(prepared)
    order = locations.descending() if _is_lower_better(prepared) else locations.ascending()
    return locations.table(order[:_FIVE])


def global_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average all rows of the question.

    The mean of the rows, not of the locations' means: a location with more rows counts more. "National" is in it too.

    >>> from meantime.dataset.samples import example
    >>> def of(question):
    ...     return list(GLOBAL_MEAN.answer(example.snapshot(), OfQuestion(question=question)).rows())
    >>> of(example.BREAKFAST)  # two withheld rows count nowhere; nothing can be tied
    [(25.22, 5, 2)]
    >>> of(example.NAPS)  # nothing but a withheld row
    []
    """
    return mean_of_all(prepared.snapshot, prepared.parameters.question, prepared.data)


def diff_from_mean(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Subtract each location's mean from the mean of all rows, in the order of ``states_mean``.

    Positive: the location is below the mean of all rows. The difference is that of the exact means, rounded once.

    >>> from meantime.dataset.samples import example
    >>> def of(question):
    ...     table = DIFF_FROM_MEAN.answer(example.snapshot(), OfQuestion(question=question))
    ...     return list(zip(table.column("location"), table.column("difference")))
    >>> of(example.BREAKFAST)  # the first two are tied; Dorado has nothing but a withheld row
    [('Avalon', 4.22), ('Borduria', 4.22), ('Cockaigne', -6.33)]
    >>> of(example.NAPS)
    []
    """
    locations = _locations(prepared)
    return locations.differences(locations.ascending())


def state_diff_from_mean(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Subtract one location's mean from the mean of all rows.

    >>> from meantime.dataset.samples import example
    >>> def of(state):
    ...     parameters = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATE_DIFF_FROM_MEAN.answer(example.snapshot(), parameters).rows())
    >>> of("Avalon")  # location, difference, mean, global mean, rows, withheld rows; nothing can be tied
    [('Avalon', 4.22, 21.0, 25.22, 2, 1)]
    >>> of("Dorado")  # nothing but a withheld row
    []
    """
    locations = _locations(prepared)
    return locations.differences(locations.entries)


def mean_by_category(prepared: Prepared[OfQuestion, Integers], _work: Work) -> Table:
    """Average the question's rows in each location, stratification category and stratum, in the order of these names.

    Avalon's men are withheld and left out, as is Dorado; a row of Cockaigne has no category and is in no group. Tied
    groups keep the order of their names, as all do:

    >>> from meantime.dataset.samples import example
    >>> table = MEAN_BY_CATEGORY.answer(example.snapshot(), OfQuestion(question=example.BREAKFAST))
    >>> for row in table.rows():
    ...     print(*row)
    Avalon Sex Female 22.0 1 0
    Avalon Total Total 20.0 1 0
    Borduria Total Total 21.0 1 0
    Cockaigne Total Total 33.1 1 0
    >>> len(MEAN_BY_CATEGORY.answer(example.snapshot(), OfQuestion(question=example.NAPS)))
    0
    """
    return means_of_groups(prepared.snapshot, prepared.parameters.question, prepared.data)


def state_mean_by_category(prepared: Prepared[OfState, Integers], _work: Work) -> Table:
    """Average the question's rows in each category and stratum of one location, in the order of the names.

    >>> from meantime.dataset.samples import example
    >>> def of(state):
    ...     parameters = OfState(question=example.BREAKFAST, state=state)
    ...     return list(STATE_MEAN_BY_CATEGORY.answer(example.snapshot(), parameters).rows())
    >>> of("Avalon")  # its men are withheld; ties do not matter to an order of names
    [('Avalon', 'Sex', 'Female', 22.0, 1, 0), ('Avalon', 'Total', 'Total', 20.0, 1, 0)]
    >>> of("Dorado")
    []
    """
    return means_of_groups(prepared.snapshot, prepared.parameters.question, prepared.data)


def cost(prepared: Prepared[Any, Integers]) -> Cost:
    """State what means cost: one entry of a marginal for each row of the answer."""
    entries = len(prepared.data)
    return Cost(sums=entries, **prepared.answer_cost(entries))


def cost_of_five(prepared: Prepared[OfQuestion, Integers]) -> Cost:
    """State what the five best or worst cost: all means are put in order."""
    entries = len(prepared.data)
    return Cost(sums=entries, **prepared.answer_cost(min(entries, _FIVE)))


def rests_on(prepared: Prepared[Any, Integers], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a mean rests on: all rows of its location, and of its category and stratum where it has them."""
    snapshot, parameters = prepared.snapshot, prepared.parameters
    state = _state(parameters)
    labels = row or ({} if state is None else {"location": state})
    axes = ("location", "category", "stratum")
    cells = cells_with(
        snapshot,
        parameters.question,
        **{axis: code_of(snapshot, axis, labels[axis]) for axis in axes if axis in labels},
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


def _state(parameters: OfQuestion | OfState) -> str | None:
    return parameters.state if isinstance(parameters, OfState) else None


def _locations(prepared: Prepared[Any, Integers]) -> LocationTables:
    return LocationTables(prepared.snapshot, prepared.parameters.question, prepared.data)


def _is_lower_better(prepared: Prepared[OfQuestion, Integers]) -> bool:
    snapshot, question = prepared.snapshot, prepared.parameters.question
    polarity = classic_polarity(snapshot.about.questions[snapshot.cube.question_codes[question]])
    if polarity is None:
        raise ValueError(f"no polarity is known for {question!r}, and it is never guessed")
    return polarity == "lower"


_UTAH = {**EXAMPLE, "state": "Utah"}

_ALL_ROWS = (
    "all rows of the question in each location as they come, over strata and years; not a rate of the population"
)
_ONE_STATE = "the location's rows as they come, over strata and years; not a rate of its population"
_RANKED = "the means of states_mean; states with other strata or years in the file are compared as if they had the same"

STATES_MEAN = Statistic(
    name="states_mean",
    order=10,
    parameters=OfQuestion,
    prepare=location_entries,
    reads_cells=False,
    cost=cost,
    compute=states_mean,
    rests_on=rests_on,
    explain=explain_mean,
    help="mean by location, lowest first",
    estimates=_ALL_ROWS,
    columns=MEANS,
    example=EXAMPLE,
    example_rows=(("West Virginia", 24.4525, 40, 3), ("Wyoming", 25.49, 40, 3)),
    method_version=1,
    charts=("means", "map", "state_map"),
)

STATE_MEAN = Statistic(
    name="state_mean",
    order=20,
    parameters=OfState,
    prepare=location_entries,
    reads_cells=False,
    cost=cost,
    compute=state_mean,
    rests_on=rests_on,
    explain=explain_mean,
    help="mean of one location",
    estimates=_ONE_STATE,
    columns=MEANS,
    example=_UTAH,
    example_rows=(("Utah", 34.63333333333333, 42, 1),),
    method_version=1,
    charts=("means",),
    is_small=True,
)

BEST5 = Statistic(
    name="best5",
    order=30,
    parameters=OfQuestion,
    prepare=location_entries,
    reads_cells=False,
    cost=cost_of_five,
    compute=best5,
    rests_on=rests_on,
    explain=explain_mean,
    help="the five best locations with their means, best first",
    estimates=_RANKED,
    columns=MEANS,
    example=EXAMPLE,
    example_rows=(("West Virginia", 24.4525, 40, 3), ("Wyoming", 25.49, 40, 3)),
    method_version=1,
    charts=("means",),
    needs_polarity=True,
    is_small=True,
)

WORST5 = Statistic(
    name="worst5",
    order=40,
    parameters=OfQuestion,
    prepare=location_entries,
    reads_cells=False,
    cost=cost_of_five,
    compute=worst5,
    rests_on=rests_on,
    explain=explain_mean,
    help="the five worst locations with their means, worst first",
    estimates=_RANKED,
    columns=MEANS,
    example=EXAMPLE,
    example_rows=(("Maine", 39.413636363636364, 44, 0), ("Washington", 38.65348837209302, 43, 0)),
    method_version=1,
    charts=("means",),
    needs_polarity=True,
    is_small=True,
)

GLOBAL_MEAN = Statistic(
    name="global_mean",
    order=50,
    parameters=OfQuestion,
    prepare=question_entry,
    reads_cells=False,
    cost=cost,
    compute=global_mean,
    rests_on=rests_on,
    explain=explain_mean,
    help="one mean over everything",
    estimates='all rows of the question, those of "National" too; a location with more rows counts more',
    columns=MEAN_OF_ALL,
    example=EXAMPLE,
    example_rows=((32.271187904967604, 2315, 85),),
    method_version=1,
    charts=("means",),
    is_small=True,
)

DIFF_FROM_MEAN = Statistic(
    name="diff_from_mean",
    order=60,
    parameters=OfQuestion,
    prepare=location_entries,
    reads_cells=False,
    cost=cost,
    compute=diff_from_mean,
    rests_on=difference_rests_on,
    explain=explain_difference_of_means,
    help="global mean minus each location's mean, in the order of states_mean",
    estimates="the means of global_mean and states_mean; positive where the location is below",
    columns=DIFFERENCES,
    example=EXAMPLE,
    example_rows=(
        ("West Virginia", 7.818687904967603, 24.4525, 32.271187904967604, 40, 3),
        ("Wyoming", 6.781187904967602, 25.49, 32.271187904967604, 40, 3),
    ),
    method_version=1,
    charts=("means",),
)

STATE_DIFF_FROM_MEAN = Statistic(
    name="state_diff_from_mean",
    order=70,
    parameters=OfState,
    prepare=location_entries,
    reads_cells=False,
    cost=cost,
    compute=state_diff_from_mean,
    rests_on=difference_rests_on,
    explain=explain_difference_of_means,
    help="global mean minus one location's mean",
    estimates="the means of global_mean and state_mean; positive where the location is below",
    columns=DIFFERENCES,
    example=_UTAH,
    example_rows=(("Utah", -2.362145428365731, 34.63333333333333, 32.271187904967604, 42, 1),),
    method_version=1,
    charts=("means",),
    is_small=True,
)

MEAN_BY_CATEGORY = Statistic(
    name="mean_by_category",
    order=80,
    parameters=OfQuestion,
    prepare=stratum_entries,
    reads_cells=False,
    cost=cost,
    compute=mean_by_category,
    rests_on=rests_on,
    explain=explain_mean,
    help="mean by location, category and stratum, in the order of their names",
    estimates="the rows of each group over years; rows without a category are in none",
    columns=MEANS_OF_GROUPS,
    example=EXAMPLE,
    example_rows=(
        ("Alabama", "Age (years)", "18 - 24", 18.9, 2, 0),
        ("Alabama", "Age (years)", "25 - 34", 29.0, 2, 0),
    ),
    method_version=1,
)

STATE_MEAN_BY_CATEGORY = Statistic(
    name="state_mean_by_category",
    order=90,
    parameters=OfState,
    prepare=stratum_entries,
    reads_cells=False,
    cost=cost,
    compute=state_mean_by_category,
    rests_on=rests_on,
    explain=explain_mean,
    help="mean by category and stratum of one location, in the order of their names",
    estimates="the location's rows of each group over years; rows without a category are in none",
    columns=MEANS_OF_GROUPS,
    example=_UTAH,
    example_rows=(("Utah", "Age (years)", "18 - 24", 22.35, 2, 0), ("Utah", "Age (years)", "25 - 34", 34.4, 1, 0)),
    method_version=1,
    charts=("means",),
    is_small=True,
)
