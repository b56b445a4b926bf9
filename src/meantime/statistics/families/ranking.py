"""``ranking``: the locations by their estimates, and how much of that order is sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np

from meantime import text
from meantime.dataset.cube import Integers
from meantime.dataset.snapshot import Polarity, Snapshot
from meantime.model import Work
from meantime.statistics import alike
from meantime.statistics import columns as shared
from meantime.statistics.alike import AlikeOf
from meantime.statistics.cells.cell_parameters import CellParameters, StandardPopulation
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import Provenance, of_estimates
from meantime.statistics.cells.reference import beside
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection
from meantime.statistics.cells.standards import check_standardized
from meantime.statistics.cost import Cost
from meantime.statistics.explain.differences import MOGSTAD
from meantime.statistics.explain.estimates import explain_own_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.heterogeneity import Heterogeneity
from meantime.statistics.methods.pairs import Different, Pairs, pairs
from meantime.statistics.methods.rank_intervals import (
    RankInterval,
    marginal,
    rank_interval,
    ranks,
    simultaneous,
)
from meantime.statistics.methods.reliability import IMPOSSIBLE
from meantime.statistics.methods.seeding import generator
from meantime.statistics.methods.shrinkage import DRAWN, DRAWS, model_ranks
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
from meantime.statistics.words.extremes import (
    ReferenceValue,
    end_sentence,
    estimate_sentence,
    first_few_sentence,
    range_sentence,
    spread_sentence,
)
from meantime.table import Cell, Column, Kind, Table


class Ordered(CellParameters, frozen=True, kw_only=True):
    """Parameters of statistics that put locations in an order."""

    better: Annotated[
        Literal["lower", "higher"] | None,
        msgspec.Meta(
            description="Whether lower or higher values are better, and so come first. Default: the question's own "
            "setting.",
            examples=["lower"],
        ),
    ] = None


class Ranking(Ordered, frozen=True, kw_only=True):
    """Parameters of ``ranking``."""

    standard: StandardPopulation = ()

    best: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=1_000,
            description="How many locations count as the best for p_best, the probability to be one of them.",
            examples=[5],
        ),
    ] = 5
    reference: Annotated[
        Annotated[str, Names.LOCATION] | None,
        msgspec.Meta(
            description="A location to show next to the others, without ranking it. Default: the aggregate of the "
            "table, such as the whole country, if it has a value in these years.",
            examples=["National", "Utah"],
        ),
    ] = None
    alike_of: AlikeOf = ()

    def __post_init__(self) -> None:
        """Write equal requests in one way."""
        super().__post_init__()
        msgspec.structs.force_setattr(self, "alike_of", tuple(sorted(set(self.alike_of))))


def _rank(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning)


COLUMNS = (
    _rank("rank", "rank by the estimate, 1 the best; tied ones share the smallest"),
    shared.LOCATION,
    ESTIMATE,
    LOW,
    HIGH,
    _rank("rank_low", "the best rank of a 95% interval for this one location's rank (Holm over its differences)"),
    _rank("rank_high", "the worst rank of that interval"),
    _rank("rank_low_all", "the best rank of intervals that hold for all locations at once (Tukey-Kramer)"),
    _rank("rank_high_all", "the worst rank of that interval"),
    _rank("alike", "from how many others it cannot be distinguished when all pairs are compared (Tukey-Kramer)"),
    Column(
        name="cannot_be_told_apart_from",
        kind=Kind.TEXT,
        meaning=f"these others, best first, {alike.LISTED}",
    ),
    shared.number("expected_rank", "mean rank over draws of the model; model-based, no confidence", unit=None),
    shared.number(
        "p_best", "probability of being among the best, by the model; how many those are is a parameter", unit=None
    ),
    _rank("likely_low", "the best rank of the middle 95% of the model's draws; model-based, no confidence"),
    _rank("likely_high", "the worst rank of these"),
    RESPONDENTS,
    FLAGS,
    Column(name="reference", kind=Kind.TEXT, meaning="what they are seen beside, untested; null where there is none"),
    shared.number("reference_estimate", "its estimate, of the same years"),
    shared.number("reference_low", "lower limit of its 95% interval"),
    shared.number("reference_high", "upper limit of it"),
)

_MODEL = (
    "expected_rank, p_best and the likely ranks come from a model: true values are normally distributed about their "
    f"mean ({DRAWS:,} draws, seeded by the request). rank_low to rank_high holds for one location alone; for "
    "statements about several, use rank_low_all and rank_high_all."
)


class Ranked(NamedTuple):
    """The estimates to rank, and what they are shown beside."""

    pooled: Pooled
    is_lower_better: bool
    reference: Pooled | None


def prepare(snapshot: Snapshot, parameters: Ranking) -> Ranked:
    """Select the cells of the locations and of the reference, and pool their years."""
    chosen = select(snapshot, parameters)
    is_lower_better = lower_is_better(chosen, parameters)
    pooled = in_order(pool_periods(chosen))
    alike.refuse_unranked(parameters.alike_of, pooled.groups.names, pooled.left_out)
    return Ranked(pooled, is_lower_better, beside(pooled, parameters.reference))


def ranking(prepared: Prepared[Ranking, Ranked], work: Work) -> Table:
    """Rank the locations, best first; tied ones share the smallest rank and stand in the order of the names.

    Aggregates are never ranked; a location whose year is withheld, or that has no standard error, is left out by name:

    >>> from meantime.dataset.samples import survey_example
    >>> table = STATISTIC.answer(survey_example.snapshot(), Ranking(question=survey_example.SOUP, years="2020"))
    >>> columns = ("rank", "location", "rank_low", "rank_high", "alike", "cannot_be_told_apart_from")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*row[:-1], row[-1] or "-")
    1 Avalon 1 1 0 -
    2 Borduria 2 3 1 Dorado
    2 Dorado 2 3 1 Borduria
    4 Cockaigne 4 4 0 -
    >>> table.warnings
    ('Not shown: Erewhon has no 2020 value.',)
    """
    parameters, (pooled, is_lower_better, reference) = prepared.parameters, prepared.data
    compared = pairs(pooled.estimates)
    at_once = simultaneous(compared, check=work.check)
    rank = ranks(pooled.value, is_lower_better=is_lower_better)
    alone = rank_interval(marginal(compared, check=work.check), is_lower_better=is_lower_better)
    together = rank_interval(at_once, is_lower_better=is_lower_better)
    about = pooled.heterogeneity
    # Stable: tied ones stay in the order of the names.
    order = np.argsort(rank, kind="stable")
    names = pooled.groups.names
    work.check()
    data: list[list[Cell]] = [
        rank[order].tolist(),
        [names[index] for index in order.tolist()],
        numbers(pooled.value[order]),
        numbers(pooled.low[order]),
        numbers(pooled.high[order]),
        *_intervals(alone, together, order),
        (len(pooled) - 1 - at_once.number[order]).tolist(),
        alike.lists(compared, order, names, parameters.alike_of, check=work.check),
        *_by_model(pooled, about, parameters, order, work, is_lower_better=is_lower_better),
        integers(pooled.respondents[order]),
        flag_texts(pooled.flags[order]),
        *_line(reference, len(pooled)),
    ]
    return table(
        pooled.groups,
        COLUMNS,
        data,
        left_out=pooled.left_out,
        notes=[_spread_note(about, pooled.groups.unit), _MODEL, alike.note(len(pooled), parameters.alike_of)],
        findings=_findings(
            pooled,
            rank,
            compared,
            at_once,
            together,
            about,
            parameters,
            work,
            None if reference is None else ReferenceValue(reference.groups.names[0], float(reference.value[0])),
            is_lower_better=is_lower_better,
        ),
    )


def cost(prepared: Prepared[Ranking, Ranked]) -> Cost:
    """State what a ranking costs: every pair is compared, and the model draws every location."""
    pooled = prepared.data.pooled
    k = len(pooled)
    listed = alike.listed_bytes(pooled.value, pooled.se, pooled.groups.names, prepared.parameters.alike_of)
    return Cost(
        cells=pooled.selection.cells_read,
        pairs=k * (k - 1) // 2,
        draws=DRAWN * k,
        **prepared.answer_cost(k, listed_bytes=listed),
    )


def rests_on(prepared: Prepared[Ranking, Ranked], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what the estimate that is ranked rests on."""
    return of_estimates(prepared.data.pooled, row)


def lower_is_better(chosen: Selection, parameters: Ordered) -> bool:
    """Return whether a low value is good.

    Raises:
        RequestInvalid: it is not known which values are good.
    """
    better: Polarity | None = parameters.better or chosen.polarity
    if better is None:
        detail = (
            "Is a low or a high value better? Meantime does not know this for the question, and does not guess. Please "
            'choose: better is "lower" or "higher".'
        )
        raise refusal("/better", "no-polarity", detail)
    return better == "lower"


def in_order(pooled: Pooled) -> Pooled:
    """Return the estimates that can be put in an order: of single locations, and with a standard error."""
    pooled = pooled.without(pooled.groups.is_aggregate, "is an aggregate")
    pooled = pooled.without((pooled.flags & IMPOSSIBLE) != 0, "has impossible numbers")
    return pooled.without(np.isnan(pooled.se), "has no standard error")


def _line(reference: Pooled | None, rows: int) -> list[list[Cell]]:
    """Return the reference, the same in every row; that of a location's verdict is for ``comparison`` to say."""
    if reference is None:
        cells: list[Cell] = [None] * 4
    else:
        figures = np.concatenate([reference.value, reference.low, reference.high])
        cells = [reference.groups.names[0], *numbers(figures)]
    return [[cell] * rows for cell in cells]


def _intervals(alone: RankInterval, together: RankInterval, order: Integers) -> list[list[Cell]]:
    ends = (alone.least, alone.greatest, together.least, together.greatest)
    return [end[order].tolist() for end in ends]


def _by_model(
    pooled: Pooled, about: Heterogeneity, parameters: Ranking, order: Integers, work: Work, *, is_lower_better: bool
) -> list[list[Cell]]:
    if len(pooled) < 2:
        nothing: list[Cell] = [None] * len(pooled)
        return [nothing] * 4
    # What is only shown must not change the seed.
    seen = msgspec.structs.replace(parameters, reference=None, alike_of=())
    rng = generator(pooled.groups.snapshot.fingerprint, "ranking", seen, added=("standard", "alike_of"))
    drawn = model_ranks(
        *(pooled.value, pooled.se, about),
        best=parameters.best,
        is_lower_better=is_lower_better,
        rng=rng,
        check=work.check,
    )
    return [
        numbers(drawn.expected[order]),
        numbers(drawn.p_best[order]),
        drawn.least[order].tolist(),
        drawn.greatest[order].tolist(),
    ]


def _spread_note(about: Heterogeneity, unit: str | None) -> str:
    if about.estimates < 2:
        return ""
    tau = text.amount(about.tau, text.unit_of_difference(unit))
    low, high = text.number(about.reliability_low), text.number(about.reliability_high)
    degrees = text.count(about.estimates - 1, "degree")
    return (
        f"Cochran's Q = {text.number(about.q)} on {degrees} of freedom ({text.p_equals(about.p)}); standard deviation "
        f"beyond sampling error {tau} (Paule-Mandel); reliability {text.number(about.reliability)} (95% CI {low} to "
        f"{high})."
    )


def _findings(
    pooled: Pooled,
    rank: Integers,
    compared: Pairs,
    at_once: Different,
    together: RankInterval,
    about: Heterogeneity,
    parameters: Ranking,
    work: Work,
    reference: ReferenceValue | None,
    *,
    is_lower_better: bool,
) -> list[str]:
    groups, value = pooled.groups, pooled.value
    subject, names = groups.subject, groups.names
    if len(pooled) < 2:
        return [
            estimate_sentence(subject, name, *map(float, estimate))
            for name, *estimate in zip(names, value, pooled.low, pooled.high, strict=True)
        ]
    sentences = [
        range_sentence(subject, names, value, reference=reference, wanted=len(pooled.selection.wanted_places)),
        spread_sentence(subject, names, about, some_pair_differs=bool(at_once.number.any())),
    ]
    if value.min() == value.max():
        return sentences
    ends = [end_sentence(subject, names, value, compared, is_low=is_low, check=work.check) for is_low in (True, False)]
    sentences += ends if is_lower_better else ends[::-1]
    if 1 < parameters.best < len(pooled):  # that all are among all is no finding, and of one the ends have said it
        few = parameters.best
        sentences.append(first_few_sentence(subject, names, rank, together.greatest, few, is_low=is_lower_better))
    return sentences


def explain(explanation: ExplanationBuilder[Ranking, Ranked]) -> None:
    """Explain the estimate that is ranked, and say which ranks the location may have."""
    explain_own_estimate(explanation, explanation.data.pooled)
    row = explanation.row
    explanation.step(
        f"By its estimate {row['location']} has rank {row['rank']}. With 95% confidence its rank is between "
        f"{row['rank_low']} and {row['rank_high']}; in a statement about several places at once, between "
        f"{row['rank_low_all']} and {row['rank_high_all']}.",
        rank=explanation.known("rank"),
    )
    explanation.sources.append(MOGSTAD)
    explanation.leaves_out.append(
        "The ranks. Their intervals rest on the differences between all pairs of places, each computed as in a "
        "comparison; the expected rank, p_best and the likely ranks rest on draws with a seed from the request."
    )


STATISTIC = Statistic(
    name="ranking",
    order=130,
    parameters=Ranking,
    prepare=prepare,
    cost=cost,
    compute=ranking,
    rests_on=rests_on,
    explain=explain,
    check_form=check_standardized,
    help="locations in order, best first, with confidence intervals for their ranks",
    estimates="how locations rank by their population values, as far as sampling error allows",
    columns=COLUMNS,
    example=EXAMPLE,
    example_rows=(
        (
            *(1, "West Virginia", 24.7, 23.4, 26.1, 1, 6, 1, 7),
            *(6, "Wyoming; South Carolina; Nevada; Missouri; Guam; California", 1.32275, 0.99975, 1, 3, 5157, ""),
            *("National", 33.1, 32.9, 33.3),
        ),
    ),
    method_version=12,  # from 12 on draws of the model come in pairs
    charts=("ranking", "estimates", "map", "state_map"),
)
