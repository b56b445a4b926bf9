from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.pairs import pairs
from meantime.statistics.methods.rank_intervals import indistinguishable, marginal, rank_interval, ranks, simultaneous
from meantime.statistics.methods.standard_errors import Scale

ONE, OTHER = np.triu_indices(30, 1)


@pytest.mark.parametrize("is_lower_better", [True, False])
def test_ranks_are_scipys_with_ties_at_the_smallest(is_lower_better: bool) -> None:
    value = np.random.default_rng(1).integers(0, 20, 50).astype(np.float64)
    expected = stats.rankdata(value if is_lower_better else -value, method="min")
    np.testing.assert_array_equal(ranks(value, is_lower_better=is_lower_better), expected)


def _estimates(truth: Doubles, se: Doubles, rng: np.random.Generator) -> Estimates:
    return Estimates(value=truth + se * rng.standard_normal(len(truth)), se=se, scale=Scale.LOGIT)


def _true_ranks(truth: Doubles) -> tuple[Doubles, Doubles]:
    """The least and the greatest rank of each: equal truths may have any of theirs."""
    less = (truth[None, :] < truth[:, None]).sum(axis=1)
    return 1.0 + less, 1.0 * (truth[None, :] <= truth[:, None]).sum(axis=1)


SCENARIOS = {
    "all tied": np.full(30, 30.0),
    "groups of ten": np.repeat([28.0, 30.0, 32.0], 10),
    "SD 1": 30 + stats.norm.ppf((np.arange(30) + 0.5) / 30),
    "SD 3.5": 30 + 3.5 * stats.norm.ppf((np.arange(30) + 0.5) / 30),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rank_intervals_hold_the_true_ranks(scenario: str) -> None:
    """Marginal: of the location that is worst off, at least 95%. Simultaneous: of all at once."""
    truth, rng = SCENARIOS[scenario], np.random.default_rng(11)
    se = rng.uniform(0.7, 1.6, 30)
    least, greatest = _true_ranks(truth)
    times, alone, together = 200, np.zeros(30), 0
    for _ in range(times):
        estimates = _estimates(truth, se, rng)
        compared = pairs(estimates)
        one = rank_interval(marginal(compared), is_lower_better=True)
        alone += (one.least <= least) & (greatest <= one.greatest)
        all_ = rank_interval(simultaneous(compared), is_lower_better=True)
        together += bool(((all_.least <= least) & (greatest <= all_.greatest)).all())
    # Three standard errors of a simulated share below 95%, for the least of 30.
    assert (alone / times).min() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / times)
    assert together / times >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / times)


def test_the_rank_lies_within_its_interval_whichever_way_is_better() -> None:
    rng = np.random.default_rng(4)
    estimates = _estimates(SCENARIOS["SD 3.5"], np.full(30, 1.0), rng)
    for is_lower_better in (True, False):
        rank = ranks(estimates.value, is_lower_better=is_lower_better)
        for different in (marginal(pairs(estimates)), simultaneous(pairs(estimates))):
            interval = rank_interval(different, is_lower_better=is_lower_better)
            assert (interval.least <= rank).all()
            assert (rank <= interval.greatest).all()
            assert interval.least.max() > 1


def test_what_is_worse_this_way_is_better_the_other_way() -> None:
    estimates = _estimates(SCENARIOS["SD 3.5"], np.full(30, 1.0), np.random.default_rng(6))
    different = simultaneous(pairs(estimates))
    lower = rank_interval(different, is_lower_better=True)
    higher = rank_interval(different, is_lower_better=False)
    np.testing.assert_array_equal(lower.least, 31 - higher.greatest)


def test_far_apart_every_rank_is_sure() -> None:
    estimates = Estimates(value=np.array([30.0, 10.0, 20.0]), se=np.full(3, 0.5), scale=Scale.LINEAR)
    interval = rank_interval(simultaneous(pairs(estimates)), is_lower_better=True)
    assert interval.least.tolist() == interval.greatest.tolist() == [3, 1, 2]
    everyone = np.arange(3)
    assert list(indistinguishable(pairs(estimates), everyone, everyone)) == [[], [], []]


def test_one_location_alone_has_rank_one() -> None:
    compared = pairs(Estimates(value=np.array([30.0]), se=np.array([1.0]), scale=Scale.LOGIT))
    interval = rank_interval(marginal(compared), is_lower_better=True)
    assert (interval.least.tolist(), interval.greatest.tolist()) == ([1], [1])
