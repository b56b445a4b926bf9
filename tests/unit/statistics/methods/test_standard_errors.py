from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.standard_errors import (
    ORIGINS,
    Z95,
    Origin,
    Scale,
    expit,
    fitting_scale,
    has_few_cases,
    limits,
    limits_for_differences,
    logit,
    standard_errors,
)


def test_z_is_the_quantile_to_the_last_bit() -> None:
    assert float(special.ndtri(0.975)) == Z95


def one(
    value: float, low: float = np.nan, high: float = np.nan, respondents: float = np.nan, **more: object
) -> tuple[float, Origin]:
    options: dict[str, object] = {"scale": Scale.LOGIT, "is_percent": True, "step": 0.1, **more}
    found = standard_errors(*(np.array([x]) for x in (value, low, high, respondents)), **options)  # type: ignore[arg-type]
    return float(found.se[0]), ORIGINS[int(found.origin[0])]


def test_the_standard_error_of_a_logit_interval_is_the_one_that_made_it() -> None:
    value, se = np.array([0.4, 5.0, 50.0, 97.0]), np.array([0.1, 1.0, 3.0, 0.8])
    low, high = limits(value, se, scale=Scale.LOGIT)
    found = standard_errors(value, low, high, value * np.nan, scale=Scale.LOGIT, is_percent=True, step=0.0)
    np.testing.assert_allclose(found.se, se, rtol=1e-12)


def test_the_standard_error_of_a_linear_interval_is_half_its_width_over_z() -> None:
    se, _ = one(880.0, 860.4, 899.6, scale=Scale.LINEAR, is_percent=False, step=0.0)
    assert se == pytest.approx(39.2 / 2 / stats.norm.ppf(0.975))


@pytest.mark.parametrize(("low", "high"), [(30.0, 30.0), (31.0, 35.0), (22.0, 29.9), (35.0, 25.0)])
def test_limits_that_have_no_width_or_exclude_the_value_leave_it_to_the_respondents(low: float, high: float) -> None:
    assert one(30.0, low, high)[1] is Origin.NOTHING
    se, origin = one(30.0, low, high, 2000.0, step=0.0)
    assert se == pytest.approx(np.sqrt(2 * 30 * 70 / 2000))
    assert origin is Origin.SAMPLE_SIZE


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (np.nan, 1.0)])
def test_a_limit_at_zero_or_absent_leaves_it_to_the_other_one(low: float, high: float) -> None:
    se, origin = one(0.3, low, high, step=0.0)
    distance = float(logit(np.array([1.0]))[0] - logit(np.array([0.3]))[0])
    assert se == pytest.approx(0.3 * 0.997 * distance / stats.norm.ppf(0.975))
    assert origin is Origin.ONE_LIMIT


def test_a_limit_at_a_hundred_leaves_it_to_the_lower_one() -> None:
    assert one(99.0, 97.0, 100.0)[1] is Origin.ONE_LIMIT


def test_respondents_alone_give_the_binomial_error_with_the_design_effect() -> None:
    se, origin = one(20.0, respondents=400.0, step=0.0, design_effect=1.0)
    assert se == pytest.approx(100 * stats.binom(400, 0.2).std() / 400)
    assert origin is Origin.SAMPLE_SIZE
    doubled, _ = one(20.0, respondents=400.0, step=0.0)
    assert doubled == pytest.approx(se * np.sqrt(2))


def test_nothing_published_is_no_error_and_neither_are_respondents_of_what_is_no_percent() -> None:
    assert one(20.0)[1] is Origin.NOTHING
    assert one(880.0, respondents=400.0, scale=Scale.LINEAR, is_percent=False)[1] is Origin.NOTHING


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_at_0_and_100_the_error_comes_from_the_one_limit_or_the_respondents(value: float) -> None:
    low, high = (0.0, 3.6) if value == 0 else (96.4, 100.0)
    assert one(value, low, high)[0] == pytest.approx(1.8 / Z95)
    # Limits from 0 to 100, or none, tell nothing; an effective size of 250 has Wilson's.
    wilson = 100 * Z95**2 / (250 + Z95**2)
    for ends in ((0.0, 100.0), (np.nan, np.nan), (value, value)):
        se, origin = one(value, *ends, 500.0)
        assert se == pytest.approx(wilson / 2 / Z95)
        assert origin is Origin.BOUNDARY
    assert np.isnan(one(value)[0])


@pytest.mark.parametrize("value", [120.0, -5.0])
def test_what_no_percent_can_be_has_no_error_from_its_respondents(value: float) -> None:
    assert one(value, respondents=400.0)[1] is Origin.NOTHING


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_the_limits_of_0_and_100_are_wilsons(n: int) -> None:
    low, high = proportion_confint(0, n, method="wilson")
    se = np.array([100 * (high - low) / 2 / Z95] * 2)
    for z in (1.0, Z95, 3.0):
        expected = 100 * proportion_confint(0, n, alpha=2 * stats.norm.sf(z), method="wilson")[1]
        found_low, found_high = limits(np.array([0.0, 100.0]), se, scale=Scale.LOGIT, z=z)
        np.testing.assert_allclose(found_low, [0, 100 - expected])
        np.testing.assert_allclose(found_high, [expected, 100])


def test_limits_on_the_log_scale_are_above_0_and_of_0_itself_linear() -> None:
    low, high = limits(np.array([1.1, 0.0]), np.array([0.9, 0.5]), scale=Scale.LOG)
    assert low[0] * high[0] == pytest.approx(1.1**2)
    assert low[1] == pytest.approx(-0.5 * Z95)
    assert high[1] == pytest.approx(0.5 * Z95)


@pytest.mark.parametrize(
    ("published", "is_used"),
    [
        ((27.1, 33.2), True),
        ((29.6, 30.6), False),  # four steps of rounding below
        ((29.4, 30.4), False),
        ((31.0, 35.0), False),
        ((0.0, 45.0), False),
        ((20.0, 100.0), False),
        ((np.nan, 35.0), False),
    ],
)
def test_differences_use_published_limits_that_hold_the_value_and_are_wide(
    published: tuple[float, float], is_used: bool
) -> None:
    value, se = np.array([30.0]), np.array([1.5])
    low, high = (np.array([end]) for end in published)
    used = limits_for_differences(value, low, high, se, scale=Scale.LOGIT, step=0.1)
    expected = (low, high) if is_used else limits(value, se, scale=Scale.LOGIT)
    np.testing.assert_array_equal(used, expected)


def test_limits_in_the_wrong_order_say_nothing() -> None:
    assert one(20.0, 25.0, 15.0)[1] is Origin.NOTHING
    assert one(20.0, 25.0, 15.0, respondents=100.0)[1] is Origin.SAMPLE_SIZE


def test_logit_limits_stay_within_0_and_100_and_linear_ones_may_not() -> None:
    value, se = np.array([1.0]), np.array([0.9])
    assert limits(value, se, scale=Scale.LOGIT)[0][0] > 0
    assert limits(value, se, scale=Scale.LINEAR)[0][0] < 0


def _coverage(n: int, p: float, scale: Scale) -> float:
    """The share of intervals that hold p, over every count of respondents that may say yes, exactly."""
    count = np.arange(1, n)
    value: Doubles = 100 * count / n
    se = np.sqrt(value * (100 - value) / n)
    low, high = limits(value, se, scale=scale)
    holds = (low <= 100 * p) & (100 * p <= high)
    return float(stats.binom(n, p).pmf(count)[holds].sum())


@pytest.mark.parametrize(("n", "p"), [(50, 0.3), (100, 0.12), (400, 0.3), (1000, 0.02)])
def test_logit_intervals_cover_94_to_97_percent_where_ten_respondents_say_the_rarer_thing(n: int, p: float) -> None:
    # One p a test would see the saw of the discrete counts; the mean over its neighbourhood is the claim.
    around = np.linspace(0.9 * p, 1.1 * p, 41)
    covered = np.mean([_coverage(n, each, Scale.LOGIT) for each in around])
    assert 0.94 <= covered <= 0.97
    assert covered > np.mean([_coverage(n, each, Scale.LINEAR) for each in around])


def test_expit_undoes_logit() -> None:
    percent = np.array([0.1, 12.0, 99.9])
    np.testing.assert_allclose(expit(logit(percent)), percent)


@pytest.mark.parametrize("made_on", [Scale.LOG, Scale.LINEAR])
def test_the_scale_of_a_rate_is_found_too(made_on: Scale) -> None:
    value = np.round(np.random.default_rng(1).uniform(2, 60, 200), 1)
    low, high = limits(value, 0.8 * np.sqrt(value), scale=made_on)
    assert fitting_scale(value, np.round(low, 1), np.round(high, 1), is_percent=False) is made_on


def test_negative_values_are_linear() -> None:
    v, low, high = np.array([-3.0, 1.1]), np.array([-5.0, 0.2]), np.array([-1.0, 4.4])
    assert fitting_scale(v, low, high, is_percent=False) is Scale.LINEAR


@pytest.mark.parametrize("made_on", [Scale.LOGIT, Scale.LINEAR])
def test_the_scale_on_which_the_limits_were_made_is_found_in_spite_of_rounding(made_on: Scale) -> None:
    value = np.round(np.random.default_rng(1).uniform(5, 60, 200), 1)
    low, high = limits(value, np.sqrt(value * (100 - value) / 300), scale=made_on)
    assert fitting_scale(value, np.round(low, 1), np.round(high, 1), is_percent=True) is made_on


def test_without_limits_percents_are_logit() -> None:
    nothing = np.array([np.nan])
    assert fitting_scale(np.array([20.0]), nothing, nothing, is_percent=True) is Scale.LOGIT


@pytest.mark.parametrize(("value", "size"), [(5.0, 200.0), (97.0, 300.0), (12.5, 80.0)])
def test_percents_with_few_effective_cases_have_the_wider_of_korn_and_graubards_limits_and_the_published_ones(
    value: float, size: float
) -> None:
    se = np.sqrt(value * (100 - value) / size)
    published = (np.array([value - 2.5]), np.array([value + 2.5]))
    used = limits_for_differences(np.array([value]), *published, np.array([se]), scale=Scale.LOGIT, step=0.1)
    low, high = proportion_confint(size * value / 100, size, method="beta")
    wider = [min(100 * low, value - 2.5), max(100 * high, value + 2.5)]
    np.testing.assert_allclose([end[0] for end in used], wider)
    # Asked for on the linear scale, it is the limits in the file.
    linear = limits_for_differences(np.array([value]), *published, np.array([se]), scale=Scale.LINEAR, step=0.1)
    np.testing.assert_array_equal(linear, published)


def test_from_20_effective_cases_on_the_published_limits_are_used() -> None:
    value, size = np.array([10.0, 10.0]), np.array([195.0, 205.0])
    se = np.sqrt(value * (100 - value) / size)
    assert has_few_cases(value, se).tolist() == [True, False]
    low, high = limits_for_differences(value, value - 3, value + 4, se, scale=Scale.LOGIT, step=0.1)
    assert (low[1], high[1]) == (7.0, 14.0)
    assert low[0] < 7.0
