from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.moments import distinct, grouping

CODES = st.integers(-1, 3)


@given(keys=st.lists(st.tuples(CODES, CODES, CODES)), far=st.sampled_from([1, 2**31]))
def test_keys_are_sorted_by_their_first_axis_and_equal_ones_stay_as_they_come(
    keys: list[tuple[int, int, int]], far: int
) -> None:
    order, starts = grouping(
        np.array(keys, dtype=np.int64).reshape(-1, 3) * far
    )  # far apart, they do not fit into one number
    assert order.tolist() == sorted(range(len(keys)), key=lambda at: keys[at])
    assert [keys[order[at]] for at in starts] == sorted(set(keys))


@pytest.mark.parametrize("far", [1, 10**12])
@given(codes=st.lists(st.integers(0, 9)))
def test_distinct_codes_are_those_of_sorting(far: int, codes: list[int]) -> None:
    found, at = distinct(np.array(codes, dtype=np.int64) * far)
    assert found.tolist() == sorted({code * far for code in codes})
    assert found[at].tolist() == [code * far for code in codes]
