"""A survey whose truth is known, as it would be published: the drawing that all simulations share.

A cell is Binomial(n / design effect, truth); value and 95 % limits, on the logit scale, are rounded to one decimal, as
the CDC's are. What is published goes the way of a file's rows: standard errors are recovered from the rounded limits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.standard_errors import Z95, Scale, expit, logit, standard_errors

# The median of the CDC's table.
DESIGN_EFFECT = 2.0
STEP = 0.1


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
        return Estimates(value=self.value, se=self.se, scale=Scale.LOGIT)


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
