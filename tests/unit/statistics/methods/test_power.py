from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower

from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.power import detectable_difference
from meantime.statistics.methods.standard_errors import Scale


@pytest.mark.parametrize("power", [0.8, 0.9])
def test_it_is_what_statsmodels_solves_for(power: float) -> None:
    # n a group with SD 1, so that the standard error of each mean is 1 / sqrt(n).
    effect = NormalIndPower().solve_power(nobs1=100, alpha=0.05, power=power, ratio=1)
    found = detectable_difference(np.array([0.1]), np.array([0.1]), power=power)
    assert found[0] == pytest.approx(effect, rel=1e-4)


def test_a_difference_of_that_size_is_found_about_that_often() -> None:
    rng, n = np.random.default_rng(8), 1000
    p = np.array([0.30, 0.30])
    se = 100 * np.sqrt(p * (1 - p) / n)
    p[1] += detectable_difference(se[:1], se[1:])[0] / 100
    value = 100 * rng.binomial(n, p[:, None], (2, 10_000)) / n
    errors = np.sqrt(value * (100 - value) / n)
    one, other = (Estimates(value=value[i], se=errors[i], scale=Scale.LOGIT) for i in (0, 1))
    assert 0.75 < np.mean(difference(one, other).p < 0.05) < 0.82
