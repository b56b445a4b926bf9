from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import WLS
from statsmodels.tools.tools import add_constant

from meantime.statistics.methods.slopes import (
    Lines,
    annual_percent_change,
    at_the_mean,
    lines,
    log_lines,
    mann_kendall,
    pulls,
    theil_sen,
)
from meantime.statistics.methods.standard_errors import Z95

YEAR = np.arange(2011.0, 2024.0)
RNG = np.random.default_rng(12)
SE = RNG.uniform(0.5, 2.0, (25, 13))
VALUE = 30 + 0.3 * (YEAR - 2017) + 1.5 * SE * RNG.standard_normal((25, 13))


def is_that_of(fitted: Any, found: Lines, place: int) -> bool:
    """Whether a line is statsmodels': where the scatter is larger than the errors, so are its interval and p."""
    assert fitted.scale > 1
    ours = [found.slope, found.phi, found.low, found.high, found.p, found.fit_p]
    theirs = [fitted.params[1], fitted.scale, *fitted.conf_int()[1], fitted.pvalues[1]]
    theirs.append(stats.chi2.sf(fitted.scale * fitted.df_resid, fitted.df_resid))
    assert found.se[place] == pytest.approx((found.high[place] - found.low[place]) / 2 / Z95)
    return [float(each[place]) for each in ours] == pytest.approx([float(each) for each in theirs])


@pytest.mark.parametrize("place", range(5))
def test_what_is_no_percent_is_weighed_by_its_own_errors(place: int) -> None:
    fitted = WLS(VALUE[place], add_constant(YEAR - 2017), weights=1 / SE[place] ** 2).fit()
    assert is_that_of(fitted, lines(YEAR, VALUE, SE, is_percent=False), place)


@pytest.mark.parametrize("place", range(5))
def test_a_percent_is_weighed_by_errors_at_the_mean_of_its_years(place: int) -> None:
    v, m = VALUE[place], VALUE[place].mean()
    carried = SE[place] * np.sqrt(m * (100 - m) / (v * (100 - v)))
    fitted = WLS(v, add_constant(YEAR - 2017), weights=1 / carried**2).fit()
    assert is_that_of(fitted, lines(YEAR, VALUE, SE, is_percent=True), place)
    of_logs = WLS(np.log(v), add_constant(YEAR - 2017), weights=(m / carried) ** 2).fit()
    assert is_that_of(of_logs, log_lines(YEAR, VALUE, SE, is_percent=True), place)


@pytest.mark.parametrize("place", range(5))
def test_the_logarithm_of_what_is_no_percent_has_its_own_errors(place: int) -> None:
    weights = (VALUE[place] / SE[place]) ** 2
    fitted = WLS(np.log(VALUE[place]), add_constant(YEAR - 2017), weights=weights).fit()
    assert is_that_of(fitted, log_lines(YEAR, VALUE, SE, is_percent=False), place)


@pytest.mark.parametrize("is_percent", [True, False])
def test_pulls_times_values_are_the_slope(is_percent: bool) -> None:
    value = VALUE[0].copy()
    value[4] = np.nan
    pull = pulls(YEAR, value, SE[0], is_percent=is_percent)
    assert np.isnan(pull[4])
    found = lines(YEAR, value[None, :], SE[:1], is_percent=is_percent)
    assert np.nansum(pull * value) == pytest.approx(found.slope[0])


def test_a_year_at_0_or_100_counts_with_the_size_that_its_limit_tells() -> None:
    wilson = 100 * Z95**2 / (400 + Z95**2)
    value = np.array([[0.0, 20.0, 40.0, 100.0, np.nan]])
    se = np.array([[wilson / 2 / Z95, 2.0, np.sqrt(6.0), wilson / 2 / Z95, 2.0]])
    carried, mean = at_the_mean(value, se)
    assert mean.tolist() == [[40.0]]
    assert carried[0, :4] == pytest.approx(np.sqrt(40 * 60 / 400))
    assert np.isnan(carried[0, 4])
    zeros = np.zeros((1, 3))
    assert at_the_mean(zeros, zeros + 0.5)[0].tolist() == [[0.5, 0.5, 0.5]]


def test_years_that_came_out_low_do_not_count_more() -> None:
    """Given a level of 10% that scatters, when weighed as published, then intervals miss it twice as often."""
    rng, rows, year = np.random.default_rng(5), 4000, np.arange(10.0)
    truth = np.clip(10 + 4.2 * rng.standard_normal((rows, 10)), 1, 99)
    value = np.clip(100 * rng.binomial(200, truth / 100) / 200, 0.5, 99.5)
    se = np.sqrt(value * (100 - value) / 200)
    missed = []
    for is_percent in (True, False):
        found = lines(year, value, se, is_percent=is_percent)
        missed.append(float(np.mean((found.low > 0) | (found.high < 0))))
    assert missed[0] <= 0.06
    assert missed[1] >= 0.085


def test_a_scatter_smaller_than_the_standard_errors_is_not_believed() -> None:
    value = 30 + 0.3 * (YEAR - 2017)
    found = lines(YEAR, value[None, :], np.ones((1, 13)), is_percent=False)
    se0 = 1 / np.sqrt(((YEAR - 2017) ** 2).sum())
    assert found.phi[0] == pytest.approx(0, abs=1e-12)
    assert found.high[0] - found.slope[0] == pytest.approx(Z95 * se0)
    assert found.p[0] == pytest.approx(2 * stats.norm.sf(0.3 / se0))


def test_a_location_has_its_own_years() -> None:
    value = VALUE.copy()
    value[0, [2, 9]] = np.nan
    kept = np.delete(np.arange(13), [2, 9])
    found = lines(YEAR, value, SE, is_percent=True)
    alone = lines(YEAR[kept], VALUE[:1, kept], SE[:1, kept], is_percent=True)
    assert found.years[0] == 11
    assert found.slope[0] == pytest.approx(alone.slope[0])
    assert found.p[0] == pytest.approx(alone.p[0])


def test_without_three_years_there_is_no_line() -> None:
    for years in (0, 1, 2):
        found = lines(YEAR[:years], VALUE[:1, :years], SE[:1, :years], is_percent=True)
        assert found.years[0] == years
        assert np.isnan([found.slope[0], found.low[0], found.p[0], found.phi[0], found.fit_p[0]]).all()


def test_a_percent_change_is_the_slope_of_the_logarithm() -> None:
    value = 20 * 1.03 ** (YEAR - 2011)
    slope, low, _ = annual_percent_change(log_lines(YEAR, value[None, :], np.full((1, 13), 0.5), is_percent=True))
    assert slope[0] == pytest.approx(3)
    assert low[0] < 3
    at_zero = value.copy()
    at_zero[3] = 0
    assert np.isnan(log_lines(YEAR, at_zero[None, :], np.full((1, 13), 0.5), is_percent=True).slope[0])


@pytest.mark.parametrize("t", [5, 6, 8, 13])
@pytest.mark.parametrize("extra", [0.0, 1.0, 2.0])
def test_the_interval_covers_the_slope_whether_or_not_the_years_scatter_more(t: int, extra: float) -> None:
    rng, rows = np.random.default_rng(t), 4000
    se = rng.uniform(0.7, 1.4, (rows, t))
    year = np.arange(float(t))
    value = 30 + 0.2 * year + se * np.sqrt(1 + extra**2) * rng.standard_normal((rows, t))
    found = lines(year, value, se, is_percent=False)
    covered = np.mean((found.low <= 0.2) & (found.high >= 0.2))
    assert 0.935 <= covered <= 0.99


@pytest.mark.parametrize("t", range(4, 14))
def test_mann_kendall_without_ties_is_scipys_exact_test(t: int) -> None:
    value = np.random.default_rng(t).standard_normal((5, t))
    expected = [stats.kendalltau(np.arange(t), row, method="exact").pvalue for row in value]
    assert mann_kendall(value).tolist() == pytest.approx(expected)


def test_mann_kendall_with_ties_is_its_normal_form() -> None:
    value = np.array([[20.0, 21.0, 21.0, 23.0, 22.0, 22.0, 25.0], [20.0] * 7])
    # S = 21 pairs less 2 ties less twice 2 falls = 15; the variance loses 18 for each of the two ties.
    z = 14 / np.sqrt((7 * 6 * 19 - 2 * 18) / 18)
    assert mann_kendall(value).tolist() == pytest.approx([2 * stats.norm.sf(z), 1.0])


def test_mann_kendall_of_three_in_a_tie_is_that_of_its_formula() -> None:
    value = np.array([[20.0, 21.0, 21.0, 21.0, 22.0, 23.0]])
    z = 11 / np.sqrt((6 * 5 * 17 - 3 * 2 * 11) / 18)
    assert mann_kendall(value)[0] == pytest.approx(2 * stats.norm.sf(z))


def test_years_that_are_missing_do_not_count() -> None:
    value = np.array([[20.0, np.nan, 22.0, 21.0, np.nan, 25.0, 24.0]])
    kept = np.isfinite(value[0])
    assert mann_kendall(value)[0] == mann_kendall(value[:, kept])[0]
    assert theil_sen(YEAR[:7], value)[0] == theil_sen(YEAR[:7][kept], value[:, kept])[0]
    assert np.isnan(mann_kendall(value[:, :4])[0])


def test_theil_sen_is_scipys() -> None:
    for t in (2, 3, 12, 13):
        expected = [stats.theilslopes(row, YEAR[:t]).slope for row in VALUE[:, :t]]
        assert theil_sen(YEAR[:t], VALUE[:, :t]).tolist() == pytest.approx(expected)
    assert np.isnan(theil_sen(YEAR[:1], VALUE[:, :1])).all()
