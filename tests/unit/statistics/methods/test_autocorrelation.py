from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.slopes import Errors, autocorrelation, lines, log_lines


def drawn(rng: np.random.Generator, rows: int, years: int, rho: float, sd: float) -> Doubles:
    """Draw values without a trend: sampling errors of 1, and scatter that carries over."""
    scatter = np.empty((rows, years))
    scatter[:, 0] = rng.standard_normal(rows)
    for year in range(1, years):
        scatter[:, year] = rho * scatter[:, year - 1] + np.sqrt(1 - rho**2) * rng.standard_normal(rows)
    return np.asarray(30 + sd * scatter + rng.standard_normal((rows, years)))


def rejected(value: Doubles, errors: Errors) -> float:
    year = np.arange(float(value.shape[1]))
    found = lines(year, value, np.ones_like(value), is_percent=False, errors=errors)
    return float((found.p < 0.05).mean())


@pytest.mark.parametrize(("years", "rho"), [(8, 0.3), (8, 0.6), (13, 0.3), (13, 0.6)])
def test_errors_that_allow_for_it_reject_few_true_slopes_of_0_where_scatter_carries_over(
    years: int, rho: float
) -> None:
    value = drawn(np.random.default_rng(years), 500, years, rho, 2.0)
    assert rejected(value, Errors.AUTOCORRELATED) <= 0.07
    assert rejected(value, Errors.CLASSIC) >= 0.08


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_they_are_never_narrower(rho: float) -> None:
    value = drawn(np.random.default_rng(5), 100, 10, rho, 1.5)
    value[:, 3] = np.nan
    year, se = np.arange(10.0), np.full(value.shape, 1.0)
    for fit in (lines, log_lines):
        classic = fit(year, value, se, is_percent=True)
        wider = fit(year, value, se, is_percent=True, errors=Errors.AUTOCORRELATED)
        np.testing.assert_array_equal(wider.slope, classic.slope)
        assert (wider.high >= classic.high).all()
        assert (wider.p >= classic.p).all()
        # An interval touches 0 where p is 5%.
        np.testing.assert_array_equal((wider.low > 0) | (wider.high < 0), wider.p < 0.05)


@pytest.mark.parametrize(
    ("rho", "sd", "expected"), [(0.0, 1.0, 0.0), (0.6, 50.0, 0.6), (0.3, 50.0, 0.3), (-0.5, 50.0, -0.5)]
)
def test_the_autocorrelation_is_that_of_the_scatter_and_not_of_residuals(
    rho: float, sd: float, expected: float
) -> None:
    value = drawn(np.random.default_rng(2), 600, 25, rho, sd)
    found = autocorrelation(np.arange(25.0), value, np.ones_like(value), is_percent=False)
    assert np.median(found) == pytest.approx(expected, abs=0.06)


def test_years_that_lie_on_the_line_have_none() -> None:
    year = np.arange(6.0)
    value = (20 + 2 * year)[None, :]
    se = np.ones((1, 6))
    assert autocorrelation(year, value, se, is_percent=False).tolist() == [0.0]
    found = lines(year, value, se, is_percent=False, errors=Errors.AUTOCORRELATED)
    assert found.p[0] == lines(year, value, se, is_percent=False).p[0]


def test_below_five_years_there_is_none_and_the_errors_are_classic() -> None:
    value, se = np.array([[20.0, 21.0, 20.5, 22.0]]), np.full((1, 4), 0.5)
    assert np.isnan(autocorrelation(np.arange(4.0), value, se, is_percent=True)).all()
    one, other = (lines(np.arange(4.0), value, se, is_percent=True, errors=each) for each in Errors)
    assert (one.low[0], one.p[0]) == (other.low[0], other.p[0])
