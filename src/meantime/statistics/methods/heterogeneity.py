"""Whether estimates differ by more than sampling error, and by how much.

Cochran's Q adds up the squared distances from the common mean in standard errors; without real differences it is
chi-squared with K - 1 degrees of freedom, if the standard errors are those that equal values would have
(``effective_size.errors_if_equal``). tau is the standard deviation of the true values (Paule-Mandel: the one at which
the expected sum of squares is reached). Reliability is the share of the variance between the estimates that is beyond
sampling error: tau^2 / (tau^2 + s^2), s^2 the typical variance of I^2, to which a location counts by its precision, so
that one poor estimate does not decide. Both have an interval by the Q-profile: the tau^2 at which Q has its quantiles.

Sources: Cochran, The combination of estimates from different experiments, Biometrics 10 (1954); Paule and Mandel,
Consensus values and weighting factors, Journal of Research of the National Bureau of Standards 87 (1982); Higgins and
Thompson, Quantifying heterogeneity in a meta-analysis, Statistics in Medicine 21 (2002); Viechtbauer, Confidence
intervals for the amount of heterogeneity in meta-analysis, Statistics in Medicine 26 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.later import special

# Newton's steps on a convex falling function come from the left and never pass the root; 5 to 10 are usual.
_MOST_STEPS = 100
# What the method of arrays calls: for fifty numbers, without what is around it, in half the time.
_sum = np.add.reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """How much K estimates differ; NaN below two estimates."""

    estimates: int  # K: those that have a standard error
    q: float
    p: float  # of the test that the true values are equal
    tau: float  # standard deviation of the true values, in the unit of the estimates
    tau_low: float  # limits of its 95% interval
    tau_high: float
    mean: float  # of the true values: weighted by 1 / (tau^2 + SE^2)
    reliability: float  # from 0: nothing but sampling error, to 1
    reliability_low: float  # limits of its 95% interval
    reliability_high: float


def equality_p(value: Doubles, se: Doubles) -> float:
    """Return Cochran's p alone, that the true values are equal, as ``heterogeneity`` has it; NaN below two estimates.

    >>> value, se = np.array([20.0, 20.1, 19.9]), np.ones(3)
    >>> equality_p(value, se) == heterogeneity(value, se).p, equality_p(value[:1], se[:1])
    (True, nan)
    """
    known = np.isfinite(value) & np.isfinite(se)
    k = int(known.sum())
    return float(special.chdtrc(k - 1, _mean_and_q(value[known], se[known] ** 2)[1])) if k > 1 else np.nan


def heterogeneity(value: Doubles, se: Doubles) -> Heterogeneity:
    """Measure how much estimates differ; those without a standard error are left out.

    >>> found = heterogeneity(np.array([20.0, 25.0, 30.0]), np.array([1.0, 1.0, 1.0]))
    >>> round(found.q, 6), round(found.tau, 4), round(found.reliability, 4), found.p < 0.001
    (50.0, 4.899, 0.96, True)

    Three estimates tell little of how large a spread is:

    >>> round(found.tau_low, 2), round(found.tau_high, 2)
    (2.4, 31.41)
    >>> heterogeneity(np.array([20.0, 20.1, 19.9]), np.array([1.0, 1.0, 1.0])).tau
    0.0

    Of one estimate or none there is nothing to say:

    >>> heterogeneity(np.array([20.0]), np.array([1.0])).p
    nan
    """
    known = np.isfinite(value) & np.isfinite(se)
    v, variance = value[known], se[known] ** 2
    k = len(v)
    if k < 2:
        unknown = dict.fromkeys(
            ("q", "p", "tau", "tau_low", "tau_high", "reliability", "reliability_low", "reliability_high"), np.nan
        )
        return Heterogeneity(estimates=k, mean=float(v[0]) if k else np.nan, **unknown)
    _, q = _mean_and_q(v, variance)
    tau2 = _tau2_where_q_is(k - 1.0, v, variance)
    low, high = (_tau2_where_q_is(float(special.chdtri(k - 1, tail)), v, variance) for tail in (0.025, 0.975))
    typical = _typical_variance(variance)
    return Heterogeneity(
        estimates=k,
        q=q,
        p=float(special.chdtrc(k - 1, q)),
        tau=tau2**0.5,
        tau_low=low**0.5,
        tau_high=high**0.5,
        mean=_mean_and_q(v, variance + tau2)[0],
        reliability=tau2 / (tau2 + typical),
        reliability_low=low / (low + typical),
        reliability_high=high / (high + typical),
    )


def _mean_and_q(v: Doubles, variance: Doubles) -> tuple[float, float]:
    weights, mean, squares = _about_the_mean(v, variance)
    return mean, float(_sum(weights * squares))


def _about_the_mean(v: Doubles, variance: Doubles) -> tuple[Doubles, float, Doubles]:
    """Return the weights, the mean by them, and the squared distances from it."""
    weights = 1 / variance
    mean = float(_sum(weights * v) / _sum(weights))
    return weights, mean, (v - mean) ** 2


def _typical_variance(variance: Doubles) -> float:
    """Return the variance that stands for all: equal ones themselves, of others rather the small ones."""
    w = 1 / variance
    total = float(w.sum())
    return (len(w) - 1) * total / (total**2 - float((w * w).sum()))


def _tau2_where_q_is(target: float, v: Doubles, variance: Doubles) -> float:
    """Find the tau^2 at which Q over tau^2 + SE^2 has come down to a value; 0 where it is below it already."""
    tau2, step, steps = 0.0, np.inf, 0
    while step > 1e-12 * tau2 and steps < _MOST_STEPS:
        total = variance + tau2
        weights, _, squares = _about_the_mean(v, total)
        excess = float(_sum(weights * squares)) - target
        # The derivative of Q has no part from the mean, which minimises it.
        step = excess / float(_sum(squares / total**2)) if excess > 0 else 0.0
        tau2 += step
        steps += 1
    return tau2
