from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from meantime.statistics.methods.standardisation import standardised


def test_it_is_what_exact_fractions_give() -> None:
    value, se = np.array([[10.5, 30.25, 41.0]]), np.array([[0.5, 1.25, 2.0]])
    found, error = standardised(value, se, np.array([3.0, 2.0, 1.0]))
    exact = sum(Fraction(w, 6) * Fraction(float(v)) for w, v in zip((3, 2, 1), value[0], strict=True))
    variance = sum((Fraction(w, 6) * Fraction(float(s))) ** 2 for w, s in zip((3, 2, 1), se[0], strict=True))
    assert found[0] == pytest.approx(float(exact))
    assert error[0] ** 2 == pytest.approx(float(variance))


def test_a_stratum_that_the_standard_has_nobody_in_may_be_missing() -> None:
    found, error = standardised(np.array([[10.0, np.nan]]), np.array([[1.0, np.nan]]), np.array([2.0, 0.0]))
    assert (found[0], error[0]) == (10, 1)


@pytest.mark.parametrize("weights", [[1.0, -0.5], [0.0, 0.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="standard population"):
        standardised(np.ones((1, 2)), np.ones((1, 2)), np.array(weights))
