from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.standard_errors import (
    ORIGINS,
    Origin,
    Scale,
    expit,
    fitting_scale,
    limits,
    logit,
    standard_errors,
)


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


def test_limits_without_width_leave_the_error_of_rounding() -> None:
    se, origin = one(30.0, 30.0, 30.0)
    assert se == pytest.approx(0.1 / np.sqrt(12))
    assert origin is Origin.LIMITS


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
def test_at_0_and_100_there_is_no_error_whatever_was_published(value: float) -> None:
    se, origin = one(value, 0.0, 100.0, 500.0)
    assert np.isnan(se)
    assert origin is Origin.BOUNDARY


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


@pytest.mark.parametrize("made_on", Scale)
def test_the_scale_on_which_the_limits_were_made_is_found_in_spite_of_rounding(made_on: Scale) -> None:
    value = np.round(np.random.default_rng(1).uniform(5, 60, 200), 1)
    low, high = limits(value, np.sqrt(value * (100 - value) / 300), scale=made_on)
    assert fitting_scale(value, np.round(low, 1), np.round(high, 1), is_percent=True) is made_on


def test_without_limits_percents_are_logit() -> None:
    nothing = np.array([np.nan])
    assert fitting_scale(np.array([20.0]), nothing, nothing, is_percent=True) is Scale.LOGIT
