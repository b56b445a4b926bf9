"""Pairs as a table of K x K: what the counts in blocks must come to, computed the plain way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.differences import Compared, Estimates, difference, difference_of_differences
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.pairs import Booleans
from meantime.statistics.methods.studentized_range import critical


@dataclass(frozen=True, kw_only=True)
class PairSquare:
    """Every estimate against every other, (K, K); the diagonal is no pair (NaN)."""

    value: Doubles
    z: Doubles  # at which the interval of the difference touches 0
    p: Doubles

    @property
    def marginal(self) -> Booleans:
        """From which others (columns) each (row) differs, by Holm over its own differences."""
        return np.asarray(adjusted(self.p) < 1 - 0.95)

    @property
    def simultaneous(self) -> Booleans:
        """Which pairs differ when all are compared at once."""
        return np.asarray(self.z > critical(0.95, len(self.value)))

    def counts(self, differs: Booleans) -> tuple[Integers, Integers]:
        """How many of the others that each differs from are lower, and how many higher."""
        is_lower = self.value[None, :] < self.value[:, None]
        return (differs & is_lower).sum(axis=1), (differs & ~is_lower).sum(axis=1)


def square_of(estimates: Estimates) -> PairSquare:
    """Compare all pairs of estimates, each once."""
    one, other = np.triu_indices(len(estimates.value), 1)
    return _square(estimates.value, difference(estimates[one], estimates[other]))


def square_of_gaps(upper: Estimates, lower: Estimates) -> PairSquare:
    """Compare all pairs of gaps, each once."""
    one, other = np.triu_indices(len(upper.value), 1)
    found = difference_of_differences((upper[one], lower[one]), (upper[other], lower[other]))
    return _square(upper.value - lower.value, found)


def _square(value: Doubles, found: Compared) -> PairSquare:
    k = len(value)
    one, other = np.triu_indices(k, 1)
    z, p = np.full((k, k), np.nan), np.full((k, k), np.nan)
    z[one, other] = z[other, one] = found.z
    p[one, other] = p[other, one] = found.p
    return PairSquare(value=value, z=z, p=p)
