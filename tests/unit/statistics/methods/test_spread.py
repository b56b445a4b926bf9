from __future__ import annotations

import numpy as np
from scipy import stats

from meantime.statistics.methods.spread import modified_z, quantiles

VALUE = np.random.default_rng(1).uniform(20, 40, 53)


def test_quantiles_are_those_of_type_7() -> None:
    at = np.array([0, 0.1, 0.25, 0.5, 0.9, 1])
    # alphap = betap = 1 is type 7, by scipy's own table of types.
    np.testing.assert_allclose(quantiles(VALUE, at), stats.mstats.mquantiles(VALUE, at, alphap=1, betap=1))


def test_quantiles_leave_out_what_is_not_known_and_of_nothing_there_are_none() -> None:
    at = np.array([0.5])
    np.testing.assert_array_equal(quantiles(np.append(VALUE, np.nan), at), quantiles(VALUE, at))
    assert np.isnan(quantiles(np.array([np.nan]), at)).all()


def test_modified_z_is_the_distance_in_median_deviations() -> None:
    expected = 0.6745 * (VALUE - np.median(VALUE)) / stats.median_abs_deviation(VALUE)
    np.testing.assert_allclose(modified_z(VALUE), expected)
    np.testing.assert_allclose(modified_z(np.append(VALUE, np.nan))[:-1], expected)


def test_without_spread_nothing_is_far_out() -> None:
    assert np.isnan(modified_z(np.array([1.0, 1.0, 1.0, 9.0]))).all()
    assert np.isnan(modified_z(np.array([np.nan]))).all()
