from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from meantime.statistics.methods.heterogeneity import heterogeneity


@pytest.mark.parametrize("seed", range(4))
def test_q_and_tau_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    se = rng.uniform(0.5, 2.0, 40)
    value = 30 + rng.normal(0, seed, 40) + se * rng.standard_normal(40)
    expected = combine_effects(value, se**2, method_re="iterated")
    found = heterogeneity(value, se)
    assert found.q == pytest.approx(expected.q, rel=1e-9)
    assert found.tau**2 == pytest.approx(expected.tau2, rel=1e-4, abs=1e-6)
    assert found.mean == pytest.approx(expected.mean_effect_re, rel=1e-6)
    assert found.p == pytest.approx(stats.chi2.sf(found.q, 39), rel=1e-9)


def test_tau_is_where_the_expected_sum_of_squares_is_reached() -> None:
    rng = np.random.default_rng(3)
    se = rng.uniform(0.2, 3.0, 51)
    value = rng.normal(30, 3, 51)
    found = heterogeneity(value, se)
    weights = 1 / (found.tau**2 + se**2)
    assert (weights * (value - found.mean) ** 2).sum() == pytest.approx(50)
    w = 1 / se**2
    typical = 50 * w.sum() / (w.sum() ** 2 - (w**2).sum())
    assert found.reliability == pytest.approx(found.tau**2 / (found.tau**2 + typical))


@pytest.mark.parametrize("poor", [16.0, 40.0])
def test_one_poor_estimate_does_not_decide_on_reliability(poor: float) -> None:
    value, se = np.array([20.0, 30.0, 40.0, 29.0]), np.array([0.1, 0.1, 0.1, poor])
    assert heterogeneity(value, se).reliability > 0.99


def test_the_interval_of_tau_is_where_q_has_its_quantiles() -> None:
    rng = np.random.default_rng(7)
    se = rng.uniform(0.5, 2.0, 20)
    value = 30 + 3 * rng.standard_normal(20) + se * rng.standard_normal(20)
    found = heterogeneity(value, se)
    for tau, quantile in ((found.tau_low, 0.975), (found.tau_high, 0.025)):
        w = 1 / (tau**2 + se**2)
        q = (w * (value - (w * value).sum() / w.sum()) ** 2).sum()
        assert q == pytest.approx(stats.chi2.ppf(quantile, 19))
    assert found.tau_low < found.tau < found.tau_high


@pytest.mark.parametrize(("k", "tau"), [(8, 0.0), (8, 1.5), (30, 1.0)])
def test_the_interval_of_reliability_covers_the_truth(k: int, tau: float) -> None:
    rng = np.random.default_rng(k)
    se = rng.uniform(0.8, 1.2, k)
    w = 1 / se**2
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    truth = tau**2 / (tau**2 + typical)
    covered = []
    for _ in range(400):
        found = heterogeneity(30 + tau * rng.standard_normal(k) + se * rng.standard_normal(k), se)
        covered.append(found.reliability_low <= truth <= found.reliability_high)
    assert np.mean(covered) >= 0.925


def test_estimates_closer_than_chance_have_no_spread_of_their_own() -> None:
    found = heterogeneity(np.array([20.0, 20.1, 19.9]), np.ones(3))
    assert (found.tau, found.reliability) == (0, 0)
    assert found.p > 0.9


def test_what_has_no_standard_error_is_left_out() -> None:
    value, se = np.array([20.0, 30.0, 99.0, np.nan]), np.array([1.0, 1.0, np.nan, 1.0])
    assert heterogeneity(value, se) == heterogeneity(value[:2], se[:2])


def test_of_none_there_is_not_even_a_mean() -> None:
    assert np.isnan(heterogeneity(np.array([]), np.array([])).mean)
    assert heterogeneity(np.array([20.0]), np.array([1.0])).mean == 20


def test_without_differences_q_is_chi_squared() -> None:
    rng = np.random.default_rng(5)
    se = rng.uniform(0.5, 2.0, 30)
    p = [heterogeneity(30 + se * rng.standard_normal(30), se).p for _ in range(1000)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_equal_estimates_have_no_spread() -> None:
    found = heterogeneity(np.full(5, 30.0), np.ones(5))
    assert (found.q, found.tau, found.p) == (0, 0, 1)
