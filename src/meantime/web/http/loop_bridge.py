"""Lets coroutines wait for futures that threads complete.

One commit completes many futures at once. ``asyncio.wrap_future`` would wake the event loop for each of them; here the
first one wakes it, and those that follow before it has run are handled in the same turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class FutureBridge:
    """Waits in the running event loop. The application is built before there is one."""

    def __init__(self) -> None:
        self._waiters: _LoopWaiters | None = None

    async def wait(self, future: Future[Any]) -> None:
        """Wait until a future is done, successfully or not."""
        if not future.done():
            loop = asyncio.get_running_loop()
            if self._waiters is None or self._waiters.loop is not loop:
                self._waiters = _LoopWaiters(loop)
            await self._waiters.add(future)


class _LoopWaiters:
    """The waiting coroutines of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def add(self, future: Future[Any]) -> asyncio.Future[None]:
        """Return what to await until the future is done."""
        waiter = self.loop.create_future()
        future.add_done_callback(lambda _: self._complete(waiter))
        return waiter

    def _complete(self, waiter: asyncio.Future[None]) -> None:
        self._ready.append(waiter)
        # First append, then check; _release clears the flag before it takes. So no waiter is missed, and at worst two
        # threads both schedule a call.
        if not self._is_called:
            self._is_called = True
            # A closed loop raises: the server has stopped, so nobody waits.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._is_called = False
        while self._ready:
            waiter = self._ready.popleft()
            if not waiter.done():  # cancelled if its client has disconnected
                waiter.set_result(None)
