from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.errors import CursorInvalid
from meantime.web.http import cursor

OF = ["a list", 7]


@given(st.integers(0, 2**63))
def test_a_cursor_leads_back_to_its_place_and_needs_no_escaping(position: int) -> None:
    written = cursor.encode(position, OF)
    assert cursor.decode(written, OF) == position
    assert quote(written, safe="") == written


@given(st.text(max_size=40))
def test_what_no_answer_gave_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalid):
        cursor.decode(text, OF)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorInvalid):
        cursor.decode(cursor.encode(3, OF), ["a list", 8])


@given(st.integers(0, 23), st.sampled_from("AQg_-9=. "))
def test_a_cursor_with_a_character_changed_is_refused(at: int, other: str) -> None:
    written = cursor.encode(3, OF)
    changed = written[:at] + other + written[at + 1 :]
    if changed != written:
        with pytest.raises(CursorInvalid):
            cursor.decode(changed, OF)
