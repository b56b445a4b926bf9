"""The last events of all jobs, for clients that follow them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from meantime.engine.engine import Event

# How many events of all jobs are remembered, for clients that come back or are slow: some 20 MB when it is full, half a
# second of the busiest server there is, and hours of a usual one. Who is further behind lists the jobs again.
REMEMBERED_EVENTS = 10_000


class LoggedEvent:
    """An event, and how it is sent once somebody has needed that: it is the same for all."""

    __slots__ = ("event", "index", "sent")

    def __init__(self, index: int, event: Event) -> None:
        self.index = index
        self.event = event
        self.sent: bytes | None = None


class EventLog:
    """The last events of all jobs. Clients read on from a place, each at its pace: what they are behind costs nothing.

    ``name`` is of this process: places in the ring of another one mean nothing here.
    """

    def __init__(self, *, call: Callable[[], None], size: int = REMEMBERED_EVENTS) -> None:
        self.name = secrets.token_hex(4)
        self._call = call
        self._entries: deque[LoggedEvent] = deque(maxlen=size)
        self._lock = threading.Lock()  # so that the places have the order of the ring
        self._end = 0
        self._idle: set[asyncio.Future[None]] = set()

    @property
    def end(self) -> int:
        """The place behind the last event."""
        return self._end

    def add(self, event: Event) -> None:
        """Remember an event, in whatever thread it happens."""
        with self._lock:
            self._entries.append(LoggedEvent(self._end, event))
            self._end += 1
        if self._idle:
            self._call()

    def since(self, index: int, *, limit: int) -> list[LoggedEvent] | None:
        """Return up to ``limit`` events from a place on, oldest first; None where one of them is no longer there."""
        with self._lock:
            if not 0 <= self._end - index <= len(self._entries):
                return None
            # From the end, where nearly all read: a deque finds its middle slowly.
            newest_first = list(islice(reversed(self._entries), self._end - index))
        return newest_first[::-1][:limit]

    async def wait_for(self, index: int, *, within_s: float) -> bool:
        """Wait until there is an event at a place, or the server stops; return whether that came in time."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # First be seen, then look: whoever adds does it the other way round.
        self._idle.add(woken)
        try:
            if index < self._end:
                return True
            async with asyncio.timeout(within_s):
                await woken
        except TimeoutError:
            return False
        finally:
            self._idle.discard(woken)
        return True

    def wake(self) -> None:
        """Wake who waits for news, in the event loop."""
        idle, self._idle = self._idle, set()
        for woken in idle:
            if not woken.done():
                woken.set_result(None)
