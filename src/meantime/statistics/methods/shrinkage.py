"""What a model says of the true values: empirical Bayes, for chances that are named as the model's.

The true values are taken to be normal about their mean mu with standard deviation tau, both estimated. Then each is
normal about mu + B (v - mu) with variance B SE^2, B = tau^2 / (tau^2 + SE^2): an estimate with a large standard error
is drawn to the mean. Ranks of draws answer "how likely among the best five"; they are no confidence intervals, and
hold as far as the model does.

Source: Efron and Morris, Data analysis using Stein's estimator and its generalizations, Journal of the American
Statistical Association 70 (1975); Laird and Louis, Empirical Bayes ranking methods, Journal of Educational Statistics
14 (1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.heterogeneity import Heterogeneity

# A share of draws is off by 0.8 points at most (one standard error, at one half); four times as many would halve that
# and not fit the time.
DRAWS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelRanks:
    """What the draws' ranks say; one entry a location."""

    expected: Doubles  # mean rank
    p_best: Doubles  # share of draws among the best k
    least: Integers  # ranks between which the middle 95% of the draws lie
    greatest: Integers


def shrunk(value: Doubles, se: Doubles, about: Heterogeneity) -> tuple[Doubles, Doubles]:
    """Return mean and standard deviation of each true value, as the model has them.

    >>> from meantime.statistics.methods.heterogeneity import heterogeneity
    >>> value, se = np.array([20.0, 25.0, 30.0]), np.array([5.0, 1.0, 1.0])
    >>> mean, sd = shrunk(value, se, heterogeneity(value, se))
    >>> mean.round(1)
    array([24. , 25.1, 29.8])
    """
    b = about.tau**2 / (about.tau**2 + se**2)
    return about.mean + b * (value - about.mean), np.sqrt(b) * se


def model_ranks(
    value: Doubles, se: Doubles, about: Heterogeneity, *, best: int, is_lower_better: bool, rng: np.random.Generator
) -> ModelRanks:
    """Draw the true values and rank them.

    With no differences but chance (tau 0) the model has all true values equal, and every order of them is as likely:

    >>> from meantime.statistics.methods.heterogeneity import heterogeneity
    >>> value, se = np.array([20.0, 20.1, 19.9]), np.ones(3)
    >>> found = model_ranks(
    ...     value, se, heterogeneity(value, se), best=1, is_lower_better=True, rng=np.random.default_rng(1)
    ... )
    >>> found.expected.round(1), found.p_best.round(1)
    (array([2., 2., 2.]), array([0.3, 0.3, 0.3]))
    """
    k = len(value)
    mean, sd = shrunk(value, se, about)
    # In single precision: it is drawn twice as fast, and 24 bits are more than the model has.
    noise = rng.standard_normal((DRAWS, k), dtype=np.float32)
    # With tau 0 all true values are one value, which would make every order a tie, broken by place.
    drawn = mean.astype(np.float32) + sd.astype(np.float32) * noise if about.tau > 0 else noise
    order = np.argsort(drawn if is_lower_better else -drawn, axis=1)
    # How often each location (row) has each rank (column): a draw has its locations in the order of their ranks.
    tally = np.bincount((order * k + np.arange(k)).ravel(), minlength=k * k).reshape(k, k)
    share = np.cumsum(tally, axis=1) / DRAWS
    return ModelRanks(
        expected=tally @ np.arange(1, k + 1) / DRAWS,
        p_best=share[:, min(best, k) - 1],
        least=(share <= 0.025).sum(axis=1) + 1,
        greatest=(share < 0.975).sum(axis=1) + 1,
    )
