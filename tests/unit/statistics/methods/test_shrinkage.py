from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods import blocks, shrinkage
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


def test_without_differences_every_expected_rank_is_the_middle_one_exactly() -> None:
    """A draw and its mirror image have ranks that add up to K + 1."""
    value, se = np.full(20, 30.0), np.ones(20)
    found = model_ranks(value, se, heterogeneity(value, se), best=5, is_lower_better=True, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(found.expected, np.full(20, 10.5))
    np.testing.assert_allclose(found.p_best, np.full(20, 0.25), atol=0.03)


@pytest.mark.parametrize("k", [20, 300])
def test_equal_draws_are_broken_by_place(k: int) -> None:
    """On every processor: sorting doubles breaks them in one way or the other."""
    value = np.where(np.arange(k) < k // 2, 40.0, 20.0)
    # Known without error, so that the draws are the values.
    found = model_ranks(
        *(value, np.zeros(k), replace(heterogeneity(value, np.ones(k)), tau=10.0)),
        best=1,
        is_lower_better=True,
        rng=np.random.default_rng(1),
    )
    order = [*range(k // 2, k), *range(k // 2)]
    np.testing.assert_array_equal(found.expected[order], np.arange(1, k + 1))
    np.testing.assert_array_equal(found.least, found.greatest)


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


def _tally(value: Doubles, se: Doubles, *, is_lower_better: bool) -> Integers:
    """How often each location (row) has each rank (column), from all draws at once: each, and its mirror image."""
    k, about = len(value), heterogeneity(value, se)
    # Without differences beyond chance, every order of them is as likely.
    mean, sd = shrunk(value, se, about) if about.tau > 0 else (np.zeros(k), np.ones(k))
    mean = (mean - (mean.min() + mean.max()) / 2) * (1 if is_lower_better else -1)
    # A draw is the whole number of steps, of which 2^22 are farther than any draw can be.
    a_step = (mean.max() + 8.5 * sd.max()) / 2**22
    mean, sd = (mean / a_step).astype(np.float32), (sd / a_step).astype(np.float32)
    away = sd * np.random.default_rng(1).standard_normal((DRAWS // 2, k), dtype=np.float32)
    order = np.argsort(np.concatenate([mean + away, mean - away]).astype(np.int64), axis=1, kind="stable")
    return np.bincount((order * k + np.arange(k)).ravel(), minlength=k * k).reshape(k, k)


@pytest.mark.parametrize("k", [3, 55, 300])
@pytest.mark.parametrize("is_lower_better", [True, False])
@pytest.mark.parametrize("kept", [1, 2**24])
def test_draws_in_blocks_say_what_a_tally_of_all_says(
    monkeypatch: pytest.MonkeyPatch, k: int, is_lower_better: bool, kept: int
) -> None:
    """Of ranks of 8 bits and of 16, whether all are kept or the outermost alone."""
    monkeypatch.setattr(shrinkage, "_MOST_KEPT", kept)
    rng = np.random.default_rng(5)
    se = rng.uniform(0.5, 2.0, k)
    value = rng.normal(30, 2, k) + se * rng.standard_normal(k)
    tally = _tally(value, se, is_lower_better=is_lower_better)
    share = np.cumsum(tally, axis=1) / DRAWS
    found = model_ranks(
        *(value, se, heterogeneity(value, se)),
        best=5,
        is_lower_better=is_lower_better,
        rng=np.random.default_rng(1),
    )
    np.testing.assert_array_equal(found.expected, tally @ np.arange(1, k + 1) / DRAWS)
    np.testing.assert_array_equal(found.p_best, share[:, min(5, k) - 1])
    np.testing.assert_array_equal(found.least, (share <= 0.025).sum(axis=1) + 1)
    np.testing.assert_array_equal(found.greatest, (share < 0.975).sum(axis=1) + 1)


def test_no_more_than_a_block_of_draws_is_worked_on_between_two_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", 2_000)
    checks = []
    about, rng = heterogeneity(VALUE, SE), np.random.default_rng(1)
    model_ranks(VALUE, SE, about, best=5, is_lower_better=True, rng=rng, check=lambda: checks.append(1))
    assert len(checks) >= DRAWS * 20 / 2_000
