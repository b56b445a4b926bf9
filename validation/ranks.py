"""Do rank intervals hold the true ranks, ties included, at every location?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.pairs import pairs
from meantime.statistics.methods.rank_intervals import RankInterval, marginal, rank_interval, simultaneous
from validation.figures import Effort, Section, Simulation, share
from validation.survey import generator, publish

_LOCATIONS = 50
# Half of a state's respondents, as in the table by sex: standard errors of 0.7 to 2.2 points.
_RESPONDENTS = np.rint(np.geomspace(900, 8_000, _LOCATIONS))
_LEVEL_PERCENT = 33.0
# Counties and county equivalents of the United States. Their five million pairs take 30 ms: fewer rankings are drawn.
_COUNTIES = 3_144
_COUNTIES_EVERY = 8
_NAIVE_DRAWS = 1_000
# Ranks are simulated in one of so many rankings: they take most of the time, and their coverage is far off anyway.
_NAIVE_EVERY = 8


class _Truth(NamedTuple):
    percent: Doubles
    least: Integers  # the smallest rank that a location may be given: that which tied ones share
    greatest: Integers  # the greatest, were its tie resolved against it

    @classmethod
    def of(cls, percent: Doubles) -> _Truth:
        ordered = np.sort(percent)
        less = np.searchsorted(ordered, percent)
        return cls(percent, less + 1, np.searchsorted(ordered, percent, side="right"))


def _tied(locations: int) -> Doubles:
    return np.full(locations, _LEVEL_PERCENT)


def _groups_of_ten(locations: int) -> Doubles:
    return np.asarray(_LEVEL_PERCENT + np.repeat([-5.0, -2.5, 0.0, 2.5, 5.0], locations // 5), dtype=np.float64)


def _spread(sd: float, locations: int) -> Doubles:
    return np.asarray(_LEVEL_PERCENT + sd * special.ndtri((np.arange(locations) + 0.5) / locations), dtype=np.float64)


_SCENARIOS: dict[str, Callable[[int], Doubles]] = {
    "all tied": _tied,
    "groups of ten tied": _groups_of_ten,
    "SD 1": partial(_spread, 1.0),
    "SD 2": partial(_spread, 2.0),
    "SD 3.5": partial(_spread, 3.5),
}


# With a spread of the states' size the intervals of so many locations hold nearly all ranks.
_OF_COUNTIES: dict[str, Callable[[int], Doubles]] = {
    "all tied": _tied,
    "SD 3.5": partial(_spread, 3.5),
    "SD 7": partial(_spread, 7.0),
}


def _of(scenario: str, effort: Effort, seed: int) -> Section:
    rng = generator(seed, scenario)
    truth = _Truth.of(rng.permutation(_SCENARIOS[scenario](_LOCATIONS)))
    covered = np.zeros((2, _LOCATIONS), dtype=np.int64)
    at_once, naive = 0, np.zeros(_LOCATIONS, dtype=np.int64)
    places, naive_places = np.zeros(2), 0.0
    for turn in range(effort.rankings):
        cell = publish(rng, truth.percent, _RESPONDENTS)
        compared = pairs(cell.estimates)
        alone, together = (
            rank_interval(different, is_lower_better=True) for different in (marginal(compared), simultaneous(compared))
        )
        holds = _holds(alone, truth), _holds(together, truth)
        covered += holds
        at_once += bool(holds[1].all())
        places += [_width(each) for each in (alone, together)]
        if turn % _NAIVE_EVERY == 0:
            drawn = _naive(rng, cell.value, cell.se)
            naive += (drawn.least <= truth.least) & (truth.least <= drawn.greatest)
            naive_places += _width(drawn)
    widths = [*(places / effort.rankings), naive_places / _naive_rankings(effort)]
    return _section(scenario, effort, covered, at_once, naive, widths)


def _section(
    scenario: str, effort: Effort, covered: Integers, at_once: int, naive: Integers, widths: list[float]
) -> Section:
    n, few = effort.rankings, _naive_rankings(effort)
    every = n * _LOCATIONS
    return Section(
        f"Rank intervals: {scenario}",
        f"Mean width in places: for one location {widths[0]:.1f}, for all at once {widths[1]:.1f}, by simulating "
        f"ranks around the estimates {widths[2]:.1f}, of {_LOCATIONS}. Covered is every rank that a location may have, "
        "however its ties are resolved; of the simulated ranks only the one that tied locations share.",
        ("interval", "of what"),
        (
            share(("for one location", "all locations together"), int(covered[0].sum()), every, least=95.0),
            share(("for one location", "the worst location"), int(covered[0].min()), n, least=95.0),
            share(("for all at once", "all of them in the same ranking"), at_once, n, least=95.0),
            share(("for all at once", "the worst location"), int(covered[1].min()), n, least=95.0),
            share(
                ("simulated around the estimates, not used", "all locations together"),
                int(naive.sum()),
                few * _LOCATIONS,
            ),
            share(("simulated around the estimates, not used", "the worst location"), int(naive.min()), few),
        ),
    )


def _naive_rankings(effort: Effort) -> int:
    return -(-effort.rankings // _NAIVE_EVERY)


def _width(interval: RankInterval) -> float:
    return float((interval.greatest - interval.least + 1).mean())


def _holds(interval: RankInterval, truth: _Truth) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((interval.least <= truth.least) & (interval.greatest >= truth.greatest))


def _naive(rng: np.random.Generator, value: Doubles, se: Doubles) -> RankInterval:
    """Rank draws around the estimates: what is not to be done."""
    drawn = value + se * rng.standard_normal((_NAIVE_DRAWS, len(value)))
    rank = np.sort(drawn.argsort(axis=1).argsort(axis=1) + 1, axis=0)
    cut = int(0.025 * _NAIVE_DRAWS)
    return RankInterval(least=rank[cut], greatest=rank[-1 - cut])


def counties(effort: Effort, seed: int) -> Section:
    """As many locations as there are counties: every pair of five million must be right at once."""
    n, figures, widths = -(-effort.rankings // _COUNTIES_EVERY), [], []
    respondents = np.rint(np.geomspace(_RESPONDENTS[0], _RESPONDENTS[-1], _COUNTIES))
    for scenario, of in _OF_COUNTIES.items():
        rng = generator(seed, f"counties, {scenario}")
        truth = _Truth.of(rng.permutation(of(_COUNTIES)))
        at_once, every, places = 0, 0, 0.0
        for _ in range(n):
            different = simultaneous(pairs(publish(rng, truth.percent, respondents).estimates))
            interval = rank_interval(different, is_lower_better=True)
            holds = _holds(interval, truth)
            at_once, every, places = at_once + bool(holds.all()), every + int(holds.sum()), places + _width(interval)
        figures += [
            share((scenario, "all of them in the same ranking"), at_once, n, least=95.0),
            share((scenario, "all locations together"), every, n * _COUNTIES, least=95.0),
        ]
        widths.append(f"{places / n:,.0f} ({scenario})")
    return Section(
        f"Rank intervals of {_COUNTIES:,} locations, for all at once",
        f"{n:,} rankings each. Mean width in places, of {_COUNTIES:,}: {', '.join(widths)}.",
        ("truth", "of what"),
        tuple(figures),
    )


SIMULATIONS: tuple[Simulation, ...] = (*(partial(_of, scenario) for scenario in _SCENARIOS), counties)
