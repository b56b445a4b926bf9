from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.statistics.methods.studentized_range import critical, cumulative, quantile


@pytest.mark.parametrize("k", [2, 3, 6, 20, 52])
@pytest.mark.parametrize("q", [1.5, 3.3, 5.7])
def test_the_integral_is_scipys(k: int, q: float) -> None:
    assert cumulative(q, k) == pytest.approx(stats.studentized_range.cdf(q, k, np.inf), abs=1e-9)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_of_two_it_is_the_normal_distribution(level: float) -> None:
    assert critical(level, 2) == pytest.approx(stats.norm.ppf((1 + level) / 2), abs=1e-8)


def test_the_quantile_undoes_the_integral() -> None:
    assert cumulative(quantile(0.95, 54), 54) == pytest.approx(0.95, abs=1e-9)


def test_one_alone_has_no_range() -> None:
    assert critical(0.95, 1) == 0


@pytest.mark.parametrize("k", [3_144, 72_000])
def test_the_range_of_thousands_is_scipys(k: int) -> None:
    assert stats.studentized_range.cdf(quantile(0.95, k), k, np.inf) == pytest.approx(0.95, abs=1e-9)
