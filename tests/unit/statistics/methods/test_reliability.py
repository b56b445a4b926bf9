from __future__ import annotations

import numpy as np
import pytest

from meantime.statistics.methods.reliability import Standard, flags, names


def of(
    value: float, se: float, low: float, high: float, respondents: float, standard: Standard = Standard.BRFSS
) -> str:
    return names(int(flags(*(np.array([x]) for x in (value, se, low, high, respondents)), standard=standard)[0]))


def test_an_estimate_of_many_with_a_narrow_interval_has_no_flag() -> None:
    assert of(30, 1, 28, 32, 900) == ""


@pytest.mark.parametrize(("respondents", "flagged"), [(49, True), (50, False)])
def test_fewer_than_50_respondents_are_few(respondents: float, flagged: bool) -> None:
    assert (of(30, 1, 28, 32, respondents) == "few respondents") is flagged


@pytest.mark.parametrize(("half", "flagged"), [(10.1, True), (10, False)])
def test_more_than_10_points_on_either_side_are_wide(half: float, flagged: bool) -> None:
    assert (of(40, 5, 40 - half, 40 + half, 900) == "wide interval") is flagged


@pytest.mark.parametrize("value", [5, 95])
def test_the_relative_error_is_that_of_the_smaller_of_a_percent_and_its_complement(value: float) -> None:
    assert of(value, 1.5, value - 3, value + 3, 900) == "large relative error"
    assert of(value, 1.49, value - 3, value + 3, 900) == ""


def test_no_standard_error_is_told_and_at_a_boundary_called_that() -> None:
    assert of(30, np.nan, np.nan, np.nan, np.nan) == "no standard error"
    assert of(0, np.nan, np.nan, np.nan, 900) == "boundary"
    assert of(np.nan, np.nan, np.nan, np.nan, np.nan) == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "respondents", "expected"),
    [
        (50, 34, 65, 900, "wide interval"),  # 30 percentage points or more, whatever the estimate
        (2, 0.5, 5.4, 900, ""),  # at most 5, whatever the estimate
        (10, 5, 17.9, 900, ""),  # 129% of the estimate
        (10, 5, 18.1, 900, "large relative error"),  # 131%
        (90, 81.9, 95, 900, "large relative error"),  # of the complement
        (30, 28, 32, 29, "few respondents"),
    ],
)
def test_the_standards_of_2017(value: float, low: float, high: float, respondents: float, expected: str) -> None:
    assert of(value, 1, low, high, respondents, Standard.NCHS_2017) == expected
