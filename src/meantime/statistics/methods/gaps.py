"""The gap between the highest and the lowest of several estimates, which chance alone makes.

Of six equal strata the largest and the smallest estimate still lie 2.5 standard errors apart on average. The correction
draws estimates around the estimates, sees by how much that widens the gap, and takes as much off:
max(0, 2 gap - mean gap of the draws). It is partial: for six equal strata a good half of the gap remains.

The interval is that of all pairs at once (Tukey-Kramer), since which two are the extremes was seen in the data.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 10, on bias; Tukey (1953) and Kramer
(1956).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.studentized_range import critical

DRAWS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The gap between two of several estimates, chosen for being the extremes."""

    highest: int  # places of the two
    lowest: int
    gap: float  # as observed
    corrected: float  # less what chance made of it, as far as that can be seen
    low: float
    high: float


def greatest_gap(estimates: Estimates, rng: np.random.Generator) -> Gap:
    """Return the gap between the highest and the lowest estimate.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> equal = Estimates(value=np.array([29.0, 30.0, 31.0]), se=np.full(3, 1.0), scale=Scale.LOGIT)
    >>> found = greatest_gap(equal, np.random.default_rng(1))
    >>> found.gap, round(found.corrected, 1), round(found.low, 1), round(found.high, 1)
    (2.0, 1.6, -1.3, 5.3)

    Raises:
        ValueError: there are not two estimates, or one has no standard error.
    """
    value, se = estimates.value, estimates.se
    if len(value) < 2 or not np.isfinite(value + se).all():
        raise ValueError("a gap needs two estimates, and each with its standard error")
    highest = int(value.argmax())
    # Where all are tied, the last one: a gap is between two.
    lowest = len(value) - 1 - int(value[::-1].argmin())
    gap = float(value[highest] - value[lowest])
    drawn = value + se * rng.standard_normal((DRAWS, len(value)))
    of_draws = float((drawn.max(axis=1) - drawn.min(axis=1)).mean())
    both = difference(estimates[[highest]], estimates[[lowest]], level_z=critical(0.95, len(value)))
    return Gap(
        highest=highest,
        lowest=lowest,
        gap=gap,
        corrected=max(0.0, 2 * gap - of_draws),
        low=float(both.low[0]),
        high=float(both.high[0]),
    )
