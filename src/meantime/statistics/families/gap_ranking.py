"""``gap_ranking``: the locations by the gap between two groups, how sure that order is, and how the gaps changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import alike
from meantime.statistics import columns as shared
from meantime.statistics.alike import AlikeOf
from meantime.statistics.cells.cell_parameters import check_form
from meantime.statistics.cells.periods import SYNTAX
from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.provenance import EARLIER, LATER, REFERENCE, Provenance, of_all, of_group
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.selection import LeftOut
from meantime.statistics.cells.strata import ChosenGroups, OfCategory, chosen_groups, names, strata
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import MOGSTAD, DifferenceColumns, explain_difference, explain_relative
from meantime.statistics.explain.estimates import estimate_of
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.differences import Compared, difference, difference_of_differences, relative_difference
from meantime.statistics.methods.effective_size import errors_if_gaps_equal
from meantime.statistics.methods.heterogeneity import Heterogeneity, heterogeneity
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.pairs import Different, Pairs, pairs_of_gaps
from meantime.statistics.methods.rank_intervals import marginal, rank_interval, ranks, simultaneous
from meantime.statistics.methods.ties import settled
from meantime.statistics.parameters import StratumName, Year
from meantime.statistics.result_tables import FLAGS, RESPONDENTS, flag_texts, heading_of, integers, numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.breaks import changed_across
from meantime.statistics.words.conclusions import LEVEL
from meantime.statistics.words.extremes import end_sentence, range_sentence, spread_sentence
from meantime.statistics.words.groups import gap_change_sentence, gap_count_sentence, gap_subject
from meantime.statistics.words.subject import Subject
from meantime.table import Cell, Column, Kind, Table


class GapRanking(OfCategory, frozen=True, kw_only=True):
    """Parameters of ``gap_ranking``."""

    stratum: Annotated[
        StratumName | None,
        msgspec.Meta(
            description="The group to compare with the reference group. Default: the category's first other one, by "
            "name.",
            examples=["Female"],
        ),
    ] = None
    since: Annotated[
        Year | str | None,
        msgspec.Meta(
            description=f"Earlier years, to show how each gap changed since: {SYNTAX}. Default: no change is shown.",
            examples=["2011"],
        ),
    ] = None
    alike_of: AlikeOf = ()

    def __post_init__(self) -> None:
        """Normalize, so that equal requests compare equal."""
        super().__post_init__()
        msgspec.structs.force_setattr(self, "alike_of", tuple(sorted(set(self.alike_of))))
        if self.since is not None:
            msgspec.structs.force_setattr(self, "since", str(self.since).replace(" ", "").casefold())


_POINTS = {"unit": shared.OF_DIFFERENCE}


def _rank(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning)


COLUMNS: tuple[Column, ...] = (
    _rank("rank", "rank by the gap, 1 the widest on the side where gaps lie on average; tied ones share the smallest"),
    shared.LOCATION,
    shared.number("estimate", "the estimate of the group"),
    shared.number("reference_estimate", "the estimate of the reference group"),
    shared.number("gap", "estimate minus that of the reference group", **_POINTS),
    shared.number("gap_low", "lower limit of its 95% interval (MOVER)", **_POINTS),
    shared.number("gap_high", "upper limit of its 95% interval", **_POINTS),
    *shared.relative("relative_gap", "gap in percent of the reference group's estimate; null unless both are above 0"),
    shared.number("p", "p-value of no gap", unit=None),
    shared.number("p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
    _rank("rank_low", "the least rank of a 95% interval for this one location's rank (Holm over its differences)"),
    _rank("rank_high", "the greatest rank of that interval"),
    _rank("rank_low_all", "the least rank of intervals that hold for all locations at once (Tukey-Kramer)"),
    _rank("rank_high_all", "the greatest rank of that interval"),
    _rank("alike", "from how many other gaps it cannot be distinguished when all pairs are compared (Tukey-Kramer)"),
    Column(
        name="cannot_be_told_apart_from",
        kind=Kind.TEXT,
        meaning=f"these others, by rank, {alike.LISTED}",
    ),
    shared.number("gap_before", "the gap of the earlier years; null without them", **_POINTS),
    shared.number("gap_change", "gap minus that of the earlier years", **_POINTS),
    shared.number("gap_change_low", "lower limit of its 95% interval (MOVER over both gaps)", **_POINTS),
    shared.number("gap_change_high", "upper limit of its 95% interval", **_POINTS),
    shared.number("gap_change_p", "p-value of no change of the gap", unit=None),
    shared.number("gap_change_p_adjusted", "the same, adjusted for all p-values of the answer", unit=None),
    Column(
        name="gap_change_verdict",
        kind=Kind.TEXT,
        meaning="risen or fallen (the group went up or down against the reference), no clear change; null without "
        "earlier years",
    ),
    RESPONDENTS,
    FLAGS,
)


class _Sides(NamedTuple):
    """The two groups of the same locations, in the same order."""

    group: Pooled
    reference: Pooled


class Gaps(NamedTuple):
    """Both groups of the locations that have both, in the later years and, where they are asked for, earlier ones."""

    now: _Sides
    before: _Sides | None
    left_out: tuple[LeftOut, ...]
    chosen: ChosenGroups


def gap_ranking(prepared: Prepared[GapRanking, Gaps], work: Work) -> Table:
    """Rank the locations by the gap between two groups, widest first; tied ones share the smallest rank.

    Widest is furthest to the side on which the gaps lie on average: below, here.

    Aggregates are never ranked; a location of which one of the two is withheld is left out by name.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = GapRanking(
    ...     question=survey_example.SOUP, category="Sex", stratum="Female", reference_stratum="Male", years="2019"
    ... )
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> columns = ("rank", "location", "gap", "gap_low", "gap_high", "rank_low", "rank_high")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    1 Avalon -5.8 -8.63 -2.97 1 1
    2 Borduria 0.8 -2.03 3.63 2 2
    """
    parameters, (now, before, left_out, chosen) = prepared.parameters, prepared.data
    d = difference(now.group.estimates, now.reference.estimates)
    relative = relative_difference(now.group.estimates, now.reference.estimates)
    work.check()
    since, change = _change(now, before)
    # All p-values of the answer are adjusted together.
    p_adjusted, change_adjusted = np.split(adjusted(np.concatenate([d.p, change.p]), by=parameters.adjust), 2)
    about = heterogeneity(d.value, _errors_if_equal(now))
    # Rank intervals hold in either direction, so the data may choose it.
    is_below = about.mean < 0
    compared = pairs_of_gaps(now.group.estimates, now.reference.estimates)
    at_once = simultaneous(compared, check=work.check)
    alone = rank_interval(marginal(compared, check=work.check), is_lower_better=is_below)
    together = rank_interval(at_once, is_lower_better=is_below)
    gap = settled(d.value, near=_larger(now))
    rank = ranks(gap, is_lower_better=is_below)
    # Stable: tied ones stay in the order of the names.
    order = np.argsort(rank, kind="stable")
    names = now.group.groups.names
    work.check()
    ends = (alone.least, alone.greatest, together.least, together.greatest)
    verdicts = _verdicts(change, change_adjusted)

    def of(values: Doubles) -> list[Cell]:
        return numbers(values[order])

    data: list[list[Cell]] = [
        rank[order].tolist(),
        [names[index] for index in order.tolist()],
        *map(of, (now.group.value, now.reference.value, d.value, d.low, d.high)),
        *map(of, (relative.value, relative.low, relative.high, d.p, p_adjusted)),
        *(end[order].tolist() for end in ends),
        (len(names) - 1 - at_once.number[order]).tolist(),
        alike.lists(compared, order, names, parameters.alike_of, check=work.check),
        *map(of, (since, change.value, change.low, change.high, change.p, change_adjusted)),
        [verdicts[index] for index in order.tolist()],
        integers((now.group.respondents + now.reference.respondents)[order]),
        flag_texts((now.group.flags | now.reference.flags)[order]),
    ]
    findings = _findings(
        now, before, about, gap, rank, compared, at_once, p_adjusted, change, change_adjusted, parameters, chosen, work
    )
    notes = [
        f"Gaps are {chosen.stratum} minus {chosen.reference}. On average they are "
        + ("negative, so rank 1 is the lowest." if is_below else "positive, so rank 1 is the highest."),
        "" if before is None else f"Earlier years: {before.group.groups.years}.",
        alike.note(len(names), parameters.alike_of),
    ]
    earlier = () if before is None else before.group.groups.periods
    made = table(
        now.group.groups,
        COLUMNS,
        data,
        left_out=left_out,
        notes=notes,
        warnings=changed_across(now.group.groups.breaks, (*earlier, *now.group.groups.periods)) if earlier else (),
        findings=findings,
    )
    plain, group, reference = _sides_in_words(now, chosen)
    title = str(gap_subject(plain, group, reference))
    heading = heading_of(now.group.groups)
    return replace(made, about=replace(heading, title=title, people=f"{group} minus {reference}"))


def _sides_in_words(now: _Sides, chosen: ChosenGroups) -> tuple[Subject, str, str]:
    """Return the subject of both groups, and so of nobody in particular, and the words for each."""
    plain = replace(now.group.groups.subject, group="")
    group, reference = (plain.people(chosen.category, each) for each in (chosen.stratum or "", chosen.reference))
    return plain, group, reference


def cost(prepared: Prepared[GapRanking, Gaps]) -> Cost:
    """State what a ranking of gaps costs: every pair of gaps is compared, and both groups of each location."""
    now, before = prepared.data.now, prepared.data.before
    k = len(now.group)
    years = [sides for sides in (now, before) if sides is not None]
    return Cost(
        cells=sum(sides.group.selection.cells_read for sides in years),
        pairs=k * (k - 1) // 2 + k * len(years),
        **prepared.answer_cost(k, listed_bytes=_listed_bytes(now, prepared.parameters)),
    )


def _listed_bytes(now: _Sides, parameters: GapRanking) -> int:
    gap, se = now.group.value - now.reference.value, np.hypot(now.group.se, now.reference.se)
    return alike.listed_bytes(gap, se, now.group.groups.names, parameters.alike_of)


def rests_on(prepared: Prepared[GapRanking, Gaps], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a gap rests on: the cells of the group, and, the other way, those of the reference group."""
    now, before = prepared.data.now, prepared.data.before
    if row is not None:
        location = {"location": row["location"]}
        parts = (of_group(now.group, location), of_group(now.reference, location, REFERENCE, sign=-1.0))
        return Provenance(number="gap", parts=parts)
    if before is None:
        return Provenance(number=None, parts=(of_all(now.group.selection),))
    parts = (of_all(now.group.selection, LATER), of_all(before.group.selection, EARLIER))
    return Provenance(number=None, parts=parts)


def prepare(snapshot: Snapshot, parameters: GapRanking) -> Gaps:
    """Select the cells of both groups, in the later years and in the earlier ones, and pool each."""
    gaps = _gaps(snapshot, parameters)
    alike.refuse_unranked(parameters.alike_of, gaps.now.group.groups.names, gaps.left_out)
    return gaps


def _gaps(snapshot: Snapshot, parameters: GapRanking) -> Gaps:
    chosen = chosen_groups(snapshot, parameters, one_stratum=True)
    now, left_out = _sides(snapshot, parameters, chosen)
    if parameters.since is None:
        return Gaps(now, None, left_out, chosen)
    before, also_left_out = _sides(snapshot, msgspec.structs.replace(parameters, years=parameters.since), chosen)
    earlier, later = before.group.groups, now.group.groups
    if set(earlier.periods) & set(later.periods):
        detail = f"The earlier and the later years overlap: {earlier.years} and {later.years}."
        raise refusal("/since", "contradiction", detail)
    both = np.intersect1d(earlier.locations, later.locations)
    named = tuple(sorted({*left_out, *also_left_out}))
    return Gaps(_of_locations(now, both), _of_locations(before, both), named, chosen)


def _sides(snapshot: Snapshot, parameters: GapRanking, chosen: ChosenGroups) -> tuple[_Sides, tuple[LeftOut, ...]]:
    every = strata(snapshot, parameters, chosen)
    pooled = every.without(every.groups.is_aggregate, "is an aggregate")
    pooled = pooled.without(np.isnan(pooled.se), "has no standard error")
    who = names(pooled.groups)
    group = pooled[[name == chosen.stratum for name in who]]
    reference = pooled[[name == chosen.reference for name in who]]
    both = np.intersect1d(group.groups.locations, reference.groups.locations)
    single = sorted(set(group.groups.names) ^ set(reference.groups.names))
    left_out = (*pooled.left_out, *(LeftOut(name, "lacks one of the two groups") for name in single))
    return _of_locations(_Sides(group, reference), both), tuple(dict.fromkeys(left_out))


def _of_locations(sides: _Sides, codes: Integers) -> _Sides:
    return _Sides(*(side[np.isin(side.groups.locations, codes)] for side in sides))


def _larger(sides: _Sides) -> Doubles:
    return np.maximum(np.abs(sides.group.value), np.abs(sides.reference.value))


def _errors_if_equal(sides: _Sides) -> Doubles:
    """Return the standard errors that the gaps would have if all were equal."""
    group, reference = ((each.value, each.se, each.respondents) for each in sides)
    return errors_if_gaps_equal(group, reference, is_percent=sides.group.groups.is_percent)


def _change(now: _Sides, before: _Sides | None) -> tuple[Doubles, Compared]:
    """Return the earlier gap and the change since then; NaN without earlier years."""
    if before is None:
        nothing = np.full(len(now.group), np.nan)
        return nothing, Compared(value=nothing, low=nothing, high=nothing, z=nothing)
    one, other = ((sides.group.estimates, sides.reference.estimates) for sides in (now, before))
    return before.group.value - before.reference.value, difference_of_differences(one, other)


def _verdicts(change: Compared, p_adjusted: Doubles) -> list[Cell]:
    words = np.select(
        [np.isnan(p_adjusted), (p_adjusted < LEVEL) & (change.value > 0), p_adjusted < LEVEL],
        ["", "risen", "fallen"],
        "no clear change",
    )
    return [word or None for word in words.tolist()]


def _findings(
    now: _Sides,
    before: _Sides | None,
    about: Heterogeneity,
    gap: Doubles,
    rank: Integers,
    compared: Pairs,
    at_once: Different,
    p_adjusted: Doubles,
    change: Compared,
    change_adjusted: Doubles,
    parameters: GapRanking,
    chosen: ChosenGroups,
    work: Work,
) -> list[str]:
    """Say between which gaps the locations lie, how many have one, how sure the order is, and what changed."""
    names = now.group.groups.names
    if not names:
        return []
    plain, group, reference = _sides_in_words(now, chosen)
    adjust, of_gaps = parameters.adjust, gap_subject(plain, group, reference)
    sentences = [
        gap_count_sentence(plain, names, gap, p_adjusted, group=group, reference=reference, adjust=adjust),
    ]
    if len(names) > 1:
        is_low = bool(gap[np.argmin(rank)] == gap.min())
        wanted = len(now.group.selection.wanted_places)
        sentences = [
            range_sentence(gap_subject(plain, group, reference, with_sign=True), names, gap, wanted=wanted),
            *sentences,
            spread_sentence(of_gaps, names, about, some_pair_differs=bool(at_once.number.any())),
        ]
        if gap.min() < gap.max():
            ends = (is_low, not is_low)
            sentences += [
                end_sentence(of_gaps, names, gap, compared, is_low=each, of="value of", check=work.check)
                for each in ends
            ]
    if before is not None:
        since = before.group.groups.years
        sentences.append(gap_change_sentence(of_gaps, names, change.value, change_adjusted, since=since, adjust=adjust))
    return sentences


def explain(explanation: ExplanationBuilder[GapRanking, Gaps]) -> None:
    """Explain the gap of a location."""
    now, chosen = explanation.data.now, explanation.data.chosen
    location = {"location": explanation.row["location"]}
    group = estimate_of(now.group, "own", location)._replace(label=chosen.stratum or "")
    reference = estimate_of(now.reference, "reference", location)._replace(label=chosen.reference)
    explain_difference(explanation, group, reference, DifferenceColumns("gap", "gap_low", "gap_high"))
    explain_relative(explanation, group, reference, "relative_gap")
    explanation.sources.append(MOGSTAD)
    explanation.leaves_out.append("The ranks, which rest on the differences between all pairs of gaps; and changes.")


STATISTIC = Statistic(
    name="gap_ranking",
    order=180,
    parameters=GapRanking,
    prepare=prepare,
    cost=cost,
    compute=gap_ranking,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="locations by the gap between two groups, with the ranks that each may have, and how the gap changed",
    estimates="how locations rank by the gap between two groups, as far as sampling error allows",
    columns=COLUMNS,
    example={
        **EXAMPLE,
        "category": "Gender",
        "stratum": "Female",
        "reference_stratum": "Male",
        "locations": ["Ohio", "Utah"],
    },
    example_rows=(
        (
            *(1, "Utah", 36.4, 35.4, 1.0, -1.6627053911388758, 3.720294101747082),
            *(2.824858757062154, -4.464171830951235, 11.08271689919238, 0.4600589643992492),
            *(0.9201179287984984, 1, 2, 1, 2, 1, "Ohio", None, None, None, None, None, None, None),
            *(9161, ""),
        ),
    ),
    method_version=11,
    charts=("ranking",),
)
