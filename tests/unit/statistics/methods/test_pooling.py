from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.pooling import Weights, pool

VALUE = np.array([[20.0, 30.0, 28.5], [50.0, 40.0, 45.0]])
SE = np.array([[1.0, 2.0, 1.5], [0.5, 0.25, 3.0]])
SIZE = np.array([[300.0, 100.0, 250.0], [900.0, 3000.0, 80.0]])


def _weights(weights: Weights) -> Doubles:
    match weights:
        case Weights.EQUAL:
            return np.ones_like(VALUE)
        case Weights.SAMPLE_SIZE:
            return SIZE
        case Weights.EFFECTIVE_SIZE:
            return np.asarray(VALUE * (100 - VALUE) / SE**2)


@pytest.mark.parametrize("weights", Weights)
def test_pooling_is_what_exact_fractions_give(weights: Weights) -> None:
    pooled = pool(VALUE, SE, SIZE, weights=weights)
    for row, (v, s, w) in enumerate(zip(VALUE, SE, _weights(weights), strict=True)):
        exact = [Fraction(float(x)) for x in w]
        value = sum(x * Fraction(float(y)) for x, y in zip(exact, v, strict=True)) / sum(exact)
        variance = sum((x * Fraction(float(y))) ** 2 for x, y in zip(exact, s, strict=True)) / sum(exact) ** 2
        assert pooled.value[row] == pytest.approx(float(value), rel=1e-14)
        assert pooled.se[row] ** 2 == pytest.approx(float(variance), rel=1e-13)
    np.testing.assert_allclose(pooled.weights.sum(axis=1), 1)


def test_one_year_is_that_year() -> None:
    pooled = pool(VALUE[:, :1], SE[:, :1], SIZE[:, :1], weights=Weights.SAMPLE_SIZE)
    np.testing.assert_array_equal(pooled.value, VALUE[:, 0])
    np.testing.assert_array_equal(pooled.se, SE[:, 0])


def test_a_missing_year_is_not_left_out_silently() -> None:
    value = VALUE.copy()
    value[0, 1] = np.nan
    pooled = pool(value, SE, SIZE, weights=Weights.EQUAL)
    assert np.isnan(pooled.value[0])
    assert pooled.value[1] == pytest.approx(45)


def test_a_year_without_a_standard_error_leaves_a_value_without_one() -> None:
    se = SE.copy()
    se[0, 1] = np.nan
    pooled = pool(VALUE, se, SIZE, weights=Weights.EQUAL)
    assert pooled.value[0] == pytest.approx(78.5 / 3)
    assert np.isnan(pooled.se[0])
