from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import (
    Estimates,
    difference,
    difference_from,
    difference_of_differences,
    ratio,
)
from meantime.statistics.methods.standard_errors import Scale, limits

RNG = np.random.default_rng(7)
VALUES = RNG.uniform(0.5, 99.5, (200, 2))
ERRORS = RNG.uniform(0.1, 4.0, (200, 2)) * np.sqrt(VALUES * (100 - VALUES)) / 50


def of(place: int, scale: Scale = Scale.LOGIT) -> Estimates:
    return Estimates(value=VALUES[:, place], se=ERRORS[:, place], scale=scale)


def _mover(v: Doubles, s: Doubles, z: float, scale: Scale, r: float = 0.0) -> tuple[float, float]:
    """The formula as it stands in the paper, for one pair."""
    (l1, l2), (u1, u2) = limits(v, s, scale=scale, z=z)
    d = v[0] - v[1]
    below = (v[0] - l1) ** 2 - 2 * r * (v[0] - l1) * (u2 - v[1]) + (u2 - v[1]) ** 2
    above = (u1 - v[0]) ** 2 - 2 * r * (u1 - v[0]) * (v[1] - l2) + (v[1] - l2) ** 2
    return float(d - np.sqrt(below)), float(d + np.sqrt(above))


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("r", [0.0, 0.4])
def test_the_interval_is_the_papers_and_p_is_the_level_at_which_it_touches_0(scale: Scale, r: float) -> None:
    found = difference(of(0, scale), of(1, scale), correlation=r)
    for place in range(len(VALUES)):
        v, s = VALUES[place], ERRORS[place]
        low, high = _mover(v, s, stats.norm.ppf(0.975), scale, r)
        assert found.low[place] == pytest.approx(low, abs=1e-9)
        assert found.high[place] == pytest.approx(high, abs=1e-9)
        nearest = 0 if v[0] > v[1] else 1

        def touching(z: float, v: Doubles = v, s: Doubles = s, side: int = nearest) -> float:
            return _mover(v, s, z, scale, r)[side]

        if touching(1e-9) * touching(37.0) < 0:
            z = optimize.brentq(touching, 1e-9, 37.0, xtol=1e-12)
            assert found.z[place] == pytest.approx(z, abs=1e-6)
            assert found.p[place] == pytest.approx(2 * stats.norm.sf(z), rel=1e-4)


def test_on_the_linear_scale_it_is_walds() -> None:
    found = difference(of(0, Scale.LINEAR), of(1, Scale.LINEAR))
    se = np.hypot(*ERRORS.T)
    np.testing.assert_allclose(found.high - found.low, 2 * stats.norm.ppf(0.975) * se)
    z = np.minimum(np.abs(VALUES[:, 0] - VALUES[:, 1]) / se, 38)
    np.testing.assert_allclose(found.z, z, atol=1e-8)


@pytest.mark.parametrize("compare", [difference, ratio])
def test_p_is_below_5_percent_exactly_where_the_interval_leaves_out_no_difference(compare: object) -> None:
    assert callable(compare)
    found = compare(of(0), of(1))
    none = 0.0 if compare is difference else 1.0
    leaves_out = (found.low > none) | (found.high < none)
    np.testing.assert_array_equal(found.p < 0.05, leaves_out)
    assert 20 < leaves_out.sum() < 199


def test_the_other_way_round_is_the_same_comparison() -> None:
    one, other = difference(of(0), of(1)), difference(of(1), of(0))
    np.testing.assert_allclose(one.low, -other.high)
    np.testing.assert_allclose(one.p, other.p, rtol=1e-6)
    inverse = ratio(of(1), of(0))
    np.testing.assert_allclose(ratio(of(0), of(1)).low, 1 / inverse.high)


def test_equal_values_do_not_differ_and_what_has_no_standard_error_was_not_tested() -> None:
    one = Estimates(value=np.array([30.0, 30.0]), se=np.array([1.0, np.nan]), scale=Scale.LOGIT)
    other = Estimates(value=np.array([30.0, 20.0]), se=np.array([2.0, 1.0]), scale=Scale.LOGIT)
    for found in (difference(one, other), ratio(one, other)):
        assert found.p[0] == 1
        assert np.isnan(found.p[1])


def test_the_ratio_of_small_percents_is_that_of_logarithms() -> None:
    """Where percents are small, a logit is a logarithm, and MOVER of symmetrical limits is Wald's."""
    one = Estimates(value=np.array([0.02]), se=np.array([0.002]), scale=Scale.LOGIT)
    other = Estimates(value=np.array([0.03]), se=np.array([0.003]), scale=Scale.LOGIT)
    found = ratio(one, other)
    se = np.hypot(0.1, 0.1)
    assert found.z[0] == pytest.approx(np.log(1.5) / se, rel=1e-3)
    assert found.low[0] == pytest.approx(np.exp(np.log(2 / 3) - 1.96 * se), rel=1e-3)


def test_the_ratio_of_what_is_no_percent_has_limits_above_0() -> None:
    one = Estimates(value=np.array([100.0, -1.0]), se=np.array([60.0, 1.0]), scale=Scale.LINEAR)
    other = Estimates(value=np.array([200.0, 5.0]), se=np.array([10.0, 1.0]), scale=Scale.LINEAR)
    found = ratio(one, other)
    assert found.low[0] > 0
    assert np.isnan(found.value[1])


@pytest.mark.parametrize("fixed", [0.0, 29.9, 100.0])
def test_a_target_has_no_error_of_its_own(fixed: float) -> None:
    estimate = Estimates(value=np.array([30.0]), se=np.array([1.0]), scale=Scale.LOGIT)
    found = difference_from(estimate, fixed)
    low, high = limits(estimate.value, estimate.se, scale=Scale.LOGIT)
    assert found.low[0] == pytest.approx(low[0] - fixed)
    assert found.high[0] == pytest.approx(high[0] - fixed)
    if fixed == 29.9:
        z = (np.log(30 / 70) - np.log(29.9 / 70.1)) * 30 * 0.7
        assert found.z[0] == pytest.approx(z)


def test_under_the_null_at_most_one_in_eighteen_is_called_different() -> None:
    """Two binomial samples of one truth; 5 to 10% would be Wald's at these sizes."""
    rng = np.random.default_rng(20)
    for n, p in ((100, 0.3), (60, 0.15), (400, 0.05)):
        counts = rng.binomial(n, p, (2, 20_000))
        inside = ((counts > 0) & (counts < n)).all(axis=0)
        value = 100 * counts[:, inside] / n
        se = np.sqrt(value * (100 - value) / n)
        one, other = (Estimates(value=value[i], se=se[i], scale=Scale.LOGIT) for i in (0, 1))
        assert 0.02 < np.mean(difference(one, other).p < 0.05) < 0.055


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("r", [0.0, 0.4])
def test_a_difference_of_differences_is_mover_over_the_limits_of_each_difference(scale: Scale, r: float) -> None:
    order = np.arange(len(VALUES))[::-1]
    one, other = (of(0, scale), of(1, scale)), (of(1, scale)[order], of(0, scale)[order])
    found = difference_of_differences(one, other, correlations=(r, 0.2))
    first, second = difference(*one, correlation=r), difference(*other, correlation=0.2)
    d = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    np.testing.assert_allclose((found.value, found.low, found.high), (d, d - below, d + above), atol=1e-9)
    leaves_out_0 = (found.low > 0) | (found.high < 0)
    assert ((found.p < 0.05) == leaves_out_0).all()


def test_exchanging_the_two_differences_changes_the_sign_and_nothing_else() -> None:
    one, other = (of(0), of(1)), (of(1)[::-1], of(0))
    there, back = difference_of_differences(one, other), difference_of_differences(other, one)
    np.testing.assert_allclose(there.value, -back.value)
    np.testing.assert_allclose(there.low, -back.high)
    np.testing.assert_allclose(there.z, back.z, atol=1e-9)


@pytest.mark.parametrize(
    ("one", "other"), [((1.1, 0.2, 4.4), (3.0, 1.5, 6.2)), ((40.0, 30.0, 52.0), (20.0, 14.0, 28.0))]
)
def test_the_ratio_of_rates_is_mover_on_the_logarithms_of_their_limits(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> None:
    sides = [
        Estimates(
            value=np.array([value]), se=np.array([1.0]), scale=Scale.LOG, low=np.array([low]), high=np.array([high])
        )
        for value, low, high in (one, other)
    ]
    (v1, l1, u1), (v2, l2, u2) = np.log(one), np.log(other)
    found = ratio(sides[0], sides[1])
    assert found.value[0] == pytest.approx(one[0] / other[0])
    assert found.low[0] == pytest.approx(np.exp(v1 - v2 - np.hypot(v1 - l1, u2 - v2)))
    assert found.high[0] == pytest.approx(np.exp(v1 - v2 + np.hypot(u1 - v1, v2 - l2)))


def test_p_is_found_where_a_limit_grows_exponentially_and_newton_comes_down_step_by_small_step() -> None:
    """A rate whose standard error is ten times the rate itself: its upper limit is exp(9.8 z) times the value."""
    one = Estimates(value=np.array([0.1]), se=np.array([0.981]), scale=Scale.LOG)
    other = Estimates(value=np.array([10.7]), se=np.array([0.308]), scale=Scale.LOG)
    found = difference(one, other)
    assert found.high[0] > 0
    at_z = difference(one, other, level_z=float(found.z[0]))
    assert at_z.high[0] == pytest.approx(0.0, abs=1e-6)
    assert found.p[0] > 0.05
