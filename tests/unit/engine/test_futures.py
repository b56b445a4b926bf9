from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from meantime.engine.futures import for_all_at_once, resolve_together, uncancellable_future


def watched(notes: list[Any], step: Any) -> Future[Any]:
    """Return a future whose callback notes its result, and leaves a step for all at once."""
    future = uncancellable_future()

    def note(done: Future[Any]) -> None:
        notes.append(done.result())
        for_all_at_once(step)

    future.add_done_callback(note)
    return future


def test_a_step_is_taken_once_when_all_futures_are_resolved() -> None:
    notes: list[Any] = []

    def step() -> None:
        notes.append("step")

    resolve_together([(watched(notes, step), 1), (watched(notes, step), 2)])
    assert notes == [1, 2, "step"]
    resolve_together([(watched(notes, step), 3)])
    assert notes[3:] == [3, "step"]


def test_a_step_for_a_future_that_is_resolved_alone_is_taken_at_once() -> None:
    notes: list[Any] = []
    watched(notes, lambda: notes.append("step")).set_result(1)
    assert notes == [1, "step"]


def test_a_step_may_resolve_others_together() -> None:
    notes: list[Any] = []

    def further() -> None:
        resolve_together([(watched(notes, lambda: notes.append("last")), 2)])

    resolve_together([(watched(notes, further), 1)])
    assert notes == [1, 2, "last"]


def test_futures_that_fail_to_resolve_leave_nothing_to_the_next() -> None:
    notes: list[Any] = []
    resolved = uncancellable_future()
    resolved.set_result(0)
    with pytest.raises(Exception, match="FINISHED"):
        resolve_together([(watched(notes, lambda: notes.append("step")), 1), (resolved, 2)])
    for_all_at_once(lambda: notes.append("next"))
    assert notes == [1, "next"]
