"""Two surveys whose truth is known, as they would be published: the drawing that all simulations share.

* ``publish``, a known design effect: a cell is Binomial(n / design effect, truth).
* ``publish_weighted``, unequal weights: n persons, each with a lognormal weight (coefficient of variation 1, so that
  the design effect is 2 as well). The percent is weighted, and its standard error is linearized, so it is estimated
  from the persons of the cell. This is how the CDC's percents are made.

Both have 95% limits on the logit scale, and value and limits are rounded to one decimal. What is published goes the way
of a file's rows: standard errors are recovered from the rounded limits.

Source: Korn and Graubard, Analysis of Health Surveys (1999), on linearized standard errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.standard_errors import (
    Z95,
    Scale,
    expit,
    limits_for_differences,
    logit,
    standard_errors,
)

# The median of the CDC's table.
DESIGN_EFFECT = 2.0
STEP = 0.1

# The standard deviation of the logarithm of a weight: 1 + CV^2 = exp(sigma^2), for a coefficient of variation of 1.
_SIGMA = np.float32(np.sqrt(np.log(2)))
# So many persons' weights are drawn at a time: they stay in the processor's cache.
_PERSONS_AT_A_TIME = 200_000


class Published(NamedTuple):
    """Percents and limits with one decimal."""

    value: Doubles
    low: Doubles
    high: Doubles
    respondents: Doubles

    @property
    def se(self) -> Doubles:
        """Standard errors as Meantime recovers them."""
        found = standard_errors(
            self.value, self.low, self.high, self.respondents, scale=Scale.LOGIT, is_percent=True, step=STEP
        )
        return found.se

    @property
    def estimates(self) -> Estimates:
        """What comparisons are made of."""
        se = self.se
        low, high = limits_for_differences(self.value, self.low, self.high, se, scale=Scale.LOGIT, step=STEP)
        return Estimates(value=self.value, se=se, scale=Scale.LOGIT, low=low, high=high)


Survey = Callable[[np.random.Generator, Doubles, Doubles], Published]


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a random stream of its own for each simulation, whichever others run."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *name.encode()])))


def publish(rng: np.random.Generator, truth: Doubles, respondents: Doubles) -> Published:
    """Ask so many respondents where so many percent would say yes."""
    truth, respondents = np.broadcast_arrays(truth, respondents)
    effective = np.maximum(np.rint(respondents / DESIGN_EFFECT), 1).astype(np.int64)
    share = rng.binomial(effective, truth / 100) / effective
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = Z95 / np.sqrt(effective * share * (1 - share))
        low, high = expit(logit(100 * share) - reach), expit(logit(100 * share) + reach)
    # Where all said the same, an exact one-sided limit.
    exact = 100 * 0.025 ** (1 / effective)
    low = np.where(share <= 0, 0.0, np.where(share >= 1, exact, low))
    high = np.where(share >= 1, 100.0, np.where(share <= 0, 100 - exact, high))
    return Published(np.round(100 * share, 1), np.round(low, 1), np.round(high, 1), respondents.astype(np.float64))


def publish_weighted(rng: np.random.Generator, truth: Doubles, respondents: Doubles) -> Published:
    """Ask so many persons, each with a weight of his or her own.

    Where all said the same there is no standard error, and no limit is published.
    """
    truth, respondents = np.broadcast_arrays(truth, respondents)
    cases = rng.binomial(respondents.astype(np.int64), truth / 100)
    said = np.stack([cases, respondents.astype(np.int64) - cases], axis=-1)
    weight, square = _sums_of_weights(rng, said.ravel())
    yes, no = weight.reshape(said.shape)[..., 0], weight.reshape(said.shape)[..., 1]
    share = yes / (yes + no)
    # The linearized variance: n / (n - 1) sum w^2 (y - share)^2 / (sum w)^2.
    residual = (square.reshape(said.shape) * np.stack([1 - share, share], axis=-1) ** 2).sum(axis=-1)
    se = np.sqrt(respondents / (respondents - 1) * residual) / (yes + no)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = Z95 * se / (share * (1 - share))
        low, high = expit(logit(100 * share) - reach), expit(logit(100 * share) + reach)
    return Published(np.round(100 * share, 1), np.round(low, 1), np.round(high, 1), respondents.astype(np.float64))


def _sums_of_weights(rng: np.random.Generator, persons: Integers) -> tuple[Doubles, Doubles]:
    """Draw a weight for each person of each group, and return the sums of weights and of their squares by group."""
    weight, square = np.zeros(len(persons)), np.zeros(len(persons))
    ends = persons.cumsum()
    start = 0
    while start < len(persons):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + _PERSONS_AT_A_TIME, side="right")), start + 1)
        some = start + np.flatnonzero(persons[start:stop])  # an empty group has no place in reduceat
        if len(some):
            drawn = np.exp(_SIGMA * rng.standard_normal(int(persons[some].sum()), dtype=np.float32))
            begins = np.concatenate([[0], persons[some][:-1].cumsum()])
            weight[some] = np.add.reduceat(drawn, begins, dtype=np.float64)
            square[some] = np.add.reduceat(drawn * drawn, begins, dtype=np.float64)
        start = stop
    return weight, square


def near(rng: np.random.Generator, percent: float, respondents: float, size: int) -> tuple[Doubles, Doubles]:
    """Return truths and respondents within a tenth of a design point.

    At one point exactly, coverage jumps up and down with the lattice of the counts, and once more where a truth of one
    decimal lies on a rounded limit: by 2 points between neighbours, which no interval can help (Brown, Cai and
    DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001)). Truths are no round
    numbers, and what is promised is promised of such.
    """
    smaller = min(percent, 100 - percent) * rng.uniform(0.9, 1.1, size)
    truth = smaller if percent <= 50 else 100 - smaller
    return truth, np.rint(respondents * rng.uniform(0.9, 1.1, size))


def inside(truth: Doubles, low: Doubles, high: Doubles) -> int:
    """Count the intervals that cover; one that does not exist does not."""
    return int(((low <= truth) & (truth <= high)).sum())
