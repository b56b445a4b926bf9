from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meantime.statistics.methods.ties import settled

TENTHS = st.integers(1, 999)


@given(st.lists(TENTHS, min_size=2, max_size=13))
def test_a_mean_does_not_depend_on_the_order_of_its_years(tenths: list[int]) -> None:
    other = sorted(tenths)
    means = np.array([sum(each / 10 for each in order) / len(order) for order in (tenths, other)])
    first, second = settled(means).tolist()
    assert first == second


@given(TENTHS, TENTHS, TENTHS)
def test_equal_gaps_between_tenths_are_equal(one: int, other: int, shift: int) -> None:
    upper = np.array([one / 10, (one + shift) / 10])
    lower = np.array([other / 10, (other + shift) / 10])
    first, second = settled(upper - lower, near=np.maximum(upper, lower)).tolist()
    assert first == second


@given(st.integers(1, 10**9), st.integers(0, 4))
def test_what_differs_as_published_still_differs(number: int, places: int) -> None:
    low, high = (float(Decimal(each).scaleb(-places)) for each in (number, number + 1))
    first, second = settled(np.array([low, high])).tolist()
    assert first < second


def test_what_is_no_number_stays_none_and_0_stays_0() -> None:
    found = settled(np.array([0.0, np.nan, -0.1 - 0.2, np.inf]))
    assert found[0] == 0
    assert np.isnan(found[1])
    assert found[2] == -0.3
    assert np.isinf(found[3])
