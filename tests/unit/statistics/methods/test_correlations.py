from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.statistics.methods.correlations import corrected_for_sampling_error, pearson, spearman

RNG = np.random.default_rng(2)
X = RNG.standard_normal(51)
Y = 0.5 * X + RNG.standard_normal(51)


def test_pearson_with_its_interval_is_scipys() -> None:
    expected = stats.pearsonr(X, Y)
    found = pearson(X, Y)
    assert found.r == pytest.approx(expected.statistic)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.p == pytest.approx(expected.pvalue, rel=0.5)
    assert found.pairs == 51


def test_spearman_is_scipys_ties_included_and_wider() -> None:
    x, y = np.round(X), np.round(Y)
    found = spearman(x, y)
    assert found.r == pytest.approx(stats.spearmanr(x, y).statistic)
    se = np.sqrt((1 + found.r**2 / 2) / 48)
    assert np.arctanh(found.high) - np.arctanh(found.r) == pytest.approx(stats.norm.ppf(0.975) * se)


@pytest.mark.parametrize("correlate", [pearson, spearman])
def test_pairs_with_a_gap_are_left_out(correlate: object) -> None:
    assert callable(correlate)
    x = np.append(X, [np.nan, 3.0])
    y = np.append(Y, [3.0, np.nan])
    assert correlate(x, y) == correlate(X, Y)


@pytest.mark.parametrize(("x", "y"), [(X[:3], Y[:3]), (np.ones(51), Y), (X, np.ones(51))])
def test_of_few_pairs_or_of_what_does_not_vary_there_is_no_correlation(x: object, y: object) -> None:
    assert np.isnan(pearson(np.asarray(x), np.asarray(y)).r)


def test_a_perfect_correlation_has_no_width() -> None:
    found = pearson(np.arange(6.0), 2 * np.arange(6.0))
    assert found.r == pytest.approx(1)
    assert found.low == pytest.approx(1)
    assert found.p == pytest.approx(0)


def test_the_interval_covers_in_95_percent() -> None:
    rng, truth = np.random.default_rng(4), 0.6
    covered = []
    for _ in range(1000):
        x = rng.standard_normal(30)
        found = pearson(x, truth * x + np.sqrt(1 - truth**2) * rng.standard_normal(30))
        covered.append(found.low <= truth <= found.high)
    assert 0.93 < np.mean(covered) < 0.97


def test_sampling_errors_are_corrected_for_only_where_both_are_reliable() -> None:
    assert corrected_for_sampling_error(-0.4, 0.9, 0.6) == pytest.approx(-0.4 / np.sqrt(0.54))
    assert corrected_for_sampling_error(-0.4, 0.9, 0.5) is None
    assert corrected_for_sampling_error(-0.4, np.nan, 0.9) is None
    assert corrected_for_sampling_error(-0.9, 0.6, 0.6) == -1
