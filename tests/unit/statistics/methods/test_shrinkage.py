from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.statistics.methods.heterogeneity import heterogeneity
from meantime.statistics.methods.shrinkage import DRAWS, model_ranks, shrunk

RNG = np.random.default_rng(3)
SE = RNG.uniform(0.5, 2.0, 20)
VALUE = RNG.normal(30, 2, 20) + SE * RNG.standard_normal(20)


@pytest.mark.parametrize("is_lower_better", [True, False])
def test_the_expected_rank_is_the_sum_of_the_chances_that_another_comes_before(is_lower_better: bool) -> None:
    about = heterogeneity(VALUE, SE)
    mean, sd = shrunk(VALUE, SE, about)
    sign = 1 if is_lower_better else -1
    before = stats.norm.cdf(sign * (mean[:, None] - mean[None, :]) / np.hypot(sd[:, None], sd[None, :]))
    np.fill_diagonal(before, 0)
    found = model_ranks(VALUE, SE, about, best=5, is_lower_better=is_lower_better, rng=np.random.default_rng(1))
    np.testing.assert_allclose(found.expected, 1 + before.sum(axis=1), atol=0.35)
    assert found.p_best.sum() == pytest.approx(5)


def test_the_middle_95_percent_lie_within_the_range_and_not_within_one_smaller() -> None:
    about = heterogeneity(VALUE, SE)
    found = model_ranks(VALUE, SE, about, best=1, is_lower_better=True, rng=np.random.default_rng(2))
    mean, sd = shrunk(VALUE, SE, about)
    drawn = mean + sd * np.random.default_rng(9).standard_normal((DRAWS, 20))
    rank = drawn.argsort(axis=1).argsort(axis=1) + 1
    outside = ((rank < found.least) | (rank > found.greatest)).mean(axis=0)
    assert (outside < 0.06).all()
    assert (found.least >= 1).all()
    assert (found.greatest <= 20).all()


def test_the_same_seed_gives_the_same_ranks() -> None:
    about = heterogeneity(VALUE, SE)
    one, same = (
        model_ranks(VALUE, SE, about, best=5, is_lower_better=True, rng=np.random.default_rng(1)) for _ in range(2)
    )
    np.testing.assert_array_equal(one.p_best, same.p_best)


def test_more_than_all_are_all() -> None:
    found = model_ranks(
        VALUE, SE, heterogeneity(VALUE, SE), best=99, is_lower_better=True, rng=np.random.default_rng(1)
    )
    np.testing.assert_array_equal(found.p_best, np.ones(20))
