from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from meantime.statistics.methods.multiplicity import Adjustment, adjusted
from tests.support.examples import one_case_in

NAMES = {Adjustment.HOLM: "holm", Adjustment.BENJAMINI_HOCHBERG: "fdr_bh"}


@pytest.mark.parametrize("by", Adjustment)
@pytest.mark.parametrize("seed", one_case_in(4, range(5)))
def test_adjusted_p_values_are_those_of_statsmodels(by: Adjustment, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=30) ** 3
    p[rng.integers(30, size=5)] = p[0]  # ties
    _, expected, _, _ = multipletests(p, method=NAMES[by])
    np.testing.assert_allclose(adjusted(p, by=by), expected, rtol=1e-12)


@pytest.mark.parametrize("by", Adjustment)
def test_what_was_not_tested_does_not_count(by: Adjustment) -> None:
    p = np.array([0.01, 0.2, 0.03])
    with_gaps = adjusted(np.array([np.nan, *p, np.nan]), by=by)
    np.testing.assert_array_equal(with_gaps[1:-1], adjusted(p, by=by))
    assert np.isnan(with_gaps[[0, -1]]).all()


@pytest.mark.parametrize("by", Adjustment)
def test_each_row_is_a_family_of_its_own(by: Adjustment) -> None:
    p = np.array([[0.01, 0.2, 0.03], [0.04, 0.002, 0.5]])
    np.testing.assert_array_equal(adjusted(p, by=by), [adjusted(p[0], by=by), adjusted(p[1], by=by)])
