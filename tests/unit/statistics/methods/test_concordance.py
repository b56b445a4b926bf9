from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.statistics.methods.concordance import kendall_tau, shared_best


@pytest.mark.parametrize("places", [4, 10, 60])
def test_tau_is_scipys_ties_included(places: int) -> None:
    rng = np.random.default_rng(places)
    one, other = rng.integers(0, places // 2 + 2, places), rng.integers(0, places, places)
    assert kendall_tau(one, other) == pytest.approx(stats.kendalltau(one, other).statistic)


@pytest.mark.parametrize("places", [2, 3, 55, 500])
def test_tau_is_that_of_all_pairs_to_the_last_bit(places: int) -> None:
    rng = np.random.default_rng(places)
    first, second = np.triu_indices(places, 1)
    for ties in (1, places // 2, 10 * places):
        one, other = rng.integers(0, ties + 1, places), rng.normal(30, 1, places).round(1)
        order, other_order = np.sign(one[first] - one[second]), np.sign(other[first] - other[second])
        untied = np.sqrt(float((order**2).sum()) * float((other_order**2).sum()))
        expected = float((order * other_order).sum() / untied) if untied > 0 else np.nan
        np.testing.assert_equal(kendall_tau(one, other), expected)


def test_a_ranking_is_like_itself_and_unlike_its_reverse() -> None:
    rank = np.array([1, 2, 2, 4])
    assert kendall_tau(rank, rank) == pytest.approx(1)
    assert kendall_tau(rank, -rank) == pytest.approx(-1)


@pytest.mark.parametrize("rank", [np.array([1]), np.array([], dtype=np.int64), np.array([1, 1, 1])])
def test_what_has_no_order_is_like_nothing(rank: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    assert np.isnan(kendall_tau(rank, rank))


def test_of_tied_ones_as_many_are_among_the_best_as_share_the_rank() -> None:
    assert shared_best(np.array([1, 1, 1, 4]), np.array([2, 1, 3, 4]), best=1) == 1
    assert shared_best(np.array([1, 2, 2, 2]), np.array([1, 2, 2, 2]), best=2) == 4
