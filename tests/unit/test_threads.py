from __future__ import annotations

import threading

import pytest

from meantime import threads
from meantime.descriptors import PASSING
from tests.support.waiting import join


def never(role: str, error: BaseException) -> None:
    raise AssertionError(f"{role} died: {error!r}")


def test_a_thread_has_the_name_of_its_role_and_holds_the_process() -> None:
    names = []
    thread = threads.start("loader", lambda: names.append(threading.current_thread().name), on_death=never)
    join(thread)
    assert names == ["meantime-loader"]
    assert not thread.daemon


def test_a_thread_that_the_system_does_not_start_is_a_trouble_of_the_machine_that_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="no more threads") as refused:
        threads.start("query", lambda: None, on_death=never)
    assert refused.value.errno in PASSING


def test_the_owner_hears_of_a_death_in_the_dying_thread() -> None:
    for cause in (ValueError("a bug"), SystemExit(3), KeyboardInterrupt()):
        heard: list[tuple[str, BaseException, str]] = []

        def die(cause: BaseException = cause) -> None:
            raise cause

        def hear(role: str, error: BaseException, heard: list[tuple[str, BaseException, str]] = heard) -> None:
            heard.append((role, error, threading.current_thread().name))

        join(threads.start("writer", die, on_death=hear))
        assert heard == [("writer", cause, "meantime-writer")]
