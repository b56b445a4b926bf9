"""Futures that survive those who wait for them, and those that are resolved together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any


class _Together(threading.local):
    """Steps that this thread takes when the futures that it is resolving together are all resolved, each once."""

    steps: dict[Callable[[], None], None] | None = None


_together = _Together()


def resolve_together(outcomes: Iterable[tuple[Future[Any], Any]]) -> None:
    """Resolve futures to these outcomes, and then take the steps that their callbacks have left ``for_all_at_once``."""
    steps: dict[Callable[[], None], None] = {}
    _together.steps = steps
    try:
        for future, outcome in outcomes:
            future.set_result(outcome)
    finally:
        _together.steps = None
    for step in steps:
        step()


def for_all_at_once(step: Callable[[], None]) -> None:
    """Take a step once for all futures that are being resolved together; now, if this one is resolved alone.

    So what a callback costs besides its own work (locks, wake-ups) is shared by all that one commit resolves.
    """
    if _together.steps is None:
        step()
    else:
        _together.steps[step] = None


def uncancellable_future() -> Future[Any]:
    """Return a future that nobody who waits for it can cancel.

    asyncio cancels the future that it awaits when a client disconnects. But others may wait for the same future, and
    what was handed to the store is written in any case.
    """
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


def resolved_future(value: Any) -> Future[Any]:
    """Return a future that has its result already."""
    future = uncancellable_future()
    future.set_result(value)
    return future


def failed_future(error: Exception) -> Future[Any]:
    """Return a future that has failed already."""
    future = uncancellable_future()
    future.set_exception(error)
    return future
