"""Where the threads' futures come down in the event loop.

A commit decides many jobs at once. ``asyncio.wrap_future`` would wake the loop for each of them; here the first one
wakes it, and those that come down before it has looked ride along.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class Landing:
    """Lets coroutines of one event loop wait for futures that threads decide."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._landed: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def wait(self, future: Future[Any]) -> asyncio.Future[None]:
        """Return what to await until the future is decided, well or badly."""
        waiter = self.loop.create_future()
        future.add_done_callback(lambda _: self._land(waiter))
        return waiter

    def _land(self, waiter: asyncio.Future[None]) -> None:
        self._landed.append(waiter)
        # First put, then look; _release clears the flag first and takes then. So nobody is left standing, and the
        # worst that two threads at once can do is to call twice.
        if not self._is_called:
            self._is_called = True
            # A loop that is closed raises: the server has stopped, and nobody waits any more.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._is_called = False
        while self._landed:
            waiter = self._landed.popleft()
            if not waiter.done():  # it is when its client went away
                waiter.set_result(None)
