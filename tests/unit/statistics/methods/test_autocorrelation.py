from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods import blocks
from meantime.statistics.methods.autocorrelation import carried_over
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


def fitted(rng: np.random.Generator, rows: int, years: int, spread: float) -> tuple[Doubles, Doubles, Doubles]:
    """Draw lines with waves about them, and weights that differ by up to the square of ``spread``."""
    year = np.sort(rng.choice(3 * years, years, replace=False)).astype(np.float64)
    w = spread ** rng.uniform(-1, 1, (rows, years))
    value = np.cumsum(rng.standard_normal((rows, years)), axis=1) + rng.standard_normal((rows, years))
    total = w.sum(axis=1, keepdims=True)
    x = year - (w * year).sum(axis=1, keepdims=True) / total
    slope = (w * x * value).sum(axis=1, keepdims=True) / (w * x * x).sum(axis=1, keepdims=True)
    return x, value - (w * value).sum(axis=1, keepdims=True) / total - slope * x, w


def by_matrices(x: Doubles, residual: Doubles, w: Doubles) -> tuple[float, float]:
    """Do the same for one line, as it is written in books."""
    root, grid = np.sqrt(w), np.linspace(-0.95, 0.95, 77)
    design, scaled = np.stack([root, root * x], axis=1), root * residual
    made = np.eye(len(x)) - design @ np.linalg.solve(design.T @ design, design.T)
    apart = np.abs(np.subtract.outer(np.arange(len(x)), np.arange(len(x))))
    beside = (apart == 1) / 2
    expected = np.array([np.trace(made @ beside @ made @ rho**apart) / np.trace(made @ rho**apart) for rho in grid])
    shown = scaled @ beside @ scaled / (scaled @ scaled)
    rho = np.interp(shown, expected, grid)
    likely = max(float(np.interp(shown + 1 / np.sqrt(len(x)), expected, grid)), 0.0)
    pull = root * x / (w * x * x).sum()
    variance = scaled @ scaled / np.trace(made @ likely**apart) * (pull @ likely**apart @ pull)
    return float(rho), float(np.sqrt(variance))


@pytest.mark.parametrize("years", [5, 8, 13])
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_many_lines_at_once_have_what_each_has_by_matrices(years: int, spread: float) -> None:
    x, residual, w = fitted(np.random.default_rng(years), 40, years, spread)
    found = carried_over(x, residual, w)
    expected = np.array([by_matrices(*line) for line in zip(x, residual, w, strict=True)])
    np.testing.assert_allclose(found.rho, expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.se, expected[:, 1], rtol=1e-11)


def test_a_line_has_the_same_to_the_last_digit_whoever_is_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lines_of = fitted(np.random.default_rng(7), 30, 9, 2.0)
    together = carried_over(*lines_of)
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", 1)
    checks: list[None] = []
    alone = carried_over(*lines_of, check=lambda: checks.append(None))
    assert together.rho.tolist() == alone.rho.tolist()
    assert together.se.tolist() == alone.se.tolist()
    assert len(checks) == 30


def test_of_several_rho_that_show_as_much_the_highest_is_meant() -> None:
    # Of five years whose weights differ by up to 900 times, a higher rho often shows less.
    x, residual, w = fitted(np.random.default_rng(1), 400, 5, 30.0)
    found = carried_over(x, residual, w)
    expected = np.array([by_matrices(*line) for line in zip(x, residual, w, strict=True)])
    assert (found.rho >= expected[:, 0] - 1e-9).all()
    assert np.isfinite(found.se).all()


def test_rows_with_other_years_missing_are_each_measured_over_their_own() -> None:
    year = np.arange(8.0)
    value = drawn(np.random.default_rng(3), 6, 8, 0.5, 2.0)
    value[1, 2], value[2, [0, 7]], value[3, :3], value[4, :4] = (np.nan,) * 4
    se = np.random.default_rng(4).uniform(0.5, 1.5, value.shape)
    together = autocorrelation(year, value, se, is_percent=False)
    for row in range(6):
        known = np.isfinite(value[row])
        own = autocorrelation(year[known], value[[row]][:, known], se[[row]][:, known], is_percent=False)
        np.testing.assert_array_equal(own, together[[row]])
    assert np.isnan(together).tolist() == [False] * 4 + [True, False]
