"""Whether estimates differ by more than chance, and by how much.

Cochran's Q adds up the squared distances from the common mean in standard errors; without real differences it is
chi-squared with K - 1 degrees of freedom. tau is the standard deviation of the true values (Paule-Mandel: the one at
which the expected sum of squares is reached). Reliability is the share of the variance between the estimates that is
real: tau^2 / (tau^2 + mean SE^2).

Sources: Cochran, The combination of estimates from different experiments, Biometrics 10 (1954); Paule and Mandel,
Consensus values and weighting factors, Journal of Research of the National Bureau of Standards 87 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from meantime.dataset.cube import Doubles

# Newton's steps on a convex falling function come from the left and never pass the root; 5 to 10 are usual.
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """How much K estimates differ."""

    estimates: int  # K: those that have a standard error
    q: float
    p: float  # of no real differences; NaN below two estimates
    tau: float  # standard deviation of the true values, in the unit of the estimates
    mean: float  # of the true values: weighted by 1 / (tau^2 + SE^2)
    reliability: float  # from 0: nothing but chance, to 1


def heterogeneity(value: Doubles, se: Doubles) -> Heterogeneity:
    """Measure how much estimates differ; those without a standard error are left out.

    >>> found = heterogeneity(np.array([20.0, 25.0, 30.0]), np.array([1.0, 1.0, 1.0]))
    >>> round(found.q, 6), round(found.tau, 4), round(found.reliability, 4), found.p < 0.001
    (50.0, 4.899, 0.96, True)
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
        mean = float(v[0]) if k else np.nan
        return Heterogeneity(estimates=k, q=np.nan, p=np.nan, tau=np.nan, mean=mean, reliability=np.nan)
    _, q = _mean_and_q(v, variance)
    tau2 = _paule_mandel(v, variance)
    return Heterogeneity(
        estimates=k,
        q=q,
        p=float(special.chdtrc(k - 1, q)),
        tau=tau2**0.5,
        mean=_mean_and_q(v, variance + tau2)[0],
        reliability=tau2 / (tau2 + float(variance.mean())),
    )


def _mean_and_q(v: Doubles, variance: Doubles) -> tuple[float, float]:
    weights = 1 / variance
    mean = float((weights * v).sum() / weights.sum())
    return mean, float((weights * (v - mean) ** 2).sum())


def _paule_mandel(v: Doubles, variance: Doubles) -> float:
    """Find the tau^2 at which Q over tau^2 + SE^2 is K - 1; 0 where it is below already."""
    tau2, step, steps = 0.0, np.inf, 0
    while step > 1e-12 * tau2 and steps < _MOST_STEPS:
        mean, q = _mean_and_q(v, variance + tau2)
        excess = q - (len(v) - 1)
        # The derivative of Q has no part from the mean, which minimises it.
        step = excess / float(((v - mean) ** 2 / (variance + tau2) ** 2).sum()) if excess > 0 else 0.0
        tau2 += step
        steps += 1
    return tau2
