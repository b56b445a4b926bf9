"""Waiting in tests: always with a bound, and what was waited for in vain is in the message."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

# How long anything may take on a loaded machine before the test fails instead of hanging.
PATIENCE_S = 120
# The same for a coroutine without threads or processes.
STORY_S = 60.0

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own; one that hangs is ended by TimeoutError."""

    async def in_time() -> T:
        async with asyncio.timeout(STORY_S):
            return await story

    return asyncio.run(in_time())


def wait_for(event: threading.Event, what: str) -> None:
    """Wait until an event is set; ``what`` says what has not happened without it."""
    assert event.wait(PATIENCE_S), f"after {PATIENCE_S} s: {what}"


def join(*threads: threading.Thread) -> None:
    """Wait until threads have ended."""
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), f"after {PATIENCE_S} s the thread {thread.name} still runs"


def poll(ask: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """Poll until it holds: for what another process does, which cannot notify this one."""
    wait = threading.Event()
    for attempt in range(PATIENCE_S * 20):
        if enough(answer := ask()):
            return answer
        wait.wait(min(0.05, 0.001 * 2 ** min(attempt, 10)))
    raise AssertionError(f"not enough after {PATIENCE_S} s: {answer}")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Look again until something is so: for what a thread does next, and announces to nobody."""
    pause = threading.Event()
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"after {PATIENCE_S} s: {what}"
        pause.wait(0.001)
