"""``disparity``: the groups of a category beside a named one, and how far they lie apart, in each location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import check_form
from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.provenance import REFERENCE, Provenance, of_all, of_group
from meantime.statistics.cells.selection import Selection
from meantime.statistics.cells.strata import (
    OfCategory,
    PooledGroups,
    counterparts,
    names,
    strata,
    without_reference,
)
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import explain_difference
from meantime.statistics.explain.estimates import estimate_of, explain_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.blocks import blocks
from meantime.statistics.methods.differences import Compared, Estimates, difference, ratio
from meantime.statistics.methods.effective_size import errors_if_equal
from meantime.statistics.methods.gaps import DRAWS, GreatestGaps, greatest_gaps
from meantime.statistics.methods.heterogeneity import equality_p
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.seeding import generator
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
from meantime.statistics.words.conclusions import LEVEL, AdjustedTests, verdicts
from meantime.statistics.words.groups import gap_sentence, gaps_sentence, group_sentences
from meantime.table import Cell, Column, Kind, Table


class Disparity(OfCategory, frozen=True, kw_only=True):
    """Parameters of ``disparity``; with a ``stratum``, of that one and the reference alone."""


_POINTS = {"unit": shared.OF_DIFFERENCE}
COLUMNS: tuple[Column, ...] = (
    shared.LOCATION,
    shared.STRATUM,
    ESTIMATE,
    LOW,
    HIGH,
    Column(name="reference_stratum", kind=Kind.TEXT, meaning="the group that it is compared with"),
    shared.number("reference_estimate", "the estimate of that group in the same location"),
    shared.number("difference", "estimate minus that of the reference group", **_POINTS),
    shared.number("difference_low", "lower limit of its 95% interval (MOVER)", **_POINTS),
    shared.number("difference_high", "upper limit of its 95% interval", **_POINTS),
    shared.number("relative_difference", "the difference in percent of the reference group's estimate", unit="percent"),
    shared.number("relative_difference_low", "lower limit of its 95% interval", unit="percent"),
    shared.number("relative_difference_high", "upper limit of its 95% interval", unit="percent"),
    shared.number("p", "p-value of no difference: the level at which the interval touches 0", unit=None),
    shared.number("p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
    Column(
        name="verdict",
        kind=Kind.TEXT,
        meaning="better or worse (above or below, where it is not known what is good), no clear difference; reference, "
        "no group, or not tested, where there is nothing to compare",
    ),
    shared.number("gap", "highest estimate minus lowest among the location's groups", **_POINTS),
    shared.number(
        "gap_corrected", "the gap with a partial correction for its upward bias: the extremes are picked", **_POINTS
    ),
    shared.number("gap_low", "lower limit of a 95% interval of the difference of those two (Tukey-Kramer)", **_POINTS),
    shared.number("gap_high", "upper limit of that interval", **_POINTS),
    shared.number("gap_p", "p-value of all groups of the location being equal (Cochran's Q)", unit=None),
    shared.number("gap_p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
    RESPONDENTS,
    FLAGS,
)

# Numbers that the test of one location's groups is reckoned as: it takes as long as drawing so many.
_ONE_TEST = 4_096

_PARTIAL = (
    "gap is the difference between the highest and the lowest group. Because these are picked as extremes, sampling "
    "error biases it upward, and makes a gap between equal groups too. gap_corrected removes only a part of the bias: "
    "six equal groups with standard errors of 2 points have a gap of 5.1 on average, of which 3.1 are left. The "
    "interval holds for all pairs of groups of a location at once."
)


def prepare(snapshot: Snapshot, parameters: Disparity) -> PooledGroups:
    """Select the cells of every group, and pool their years."""
    return strata(snapshot, parameters)


def disparity(prepared: Prepared[Disparity, PooledGroups], work: Work) -> Table:
    """Compare the groups of each location with one of them, in the order of the names; tied ones do not differ.

    What is withheld is left out by name. Strata that are no groups ("Data not reported") are shown, and neither
    compared nor part of a gap.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Disparity(question=survey_example.SOUP, category="Sex", reference_stratum="Male")
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> columns = ("location", "stratum", "estimate", "difference", "relative_difference", "verdict", "gap")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    Avalon Female 18.0 -5.8 -24.37 better 5.8
    Avalon Male 23.8 None None reference 5.8
    Borduria Female 27.0 0.8 3.05 no clear difference 0.8
    Borduria Male 26.2 None None reference 0.8
    """
    parameters, pooled = prepared.parameters, prepared.data
    at = counterparts(pooled, pooled.chosen.reference)
    reference = _reference(pooled, at)
    d, r = difference(pooled.estimates, reference), ratio(pooled.estimates, reference)
    work.check()
    gaps = _gaps(pooled, parameters, work)
    # One family: every p that the answer has, that of a location's gap once.
    tests = int(np.isfinite(np.concatenate([d.p, gaps.p])).sum())
    p_adjusted, gap_p = np.split(adjusted(np.concatenate([d.p, gaps.p]), by=parameters.adjust), [len(pooled)])
    data: list[list[Cell]] = [
        list(pooled.groups.names),
        list(names(pooled.groups)),
        numbers(pooled.value),
        numbers(pooled.low),
        numbers(pooled.high),
        [pooled.chosen.reference] * len(pooled),
        numbers(np.where(at >= 0, pooled.value[at], np.nan)),
        numbers(d.value),
        numbers(d.low),
        numbers(d.high),
        *(numbers(100 * (each - 1)) for each in (r.value, r.low, r.high)),
        numbers(d.p),
        numbers(p_adjusted),
        _verdicts(pooled, at, d, p_adjusted),
        *gaps.columns,
        numbers(gaps.p[gaps.location]),
        numbers(gap_p[gaps.location]),
        integers(pooled.respondents),
        flag_texts(pooled.flags),
    ]
    return table(
        pooled.groups,
        COLUMNS,
        data,
        left_out=pooled.left_out,
        notes=[_PARTIAL],
        warnings=[without_reference(pooled, pooled.chosen.reference)],
        findings=[*_sentences(pooled, d, p_adjusted, tests, parameters), *_of_gaps(pooled, gaps, gap_p, parameters)],
    )


def cost(prepared: Prepared[Disparity, PooledGroups]) -> Cost:
    """State what disparities cost: each group is compared with the reference, and drawn for the gap of its location."""
    pooled = prepared.data
    return Cost(
        cells=pooled.selection.cells_read,
        pairs=len(pooled) + len(np.unique(pooled.groups.locations)),
        draws=DRAWS * len(pooled),
        **prepared.answer_cost(len(pooled)),
    )


def rests_on(prepared: Prepared[Disparity, PooledGroups], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a difference rests on: both groups; of the reference itself, and what is not compared, the estimate."""
    pooled = prepared.data
    if row is None:
        return Provenance(number=None, parts=(of_all(pooled.selection),))
    if row["difference"] is None:
        return Provenance(number="estimate", parts=(of_group(pooled, row),))
    own, other = (
        {"location": row["location"], "stratum": stratum} for stratum in (row["stratum"], pooled.chosen.reference)
    )
    parts = (of_group(pooled, own), of_group(pooled, other, REFERENCE, sign=-1.0))
    return Provenance(number="difference", parts=parts)


def _reference(pooled: PooledGroups, at: Integers) -> Estimates:
    """Return what each group is compared with; NaN for the reference itself, and for what is no group."""
    is_compared = (at >= 0) & (at != np.arange(len(pooled))) & pooled.groups.is_group
    arrays = (pooled.value, pooled.se, pooled.used_low, pooled.used_high)
    value, se, low, high = (np.where(is_compared, of[at], np.nan) for of in arrays)
    return Estimates(value=value, se=se, scale=pooled.groups.scale, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OfLocations:
    """The gap of each location, and of each row its location."""

    location: Integers  # of each row, the place among the locations
    size: Integers  # how many groups of each location are measured; with two or more it has a gap
    rows: Integers  # those of the locations that have a gap, by location
    gaps: GreatestGaps  # of these; its indices are places in ``rows``
    p: Doubles  # of equal groups, of every location

    @property
    def columns(self) -> list[list[Cell]]:
        return [
            numbers(self._of_all(each)[self.location])
            for each in (self.gaps.gap, self.gaps.corrected, self.gaps.low, self.gaps.high)
        ]

    def _of_all(self, figures: Doubles) -> Doubles:
        of_all = np.full(len(self.size), np.nan)
        of_all[self.size > 1] = figures
        return of_all


def _gaps(pooled: PooledGroups, parameters: Disparity, work: Work) -> _OfLocations:
    category, reference, stratum, _ = pooled.chosen
    # The same numbers, whether the groups are named or are the first ones.
    named = msgspec.structs.replace(parameters, category=category, reference_stratum=reference, stratum=stratum)
    rng = generator(pooled.groups.snapshot.fingerprint, "disparity", named)
    codes, location = np.unique(pooled.groups.locations, return_inverse=True)
    measured = np.flatnonzero(pooled.groups.is_group & np.isfinite(pooled.se))
    measured = measured[np.argsort(location[measured], kind="stable")]
    size = np.bincount(location[measured], minlength=len(codes))
    rows = measured[size[location[measured]] > 1]
    p = np.full(len(codes), np.nan)
    first = np.cumsum(size) - size
    for block in blocks(len(codes), _ONE_TEST, work.check):
        for index in range(block.start, block.stop):
            p[index] = _of_equal(pooled, measured[first[index] : first[index] + size[index]])
    gaps = greatest_gaps(pooled.estimates[rows], size[size > 1], rng, check=work.check)
    return _OfLocations(location=location.astype(np.int64), size=size, rows=rows, gaps=gaps, p=p)


def _of_equal(pooled: PooledGroups, rows: Integers) -> float:
    value, is_percent = pooled.value[rows], pooled.groups.is_percent
    errors = errors_if_equal(value, pooled.se[rows], pooled.respondents[rows], is_percent=is_percent)
    return equality_p(value, errors)


def _verdicts(pooled: Pooled, at: Integers, d: Compared, p_adjusted: Doubles) -> list[Cell]:
    words = verdicts(d, p_adjusted, polarity=pooled.groups.polarity)
    for index, is_group in enumerate(pooled.groups.is_group.tolist()):
        if not is_group:
            words[index] = "no group"
        elif at[index] == index:
            words[index] = "reference"
    return words


def _sentences(pooled: PooledGroups, d: Compared, p_adjusted: Doubles, tests: int, parameters: Disparity) -> list[str]:
    groups = pooled.groups
    return group_sentences(
        groups.subject,
        groups.names,
        _people(groups),
        d,
        AdjustedTests(p_adjusted=p_adjusted, adjust=parameters.adjust, number=tests),
        category=pooled.chosen.category,
        reference=groups.subject.people_in(pooled.chosen.category, pooled.chosen.reference),
        is_aggregate=groups.is_aggregate,
    )


def _people(groups: Selection) -> list[str]:
    subject, every = groups.subject, groups.stratum_names
    words = {each: subject.people_in(*each) for each in set(every)}
    return [words[each] for each in every]


def _of_gaps(pooled: PooledGroups, gaps: _OfLocations, p_adjusted: Doubles, parameters: Disparity) -> list[str]:
    """Say whether three groups or more differ; of two the difference has said it. Aggregates are not counted."""
    groups, names = pooled.groups, pooled.groups.names
    several = np.flatnonzero(gaps.size > 2).tolist()
    first = np.unique(gaps.location, return_index=True)[1].tolist()
    names_of = {index: names[first[index]] for index in several}
    many = [index for index in several if names_of[index] not in groups.geography.aggregates] or several
    if not many:
        return []
    differ = [index for index in many if p_adjusted[index] < LEVEL]
    if len(gaps.size) == 1 and differ:
        return [_of_one(pooled, gaps)]
    places = [names_of[index] for index in many]
    return [gaps_sentence(groups.subject, pooled.chosen.category, places, len(differ), parameters.adjust)]


def _of_one(pooled: PooledGroups, of: _OfLocations) -> str:
    who, groups, gaps = _people(pooled.groups), pooled.groups, of.gaps
    highest, lowest = (int(of.rows[each[0]]) for each in (gaps.highest, gaps.lowest))
    ends = ((who[highest], float(pooled.value[highest])), (who[lowest], float(pooled.value[lowest])))
    gap, low, high, corrected = (float(each[0]) for each in (gaps.gap, gaps.low, gaps.high, gaps.corrected))
    return gap_sentence(groups.subject, groups.names[0], pooled.chosen.category, ends, (gap, low, high, corrected))


def explain(explanation: ExplanationBuilder[Disparity, PooledGroups]) -> None:
    """Explain the difference of a group from the reference group; of that one, the estimate."""
    pooled, row = explanation.data, explanation.row
    own = estimate_of(pooled, "own", row)._replace(label=str(row["stratum"]))
    if row["difference"] is None:
        explain_estimate(explanation, own)
        return
    reference = estimate_of(pooled, "reference", {**row, "stratum": row["reference_stratum"]})
    explain_difference(explanation, own, reference._replace(label=str(row["reference_stratum"])))
    explanation.leaves_out.append(
        "The relative difference, which is the same on logarithms; and the gap of all groups."
    )


STATISTIC = Statistic(
    name="disparity",
    order=170,
    parameters=Disparity,
    prepare=prepare,
    cost=cost,
    compute=disparity,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="the groups of a category compared with one of them, and how much the groups of a location differ",
    estimates="how much higher a group's population value is than that of the reference group in the same location",
    columns=COLUMNS,
    example={**EXAMPLE, "category": "Gender", "reference_stratum": "Male"},
    example_rows=(
        (
            *("Alabama", "Female", 30.6, 28.5, 32.9, "Male", 28.5, 2.1000000000000014),
            *(-1.727531841800928, 5.880211634287155, 7.36842105263158, -5.529417303362683),
            *(22.611321313464305, 0.27902061690646685, 1.0, "no clear difference", 2.1000000000000014),
            *(1.872503571439688, -1.727531841567251, 5.880211634063139, 0.273125321496266, 1.0),
            *(2651, ""),
        ),
    ),
    method_version=8,
    charts=("disparity",),
)
