"""Futures that are kept, whoever stops waiting for them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any


def promise() -> Future[Any]:
    """Return a future that whoever waits for it cannot cancel.

    asyncio cancels what it waits for when a client leaves; but others may wait for the same, and what was asked of the
    store will be written.
    """
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future
