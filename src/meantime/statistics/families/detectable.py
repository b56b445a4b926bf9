"""``detectable``: how large a difference would have to be for a comparison to find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import numpy as np

from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import CellParameters, check_form
from meantime.statistics.cells.provenance import REFERENCE, Provenance, of_all, of_group
from meantime.statistics.cells.reference import ReferencedEstimates, with_reference
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import add_estimate, estimate_of, explain_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.power import detectable_difference
from meantime.statistics.parameters import LocationName
from meantime.statistics.result_tables import ESTIMATE, FLAGS, RESPONDENTS, SE, flag_texts, integers, numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.extremes import detectable_sentence
from meantime.table import Cell, Column, Kind, Table
from meantime.text import number


class Detectable(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``detectable``."""

    reference: Annotated[
        LocationName | None,
        msgspec.Meta(
            description="The location to compare with. Default: the aggregate of the table, such as the whole "
            "country, if it has one.",
            examples=["National"],
        ),
    ] = None
    power: Annotated[
        float,
        msgspec.Meta(gt=0.05, lt=1, description="The power: the probability to detect the difference.", examples=[0.8]),
    ] = 0.8


COLUMNS: tuple[Column, ...] = (
    shared.LOCATION,
    ESTIMATE,
    SE,
    Column(name="reference", kind=Kind.TEXT, meaning="what it would be compared with"),
    shared.number("reference_se", "the standard error of the reference"),
    shared.number(
        "detectable",
        "true difference that one comparison at 5% finds with the power asked for, approximately; null without a "
        "standard error",
        unit=shared.OF_DIFFERENCE,
    ),
    shared.number(
        "detectable_among_all",
        "the same where all of them are compared at once and p is adjusted for that (Bonferroni, Holm's first step)",
        unit=shared.OF_DIFFERENCE,
    ),
    RESPONDENTS,
    FLAGS,
)

# That of the comparisons which are planned.
_LEVEL = 0.95

_NOTE = (
    "For planning a comparison, and approximate: in simulations with a power of 80%, such a difference was found "
    "upward in 73.8 to 80.7% and downward in 80.8 to 86.8% of cases. It does not explain a result: a difference that "
    "was not found does not become more or less likely by it."
)


def prepare(snapshot: Snapshot, parameters: Detectable) -> ReferencedEstimates:
    """Select the cells of the locations and of the reference, and pool their years."""
    return with_reference(snapshot, parameters, parameters.reference)


def cost(prepared: Prepared[Detectable, ReferencedEstimates]) -> Cost:
    """State what planning costs: nothing is compared yet."""
    pooled = prepared.data.pooled
    return Cost(cells=pooled.selection.cells_read, **prepared.answer_cost(len(pooled) - 1))


def rests_on(prepared: Prepared[Detectable, ReferencedEstimates], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what it rests on: the standard errors of the location and of the reference; the cells that have them."""
    pooled, at = prepared.data
    if row is None:
        return Provenance(number=None, parts=(of_all(pooled.groups),))
    return Provenance(number="estimate", parts=(of_group(pooled, row), of_all(pooled.groups[[at]], REFERENCE)))


def detectable(prepared: Prepared[Detectable, ReferencedEstimates], work: Work) -> Table:
    """Give the difference from the reference that could be found, in the order of the names; tied ones are too.

    A location whose year is withheld is left out by name.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Detectable(question=survey_example.SOUP, reference="Avalon", years="2018")
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> for row in zip(table.column("location"), table.column("detectable")):
    ...     print(row[0], round(row[1], 2))
    Borduria 4.04
    Dorado 4.04
    Erewhon 4.04
    """
    parameters, (pooled, at) = prepared.parameters, prepared.data
    others = pooled[np.arange(len(pooled)) != at]
    reference_se = np.full(len(others), pooled.se[at])
    compared = max(int(np.isfinite(others.se + reference_se).sum()), 1)
    alone, among_all = (
        detectable_difference(others.se, reference_se, level=1 - (1 - _LEVEL) / tests, power=parameters.power)
        for tests in (1, compared)
    )
    work.check()
    name = pooled.groups.names[at]
    data: list[list[Cell]] = [
        list(others.groups.names),
        numbers(others.value),
        numbers(others.se),
        [name] * len(others),
        numbers(reference_se),
        numbers(alone),
        numbers(among_all),
        integers(others.respondents),
        flag_texts(others.flags),
    ]
    findings = [detectable_sentence(others.groups.subject, others.groups.names, alone, name, parameters.power)]
    return table(pooled.groups, COLUMNS, data, left_out=pooled.left_out, warnings=[_NOTE], findings=findings)


def explain(explanation: ExplanationBuilder[Detectable, ReferencedEstimates]) -> None:
    """Explain the standard errors, and the difference that could be found with them."""
    pooled, row = explanation.data.pooled, explanation.row
    own = estimate_of(pooled, "own", {"location": row["location"]})
    reference = estimate_of(pooled, "reference", {"location": row["reference"]})
    explain_estimate(explanation, own)
    add_estimate(explanation, reference)
    least = explanation.number("detectable")
    if least is None or not (own.has_limits and reference.has_limits):
        return
    factor = least / float(np.hypot(own.se, reference.se))
    explanation.step(
        f"(1.96 + {number(factor - 1.96)}) times the standard error of a difference of the two.",
        f"{factor:.4f} sqrt({number(own.se)}^2 + {number(reference.se)}^2) = {number(least)}",
        detectable=least,
    )
    explanation.results["reference_se"] = ("reference_se",) * 2
    explanation.results["detectable"] = (
        f"{factor!r} * np.sqrt(own_se**2 + reference_se**2)",
        f"{factor!r} * sqrt(own_se^2 + reference_se^2)",
    )


STATISTIC = Statistic(
    name="detectable",
    order=200,
    parameters=Detectable,
    prepare=prepare,
    cost=cost,
    compute=detectable,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="how large a difference from the reference would have to be for a comparison to find it",
    estimates="the smallest true difference that a survey of this size would detect as often as asked, approximately",
    columns=COLUMNS,
    example={**EXAMPLE, "reference": "National"},
    example_rows=(
        (
            "Alabama",
            30.9,
            0.9179792189030623,
            "National",
            0.10604826396812252,
            2.588901350410211,
            3.8384055489379345,
            4537,
            "",
        ),
    ),
    method_version=6,
)
