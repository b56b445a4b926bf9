"""Where submitted requests are checked: large ones in a thread."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from meantime.web import checking
from meantime.web.checking import check_question, check_submission
from tests.support.v1_calls import Tables
from tests.support.waiting import run
from tests.support.web_app import table


def is_in_loop_of(body: bytes, **tables: Any) -> bool:
    async def story() -> bool:
        catalog: Any = Tables(**tables)
        return await check_submission(catalog, body, threading.current_thread) is threading.current_thread()

    return run(story())


def test_short_requests_about_small_tables_are_checked_at_once() -> None:
    assert is_in_loop_of(b"{}", one=table())
    assert is_in_loop_of(b"{}", one=None)  # still loading


def test_long_requests_and_those_to_a_server_with_a_large_table_are_checked_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not is_in_loop_of(b" " * 100_000, one=table())
    assert table().cube.most_cells > 3
    monkeypatch.setattr(checking, "_INLINE_CELLS", 3)
    assert not is_in_loop_of(b"{}", one=None, other=table())


def test_what_names_much_of_a_table_with_many_names_is_checked_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    known = len(table().cube.labels.locations) + len(table().cube.labels.questions)
    monkeypatch.setattr(checking, "_INLINE_COMPARISONS", 2 * known)

    async def is_in_loop(names: int) -> bool:
        return await check_question(table(), names, threading.current_thread) is threading.current_thread()

    assert run(is_in_loop(2))
    assert not run(is_in_loop(3))
    assert not is_in_loop_of(b" " * 24, one=table())
    assert is_in_loop_of(b"{}", one=table())
