from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods import blocks
from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.gaps import DRAWS, GreatestGaps, greatest_gaps
from meantime.statistics.methods.standard_errors import Scale
from meantime.statistics.methods.studentized_range import critical


def of(value: Doubles, se: float) -> Estimates:
    return Estimates(value=value, se=np.full(len(value), se), scale=Scale.LOGIT)


def greatest_gap(estimates: Estimates, rng: np.random.Generator) -> GreatestGaps:
    return greatest_gaps(estimates, np.array([len(estimates.value)]), rng)


def test_of_equal_strata_a_good_third_of_the_gap_that_chance_made_is_taken_off() -> None:
    rng = np.random.default_rng(5)
    found = [greatest_gap(of(30 + 2 * rng.standard_normal(6), 2.0), rng) for _ in range(300)]
    observed, corrected = np.mean([each.gap[0] for each in found]), np.mean([each.corrected[0] for each in found])
    assert observed == pytest.approx(5.07, abs=0.25)  # the mean range of six normal values with SD 2
    assert 0.5 < corrected / observed < 0.7


def test_the_interval_of_the_extremes_holds_no_gap_in_95_percent_where_there_is_none() -> None:
    rng = np.random.default_rng(6)
    found = [greatest_gap(of(30 + 2 * rng.standard_normal(6), 2.0), rng) for _ in range(400)]
    assert np.mean([each.low[0] <= 0 for each in found]) >= 0.93


def test_a_large_gap_is_hardly_corrected() -> None:
    found = greatest_gap(of(np.array([10.0, 30.0, 20.0]), 0.5), np.random.default_rng(1))
    assert (found.highest[0], found.lowest[0]) == (1, 0)
    assert found.corrected[0] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("value", [[30.0], [30.0, np.nan]])
def test_there_is_no_gap_of_what_is_not_known(value: list[float]) -> None:
    with pytest.raises(ValueError, match="two estimates"):
        greatest_gap(of(np.array(value), 1.0), np.random.default_rng(1))


@pytest.mark.parametrize("value", [[30.0, 30.0], [28.0, 28.0, 28.0, 28.0], [30.0, 20.0, 30.0, 20.0]])
def test_a_gap_is_between_two_even_where_all_are_tied(value: list[float]) -> None:
    se = np.linspace(1.0, 3.0, len(value))
    estimates = Estimates(value=np.array(value), se=se, scale=Scale.LOGIT)
    found = greatest_gap(estimates, np.random.default_rng(1))
    assert found.highest[0] != found.lowest[0]
    both = difference(estimates[found.highest], estimates[found.lowest], level_z=critical(0.95, len(value)))
    assert (found.low[0], found.high[0]) == (both.low[0], both.high[0])


@pytest.mark.parametrize("size", [1, 65_536, 1_000_000])
def test_groups_of_any_size_have_the_gaps_that_each_has_by_itself(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """The random numbers come in the order of the groups, however they are cut into blocks."""
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", size)
    sizes = np.array([2, 5, 2, 2, 3, 5])
    drawn = np.random.default_rng(3)
    every = Estimates(value=drawn.normal(30, 3, 19), se=drawn.uniform(0.5, 2.0, 19), scale=Scale.LOGIT)
    found = greatest_gaps(every, sizes, np.random.default_rng(1))
    rng, first = np.random.default_rng(1), 0
    for index, n in enumerate(sizes.tolist()):
        value, se = every.value[first : first + n], every.se[first : first + n]
        noise = value + se * rng.standard_normal((DRAWS, n))
        gap = value.max() - value.min()
        assert found.gap[index] == gap
        assert found.corrected[index] == max(0.0, 2 * gap - (noise.max(axis=1) - noise.min(axis=1)).mean())
        assert every.value[found.highest[index]] - every.value[found.lowest[index]] == gap
        first += n


def test_of_no_groups_there_are_no_gaps() -> None:
    none = np.array([], dtype=np.int64)
    assert not len(greatest_gaps(of(np.array([]), 1.0), none, np.random.default_rng(1)).gap)
