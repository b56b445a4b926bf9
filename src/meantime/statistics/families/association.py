"""``association``: whether two questions go together across locations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.dataset.facts.relations import RelationKind, relation
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import CellParameters, check_form
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import OTHER, Part, Provenance, of_all, of_group
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import LeftOut, Selection
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import explain_own_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.explain.programs import MOST_LISTED
from meantime.statistics.methods.correlations import (
    Correlation,
    corrected_for_sampling_error,
    correlation_of_errors,
    pearson,
    spearman,
)
from meantime.statistics.methods.effective_size import effective_size
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.parameters import QuestionText, Show
from meantime.statistics.result_tables import flag_texts, numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.conclusions import LEVEL
from meantime.statistics.words.subject import capitalized
from meantime.table import Cell, Column, Kind, Table

# With fewer, the confidence interval of a correlation covers nearly the whole range.
LEAST_LOCATIONS = 10


class Association(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``association``."""

    other: Annotated[
        QuestionText,
        msgspec.Meta(
            description="The other question, in full. It is taken for the same group and years.",
            examples=["Percent of adults who engage in no leisure-time physical activity"],
        ),
    ]
    show: Show = "figures"


COLUMNS = (
    Column(name="method", kind=Kind.TEXT, meaning="Pearson: of the values; Spearman: of their ranks"),
    Column(name="locations", kind=Kind.INTEGER, meaning="how many have both; aggregates are left out"),
    shared.number("correlation", "from -1 to 1; null where one of the two does not vary", unit=None),
    shared.number("low", "lower limit of its 95% interval (Fisher; Bonett and Wright)", unit=None),
    shared.number("high", "upper limit of its 95% interval", unit=None),
    shared.number("p", "p-value of no correlation", unit=None),
    shared.number("p_adjusted", "the same, adjusted for the two of them by Holm", unit=None),
    shared.number(
        "corrected",
        "what it would be without independent sampling errors: a hint, no estimate; null where a reliability is not "
        "above 0.5, and for ranks",
        unit=None,
    ),
)

# Of whatever two questions; in an answer they are named.
_OF_OTHER = "of the other question"


def _locations_columns(question: str, other: str) -> tuple[Column, ...]:
    return (
        shared.LOCATION,
        shared.number("estimate", question),
        shared.number("low", "lower limit of its 95% interval"),
        shared.number("high", "upper limit of it"),
        shared.number("other_estimate", other, unit=_OF_OTHER),
        shared.number("other_low", "lower limit of its 95% interval", unit=_OF_OTHER),
        shared.number("other_high", "upper limit of it", unit=_OF_OTHER),
        Column(name="flags", kind=Kind.TEXT, meaning="why one of the two is unreliable; empty where no rule flags it"),
    )


_ECOLOGICAL = (
    "About locations, not people: that both are high in the same locations does not show that they are high for the "
    "same people, nor that one causes the other."
)
_SAME_PEOPLE = (
    "Both questions ask the same respondents, so their sampling errors are not independent. Treat the corrected value "
    "as a hint."
)
_RELATED = {
    "exclude": "By definition nobody is counted by both questions, so where there are more of the one, fewer are left "
    "for the other: a negative correlation is partly arithmetic.",
    "overlap": "By definition many are counted by both questions, so a positive correlation is partly arithmetic.",
}
_LEAD = {
    "exclude": "Partly by definition, since nobody is counted in both, ",
    "overlap": "Partly by definition, since many are counted in both, ",
}
_UNRELATED = (
    "Whether the two questions overlap or exclude each other is not known. If they do, part of the correlation is "
    "arithmetic."
)


def columns_for(parameters: Association) -> tuple[Column, ...]:
    """Return the columns of the answer: those of locations say of which question they are.

    >>> [column.meaning for column in columns_for(Association(question="P", other="Q", show="locations"))][1:5:3]
    ['P', 'Q']
    """
    return _locations_columns(parameters.question, parameters.other) if parameters.show == "locations" else COLUMNS


class Both(NamedTuple):
    """The estimates of both questions, of the locations that have both, in the same order."""

    one: Pooled
    other: Pooled


def association(prepared: Prepared[Association, Both], work: Work) -> Table:
    """Correlate two questions across the locations that have both; tied values share the mean of their ranks.

    A location of which one is withheld is left out by name; fewer than ten are refused:

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Association(question=survey_example.SOUP, other=survey_example.SINGING, years="2019")
    >>> STATISTIC.answer(survey_example.snapshot(), parameters)
    Traceback (most recent call last):
    meantime.errors.requests.RequestInvalid: Only 5 locations have both questions, and a correlation needs 10.
    """
    parameters, (one, other) = prepared.parameters, prepared.data
    reliabilities = (one.heterogeneity.reliability, other.heterogeneity.reliability)
    work.check()
    related = relation(parameters.question, parameters.other)
    of_errors = _of_errors(one, other, related)
    straight = pearson(one.value, other.value, of_errors=of_errors)
    ranked = spearman(one.value, other.value, of_errors=of_errors)
    work.check()
    corrected = corrected_for_sampling_error(straight.r, *reliabilities)
    p_adjusted = adjusted(np.array([straight.p, ranked.p]))
    p_straight, p_ranked = numbers(p_adjusted)
    rows = [_row("Pearson", straight, p_straight, corrected), _row("Spearman", ranked, p_ranked, None)]
    figures: list[list[Cell]] = [list(cells) for cells in zip(*rows, strict=True)]
    return table(
        one.groups,
        _with_units(columns_for(parameters), other),
        _locations(one, other) if parameters.show == "locations" else figures,
        left_out=one.left_out,
        notes=[_reliabilities_note(*reliabilities), _of_errors_note(of_errors), _ECOLOGICAL],
        warnings=[
            *(each for each in other.groups.warnings if each not in one.groups.warnings),
            _SAME_PEOPLE,
            _UNRELATED if related is None else _RELATED[related],
        ],
        findings=[_finding(straight, ranked, p_adjusted, one.groups, other.groups, _LEAD.get(related or "", ""))],
    )


def cost(prepared: Prepared[Association, Both]) -> Cost:
    """State what a correlation costs: the cells of both questions."""
    one, other = prepared.data
    rows = len(one) if prepared.parameters.show == "locations" else len(("Pearson", "Spearman"))
    return Cost(cells=one.selection.cells_read + other.selection.cells_read, **prepared.answer_cost(rows))


def rests_on(prepared: Prepared[Association, Both], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a correlation rests on: the cells of both questions. It is no weighted sum of them; an estimate is."""
    one, other = prepared.data
    if row is None or "location" not in row:
        return Provenance(number=None, parts=(of_all(one.groups), of_all(other.groups, OTHER)))
    # Beside the estimate stands that of the other question, whose rows count nothing in it.
    return Provenance(number="estimate", parts=(of_group(one, row), of_group(other, row, OTHER, sign=0.0)))


def prepare(snapshot: Snapshot, parameters: Association) -> Both:
    """Select the cells of both questions, and pool their years."""
    if parameters.other == parameters.question:
        raise refusal("/other", "contradiction", "Both questions are the same. Name another one.")
    one = pool_periods(select(snapshot, parameters))
    # Exactly the years and the group of the first question, also if those were "latest" and none was named.
    of_one = one.groups.parameters
    same = msgspec.structs.replace(
        parameters,
        years=one.groups.years_parameter,
        basis=of_one.basis,
        category=of_one.category,
        stratum=of_one.stratum,
    )
    other = pool_periods(_select_other(snapshot, same))
    both = np.intersect1d(one.groups.locations, other.groups.locations)
    left_out = tuple(sorted({*one.left_out, *(_of_other(each) for each in other.left_out)}))
    one, other = (each[np.isin(each.groups.locations, both)] for each in (one, other))
    is_sum = one.groups.is_aggregate
    one, other = one.without(is_sum, "is an aggregate"), other.without(is_sum, "is an aggregate")
    if len(one) < LEAST_LOCATIONS:
        figures = {0: "No location has", 1: "Only one location has"}.get(len(one), f"Only {len(one)} locations have")
        detail = f"{figures} both questions, and a correlation needs {LEAST_LOCATIONS}."
        raise refusal("/locations", "absent", detail)
    return Both(one.with_left_out(left_out), other)


def _select_other(snapshot: Snapshot, parameters: Association) -> Selection:
    """Select the cells of the other question; problems say that they are with that one."""
    try:
        return select(snapshot, msgspec.structs.replace(parameters, question=parameters.other))
    except RequestInvalid as invalid:
        of_other = ((each, f"Of the other question: {each.detail}") for each in invalid.problems)
        problems = tuple(msgspec.structs.replace(each, detail=detail) for each, detail in of_other)
        raise RequestInvalid(problems[0].detail, problems=problems) from invalid


def _of_other(left_out: LeftOut) -> LeftOut:
    return LeftOut(left_out.location, f"{left_out.reason} for the other question")


def _locations(one: Pooled, other: Pooled) -> list[list[Cell]]:
    """Return a row for each location that has both, in the order of the names."""
    both = [numbers(column) for pooled in (one, other) for column in (pooled.value, pooled.low, pooled.high)]
    return [list(one.groups.names), *both, flag_texts(one.flags | other.flags)]


def _with_units(columns: tuple[Column, ...], other: Pooled) -> tuple[Column, ...]:
    return tuple(replace(each, unit=other.groups.unit) if each.unit == _OF_OTHER else each for each in columns)


def _row(method: str, pooled: Correlation, p_adjusted: Cell, corrected: float | None) -> tuple[Cell, ...]:
    figures = (pooled.r, pooled.low, pooled.high, pooled.p)
    return (method, pooled.pairs, *numbers(np.array(figures)), p_adjusted, corrected)


def _of_errors(one: Pooled, other: Pooled, related: RelationKind | None) -> float:
    """Return the correlation that sampling errors alone make; 0 where it is not known."""
    if related != "exclude" or not (one.groups.is_percent and other.groups.is_percent):
        return 0.0
    size = np.sqrt(effective_size(one.value, one.se) * effective_size(other.value, other.se))
    return correlation_of_errors(one.value, other.value, size)


def _of_errors_note(of_errors: float) -> str:
    if not of_errors:
        return ""
    return (
        "Sampling errors of questions that exclude each other are correlated by a known amount; alone they make a "
        f"correlation of {text.number(of_errors, 2)} here, which is taken off, also in the intervals and p-values."
    )


def _reliabilities_note(one: float, other: float) -> str:
    if not np.isfinite(one + other):
        return ""
    first, second = text.number(one), text.number(other)
    return f"Reliability of the differences between locations: {first} of the question, {second} of the other."


def _finding(
    straight: Correlation, ranked: Correlation, p_adjusted: Doubles, one: Selection, other: Selection, lead: str
) -> str:
    """Say how the questions go together; ``lead``: what is arithmetic in it."""
    if not np.isfinite(p_adjusted).all():
        return ""
    p_straight, p_ranked = p_adjusted.tolist()
    # Ranks see what is no straight line, and what one location far out hides from the values.
    only_ranks = p_straight >= LEVEL and p_ranked < LEVEL
    best = ranked if only_ranks else straight
    coefficient = "correlation of ranks" if only_ranks else "r"
    places = text.decimals([best.r, best.low, best.high])
    r = f"{coefficient} = {text.number(best.r, places)}, {text.interval(best.low, best.high, places=places)}"
    subject, nouns = one.subject, one.subject.nouns(one.names)
    facts = subject.with_years(r)
    if min(p_straight, p_ranked) >= LEVEL:
        return (
            f"These data do not show that {subject} and {other.subject} go together across the {best.pairs:,} "
            f"{nouns}{facts}."
        )
    return capitalized(
        f"{lead}in {nouns} where {subject} is higher, {other.subject} tends to be "
        f"{'higher too' if best.r > 0 else 'lower'}{subject.with_years(f'{best.pairs:,} {nouns}', r)}."
    )


def explain(explanation: ExplanationBuilder[Association, Both]) -> None:
    """Explain a correlation; of a location, its estimate of the first question."""
    if "location" in explanation.row:
        explain_own_estimate(explanation, explanation.data.one)
        explanation.leaves_out.append("The estimate of the other question, which comes about in the same way.")
        return
    one, other = explanation.provenance.parts
    r, method = explanation.number("correlation"), str(explanation.row["method"])
    explanation.step(f"{explanation.row['locations']} locations have a value in both.")
    explanation.assumptions.append("Of locations, not of people.")
    if r is not None:
        explanation.step(f"The {method} correlation of the two across these locations.", f"r = {r:.3f}", correlation=r)
    parameters = explanation.parameters
    of_errors = _of_errors(*explanation.data, relation(parameters.question, parameters.other))
    if of_errors:
        explanation.step("What the sampling errors of questions that exclude each other make of it is taken off.")
        explanation.leaves_out.append("The correlation: it takes the covariance of the sampling errors into account.")
        return
    years = len(np.unique(explanation.snapshot.cube.pick(one.cells).keys[:, -1]))
    if method == "Spearman" and years > 1:
        explanation.leaves_out.append("The ranks of pooled values: equal ones may differ in the last digit.")
    elif r is None or explanation.parameters.weights is not Weights.EQUAL or len(one.cells) > MOST_LISTED:
        explanation.leaves_out.append("The correlation: it would need hundreds of rows listed, or their respondents.")
    else:
        _write_correlation(explanation, method, one, other)


def _write_correlation(explanation: ExplanationBuilder[Association, Both], method: str, one: Part, other: Part) -> None:
    programs = explanation.programs
    value, location = programs.column("value"), programs.column("location")
    for name, part in (("one", one), ("other", other)):
        programs.take(name, part._replace(weights=np.ones(len(part.cells))))
        programs.add(
            f"{name} = {name}.assign(value=number({name}[{value}])).groupby({location})['value'].mean()",
            f"{name} <- tapply(number({name}[[{value}]]), {name}[[{location}]], mean)",
        )
    if method == "Spearman":
        programs.add("one, other = one.rank(), other.rank()", "one <- rank(one); other <- rank(other)")
    explanation.results["correlation"] = ("np.corrcoef(one, other)[0, 1]", "cor(one, other)")
    explanation.leaves_out.append("The interval and p.")


STATISTIC = Statistic(
    name="association",
    order=190,
    parameters=Association,
    prepare=prepare,
    cost=cost,
    compute=association,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="whether two questions go together across locations: Pearson and Spearman with intervals",
    estimates="the correlation of two population values across locations; of locations, not of people",
    columns=COLUMNS,
    columns_for=columns_for,
    example={**EXAMPLE, "other": "Percent of adults who engage in no leisure-time physical activity"},
    example_rows=(
        (
            *("Pearson", 54, 0.39122831125697144, 0.13791512685642707, 0.5965019947673875),
            *(0.0031655031640508164, 0.006331006328101633, 0.41301597062249723),
        ),
    ),
    method_version=8,
    charts=("scatter",),
)
