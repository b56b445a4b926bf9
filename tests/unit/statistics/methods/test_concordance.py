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
