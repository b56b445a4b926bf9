"""How two questions go together across locations.

Pearson's r with Fisher's interval: tanh(atanh r -+ z / sqrt(K - 3)). Spearman's with that of Bonett and Wright, whose
variance is (1 + r^2/2) / (K - 3). p from the same z. Errors of sampling draw a correlation to 0; r / sqrt(rel1 rel2)
undoes that if the errors of the two questions are independent, which they are not where both ask the same
respondents. So the corrected one is a hint at how much may be hidden, no estimate.

Two questions that exclude each other, asked of the same people, have errors whose covariance is known: -p1 p2 / n_eff
in each location. It makes a correlation r0 out of nothing, which is taken off; the variance of what is left is
(1 + r0^2) times as large. Of 50 locations without any association, 1,000 respondents each and true values that differ
by a standard deviation of 0 to 4 points, 10 to 97% of the correlations as they come are significant, and 3 to 7% so.

Sources: Fisher (1921); Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman
correlations, Psychometrika 65 (2000); Spearman, The proof and measurement of association between two things, American
Journal of Psychology 15 (1904).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.later import special
from meantime.statistics.methods.standard_errors import Z95

# Below, the correction divides by little that is known little.
_LEAST_RELIABILITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A correlation with its 95% interval; NaN where there are not four pairs, or where one side does not vary."""

    pairs: int  # K
    r: float
    low: float
    high: float
    p: float


def pearson(x: Doubles, y: Doubles, *, of_errors: float = 0.0) -> Correlation:
    """Correlate the values; pairs of which one is NaN are left out.

    ``of_errors``: the correlation that sampling errors alone would make, which is taken off.

    >>> found = pearson(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2.0, 1.0, 4.0, 3.0, 5.0]))
    >>> round(found.r, 3), round(found.low, 3), round(found.high, 3)
    (0.8, -0.28, 0.986)
    """
    both = np.isfinite(x) & np.isfinite(y)
    return _correlated(x[both], y[both], bonett_wright=False, of_errors=of_errors)


def spearman(x: Doubles, y: Doubles, *, of_errors: float = 0.0) -> Correlation:
    """Correlate the ranks; ties share the mean of theirs. ``of_errors`` is that of the values.

    >>> round(spearman(np.array([1.0, 2.0, 3.0, 9.0]), np.array([1.0, 4.0, 6.0, 100.0])).r, 6)
    1.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    # The rank correlation of two normal variables that are correlated so much (Pearson 1907).
    of_ranks = 6 / np.pi * float(np.arcsin(of_errors / 2))
    return _correlated(_mean_ranks(x[both]), _mean_ranks(y[both]), bonett_wright=True, of_errors=of_ranks)


def correlation_of_errors(x: Doubles, y: Doubles, size: Doubles) -> float:
    """Return the correlation that sampling errors alone make of percents of the same people that exclude each other.

    ``size`` is the effective sample size of each location. What it comes to depends on how much else they differ:

    >>> size = np.full(4, 500.0)
    >>> near, far = np.array([33.0, 35.0, 31.0, 34.0]), np.array([20.0, 45.0, 33.0, 28.0])
    >>> [round(correlation_of_errors(x, np.array([35.0, 34.0, 36.0, 33.0]), size), 2) for x in (near, far)]
    [-1.0, -0.16]
    >>> correlation_of_errors(near, near, np.full(4, np.nan))
    0.0
    """
    known = np.isfinite(x) & np.isfinite(y) & np.isfinite(size)
    if known.sum() < 2 or np.ptp(x[known]) == 0 or np.ptp(y[known]) == 0:
        return 0.0
    covariance = -float((x[known] * y[known] / size[known]).mean())
    return max(-1.0, covariance / float(x[known].std(ddof=1) * y[known].std(ddof=1)))


def corrected_for_sampling_error(r: float, reliability_one: float, reliability_other: float) -> float | None:
    """Return what r would be without errors of sampling that are independent; None below a reliability of 0.5.

    Where there is no r, or a reliability is not known (NaN), neither is this.

    >>> round(corrected_for_sampling_error(0.4, 0.8, 0.8), 6), corrected_for_sampling_error(0.4, 0.4, 0.9)
    (0.5, None)
    >>> corrected_for_sampling_error(np.nan, 0.8, 0.8), corrected_for_sampling_error(0.4, 0.8, np.nan)
    (None, None)
    >>> corrected_for_sampling_error(0.9, 0.6, 0.6)
    1.0
    """
    if np.isnan(r) or not (reliability_one > _LEAST_RELIABILITY and reliability_other > _LEAST_RELIABILITY):
        return None
    corrected = r / float(np.sqrt(reliability_one * reliability_other))
    return max(-1.0, min(1.0, corrected))


def _correlated(x: Doubles, y: Doubles, *, bonett_wright: bool, of_errors: float) -> Correlation:
    k = len(x)
    if k < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(pairs=k, r=np.nan, low=np.nan, high=np.nan, p=np.nan)
    dx, dy = x - x.mean(), y - y.mean()
    r = float((dx @ dy) / np.sqrt((dx @ dx) * (dy @ dy)))
    r = max(-1.0, min(1.0, r - of_errors))
    wider = 1 + of_errors**2
    se = float(np.sqrt((1 + r * r / 2 if bonett_wright else 1.0) * wider / (k - 3)))
    with np.errstate(divide="ignore"):
        centre = float(np.arctanh(r))
    low, high = np.tanh([centre - Z95 * se, centre + Z95 * se]).tolist()
    # Without a correlation r^2 is 0, so that is the variance under which none is tested.
    p = float(2 * special.ndtr(-abs(centre) * np.sqrt((k - 3) / wider)))
    return Correlation(pairs=k, r=r, low=low, high=high, p=p)


def _mean_ranks(x: Doubles) -> Doubles:
    _, index, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[index], dtype=np.float64)
