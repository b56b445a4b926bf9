"""Futures that survive those who wait for them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any


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
