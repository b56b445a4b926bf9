"""``target``: each location against a fixed value, such as a target of Healthy People."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import WithAdjustment, check_form
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import Provenance, of_estimates
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import MOVER, DifferenceColumns, difference_formula, explain_test
from meantime.statistics.explain.estimates import explain_own_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.differences import difference_from
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.result_tables import (
    ESTIMATE,
    FLAGS,
    HIGH,
    LOW,
    RESPONDENTS,
    flag_texts,
    integers,
    numbers,
    table,
)
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.conclusions import VERDICT, verdicts
from meantime.statistics.words.targets import target_sentences
from meantime.table import Cell, Column, Table
from meantime.text import number


class Target(WithAdjustment, frozen=True, kw_only=True):
    """Parameters of ``target``."""

    target: Annotated[
        float,
        msgspec.Meta(description="The value to compare with, in the unit of the question.", examples=[36.0]),
    ]


COLUMNS: tuple[Column, ...] = (
    shared.LOCATION,
    ESTIMATE,
    LOW,
    HIGH,
    shared.number("target", "what it is compared with; known without error"),
    shared.number("difference", "estimate minus target", unit=shared.OF_DIFFERENCE),
    shared.number("difference_low", "lower limit of its 95% interval", unit=shared.OF_DIFFERENCE),
    shared.number("difference_high", "upper limit of its 95% interval", unit=shared.OF_DIFFERENCE),
    shared.number("p", "p-value of no difference", unit=None),
    shared.number("p_adjusted", "the same, adjusted for the number of comparisons", unit=None),
    VERDICT,
    RESPONDENTS,
    FLAGS,
)


def prepare(snapshot: Snapshot, parameters: Target) -> Pooled:
    """Select the cells, and pool their years."""
    chosen = select(snapshot, parameters)
    if chosen.is_percent and not 0 <= parameters.target <= 100:
        raise refusal(
            "/target", "type", f"The question is in percent, and {number(parameters.target)} is none: from 0 to 100."
        )
    return pool_periods(chosen)


def target(prepared: Prepared[Target, Pooled], work: Work) -> Table:
    """Compare each location with the target, in the order of the names; tied ones are too.

    A location whose year is withheld is left out by name.

    >>> from meantime.dataset.samples import survey_example
    >>> table = STATISTIC.answer(survey_example.snapshot(), Target(question=survey_example.SOUP, target=24.0))
    >>> for row in zip(*(table.column(name) for name in ("location", "difference", "p_adjusted", "verdict"))):
    ...     print(*(round(cell, 3) if isinstance(cell, float) else cell for cell in row))
    Avalon -3.1 0.018 better
    Borduria 2.6 0.02 worse
    Cockaigne 7.0 0.0 worse
    Dorado 1.9 0.1 no clear difference
    Erewhon 0.1 0.92 no clear difference
    """
    parameters, pooled = prepared.parameters, prepared.data
    d = difference_from(pooled.estimates, parameters.target)
    work.check()
    p_adjusted = adjusted(d.p, by=parameters.adjust)
    data: list[list[Cell]] = [
        list(pooled.groups.names),
        numbers(pooled.value),
        numbers(pooled.low),
        numbers(pooled.high),
        [parameters.target] * len(pooled),
        numbers(d.value),
        numbers(d.low),
        numbers(d.high),
        numbers(d.p),
        numbers(p_adjusted),
        verdicts(d, p_adjusted, polarity=pooled.groups.polarity),
        integers(pooled.respondents),
        flag_texts(pooled.flags),
    ]
    work.check()
    findings = target_sentences(
        pooled.groups.subject,
        pooled.groups.names,
        pooled.value,
        d,
        p_adjusted,
        target=parameters.target,
        polarity=pooled.groups.polarity,
        adjust=parameters.adjust,
        is_aggregate=pooled.groups.is_aggregate,
    )
    return table(pooled.groups, COLUMNS, data, left_out=pooled.left_out, findings=findings)


def cost(prepared: Prepared[Target, Pooled]) -> Cost:
    """State what comparing with the target costs: each location once."""
    pooled = prepared.data
    k = len(pooled)
    return Cost(cells=pooled.selection.cells_read, pairs=k, **prepared.answer_cost(k))


def rests_on(prepared: Prepared[Target, Pooled], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what an estimate rests on."""
    return of_estimates(prepared.data, row)


def explain(explanation: ExplanationBuilder[Target, Pooled]) -> None:
    """Explain the difference of a location from the target."""
    own = explain_own_estimate(explanation, explanation.data)
    d, fixed = explanation.known("difference"), float(explanation.parameters.target)
    formula = f"d = {difference_formula(own.value, fixed, d)}"
    explanation.step(f"{own.label} minus the target.", formula, difference=d)
    explain_test(explanation)
    explanation.sources.append(MOVER)
    if own.has_limits:
        explanation.programs.add(
            f"target_value, target_limits = {fixed!r}, ({fixed!r}, {fixed!r})  # known without error",
            f"target_value <- {fixed!r}; target_limits <- c({fixed!r}, {fixed!r})  # known without error",
        )
        explanation.programs.mover("own", "target")
        explanation.results |= DifferenceColumns().results()


STATISTIC = Statistic(
    name="target",
    order=150,
    parameters=Target,
    prepare=prepare,
    cost=cost,
    compute=target,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="each location against a fixed value, such as a target of Healthy People",
    estimates="how far a location's population value is from the target",
    columns=COLUMNS,
    example={**EXAMPLE, "target": 36.0},
    example_rows=(
        (
            *("Alabama", 30.9, 29.2, 32.8, 36.0, -5.1, -6.800000000000001, -3.200000000000003),
            *(2.8053223435152073e-07, 9.818628202303226e-06, "better", 4537, ""),
        ),
    ),
    method_version=7,
    charts=("comparison", "verdict_map", "map", "verdict_state_map", "state_map"),
)
