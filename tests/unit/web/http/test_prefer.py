from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from meantime.web.http.prefer import WAIT_LIMIT_S, applied, preferred_wait


@given(st.text(max_size=2000))
def test_any_header_gives_a_wait_within_the_limit_or_none(header: str) -> None:
    wait_s = preferred_wait(header)
    assert wait_s is None or 0 <= wait_s <= WAIT_LIMIT_S


def test_a_wait_is_found_among_other_preferences() -> None:
    assert preferred_wait('return="a, wait=3"; x="y", wait=7') == 7
    assert preferred_wait("x=, wait=7") == 7


def test_a_header_of_nothing_but_traps_is_read_quickly() -> None:
    assert preferred_wait('"\\' * 1_000_000) is None


def test_what_was_waited_for_is_said_only_where_it_was_asked() -> None:
    assert applied(None) == ()
    assert applied(5) == (("preference-applied", "wait=5"),)
