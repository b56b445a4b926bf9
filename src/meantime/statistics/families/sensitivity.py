"""``sensitivity``: how far a ranking depends on the way in which it is made.

The request's ranking beside those that others would have made of the same table with equal right: of the last year
alone, of several years pooled in one way or another, and the classic mean of all rows. The basis (who is counted) is
kept, but for the classic mean, which has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.cube import Integers, Period
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import check_form
from meantime.statistics.cells.periods import MOST_HAVE
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import Provenance, cells_with, code_of, unweighted
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import LeftOut, Selection
from meantime.statistics.cost import Cost
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.families.ranking import Ordered, in_order, lower_is_better
from meantime.statistics.methods.concordance import kendall_tau, shared_best
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.rank_intervals import ranks
from meantime.statistics.parameters import Show, period_text
from meantime.statistics.result_tables import numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words import warnings
from meantime.statistics.words.breaks import pooled_across
from meantime.statistics.words.methods_compared import sensitivity_sentences
from meantime.table import Cell, Column, Kind, Table

# Where one year is asked for, so many are pooled, it and those before it: as the American Community Survey pools five.
_YEARS_POOLED = 5


class Sensitivity(Ordered, frozen=True, kw_only=True):
    """Parameters of ``sensitivity``."""

    best: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=1_000, description="How many of the best locations to compare between methods.", examples=[5]
        ),
    ] = 5
    show: Show = "locations"


class _Way(NamedTuple):
    """A ranking as one method makes it."""

    method: str
    what: str  # in words, with its years
    values: Mapping[str, float]  # by location
    why_not: str = ""  # the table does not allow it


METHODS = ("as_asked", "latest", "pooled_equal", "pooled_sample_size", "pooled_effective_size", "all_rows")


def _integer(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning)


COLUMNS = (
    shared.LOCATION,
    _integer("rank_as_asked", "rank by the estimate as asked, among the locations that every method has"),
    _integer("rank_latest", "rank in the last of the years alone"),
    _integer("rank_pooled_equal", "rank by several years, each counting the same"),
    _integer("rank_pooled_sample_size", "rank by several years, each counting by its respondents"),
    _integer("rank_pooled_effective_size", "rank by several years, each counting by its effective sample size"),
    _integer("rank_all_rows", "rank by the classic mean of all rows, over strata and years"),
    _integer("best_rank", "the best of these"),
    _integer("worst_rank", "the worst of these"),
    _integer("moves", "places between the two"),
)
FIGURES = (
    Column(name="method", kind=Kind.TEXT, meaning="the way in which the ranking is made"),
    Column(name="what", kind=Kind.TEXT, meaning="what that is, and of which years"),
    Column(name="not_available", kind=Kind.TEXT, meaning="why the table does not allow it; null where it does"),
    shared.number("kendall_tau", "how like the ranking as asked: 1 the same order, 0 no association", unit=None),
    _integer("best_shared", "how many of the best are also the best as asked"),
    _integer("moves_most", "the most places that a location moves from where it is as asked"),
    shared.number("moves_on_average", "places that locations move, on average", unit=None),
)

_ALL_UNSURE = (
    "That methods agree does not make a ranking certain: they share the same sampling error. See ranking for that."
)


def columns_for(parameters: Sensitivity) -> tuple[Column, ...]:
    """Return the columns of the answer.

    >>> len(columns_for(Sensitivity(question="Q"))), len(columns_for(Sensitivity(question="Q", show="figures")))
    (10, 7)
    """
    return FIGURES if parameters.show == "figures" else COLUMNS


class Selected(NamedTuple):
    """The estimates as asked, of the last year alone, and the years that may be pooled."""

    as_asked: Pooled
    last: Pooled
    several: Selection | None
    why_not: str  # there are no years to pool
    is_lower_better: bool


def prepare(snapshot: Snapshot, parameters: Sensitivity) -> Selected:
    """Select the cells of every method; what methods share is selected once."""
    chosen = select(snapshot, parameters)
    is_lower_better = lower_is_better(chosen, parameters)
    as_asked = in_order(pool_periods(chosen))
    last = as_asked
    if (year := chosen.periods[-1]) is not None and len(chosen.periods) > 1:
        last = in_order(pool_periods(select(snapshot, msgspec.structs.replace(parameters, years=period_text(year)))))
    several, why_not = _several(as_asked)
    return Selected(as_asked, last, several, why_not, is_lower_better)


def sensitivity(prepared: Prepared[Sensitivity, Selected], work: Work) -> Table:
    """Rank the locations in every way that the table allows; as asked is the order, tied ones by name.

    Ranks are among the locations that every method has. One that is withheld in a year which a method needs is left
    out by name, and a method that most locations cannot follow is left out, with the reason:

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Sensitivity(question=survey_example.SOUP, years="2018", best=3)
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> columns = ("location", "rank_as_asked", "rank_pooled_equal", "rank_all_rows", "moves")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*row)
    Avalon 1 1 1 0
    Erewhon 2 2 2 0
    Borduria 3 3 4 1
    Dorado 4 4 3 1
    """
    parameters, pooled, is_lower_better = prepared.parameters, prepared.data.as_asked, prepared.data.is_lower_better
    ways = _ways(prepared.data, work)
    allowed = [way for way in ways if not way.why_not]
    every = set(pooled.groups.names).intersection(*(way.values for way in allowed))
    common = [name for name in pooled.groups.names if name in every]
    rank = {
        way.method: ranks(np.array([way.values[name] for name in common]), is_lower_better=is_lower_better)
        for way in allowed
    }
    work.check()
    left_out = tuple(
        LeftOut(name, f"has no rank under {', '.join(way.method for way in allowed if name not in way.values)}")
        for name in pooled.groups.names
        if name not in every
    )
    return table(
        pooled.groups,
        columns_for(parameters),
        _figures(ways, rank, parameters.best) if parameters.show == "figures" else _locations(common, rank),
        left_out=(*pooled.left_out, *left_out),
        notes=[_told(way) for way in ways],
        warnings=[_ALL_UNSURE, *_across_breaks(prepared.data)],
        findings=sensitivity_sentences(
            pooled.groups.subject,
            common,
            rank,
            {way.method: way.what for way in allowed},
            methods=_different(allowed),
            best=parameters.best,
            is_lower_better=is_lower_better,
        ),
    )


def _across_breaks(selected: Selected) -> tuple[str, ...]:
    """Warn of the breaks that only the methods cross which pool more years than the request."""
    if selected.several is None or selected.several is selected.as_asked.selection:
        return ()
    return pooled_across(selected.several.breaks, selected.several.periods)


def cost(prepared: Prepared[Sensitivity, Selected]) -> Cost:
    """State what the rankings cost: one or another reads any cell."""
    k, is_figures = len(prepared.data.as_asked), prepared.parameters.show == "figures"
    return Cost(
        cells=STATISTIC.searched(prepared.snapshot, prepared.parameters),
        **prepared.answer_cost(len(METHODS) if is_figures else k),
    )


def rests_on(prepared: Prepared[Sensitivity, Selected], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what the ranks rest on: some method or other uses any row of the question, in the location or everywhere."""
    snapshot = prepared.snapshot
    location = (
        {} if row is None or "location" not in row else {"location": code_of(snapshot, "location", row["location"])}
    )
    return Provenance(number=None, parts=(unweighted(cells_with(snapshot, prepared.parameters.question, **location)),))


# The ways

_WEIGHTS = {
    Weights.EQUAL: "equal weights",
    Weights.SAMPLE_SIZE: "weights by respondents",
    Weights.EFFECTIVE_SIZE: "weights by effective sample size",
}


def _alone(years: str) -> str:
    return f"{years} alone" if years else "as published"


def _ways(selected: Selected, work: Work) -> list[_Way]:
    """Rank in every way, as asked first."""
    pooled = selected.as_asked
    as_asked = _Way("as_asked", f"as requested, {pooled.groups.years or 'as published'}", _values(pooled))
    last = _Way("latest", _alone(selected.last.groups.years), _values(selected.last))
    others = [last, *_pooled(selected, work), _of_all_rows(pooled)]
    return [as_asked, *(_enough(as_asked, way) for way in others)]


def _pooled(selected: Selected, work: Work) -> list[_Way]:
    """Rank by several years pooled, with each kind of weights."""
    several = selected.several
    if several is None:
        return [_Way(f"pooled_{weights}", "", {}, selected.why_not) for weights in Weights]
    ways = []
    for weights in Weights:
        work.check()
        values = _values(in_order(pool_periods(several, weights)))
        ways.append(_Way(f"pooled_{weights}", f"{several.years or 'as published'}, {_WEIGHTS[weights]}", values))
    return ways


def _enough(as_asked: _Way, way: _Way) -> _Way:
    """Give a way up that most locations cannot follow: what it has in common with the others would be of few."""
    have = sum(name in way.values for name in as_asked.values)
    if way.why_not or have >= MOST_HAVE * len(as_asked.values):
        return way
    why_not = f"only {have} of {len(as_asked.values)} locations have what it needs ({way.what})"
    return way._replace(values={}, why_not=why_not)


def _of_all_rows(pooled: Pooled) -> _Way:
    """Take the means of the classic API: of whatever rows there are."""
    snapshot = pooled.groups.snapshot
    cube = snapshot.cube
    kinds = warnings.kinds_of_value(snapshot, pooled.groups.question)
    if kinds:
        return _Way("all_rows", "", {}, kinds.rstrip("."))
    marginal = cube.block(pooled.groups.question).by_location
    codes, means = marginal.keys[:, 1].tolist(), marginal.mean.tolist()
    values = {cube.labels.locations[code]: mean for code, mean in zip(codes, means, strict=True) if not isnan(mean)}
    return _Way("all_rows", "the mean of all rows, over strata and years", values)


def _several(as_asked: Pooled) -> tuple[Selection | None, str]:
    """Return the years to pool, those that are asked for or the last few up to the one; or why there are none."""
    chosen = as_asked.selection
    if len(chosen.periods) > 1:
        return chosen, ""
    try:
        taken = _last_years(as_asked.groups)
    except RequestInvalid as invalid:
        # Of other years than those that are asked for, and so no fault of the request.
        return None, str(invalid).rstrip(".")
    if len(taken) < 2:
        return None, "there is no second year that nine in ten of the locations have"
    years = ",".join(period_text(period) for period in taken)
    return select(chosen.snapshot, msgspec.structs.replace(chosen.parameters, years=years)), ""


def _last_years(of: Selection) -> list[Period]:
    """Return the last few years up to the one that is asked for.

    Going back from it, a year is taken if nine in ten of the locations have it and all that are taken.
    """
    taken = [period for period in of.periods if period is not None]
    if not taken:
        return taken
    every = select(of.snapshot, msgspec.structs.replace(of.parameters, years="all"), each_period=True)
    has = ~np.isnan(every.value[np.isin(every.locations, of.locations)])
    have_all = np.ones(len(has), dtype=bool)
    for period, having in reversed(list(zip(every.periods, has.T, strict=True))):
        if period is None or period.last >= taken[0].first or len(taken) == _YEARS_POOLED:
            continue
        if (have_all & having).sum() >= MOST_HAVE * len(of):
            have_all &= having
            taken.insert(0, period)
    return taken


def _values(pooled: Pooled) -> dict[str, float]:
    return dict(zip(pooled.groups.names, pooled.value.tolist(), strict=True))


# The answer


def _locations(common: Sequence[str], rank: Mapping[str, Integers]) -> list[list[Cell]]:
    together = np.array(list(rank.values()))
    best, worst = together.min(axis=0), together.max(axis=0)
    # Stable: tied ones stay in the order of the names.
    order = np.argsort(rank["as_asked"], kind="stable")
    nothing: list[Cell] = [None] * len(common)
    return [
        [common[index] for index in order.tolist()],
        *(rank[method][order].tolist() if method in rank else nothing for method in METHODS),
        best[order].tolist(),
        worst[order].tolist(),
        (worst - best)[order].tolist(),
    ]


def _figures(ways: Sequence[_Way], rank: Mapping[str, Integers], best: int) -> list[list[Cell]]:
    as_asked = rank["as_asked"]

    def of(figure: Callable[[Integers], Cell]) -> list[Cell]:
        return [figure(rank[way.method]) if way.method in rank and len(as_asked) else None for way in ways]

    return [
        [way.method for way in ways],
        [way.what or None for way in ways],
        [way.why_not or None for way in ways],
        of(lambda other: numbers(np.array([kendall_tau(as_asked, other)]))[0]),
        of(lambda other: shared_best(as_asked, other, best=best)),
        of(lambda other: int(np.abs(other - as_asked).max())),
        of(lambda other: float(np.abs(other - as_asked).mean())),
    ]


def _told(way: _Way) -> str:
    return f"Not available: {way.method} ({way.why_not})." if way.why_not else f"{way.method}: {way.what}."


def _different(ways: Sequence[_Way]) -> int:
    """Count the methods: the request may itself be one of them, and they are told apart by what they find."""
    return len({tuple(way.values.items()) for way in ways})


def explain(explanation: ExplanationBuilder[Sensitivity, Selected]) -> None:
    """Say what the ranks rest on; they have no program."""
    explanation.step("Every row of the question in the location is in some of the methods' numbers.")
    explanation.leaves_out.append(
        "The ranks: each method ranks all locations. Ask ranking and states_mean for the rankings themselves, whose "
        "explanations have programs."
    )


STATISTIC = Statistic(
    name="sensitivity",
    order=220,
    parameters=Sensitivity,
    prepare=prepare,
    cost=cost,
    compute=sensitivity,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="the ranking under every method that the table allows, side by side",
    estimates="how much the order of the estimates depends on the choice of years and weights; not how certain it is",
    columns=COLUMNS,
    columns_for=columns_for,
    example=EXAMPLE,
    example_rows=(
        ("West Virginia", 1, 1, 1, 1, 1, 1, 1, 1, 0),
        ("Wyoming", 2, 2, 2, 2, 2, 2, 2, 2, 0),
        ("South Carolina", 3, 3, 4, 4, 4, 3, 3, 4, 1),
    ),
    method_version=7,
    charts=("slopes",),
)
