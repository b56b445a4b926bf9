"""``change``: whether each location's value changed between two years, or two pools of years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import WithReference, check_form
from meantime.statistics.cells.containment import Containment, containment, correlation_with
from meantime.statistics.cells.periods import SYNTAX, sharing
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import EARLIER, LATER, Provenance, of_all, of_group
from meantime.statistics.cells.reference import absent
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import DifferenceColumns, explain_difference, explain_relative
from meantime.statistics.explain.estimates import estimate_of
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.differences import Compared, difference, difference_of_differences, relative_difference
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.parameters import LocationName, Year
from meantime.statistics.result_tables import numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.breaks import changed_across
from meantime.statistics.words.changes import beyond_sentences, change_sentences
from meantime.statistics.words.conclusions import LEVEL, AdjustedTests
from meantime.table import Cell, Column, Kind, Table


class Change(WithReference, frozen=True, kw_only=True):
    """Parameters of ``change``."""

    since: Annotated[
        Year | str,
        msgspec.Meta(
            description=f'The earlier years to compare "years" with: {SYNTAX}.', examples=["2018", "2011..2013"]
        ),
    ]
    reference: Annotated[
        LocationName | None,
        msgspec.Meta(
            description="The location whose change the others are compared with. Default: none.", examples=["National"]
        ),
    ] = None

    def __post_init__(self) -> None:
        """Normalize, so that equal requests compare equal."""
        super().__post_init__()
        msgspec.structs.force_setattr(self, "since", str(self.since).replace(" ", "").casefold())


_POINTS = {"unit": shared.OF_DIFFERENCE}
COLUMNS = (
    shared.LOCATION,
    shared.number("before", "the estimate of the earlier years"),
    shared.number("after", "the estimate of the later years"),
    shared.number("change", "after minus before", **_POINTS),
    shared.number("change_low", "lower limit of its 95% interval (MOVER)", **_POINTS),
    shared.number("change_high", "upper limit of its 95% interval", **_POINTS),
    *shared.relative("relative_change", "change in percent of the earlier estimate; null unless both are above 0"),
    shared.number("p", "p-value of no change", unit=None),
    shared.number("p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
    Column(
        name="verdict", kind=Kind.TEXT, meaning="risen, fallen, no clear change; not tested, without standard errors"
    ),
    shared.number(
        "beyond_reference",
        "change minus that of the reference; null for the reference itself, or without one",
        **_POINTS,
    ),
    shared.number("beyond_reference_low", "lower limit of its 95% interval (MOVER over both changes)", **_POINTS),
    shared.number("beyond_reference_high", "upper limit of its 95% interval", **_POINTS),
    shared.number("beyond_reference_p", "p-value of the same change as the reference", unit=None),
    shared.number("beyond_reference_p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
)


class Pools(NamedTuple):
    """The earlier and the later estimates of the locations that have both."""

    earlier: Pooled
    later: Pooled
    # Whether the reference contains the locations, in the later years and in the earlier ones; empty without one.
    contained: tuple[Containment, ...]


def change(prepared: Prepared[Change, Pools], work: Work) -> Table:
    """Compare the later years of each location with the earlier ones, in the order of the names; tied ones are too.

    A location of which one is withheld or absent is left out by name.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Change(question=survey_example.SOUP, since="2016", years="2020")
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> for row in zip(*(table.column(name) for name in ("location", "before", "after", "change", "verdict"))):
    ...     print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    Avalon 20.0 21.8 1.8 no clear change
    Borduria 26.0 26.2 0.2 no clear change
    Cockaigne 30.0 31.8 1.8 no clear change
    Dorado 25.8 26.2 0.4 no clear change
    >>> table.warnings
    ('Not shown: Erewhon has no 2020 value.',)
    """
    parameters, (before, after, contained) = prepared.parameters, prepared.data
    d = difference(after.estimates, before.estimates)
    work.check()
    relative = relative_difference(after.estimates, before.estimates)
    work.check()
    beyond, findings = _beyond(before, after, contained, parameters)
    # All p-values of the answer are adjusted together.
    p_adjusted, beyond_adjusted = np.split(adjusted(np.concatenate([d.p, beyond.p]), by=parameters.adjust), 2)
    work.check()
    data: list[list[Cell]] = [
        list(after.groups.names),
        numbers(before.value),
        numbers(after.value),
        numbers(d.value),
        numbers(d.low),
        numbers(d.high),
        *map(numbers, (relative.value, relative.low, relative.high)),
        numbers(d.p),
        numbers(p_adjusted),
        _verdicts(d, p_adjusted),
        numbers(beyond.value),
        numbers(beyond.low),
        numbers(beyond.high),
        numbers(beyond.p),
        numbers(beyond_adjusted),
    ]
    return table(
        after.groups,
        COLUMNS,
        data,
        left_out=after.left_out,
        notes=[f"Earlier years: {before.groups.years}.", *findings],
        warnings=[
            *dict.fromkeys(warning for each in contained for warning in each.warnings),
            *changed_across(after.groups.breaks, (*before.groups.periods, *after.groups.periods)),
        ],
        findings=_findings(before, after, d, p_adjusted, beyond, beyond_adjusted, parameters),
    )


def cost(prepared: Prepared[Change, Pools]) -> Cost:
    """State what changes cost: each location is compared with itself, and its change with that of the reference."""
    earlier, later, _ = prepared.data
    k = len(later)
    return Cost(
        cells=earlier.selection.cells_read + later.selection.cells_read,
        pairs=k if prepared.parameters.reference is None else 2 * k - 1,
        **prepared.answer_cost(k),
    )


def rests_on(prepared: Prepared[Change, Pools], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a change rests on: the cells of the later years, and, the other way, those of the earlier ones."""
    earlier, later, _ = prepared.data
    if row is None:
        return Provenance(number=None, parts=(of_all(later.groups, LATER), of_all(earlier.groups, EARLIER)))
    parts = (of_group(later, row, LATER), of_group(earlier, row, EARLIER, sign=-1.0))
    return Provenance(number="change", parts=parts)


def prepare(snapshot: Snapshot, parameters: Change) -> Pools:
    """Select the cells of the earlier and of the later years, and pool each."""
    later = pool_periods(select(snapshot, parameters, also=parameters.reference))
    earlier_asked = msgspec.structs.replace(parameters, years=parameters.since)
    earlier = pool_periods(select(snapshot, earlier_asked, also=parameters.reference))
    if sharing([period for period in (*earlier.groups.periods, *later.groups.periods) if period is not None]):
        detail = f"The earlier and the later years overlap: {earlier.groups.years} and {later.groups.years}."
        raise refusal("/since", "contradiction", detail)
    both = np.intersect1d(earlier.groups.locations, later.groups.locations)
    left_out = tuple(sorted({*earlier.left_out, *later.left_out}))
    earlier = earlier[np.isin(earlier.groups.locations, both)]
    later = later[np.isin(later.groups.locations, both)]
    if parameters.reference is not None and parameters.reference not in later.groups.names:
        raise absent(parameters.reference, left_out)
    contained: tuple[Containment, ...] = ()
    if parameters.reference is not None:
        at = later.groups.names.index(parameters.reference)
        contained = (containment(later, at, parameters), containment(earlier, at, parameters))
    return Pools(earlier, later.with_left_out(left_out), contained)


def _beyond(
    before: Pooled, after: Pooled, contained: tuple[Containment, ...], parameters: Change
) -> tuple[Compared, list[str]]:
    """Compare each change with that of the reference, whose own change is compared with nothing; and say how.

    (after - reference after) - (before - reference before): in this order what a location has in common with a
    reference that contains it is within each difference, year by year.
    """
    nothing = np.full(len(after), np.nan)
    if parameters.reference is None:
        return Compared(value=nothing, low=nothing, high=nothing, z=nothing), []
    at = after.groups.names.index(parameters.reference)
    is_other = np.arange(len(after)) != at
    differences, correlations = [], []
    findings: list[str] = []
    for pooled, containing in zip((after, before), contained, strict=True):
        others, reference = pooled[is_other], pooled[[at]]
        differences.append((others.estimates, reference.estimates))
        correlations.append(correlation_with(others, reference, containing))
        findings += containing.notes
    d = difference_of_differences(differences[0], differences[1], correlations=(correlations[0], correlations[1]))

    def of(numbers: Doubles) -> Doubles:
        return np.insert(numbers, at, np.nan)

    compared = Compared(value=of(d.value), low=of(d.low), high=of(d.high), z=of(d.z))
    return compared, list(dict.fromkeys(findings))


def _verdicts(d: Compared, p_adjusted: Doubles) -> list[Cell]:
    words = np.select(
        [np.isnan(p_adjusted), (p_adjusted < LEVEL) & (d.value > 0), p_adjusted < LEVEL],
        ["not tested", "risen", "fallen"],
        "no clear change",
    )
    return list(words.tolist())


def _findings(
    before: Pooled,
    after: Pooled,
    d: Compared,
    p_adjusted: Doubles,
    beyond: Compared,
    beyond_adjusted: Doubles,
    parameters: Change,
) -> list[str]:
    groups, since, adjust = after.groups, before.groups.years, parameters.adjust
    number = int(np.isfinite(np.concatenate([p_adjusted, beyond_adjusted])).sum())
    of_changes = AdjustedTests(p_adjusted=p_adjusted, adjust=adjust, number=number)
    is_aggregate = groups.is_aggregate
    sentences = change_sentences(
        groups.subject,
        groups.names,
        before.value,
        after.value,
        d,
        of_changes,
        since=since,
        is_aggregate=is_aggregate,
    )
    if parameters.reference is None:
        return sentences
    at = groups.names.index(parameters.reference)
    of_beyond = AdjustedTests(p_adjusted=beyond_adjusted, adjust=adjust, number=number)
    return sentences + beyond_sentences(
        groups.subject, groups.names, d, beyond, of_beyond, reference=at, since=since, is_aggregate=is_aggregate
    )


def explain(explanation: ExplanationBuilder[Change, Pools]) -> None:
    """Explain the change of a location."""
    location = {"location": explanation.row["location"]}
    later = estimate_of(explanation.data.later, "later", location)
    earlier = estimate_of(explanation.data.earlier, "earlier", location)
    explain_difference(explanation, later, earlier, DifferenceColumns("change", "change_low", "change_high"))
    explain_relative(explanation, later, earlier, "relative_change")
    if explanation.parameters.reference is not None:
        explanation.leaves_out.append("How the change compares with that of the reference.")


STATISTIC = Statistic(
    name="change",
    order=140,
    parameters=Change,
    prepare=prepare,
    cost=cost,
    compute=change,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="how each location changed between two years, or pools of years, and whether as the reference did",
    estimates="how much a location's population value rose or fell from the earlier years to the later ones",
    columns=COLUMNS,
    example={**EXAMPLE, "since": "2013", "years": "2023", "reference": "National"},
    example_rows=(
        (
            *("Alabama", 28.0, 30.9, 2.9, 0.35049024320360767, 5.517250465660473),
            *(10.357142857142843, 1.194730361363061, 20.666295749627107),
            *(0.025856863808886875, 1.0, "no clear change", -1.4, -3.966389502156853, 1.2337145441066895),
            *(0.29783262613686845, 1.0),
        ),
    ),
    method_version=8,
    charts=("comparison",),
)
