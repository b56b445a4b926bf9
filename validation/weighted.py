"""The second survey: unequal weights, and standard errors that each cell estimates from its own persons.

A standard error that is estimated from few persons is correlated with the percent, and its effective size is not known.
So intervals miss more often, and on one side. The criteria are those of the first survey, where an earlier simulation
found them kept: from 400 respondents on and 20 to 60%, and what holds for all locations at once from 1,000 on. The rest
is shown without a criterion.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.effective_size import effective_size, errors_if_equal
from meantime.statistics.methods.heterogeneity import heterogeneity
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.pairs import Booleans, Different, pairs
from meantime.statistics.methods.rank_intervals import differ, marginal, rank_interval, simultaneous
from meantime.statistics.methods.slopes import lines
from meantime.statistics.methods.standard_errors import Z95, Scale, limits
from validation.figures import Effort, Figure, Promise, Section, Simulation, share
from validation.survey import DESIGN_EFFECT, Published, Survey, generator, inside, near, publish, publish_weighted

_PERCENTS = (2, 5, 10, 20, 30, 50, 60, 90, 98)
_RESPONDENTS = (100, 200, 400, 1_000, 3_000)
_LOCATIONS = 51
_LEVEL = 0.05
# Where the promises hold: from so many respondents on, within these percents; and for all locations at once.
_LEAST_RESPONDENTS, _LEAST_PERCENT, _MOST_PERCENT = 400, 20, 60
_LEAST_RESPONDENTS_AT_ONCE = 1_000


def single(effort: Effort, seed: int) -> Section:
    """One cell: its published limits, those made again of the standard error, and those by effective size."""
    rng, figures, n = generator(seed, "weighted single"), [], _cells(effort)
    for percent, respondents in itertools.product(_PERCENTS, _RESPONDENTS):
        truth, asked = near(rng, percent, respondents, n)
        cell = publish_weighted(rng, truth, asked)
        promised: Promise = {"least": 94.0, "most": 96.0} if _is_promised(percent, respondents) else {}
        again = limits(cell.value, cell.se, scale=Scale.LOGIT)
        exact = _korn_graubard(cell.value, cell.se)
        names = (f"{percent}%", f"{respondents:,}", f"{_on_a_side(percent, respondents):g}")
        figures += [
            share((*names, "published limits"), inside(truth, cell.low, cell.high), n, **promised),
            share((*names, "standard error recovered"), inside(truth, *again), n, **promised),
            share((*names, "Korn and Graubard, not used"), inside(truth, *exact), n),
        ]
    return Section(
        "Weighted survey: estimate of one cell",
        "Truth and respondents lie within a tenth of the point named. Where nobody or everybody said yes, no limit is "
        "published, which counts as not covered; Meantime takes Wilson's. Korn and Graubard's limits are Clopper and "
        "Pearson's (1934) of the effective size that the standard error implies.",
        ("truth", "respondents", "effective respondents on the smaller side", "interval"),
        tuple(figures),
    )


def sides(effort: Effort, seed: int) -> Section:
    """On which side published limits miss."""
    rng, figures, n = generator(seed, "weighted sides"), [], _cells(effort)
    for percent, respondents in ((2, 1_000), (5, 400), (10, 200), (10, 1_000), (30, 400), (30, 3_000), (95, 400)):
        truth, asked = near(rng, percent, respondents, n)
        cell = publish_weighted(rng, truth, asked)
        names = (f"{percent}%", f"{respondents:,}")
        figures += [
            share((*names, "above the upper limit"), int((truth > cell.high).sum()), n),
            share((*names, "below the lower limit"), int((truth < cell.low).sum()), n),
        ]
    return Section(
        "Weighted survey: on which side published limits miss",
        "2.5% on either side would be even. An estimate that comes out low has a small standard error.",
        ("truth", "respondents", "the truth is"),
        tuple(figures),
        measure="of cells %",
    )


def type_one(effort: Effort, seed: int) -> Section:
    """Two cells of one truth: how often they are found to differ."""
    rng, figures, n = generator(seed, "weighted type one"), [], _cells(effort)
    for percent, one, other in _EQUAL_CELLS:
        truth, one_n = near(rng, percent, one, n)
        first, second = publish_weighted(rng, truth, one_n), publish_weighted(rng, truth, np.rint(one_n * other / one))
        z = np.abs(first.value - second.value) / np.hypot(first.se, second.se)
        promised: Promise = {"most": 5.5} if _is_promised(percent, one) else {}
        names = (f"{percent}%", f"{one:,} and {other:,}")
        figures += [
            share((*names, "MOVER"), _found(first.estimates, second.estimates), n, **promised),
            share(
                (*names, "MOVER, published limits alone, not used"),
                _found(_as_published(first), _as_published(second)),
                n,
            ),
            share((*names, "Wald, not used"), int((z > Z95).sum()), n),
        ]
    return Section(
        "Weighted survey: two equal cells found to differ at 5%",
        "Two-sided tests of a difference. With fewer than 20 effective cases MOVER takes, on each side, the wider of "
        "the published limits and those of Korn and Graubard.",
        ("truth", "respondents", "by"),
        tuple(figures),
        measure="found to differ %",
    )


class _Setting(NamedTuple):
    percent: float
    respondents: int
    shift: float = 0.0  # by which the last 25 locations are higher

    @property
    def named(self) -> tuple[str, ...]:
        return (f"{self.percent:g}%", f"{self.respondents:,}")


def _locations(title: str, settings: tuple[_Setting, ...], effort: Effort, seed: int) -> Section:
    rng, figures, n = generator(seed, title), [], _rankings(effort)
    for setting in settings:
        truth = np.full(_LOCATIONS, float(setting.percent))
        truth[26:] += setting.shift
        figures += _of_locations(rng, truth, setting, n)
    return Section(
        f"Weighted survey: {title}",
        f"{_LOCATIONS} locations of as many respondents each; the country is their mean. Ranks and lists are counted "
        "with all ties: a list of those that a location cannot be distinguished from is wrong if one of equal truth is "
        "missing.",
        ("truth", "respondents", "of what"),
        tuple(figures),
        measure="%",
    )


def _of_locations(rng: np.random.Generator, truth: Doubles, setting: _Setting, n: int) -> list[Figure]:
    cell = publish_weighted(rng, np.broadcast_to(truth, (n, _LOCATIONS)), np.full(_LOCATIONS, setting.respondents))
    estimates, equal = cell.estimates, truth[:, None] == truth[None, :]
    is_shifted = setting.shift > 0
    less, more = (truth[None, :] < truth[:, None]).sum(axis=1), (truth[None, :] > truth[:, None]).sum(axis=1)
    alone, together, lists = np.zeros((3, n, _LOCATIONS), dtype=np.bool_)
    for row in range(n):
        compared = pairs(estimates[row])
        alone[row], together[row] = (
            _holds(different, less + 1, _LOCATIONS - more) for different in (marginal(compared), simultaneous(compared))
        )
        lists[row] = (differ(compared, np.arange(_LOCATIONS)) & equal).any(axis=1)
    large = _is_promised(setting.percent, setting.respondents)
    at_least: Promise = {"least": 95.0} if large else {}
    at_most: Promise = {"most": 5.0} if large else {}
    all_at_least: Promise = at_least if setting.respondents >= _LEAST_RESPONDENTS_AT_ONCE else {}
    all_at_most: Promise = at_most if setting.respondents >= _LEAST_RESPONDENTS_AT_ONCE else {}
    every = n * _LOCATIONS
    named = setting.named
    of_country = share(
        (*named, "any false difference from the country"),
        _any_false(estimates, _country(cell.value, cell.se)),
        n,
        **at_most,
    )
    return [
        *([] if is_shifted else [of_country]),
        share(
            (*named, "any false difference from one location"),
            _any_false(estimates[:, 1 : 26 if is_shifted else None], estimates[:, :1]),
            n,
            **at_most,
        ),
        share((*named, "rank interval of one location covers"), int(alone.sum()), every, **at_least),
        share((*named, "the same, at the worst location"), int(alone.sum(axis=0).min()), n, **at_least),
        share((*named, "rank intervals of all at once cover"), int(together.all(axis=1).sum()), n, **all_at_least),
        share((*named, "list of one location is wrong"), int(lists.sum()), every, **at_most),
        share((*named, "any list is wrong"), int(lists.any(axis=1).sum()), n, **all_at_most),
    ]


def homogeneity(effort: Effort, seed: int) -> Section:
    """Cochran's Q of equal locations, in both surveys."""
    rng, figures, n = generator(seed, "homogeneity"), [], _rankings(effort)
    for (percent, respondents), (named, survey), locations in itertools.product(_EQUAL_ROWS, _SURVEYS, (8, 51)):
        cell = survey(rng, np.full((n, locations), float(percent)), np.full(locations, float(respondents)))
        at_the_mean, published = 0, 0
        for value, se in zip(cell.value, cell.se, strict=True):
            errors = errors_if_equal(value, se, cell.respondents[0], is_percent=True)
            at_the_mean += heterogeneity(value, errors).p < _LEVEL
            published += heterogeneity(value, se).p < _LEVEL
        names = (f"{percent}%", f"{respondents:,}", named, f"{locations}")
        figures += [
            share((*names, "at the common mean"), at_the_mean, n, most=8.0),
            share((*names, "as published, not used"), published, n),
        ]
    return Section(
        "Cochran's Q of equal locations, at 5%",
        "How often the test finds that locations differ where all have one truth. 5% would be exact; more than 8% is "
        "not promised.",
        ("truth", "respondents", "survey", "locations", "standard errors"),
        tuple(figures),
        measure="rejects %",
    )


def trends(effort: Effort, seed: int) -> Section:
    """Nothing trends in 51 locations of the weighted survey; the years scatter independently."""
    rng, figures, n = generator(seed, "weighted trends"), [], max(effort.rankings // 10, 20)
    for years, extra in itertools.product((5, 8, 13), (0, 2)):
        sampling = np.sqrt(30 * 70 * DESIGN_EFFECT / 1_000)
        truth = np.clip(30 + extra * sampling * rng.standard_normal((n * _LOCATIONS, years)), 1, 99)
        cell = publish_weighted(rng, truth, np.full(years, 1_000.0))
        p = lines(np.arange(float(years)), cell.value, cell.se, is_percent=True).p.reshape(n, _LOCATIONS)
        names = (f"{years}", f"{extra}")
        figures += [
            share((*names, "one location"), int((p < _LEVEL).sum()), p.size, most=5.5),
            share((*names, "any of 51 (Holm)"), int((adjusted(p) < _LEVEL).any(axis=1).sum()), n, most=5.0),
        ]
    return Section(
        "Weighted survey: false trends",
        "Truth 30% of 1,000 respondents a year and no slope. Scatter is that of the truth, in standard errors, "
        "independent from year to year.",
        ("years", "scatter", "of what"),
        tuple(figures),
        measure="false %",
    )


_EQUAL_CELLS = (
    (5, 100, 100),
    (5, 200, 200),
    (10, 200, 200),
    (3, 400, 400),
    (5, 400, 400),
    (10, 400, 400),
    (20, 400, 400),
    (30, 400, 400),
    (50, 400, 400),
    (30, 100, 100),
    (3, 200, 3_000),
    (5, 200, 3_000),
    (10, 200, 3_000),
    (30, 400, 3_000),
    (10, 1_000, 1_000),
    (30, 1_000, 1_000),
)
_EQUAL_ROWS = ((3, 200), (5, 400), (10, 200), (10, 400), (30, 200), (30, 400), (30, 1_000))
_SURVEYS: tuple[tuple[str, Survey], ...] = (("known design effect", publish), ("weighted", publish_weighted))

SIMULATIONS: tuple[Simulation, ...] = (
    single,
    sides,
    type_one,
    partial(
        _locations,
        "equal locations, low percents",
        (_Setting(3, 200), _Setting(5, 400), _Setting(10, 200), _Setting(10, 400), _Setting(10, 1_000)),
    ),
    partial(
        _locations,
        "equal locations at 30%",
        (_Setting(30, 200), _Setting(30, 400), _Setting(30, 1_000), _Setting(30, 3_000)),
    ),
    partial(_locations, "26 equal locations, 25 higher", (_Setting(5, 400, shift=3), _Setting(30, 400, shift=8))),
    homogeneity,
    trends,
)


def _cells(effort: Effort) -> int:
    """Persons are drawn one by one, so there are fewer replications than of the first survey."""
    return effort.cells * 2 // 5


def _rankings(effort: Effort) -> int:
    return max(effort.rankings // 4, 20)


def _is_promised(percent: float, respondents: float) -> bool:
    return respondents >= _LEAST_RESPONDENTS and _LEAST_PERCENT <= percent <= _MOST_PERCENT


def _on_a_side(percent: float, respondents: float) -> float:
    return respondents / DESIGN_EFFECT * min(percent, 100 - percent) / 100


def _korn_graubard(value: Doubles, se: Doubles) -> tuple[Doubles, Doubles]:
    """Return Clopper and Pearson's limits of the effective size."""
    size = effective_size(value, se)
    cases = size * value / 100
    low = special.betaincinv(cases, size - cases + 1, 0.025)
    high = special.betaincinv(cases + 1, size - cases, 0.975)
    return np.where(value <= 0, 0.0, 100 * low), np.where(value >= 100, 100.0, 100 * high)


def _country(value: Doubles, se: Doubles) -> Estimates:
    """Return the mean of the locations with its own standard error."""
    error = np.sqrt((se**2).sum(axis=1)) / _LOCATIONS
    return Estimates(value=np.round(value.mean(axis=1), 1)[:, None], se=error[:, None], scale=Scale.LOGIT)


def _as_published(cell: Published) -> Estimates:
    """Return estimates with their published limits, also where there are few cases."""
    low, high = limits(cell.value, cell.se, scale=Scale.LOGIT)
    is_inside = (cell.low > 0) & (cell.high < 100)
    low, high = np.where(is_inside, cell.low, low), np.where(is_inside, cell.high, high)
    return Estimates(value=cell.value, se=cell.se, scale=Scale.LOGIT, low=low, high=high)


def _found(one: Estimates, other: Estimates) -> int:
    return int((difference(one, other).p < _LEVEL).sum())


def _any_false(equal: Estimates, reference: Estimates) -> int:
    p = difference(equal, reference).p
    return int((adjusted(p) < _LEVEL).any(axis=1).sum())


def _holds(different: Different, least: Doubles, greatest: Doubles) -> Booleans:
    found = rank_interval(different, is_lower_better=True)
    return np.asarray((found.least <= least) & (found.greatest >= greatest))
