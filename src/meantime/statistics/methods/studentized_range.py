"""The range of K normal values: what all pairs among K estimates are compared against at once.

P(range <= q) = K * integral of phi(z) (Phi(z) - Phi(z - q))^(K-1) dz. scipy has it too (``stats.studentized_range``),
at seconds a quantile, since it allows for an unknown variance; here the variances are known, one integral remains,
and it takes a millisecond.

Source: Tukey, The problem of multiple comparisons (1953); Kramer, Extension of multiple range tests to group means with
unequal numbers of replications, Biometrics 12 (1956).
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.later import special

# The integrand is below 1e-20 outside, and so smooth that equal steps of 0.05 give 12 digits.
_Z = np.linspace(-10.0, 10.0, 401)
_PHI = np.exp(-_Z * _Z / 2) / np.sqrt(2 * np.pi) * (_Z[1] - _Z[0])


def cumulative(q: float, k: int) -> float:
    """Return P(range of k standard normal values <= q).

    >>> round(cumulative(3.3145, 3), 4)
    0.95
    """
    return float(k * (_PHI * (_below() - special.ndtr(_Z - q)) ** (k - 1)).sum())


@cache
def _below() -> Doubles:
    return np.asarray(special.ndtr(_Z), dtype=np.float64)


@lru_cache(maxsize=256)
def quantile(level: float, k: int) -> float:
    """Return the q below which the range of k standard normal values stays with this probability; 0 for k below 2.

    >>> round(quantile(0.95, 3), 3), round(quantile(0.95, 52), 3), quantile(0.95, 1)
    (3.314, 5.672, 0.0)
    """
    if k < 2:
        return 0.0
    low, high = 0.0, 20.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if cumulative(middle, k) < level else (low, middle)
    return (low + high) / 2


def critical(level: float, k: int) -> float:
    """Return what a difference over its standard error must exceed when all pairs of k are compared at once.

    >>> round(critical(0.95, 2), 4)
    1.96
    """
    return quantile(level, k) / float(np.sqrt(2))
