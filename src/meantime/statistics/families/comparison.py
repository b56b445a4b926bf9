"""``comparison``: each location with a reference, tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import StandardPopulation, WithReference
from meantime.statistics.cells.containment import Containment, containment, correlation_with
from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.provenance import Provenance
from meantime.statistics.cells.reference import difference_rests_on, with_reference
from meantime.statistics.cells.standards import check_standardized
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import add_both, explain_difference
from meantime.statistics.explain.estimates import ExplainedEstimate, estimate_of
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.differences import Compared, difference, equivalence_p, ratio
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.parameters import Names
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
from meantime.statistics.words.comparisons import comparison_sentences, similar_sentence
from meantime.statistics.words.conclusions import LEVEL, VERDICT, AdjustedTests, verdicts
from meantime.statistics.words.extremes import ReferenceValue
from meantime.statistics.words.subject import named
from meantime.table import Cell, Column, Kind, Table
from meantime.text import number


class Comparison(WithReference, frozen=True, kw_only=True):
    """Parameters of ``comparison``."""

    standard: StandardPopulation = ()

    reference: Annotated[
        Annotated[str, Names.LOCATION] | None,
        msgspec.Meta(
            description="The location to compare with. Default: the aggregate of the table, such as the whole "
            "country, if it has one.",
            examples=["National", "Utah"],
        ),
    ] = None
    margin: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None,
        msgspec.Meta(
            description="A difference that is too small to matter, in the unit of the question. A location is called "
            "similar if a difference beyond this margin is ruled out, by two one-sided tests adjusted for the number "
            "of comparisons. Default: no location is.",
            examples=[2.0],
        ),
    ] = None


COLUMNS = (
    shared.LOCATION,
    ESTIMATE,
    LOW,
    HIGH,
    Column(name="reference", kind=Kind.TEXT, meaning="what it is compared with"),
    shared.number("reference_estimate", "the estimate of the reference"),
    shared.number("difference", "estimate minus that of the reference", unit=shared.OF_DIFFERENCE),
    shared.number("difference_low", "lower limit of its 95% interval (MOVER)", unit=shared.OF_DIFFERENCE),
    shared.number("difference_high", "upper limit of its 95% interval", unit=shared.OF_DIFFERENCE),
    shared.number(
        "difference_from_rest",
        "difference from the rest of the reference; null unless it contains the location and shares are given",
        unit=shared.OF_DIFFERENCE,
    ),
    shared.number("ratio", "estimate over that of the reference", unit=None),
    shared.number("ratio_low", "lower limit of its 95% interval", unit=None),
    shared.number("ratio_high", "upper limit of its 95% interval", unit=None),
    shared.number("p", "p-value of no difference: the level at which the interval touches 0", unit=None),
    shared.number("p_adjusted", "the same, adjusted for the number of comparisons", unit=None),
    shared.number(
        "p_similar_adjusted",
        "p-value of a difference beyond the margin (two one-sided tests), adjusted for the number of comparisons; null "
        "without a margin",
        unit=None,
    ),
    VERDICT,
    RESPONDENTS,
    FLAGS,
)


class Sides(NamedTuple):
    """Locations and their reference, and whether that contains them."""

    pooled: Pooled
    at: int  # position of the reference
    contained: Containment


def prepare(snapshot: Snapshot, parameters: Comparison) -> Sides:
    """Select the cells of the locations and of the reference, and pool their years."""
    pooled, at = with_reference(snapshot, parameters, parameters.reference)
    return Sides(pooled, at, containment(pooled, at, parameters))


def comparison(prepared: Prepared[Comparison, Sides], work: Work) -> Table:
    """Compare each location with the reference, in the order of the names; tied ones are too, and do not differ.

    A location whose year is withheld is left out by name:

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Comparison(question=survey_example.SOUP, years="2018", reference="Borduria")
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> columns = ("location", "difference", "difference_low", "difference_high", "p_adjusted", "verdict")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*(round(cell, 3) if isinstance(cell, float) else cell for cell in row))
    Avalon -4.8 -7.632 -1.968 0.003 better
    Dorado 0.7 -2.132 3.532 0.627 no clear difference
    Erewhon -2.3 -5.132 0.532 0.222 no clear difference
    >>> table.warnings
    ('Not shown: Cockaigne is suppressed or missing in 2018 ("~").',)
    """
    parameters, (pooled, at, contained) = prepared.parameters, prepared.data
    others, reference = pooled[np.arange(len(pooled)) != at], pooled[[at]]
    correlation = correlation_with(others, reference, contained)
    d = difference(others.estimates, reference.estimates, correlation=correlation)
    work.check()
    r = ratio(others.estimates, reference.estimates, correlation=correlation)
    work.check()
    p_adjusted = adjusted(d.p, by=parameters.adjust)
    p_similar = _p_similar(others, reference, correlation, parameters)
    is_similar = p_similar < LEVEL
    work.check()
    data: list[list[Cell]] = [
        list(others.groups.names),
        numbers(others.value),
        numbers(others.low),
        numbers(others.high),
        [reference.groups.names[0]] * len(others),
        numbers(np.repeat(reference.value, len(others))),
        numbers(d.value),
        numbers(d.low),
        numbers(d.high),
        numbers(_from_the_rest(d, contained)),
        numbers(r.value),
        numbers(r.low),
        numbers(r.high),
        numbers(d.p),
        numbers(p_adjusted),
        numbers(p_similar),
        verdicts(d, p_adjusted, polarity=pooled.groups.polarity, is_similar=is_similar),
        integers(others.respondents),
        flag_texts(others.flags),
    ]
    return table(
        pooled.groups,
        COLUMNS,
        data,
        left_out=pooled.left_out,
        notes=[_reference_note(reference), *contained.notes],
        warnings=contained.warnings,
        findings=_findings(others, reference, d, p_adjusted, is_similar, parameters),
    )


def cost(prepared: Prepared[Comparison, Sides]) -> Cost:
    """State what comparisons cost: each location is compared with the reference."""
    pooled = prepared.data.pooled
    others = len(pooled) - 1
    return Cost(cells=pooled.selection.cells_read, pairs=others, **prepared.answer_cost(others))


def rests_on(prepared: Prepared[Comparison, Sides], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a difference rests on: the cells of the location, and, the other way, those of the reference."""
    return difference_rests_on(prepared.data.pooled, prepared.data.at, row)


def _from_the_rest(d: Compared, contained: Containment) -> Doubles:
    """Return the difference from the rest of the reference; NaN where it has no share, or nothing but the location."""
    with np.errstate(divide="ignore", invalid="ignore"):
        is_part = (contained.share > 0) & (contained.share < 1)
        return np.where(is_part, d.value / (1 - contained.share), np.nan)


def _p_similar(others: Pooled, reference: Pooled, correlation: Doubles, parameters: Comparison) -> Doubles:
    """Return the adjusted p-values of differences that matter; NaN without a margin."""
    if parameters.margin is None:
        return np.full(len(others), np.nan)
    p = equivalence_p(others.estimates, reference.estimates, parameters.margin, correlation=correlation)
    return adjusted(p, by=parameters.adjust)


def _reference_note(reference: Pooled) -> str:
    value, low, high = (float(each[0]) for each in (reference.value, reference.low, reference.high))
    figure = text.with_interval(value, low, high, reference.groups.unit)
    return f"Compared with {named(reference.groups.names[0])}: {figure}."


def _findings(
    others: Pooled, reference: Pooled, d: Compared, p_adjusted: Doubles, is_similar: Any, parameters: Comparison
) -> list[str]:
    groups, of = others.groups, ReferenceValue(reference.groups.names[0], float(reference.value[0]))
    sentences = comparison_sentences(
        groups.subject,
        groups.names,
        others.value,
        d,
        p_adjusted,
        reference=of,
        adjust=parameters.adjust,
        is_aggregate=groups.is_aggregate,
    )
    if parameters.margin is None:
        return sentences
    similar = is_similar & ~(p_adjusted < LEVEL)
    tests = AdjustedTests(p_adjusted=p_adjusted, adjust=parameters.adjust, number=int(np.isfinite(p_adjusted).sum()))
    return [*sentences, similar_sentence(groups.subject, groups.names, similar, tests, parameters.margin, of)]


def explain(explanation: ExplanationBuilder[Comparison, Sides]) -> None:
    """Explain the difference of a location from the reference."""
    pooled, row = explanation.data.pooled, explanation.row
    own = estimate_of(pooled, "own", {"location": row["location"]})
    reference = estimate_of(pooled, "reference", {"location": row["reference"]})
    if explanation.parameters.shares == "geography" and row["difference_from_rest"] is not None:
        _explain_contained(explanation, own, reference)
        return
    explain_difference(explanation, own, reference)
    explanation.leaves_out.append("The ratio: the same on logarithms.")


def _explain_contained(
    explanation: ExplanationBuilder[Comparison, Sides], own: ExplainedEstimate, reference: ExplainedEstimate
) -> None:
    add_both(explanation, own, reference)
    d = explanation.known("difference")
    explanation.step(f"{own.label} minus {reference.label}.", f"d = {number(d)}", difference=d)
    explanation.results["difference"] = ("own_value - reference_value",) * 2
    explanation.leaves_out.append("Interval and p: they take into account that the reference contains the location.")


STATISTIC = Statistic(
    name="comparison",
    order=120,
    parameters=Comparison,
    prepare=prepare,
    cost=cost,
    compute=comparison,
    rests_on=rests_on,
    explain=explain,
    check_form=check_standardized,
    help="each location compared with a reference: difference, ratio, and whether they differ",
    estimates="how much higher a location's population value is than that of the reference, in the same years",
    columns=COLUMNS,
    example={**EXAMPLE, "reference": "National"},
    example_rows=(
        (
            *("Alabama", 30.9, 29.2, 32.8, "National", 33.1, -2.2, -3.912699243152449, -0.28870081414615534, None),
            *(0.9335347432024165, 0.8818698061085621, 0.9912641285862307),
            *(0.024394454026040572, 0.4878890805208114, None, "no clear difference", 4537, ""),
        ),
    ),
    method_version=8,
    charts=("comparison", "verdict_map", "map", "verdict_state_map", "state_map"),
)
