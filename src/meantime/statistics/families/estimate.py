"""``estimate``: the published estimates of a question, pooled over years where several are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT, Integers
from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import CellParameters, StandardPopulation
from meantime.statistics.cells.periods import periods_text
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import (
    VALUE,
    Part,
    Provenance,
    groups_of,
    of_all,
    of_group,
    of_mean,
    unweighted,
)
from meantime.statistics.cells.refusals import raise_problems
from meantime.statistics.cells.select import select, select_rows
from meantime.statistics.cells.selection import Rows, Selection, left_out_warning
from meantime.statistics.cells.standards import check_standardized
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import estimate_of, explain_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.explain.means import explain_mean
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.parameters import period_text
from meantime.statistics.result_tables import (
    ESTIMATE,
    FLAGS,
    HIGH,
    LOW,
    RESPONDENTS,
    SE,
    flag_texts,
    integers,
    numbers,
    table,
)
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words import warnings
from meantime.statistics.words.extremes import ReferenceValue, estimate_sentence, range_sentence
from meantime.table import Cell, Column, Kind, Table
from meantime.text import quoted


class Estimate(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``estimate``."""

    standard: StandardPopulation = ()

    by: Annotated[
        tuple[Literal["stratum", "period"], ...],
        msgspec.Meta(
            max_length=2,
            description="A row for each stratum (of the category, if one is named) or each period of a location. "
            "Default: one estimate for each location.",
            examples=[["stratum"], ["period"]],
        ),
    ] = ()


_CELLS = Column(name="cells", kind=Kind.INTEGER, meaning="published values that the estimate is made of")
_FLAGGED = Column(name="flagged_cells", kind=Kind.INTEGER, meaning="those of them that have a flag of their own")
_WITHHELD = Column(name="withheld", kind=Kind.TEXT, meaning="why there is no value; null where there is one")
_NUMBERS = (ESTIMATE, SE, LOW, HIGH, _CELLS, _FLAGGED, RESPONDENTS, FLAGS, _WITHHELD)
COLUMNS = (shared.LOCATION, *_NUMBERS)

_NO_ERROR = (
    "The mean of all rows as they come, over categories and years: their categories overlap, so it has no standard "
    "error, and it is no rate of the population. Do not rank by it."
)


def columns_for(parameters: Estimate) -> tuple[Column, ...]:
    """Return the columns of the answer.

    >>> [column.name for column in columns_for(Estimate(question="Q", by=("period",)))][:4]
    ['location', 'period', 'estimate', 'se']
    """
    groups = (shared.CATEGORY, shared.STRATUM) if "stratum" in parameters.by else ()
    periods = (shared.PERIOD,) if "period" in parameters.by else ()
    return (shared.LOCATION, *groups, *periods, *_NUMBERS)


def check_basis(parameters: Estimate) -> tuple[Problem, ...]:
    """Return what is wrong with a request regardless of the data."""
    if parameters.standard and "stratum" in parameters.by:
        detail = "A standardized value is made of all strata, so there is no row for each. Remove one of them."
        problem = Problem(pointer="/by", code="contradiction", detail=detail)
        return (*check_standardized(parameters), problem)
    is_broken_down = bool(parameters.by) or parameters.category is not None or parameters.stratum is not None
    if parameters.basis != "all_rows" or parameters.standard or not is_broken_down:
        return check_standardized(parameters)
    detail = (
        'The basis "all_rows" is one mean for each location, over all categories and years. Remove by, category'
        " and stratum."
    )
    return (Problem(pointer="/basis", code="contradiction", detail=detail),)


def prepare(snapshot: Snapshot, parameters: Estimate) -> Selection | Rows:
    """Select the cells; of the basis "all_rows", those of every row."""
    raise_problems(check_basis(parameters))
    if parameters.basis == "all_rows":
        return select_rows(snapshot, parameters)
    return select(snapshot, parameters, by_stratum="stratum" in parameters.by, each_period="period" in parameters.by)


def estimate(prepared: Prepared[Estimate, Selection | Rows], work: Work) -> Table:
    """Give the estimate of each location, in the order of the names; tied ones are too.

    >>> from meantime.dataset.samples import survey_example
    >>> def show(**parameters):
    ...     table = STATISTIC.answer(survey_example.snapshot(), Estimate(question=survey_example.SOUP, **parameters))
    ...     for row in table.rows():
    ...         print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    ...     print(*table.warnings)

    Pooled over two years; Cockaigne's 2018 is withheld, so it is left out:

    >>> show(years="2018..2019")  # location, estimate, se, low, high, cells, flagged, respondents, flags, withheld
    Avalon 21.0 0.72 19.62 22.45 2 0 2000  None
    Borduria 26.25 0.72 24.86 27.69 2 0 2000  None
    Dorado 26.25 0.72 24.86 27.69 2 0 2000  None
    Erewhon 23.85 0.72 22.47 25.29 2 0 2000  None
    Not shown: Cockaigne is suppressed or missing in 2018 ("~").

    Each period by itself, where what is withheld has a row that says so:

    >>> show(years="2018..2019", by=("period",), locations=("Cockaigne",))
    Cockaigne 2018 None None None None 0 0 None  "~"
    Cockaigne 2019 31.0 1.02 29.1 33.1 1 0 1000  None
    <BLANKLINE>
    """
    parameters, selection = prepared.parameters, prepared.data
    if isinstance(selection, Rows):
        return _of_all_rows(prepared.snapshot, selection, work)
    if "period" in parameters.by:
        return _by_period(selection, parameters, work)
    pooled = pool_periods(selection)
    work.check()
    return _pooled(pooled, parameters)


def cost(prepared: Prepared[Estimate, Selection | Rows]) -> Cost:
    """State what estimates cost: every cell is read, and by period has a row."""
    of = prepared.data
    if isinstance(of, Rows):
        return Cost(cells=len(of.cells), **prepared.answer_cost(len(np.unique(of.locations))))
    rows = of.cells_read // of.cells_per_value if "period" in prepared.parameters.by else len(of)
    return Cost(cells=of.cells_read, **prepared.answer_cost(rows))


def rests_on(prepared: Prepared[Estimate, Selection | Rows], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what an estimate rests on: the cells of its periods, with the weights of the pooling."""
    selection = prepared.data
    if isinstance(selection, Rows):
        return _all_rows_rest_on(prepared.snapshot, selection, row)
    if row is None:
        return Provenance(number=None, parts=(of_all(selection),))
    if "period" not in prepared.parameters.by:
        return Provenance(number="estimate", parts=(of_group(pool_periods(selection), row),))
    groups = groups_of(selection, row)
    cells, weights = selection.at(row["period"]).weighted_cells((groups, 0), np.ones(len(groups)))
    return Provenance(number="estimate", parts=(Part(VALUE, cells, weights),))


def _all_rows_rest_on(snapshot: Snapshot, rows: Rows, row: Mapping[str, Cell] | None) -> Provenance:
    if row is None:
        return Provenance(number=None, parts=(unweighted(rows.cells),))
    own = rows.cells[rows.locations == snapshot.cube.location_codes[str(row["location"])]]
    return Provenance(number="estimate", parts=(of_mean(snapshot, own),))


def _pooled(pooled: Pooled, parameters: Estimate) -> Table:
    data = [
        *_groups(pooled.groups, parameters),
        numbers(pooled.value),
        numbers(pooled.se),
        numbers(pooled.low),
        numbers(pooled.high),
        [len(pooled.groups.periods) * pooled.groups.cells_per_value] * len(pooled),
        pooled.flagged.tolist(),
        integers(pooled.respondents),
        flag_texts(pooled.flags),
        [None] * len(pooled),
    ]
    return table(
        pooled.groups,
        columns_for(parameters),
        data,
        left_out=pooled.left_out,
        notes=[_weighting(pooled.groups), _strata_note(parameters)],
        findings=_findings(pooled, parameters),
    )


def _findings(pooled: Pooled, parameters: Estimate) -> list[str]:
    """Say the estimate in words where it is one, and where they are of one group the range of several."""
    groups = pooled.groups
    if len(pooled) == 1:
        estimate = (float(each[0]) for each in (pooled.value, pooled.low, pooled.high))
        return [estimate_sentence(groups.subject, groups.names[0], *estimate)]
    places, totals = np.flatnonzero(~groups.is_aggregate), np.flatnonzero(groups.is_aggregate)
    if "stratum" in parameters.by or len(places) < 2:
        return []
    names, value = [groups.names[row] for row in places.tolist()], pooled.value[places]
    reference = ReferenceValue(groups.names[totals[0]], float(pooled.value[totals[0]])) if len(totals) == 1 else None
    wanted = len(pooled.selection.wanted_places)
    return [range_sentence(groups.subject, names, value, reference=reference, wanted=wanted)]


def _by_period(of: Selection, parameters: Estimate, work: Work) -> Table:
    """Give every cell a row: those that are there, withheld ones included."""
    is_there = of.all_cells != ABSENT
    rows, columns = np.nonzero(is_there if of.standardized is None else is_there.any(axis=2))
    there = of[rows]
    names = ["" if period is None else period_text(period) for period in of.periods]

    def at(grid: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[Cell]:
        return numbers(grid[rows, columns])

    has_value = ~np.isnan(of.value[rows, columns])
    work.check()
    data = [
        *_groups(there, parameters),
        [names[index] for index in columns.tolist()],
        at(of.value),
        at(of.se),
        at(of.low),
        at(of.high),
        (has_value * of.cells_per_value).astype(np.int64).tolist(),
        of.flagged[rows, columns].tolist(),
        integers(of.respondents[rows, columns]),
        flag_texts(of.flags[rows, columns]),
        [
            None if has else _reason(of, row, index)
            for has, row, index in zip(has_value.tolist(), rows.tolist(), columns.tolist(), strict=True)
        ],
    ]
    return table(of, columns_for(parameters), data, left_out=of.left_out, notes=[_strata_note(parameters)])


def _reason(of: Selection, row: int, index: int) -> str:
    reason, group = "no row" if of.cell[row, index] == ABSENT else of.reason(row, index), of.missing_group(row, index)
    return f"{quoted(group)}: {reason}" if group else reason


def _groups(of: Selection, parameters: Estimate) -> list[list[Cell]]:
    named: list[list[Cell]] = [list(of.names)]
    if "stratum" in parameters.by:
        pairs = of.stratum_names
        named += [[category for category, _ in pairs], [stratum for _, stratum in pairs]]
    return named


def _strata_note(parameters: Estimate) -> str:
    if "stratum" not in parameters.by:
        return ""
    return "Each stratum by itself; categories overlap, and their strata are not to be added."


def _weighting(of: Selection) -> str:
    if len(of.periods) < 2:
        return ""
    return {
        Weights.EQUAL: "The years are pooled with equal weights.",
        Weights.SAMPLE_SIZE: "The years are pooled by their respondents, so each location has another mix of years.",
        Weights.EFFECTIVE_SIZE: "The years are pooled by their effective sample sizes, so each location has another "
        "mix of years.",
    }[of.parameters.weights]


def _of_all_rows(snapshot: Snapshot, rows: Rows, work: Work) -> Table:
    moments, scale = snapshot.cube.pick(rows.cells).moments, snapshot.cube.scale
    codes, starts = np.unique(rows.locations, return_index=True)
    count, total = _sums(moments.count, starts), _sums(moments.total, starts)
    work.check()
    nothing: list[Cell] = [None] * len(codes)
    names = snapshot.cube.labels.locations
    data: list[list[Cell]] = [
        [names[code] for code in codes.tolist()],
        # Integers of any size, whose division rounds once.
        [t / (n * 10**scale) for t, n in zip(total, count, strict=True)],
        *([nothing] * 3),
        list(count),
        [0] * len(codes),
        nothing,
        ["no standard error"] * len(codes),
        nothing,
    ]
    about = " / ".join(filter(None, ("All rows", periods_text(rows.periods))))
    possible_warnings = (_NO_ERROR, *rows.warnings, left_out_warning(rows.left_out))
    return Table(
        columns=shared.of_question(COLUMNS, rows.unit),
        data=tuple(data),
        notes=tuple(filter(None, (f"{about}.", warnings.synthetic(snapshot), *rows.notes))),
        warnings=tuple(filter(None, possible_warnings)),
    )


def _sums(numbers: Integers, starts: Integers) -> list[int]:
    has = numbers.tolist()
    ends = [*starts.tolist()[1:], len(has)]
    return [sum(has[start:end]) for start, end in zip(starts.tolist(), ends, strict=True)]


def explain(explanation: ExplanationBuilder[Estimate, Selection | Rows]) -> None:
    """Explain an estimate, or a mean of all rows."""
    selection = explanation.data
    if isinstance(selection, Rows):
        explain_mean(explanation)
        return
    if explanation.row["estimate"] is None:
        explanation.no_number("the value is withheld")
        return
    if "period" in explanation.parameters.by:
        selection = selection.at(explanation.row["period"])
    explain_estimate(explanation, estimate_of(pool_periods(selection), "own", explanation.row))


STATISTIC = Statistic(
    name="estimate",
    order=110,
    parameters=Estimate,
    prepare=prepare,
    cost=cost,
    compute=estimate,
    rests_on=rests_on,
    explain=explain,
    check_form=check_basis,
    help="estimate for each location, with its standard error and 95% confidence interval",
    estimates="the percent (or other value) of the population of each location, of one year or pooled over several",
    columns=COLUMNS,
    columns_for=columns_for,
    example={**EXAMPLE, "years": "2018..2022"},
    example_rows=(
        ("Alabama", 29.9, 0.38381132341620866, 29.153211082703823, 30.657640621890575, 5, 0, 25263, "", None),
    ),
    method_version=6,
    charts=("estimates", "trend", "groups", "map", "state_map", "point_map"),
)
