"""The true values and respondents of counties and tracts.

As those of states (``simulation.py``), except that places of one state have something in common, and so have tracts of
one county, and that the country is a survey of its own. Its true value is the mean of the published places, weighted by
respondents. With 72,000 tracts all cells together would take tens of gigabytes, so what differs by place is drawn when
it is needed, each time from the same random stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.dataset.samples.areas import Areas
from meantime.dataset.samples.scheme import YEARS
from meantime.dataset.samples.simulation import (
    COMMON_BURDEN,
    LEAST_RESPONDENTS,
    LOCATION_STRATUM_SD,
    LOCATION_YEAR_SD,
    RESPONDENTS_SD,
    Doubles,
    Integers,
    Survey,
    draw_effective,
    effects_of_strata,
    random_stream,
    shares_of_strata,
    trends,
)

# How much of a place's effect is that of what it lies in (as a variance).
_SHARED_WITH_PARENT = 0.4
# Standard deviation of the logarithm of respondents between places. Some places have so few that the overall figure is
# suppressed too.
_PLACE_RESPONDENTS_SD = 0.6
_TINY_SHARE, _TINY = 0.015, 0.03
# The country is a survey of its own: pooled over all places, its limits would have no width with one decimal.
_COUNTRY_RESPONDENTS = 400_000
# A step in percentage points is a larger one on the logit scale the rarer something is; but no larger than at 12%.
_LEAST_SLOPE = 0.12 * 0.88

# The random streams of a world: the first number of their key. Estimates have a key of a single number.
_PLACES, _QUESTION, _STRATUM, _YEAR, _CELL = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaWorld:
    """What all cells of a question, a year or a stratum have in common. The last axis is the place."""

    seed: int
    is_overall: tuple[bool, ...]  # by stratum
    of_place: Doubles  # by question: level and place, on the logit scale
    of_year: Doubles  # by question and year
    of_stratum: Doubles  # by question and stratum
    respondents: Doubles  # by year
    answered: Doubles  # by question, the same in all places
    shares: Doubles  # by stratum
    usual_shares: tuple[float, ...]  # by stratum: of the country

    def survey(self, groups: Integers) -> Survey:
        """Return the survey of some groups: (question, year, stratum) each."""
        parts = [self._group(*group) for group in groups.tolist()]
        truth, respondents, effective = map(np.stack, zip(*parts, strict=True))
        effect = respondents / effective
        return Survey(respondents, effective, truth, np.where(respondents > 0, effect, np.nan), weights=None)

    def _group(self, question: int, year: int, stratum: int) -> tuple[Doubles, Integers, Integers]:
        logits: Doubles = self.of_place[question] + self.of_year[question, year] + self.of_stratum[question, stratum]
        logits += LOCATION_YEAR_SD * self._normal(_YEAR, question, year)
        if not self.is_overall[stratum]:
            logits += LOCATION_STRATUM_SD * self._normal(_STRATUM, question, stratum)
        truth: Doubles = 1 / (1 + np.exp(-logits))
        answered = np.clip(self.respondents[year] * self.answered[question], 20, 15_000)
        own = np.floor(answered * self.shares[stratum])
        weights = np.where(own >= LEAST_RESPONDENTS, own, 0)
        # Some place has enough respondents in every stratum, unless there are very few places.
        country = float(np.average(truth, weights=weights if weights.any() else None))
        respondents = np.append(own, _COUNTRY_RESPONDENTS * self.usual_shares[stratum]).astype(np.int64)
        effective = draw_effective(respondents, random_stream(self.seed, _CELL, question, year, stratum))
        return np.append(truth, country), respondents, effective

    def _normal(self, *key: int) -> Doubles:
        return random_stream(self.seed, *key).standard_normal((self.of_place.shape[1],))


def create_area_world(areas: Areas, seed: int) -> AreaWorld:
    """Draw what cells have in common."""
    scheme, rng = areas.scheme, random_stream(seed, _PLACES, 0)
    places = len(scheme.surveyed)
    level = np.array([question.level for question in scheme.questions]) / 100
    by_year = RESPONDENTS_SD * rng.standard_normal((len(YEARS), places))
    base = areas.respondents * np.exp(_PLACE_RESPONDENTS_SD * rng.standard_normal(places))
    base *= np.where(rng.uniform(size=places) < _TINY_SHARE, _TINY, 1)
    # A step of the logit is p (1 - p) of the share.
    scale = areas.sd_points / 100 / np.maximum(level * (1 - level), _LEAST_SLOPE)
    return AreaWorld(
        seed=seed,
        is_overall=tuple(stratum.category == "Total" for stratum in scheme.strata),
        of_place=np.log(level / (1 - level))[:, None] + scale[:, None] * _of_places(areas, seed),
        of_year=trends(scheme),
        of_stratum=effects_of_strata(scheme),
        respondents=base * np.exp(by_year),
        answered=rng.uniform(0.92, 1, len(level)),
        shares=shares_of_strata(scheme, rng),
        usual_shares=tuple(stratum.share for stratum in scheme.strata),
    )


def _of_places(areas: Areas, seed: int) -> Doubles:
    """Return standard normal effects by question and place, associated between questions and within what contains them.

    A place has as much in common with its county as the county with its state.
    """
    burden = np.array([question.burden for question in areas.scheme.questions])
    common = _nested(areas, random_stream(seed, _PLACES, 1))
    effects = [
        COMMON_BURDEN * sign * common
        + np.sqrt(1 - COMMON_BURDEN**2) * _nested(areas, random_stream(seed, _QUESTION, question))
        for question, sign in enumerate(burden.tolist())
    ]
    return np.array(effects)


def _nested(areas: Areas, rng: np.random.Generator) -> Doubles:
    effect = rng.standard_normal(len(areas.scheme.surveyed))
    own, rest = 1 - _SHARED_WITH_PARENT, _SHARED_WITH_PARENT
    total: Doubles = np.sqrt(own) * effect
    for depth, parent in enumerate(areas.parents):
        is_last = depth == len(areas.parents) - 1
        share = rest if is_last else rest * own
        total += np.sqrt(share) * rng.standard_normal(int(parent.max()) + 1)[parent]
        rest -= share
    return total
