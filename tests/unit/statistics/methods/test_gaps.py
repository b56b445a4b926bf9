from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.gaps import greatest_gap
from meantime.statistics.methods.standard_errors import Scale
from meantime.statistics.methods.studentized_range import critical


def of(value: Doubles, se: float) -> Estimates:
    return Estimates(value=value, se=np.full(len(value), se), scale=Scale.LOGIT)


def test_of_equal_strata_a_good_third_of_the_gap_that_chance_made_is_taken_off() -> None:
    rng = np.random.default_rng(5)
    found = [greatest_gap(of(30 + 2 * rng.standard_normal(6), 2.0), rng) for _ in range(300)]
    observed, corrected = np.mean([each.gap for each in found]), np.mean([each.corrected for each in found])
    assert observed == pytest.approx(5.07, abs=0.25)  # the mean range of six normal values with SD 2
    assert 0.5 < corrected / observed < 0.7


def test_the_interval_of_the_extremes_holds_no_gap_in_95_percent_where_there_is_none() -> None:
    rng = np.random.default_rng(6)
    found = [greatest_gap(of(30 + 2 * rng.standard_normal(6), 2.0), rng) for _ in range(400)]
    assert np.mean([each.low <= 0 for each in found]) >= 0.93


def test_a_large_gap_is_hardly_corrected() -> None:
    found = greatest_gap(of(np.array([10.0, 30.0, 20.0]), 0.5), np.random.default_rng(1))
    assert (found.highest, found.lowest) == (1, 0)
    assert found.corrected == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("value", [[30.0], [30.0, np.nan]])
def test_there_is_no_gap_of_what_is_not_known(value: list[float]) -> None:
    with pytest.raises(ValueError, match="two estimates"):
        greatest_gap(of(np.array(value), 1.0), np.random.default_rng(1))


@pytest.mark.parametrize("value", [[30.0, 30.0], [28.0, 28.0, 28.0, 28.0], [30.0, 20.0, 30.0, 20.0]])
def test_a_gap_is_between_two_even_where_all_are_tied(value: list[float]) -> None:
    se = np.linspace(1.0, 3.0, len(value))
    estimates = Estimates(value=np.array(value), se=se, scale=Scale.LOGIT)
    found = greatest_gap(estimates, np.random.default_rng(1))
    assert found.highest != found.lowest
    both = difference(estimates[[found.highest]], estimates[[found.lowest]], level_z=critical(0.95, len(value)))
    assert (found.low, found.high) == (both.low[0], both.high[0])
