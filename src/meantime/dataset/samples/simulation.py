"""The true values of the synthetic table, and the simulated survey that estimates them.

How a number is made::

    truth     logit(p) = question's level and trend + location + stratum + location x stratum + location x year
    survey    n respondents, who carry as much information as n / design effect drawn at random
    estimate  Binomial(n / design effect, p), as a percent with one decimal
    limits    the estimate's 95% confidence interval on the logit scale, like the CDC's

Estimates are drawn cell by cell: the respondents of "Female" and "Male" are not those of "Total". So every cell is
right by itself, but sums over strata are only approximately right. National is different: it pools the states and DC
that are published in its cell, so its sample size is the sum of theirs, as in the real table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from meantime.dataset.samples.scheme import YEARS, Scheme

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# The CDC publishes no estimate from fewer respondents.
LEAST_RESPONDENTS = 50
_Z95 = 1.959964
# Sizes of the random effects: in percentage points, or else on the logit scale.
_LOCATION_SD_POINTS = 3.0
LOCATION_STRATUM_SD = 0.05
LOCATION_YEAR_SD = 0.025
# How much of a location's effect all its questions have in common (as a correlation).
COMMON_BURDEN = 0.7
# Standard deviations of the logarithm of sample sizes: from year to year; and of a stratum's share, which varies most
# by race.
RESPONDENTS_SD = 0.12
_SHARE_SD = 0.08
_RACE_SHARE_SD = 0.35
# Median and spread as in the CDC's table.
_DESIGN_EFFECT = 2.0
_DESIGN_EFFECT_SD = 0.23


class Survey(NamedTuple):
    """The sample: a row for each group (question, year, stratum), a column for each location, the country last."""

    respondents: Integers
    effective: Integers  # respondents / design effect, of all locations but a country that is pooled
    truth: Doubles  # as shares, not percents
    design_effect: Doubles  # NaN without respondents
    weights: Doubles | None  # of the surveyed locations in the pooled country: their share of its respondents

    @property
    def is_withheld(self) -> npt.NDArray[np.bool_]:
        """Which estimates are suppressed because there are too few respondents."""
        return self.respondents < LEAST_RESPONDENTS


class SampleEstimates(NamedTuple):
    """What is published, in tenths of a percent."""

    value: Integers
    low: Integers
    high: Integers


class Sampled(Protocol):
    """What estimates are drawn from."""

    def survey(self, groups: Integers) -> Survey:
        """Return the survey of some groups: (question, year, stratum) each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The truth and the sample sizes. Axes: question, year, stratum, surveyed location."""

    percent: Doubles  # as a share
    respondents: Integers
    effective: Integers
    is_state: npt.NDArray[np.bool_]

    def survey(self, groups: Integers) -> Survey:
        """Return the survey of some groups: (question, year, stratum) each."""
        at = tuple(groups.T)
        truth, respondents, effective = self.percent[at], self.respondents[at], self.effective[at]
        pooled = np.where((respondents >= LEAST_RESPONDENTS) & self.is_state, respondents, 0)
        total = pooled.sum(axis=1)
        # If nothing is published, there is still a true value: that of all states with equal weights.
        weights = np.where(total[:, None] > 0, pooled / np.maximum(total, 1)[:, None], self.is_state / 51)
        country = (weights * truth).sum(axis=1)
        variance = (weights**2 * truth * (1 - truth) / effective).sum(axis=1)
        respondents = np.column_stack([respondents, total])
        effects = np.column_stack([respondents[:, :-1] / effective, total * variance / (country * (1 - country))])
        return Survey(
            respondents=respondents,
            effective=effective,
            truth=np.column_stack([truth, country]),
            design_effect=np.where(respondents > 0, effects, np.nan),
            weights=weights,
        )


def create_world(scheme: Scheme, seed: int) -> World:
    """Draw the truth and the sample sizes."""
    rng = random_stream(seed, 0)
    respondents = _respondents(scheme, rng)
    percent = 1 / (1 + np.exp(-_logits(scheme, rng)))
    effective = draw_effective(respondents, rng)
    return World(
        percent=percent,
        respondents=respondents,
        effective=effective,
        is_state=np.array([location.kind == "state" for location in scheme.surveyed]),
    )


def draw_effective(respondents: Integers, rng: np.random.Generator) -> Integers:
    """Draw design effects, and return how many respondents drawn at random would tell as much: at least 1."""
    design_effect = _DESIGN_EFFECT * np.exp(_DESIGN_EFFECT_SD * rng.standard_normal(respondents.shape))
    return np.maximum(np.rint(respondents / np.maximum(design_effect, 1)), 1).astype(np.int64)


def _logits(scheme: Scheme, rng: np.random.Generator) -> Doubles:
    questions, strata, locations = len(scheme.questions), len(scheme.strata), len(scheme.surveyed)
    level = np.array([question.level for question in scheme.questions]) / 100
    overall = np.array([stratum.category == "Total" for stratum in scheme.strata])
    of_location_and_stratum = LOCATION_STRATUM_SD * rng.standard_normal((questions, strata, locations))
    of_location_and_stratum[:, overall] = 0
    logits: Doubles = (
        np.log(level / (1 - level))[:, None, None, None]
        + trends(scheme)[:, :, None, None]
        + effects_of_strata(scheme)[:, None, :, None]
        + _of_locations(scheme, level, rng)[:, None, None, :]
        + of_location_and_stratum[:, None, :, :]
        + LOCATION_YEAR_SD * rng.standard_normal((questions, len(YEARS), 1, locations))
    )
    return logits


def trends(scheme: Scheme) -> Doubles:
    """Return how far the logit of each question is from its level, by year."""
    passed = np.array(YEARS) - YEARS[0]
    along = passed / passed[-1]
    slope = np.array([question.slope for question in scheme.questions])[:, None]
    bend = np.array([question.bend for question in scheme.questions])[:, None]
    return np.asarray(slope * passed + bend * 4 * along * (1 - along), dtype=np.float64)


def effects_of_strata(scheme: Scheme) -> Doubles:
    """Return the effects of strata, centered by share so that the strata of a category together give the total."""
    family = [scheme.families.index(question.family) for question in scheme.questions]
    effects = np.array([stratum.effects for stratum in scheme.strata], dtype=np.float64).T[family]
    for members in _categories(scheme):
        share = np.array([scheme.strata[index].share for index in members])
        effects[:, members] -= (effects[:, members] * share / share.sum()).sum(axis=1, keepdims=True)
    return effects


def _of_locations(scheme: Scheme, level: Doubles, rng: np.random.Generator) -> Doubles:
    burden = np.array([question.burden for question in scheme.questions])[:, None]
    common = rng.standard_normal(len(scheme.surveyed))
    own = rng.standard_normal((len(level), len(common)))
    effects = COMMON_BURDEN * burden * common + np.sqrt(1 - COMMON_BURDEN**2) * own
    effects -= effects.mean(axis=1, keepdims=True)
    effects /= effects.std(axis=1, keepdims=True)
    # A step of the logit is p (1 - p) of the share.
    return np.asarray(_LOCATION_SD_POINTS / 100 / (level * (1 - level))[:, None] * effects, dtype=np.float64)


def _respondents(scheme: Scheme, rng: np.random.Generator) -> Integers:
    base = np.array([location.respondents for location in scheme.surveyed])
    by_year = base * np.exp(RESPONDENTS_SD * rng.standard_normal((1, len(YEARS), len(base))))
    # Some people do not answer a question.
    answered = rng.uniform(0.92, 1, (len(scheme.questions), 1, 1))
    overall = np.clip(by_year * answered, 200, 15_000)
    return np.floor(overall[:, :, None, :] * shares_of_strata(scheme, rng)).astype(np.int64)


def shares_of_strata(scheme: Scheme, rng: np.random.Generator) -> Doubles:
    """Return the share of each stratum among the respondents of each location: as in the scheme, else as usual."""
    usual = np.array([stratum.share for stratum in scheme.strata])[:, None]
    by_race = np.array([stratum.category_id == "RACE" for stratum in scheme.strata])[:, None]
    spread = np.where(by_race, _RACE_SHARE_SD, _SHARE_SD)
    shares = usual * np.exp(spread * rng.standard_normal((len(usual), len(scheme.surveyed))))
    stated = np.array(
        [[location.shares.get(stratum.id, np.nan) for location in scheme.surveyed] for stratum in scheme.strata]
    )
    is_stated = ~np.isnan(stated)
    for members in _categories(scheme):
        rest = usual[members].sum() - np.where(is_stated, stated, 0)[members].sum(axis=0)
        others = np.where(is_stated, 0, shares)[members]
        shares[members] = np.where(is_stated[members], stated[members], others * rest / others.sum(axis=0))
    return shares


def _categories(scheme: Scheme) -> list[list[int]]:
    names = dict.fromkeys(stratum.category for stratum in scheme.strata)
    return [[index for index, stratum in enumerate(scheme.strata) if stratum.category == name] for name in names]


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """Return one of the independent random streams of a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def draw_estimates(survey: Survey, rng: np.random.Generator) -> SampleEstimates:
    """Draw what is published of a survey."""
    effective: Doubles = survey.effective.astype(np.float64)
    hits = rng.binomial(survey.effective, survey.truth[:, : effective.shape[1]])
    share = hits / effective
    if survey.weights is not None:
        # Half an answer more of each kind: if nobody answered yes, the true share is still not exactly 0.
        inside = (hits + 0.5) / (effective + 1)
        variance = (survey.weights**2 * inside * (1 - inside) / effective).sum(axis=1)
        pooled = (survey.weights * inside).sum(axis=1)
        country = (survey.weights * share).sum(axis=1)
        share = np.column_stack([share, np.minimum(country, 1)])
        effective = np.column_stack([effective, pooled * (1 - pooled) / variance])
    low, high = _limits(share, effective)
    return SampleEstimates(_tenths(share), _tenths(low), _tenths(high))


def _limits(share: Doubles, effective: Doubles) -> tuple[Doubles, Doubles]:
    """Return 95% limits on the logit scale, or exact ones where all gave the same answer and the logit is infinite."""
    inside = np.clip(share, 1e-9, 1 - 1e-9)
    logit = np.log(inside / (1 - inside))
    reach = _Z95 / np.sqrt(effective * inside * (1 - inside))
    low, high = 1 / (1 + np.exp(np.minimum(reach - logit, 700))), 1 / (1 + np.exp(np.maximum(-reach - logit, -700)))
    exact = 0.025 ** (1 / effective)
    low = np.where(share <= 0, 0, np.where(share >= 1, exact, low))
    high = np.where(share >= 1, 1, np.where(share <= 0, 1 - exact, high))
    return low, high


def _tenths(share: Doubles) -> Integers:
    return np.rint(share * 1000).astype(np.int64)
