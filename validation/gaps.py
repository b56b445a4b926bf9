"""Gaps between strata: intervals of a difference that was named before, and of the greatest, which was not."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import difference, ratio
from meantime.statistics.methods.gaps import greatest_gaps
from validation.figures import Effort, Figure, Section, share
from validation.survey import generator, inside, near, publish

_STRATA = 6


def named(effort: Effort, seed: int) -> Section:
    """A stratum against the one that was named."""
    rng, figures = generator(seed, "named"), []
    for n in (400, 1_000, 4_000):
        for percent, other in ((10, 15), (20, 30), (35, 35), (60, 45)):
            one_truth, one_n = near(rng, percent, n, effort.cells)
            other_truth, other_n = near(rng, other, n, effort.cells)
            one, two = publish(rng, one_truth, one_n).estimates, publish(rng, other_truth, other_n).estimates
            d, r = difference(one, two), ratio(one, two)
            names = (f"{n:,}", f"{percent} and {other}%")
            figures += [
                share((*names, "absolute"), inside(one_truth - other_truth, d.low, d.high), effort.cells, least=94.0),
                share((*names, "relative"), inside(one_truth / other_truth, r.low, r.high), effort.cells, least=94.0),
            ]
    return Section(
        "Disparity against a named stratum",
        "Promised from 400 respondents in each stratum on.",
        ("respondents a stratum", "truths", "difference"),
        tuple(figures),
    )


def greatest(effort: Effort, seed: int) -> Section:
    """The interval of the greatest gap covers the true difference of the two strata that it names."""
    rng, figures = generator(seed, "greatest"), []
    for sd in _SPREADS:
        gaps = _gaps(rng, sd, effort.rankings)
        hits = inside(gaps.true_of_pair, gaps.low, gaps.high)
        figures.append(share((f"{sd:g}",), hits, effort.rankings, least=94.0))
    return Section(
        "Greatest gap among six strata: its interval",
        "Strata of 1,050 respondents about 30% (standard errors of 2 points), whose truths have the standard "
        "deviation named. Covered is the true difference of the two strata that came out as the extremes.",
        ("SD of the truths, points",),
        tuple(figures),
    )


def corrected(effort: Effort, seed: int) -> Section:
    """What the correction for bias takes off, in points."""
    rng, figures = generator(seed, "corrected"), []
    for sd in _SPREADS:
        gaps = _gaps(rng, sd, effort.rankings)
        for what, points in (("true", gaps.true), ("observed", gaps.observed), ("corrected", gaps.corrected)):
            error = float(points.std() / np.sqrt(effort.rankings))
            figures.append(Figure((f"{sd:g}", what), float(points.mean()), error))
    return Section(
        "Greatest gap among six strata: its bias, in points",
        "The same strata. The estimates of the extremes are biased outward (selection bias). The correction is "
        "partial: a good half of the bias remains. It is shown beside the observed gap, with that note.",
        ("SD of the truths, points", "gap"),
        tuple(figures),
        measure="mean, points",
    )


SIMULATIONS = (named, greatest, corrected)

_SPREADS = (0.0, 1.0, 2.0, 4.0, 8.0)


class _Gaps:
    def __init__(self, size: int) -> None:
        self.true, self.true_of_pair, self.observed, self.corrected, self.low, self.high = np.zeros((6, size))


def _gaps(rng: np.random.Generator, sd: float, size: int) -> _Gaps:
    found = _Gaps(size)
    for place in range(size):
        truth: Doubles = np.clip(30 + sd * rng.standard_normal(_STRATA), 2, 98)
        gap = greatest_gaps(publish(rng, truth, np.full(_STRATA, 1_050.0)).estimates, np.array([_STRATA]), rng)
        found.true[place] = np.ptp(truth)
        found.true_of_pair[place] = truth[gap.highest[0]] - truth[gap.lowest[0]]
        found.observed[place], found.corrected[place] = gap.gap[0], gap.corrected[0]
        found.low[place], found.high[place] = gap.low[0], gap.high[0]
    return found
