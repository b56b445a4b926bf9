"""A log of the last events of all jobs, for clients that follow them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from meantime.engine.engine import Event

# How many events are kept for clients that reconnect or are slow: about 20 MB when the log is full, which is half a
# second on the busiest server and hours on a usual one. A client that is further behind lists the jobs again.
REMEMBERED_EVENTS = 10_000


class LoggedEvent:
    """An event, and its bytes once they have been encoded: they are the same for all clients."""

    __slots__ = ("encoded", "event", "index")

    def __init__(self, index: int, event: Event) -> None:
        self.index = index
        self.event = event
        self.encoded: bytes | None = None


class EventLog:
    """The last events of all jobs. Each client reads from its own position; a slow client costs nothing.

    ``name`` identifies this process: positions in the log of another process are not valid here.
    """

    def __init__(self, *, wake_loop: Callable[[], None], size: int = REMEMBERED_EVENTS) -> None:
        self.name = secrets.token_hex(4)
        self._wake_loop = wake_loop
        self._entries: deque[LoggedEvent] = deque(maxlen=size)
        self._lock = threading.Lock()  # keeps positions in the order of the log
        self._end = 0
        self._idle: set[asyncio.Future[None]] = set()

    @property
    def end(self) -> int:
        """The position after the last event."""
        return self._end

    def add(self, event: Event) -> None:
        """Add an event. May be called in any thread."""
        with self._lock:
            self._entries.append(LoggedEvent(self._end, event))
            self._end += 1
        if self._idle:
            self._wake_loop()

    def since(self, index: int, *, limit: int) -> list[LoggedEvent] | None:
        """Return up to ``limit`` events from a position on, oldest first; None if one of them has been dropped."""
        with self._lock:
            if not 0 <= self._end - index <= len(self._entries):
                return None
            # Counted from the end, where nearly all clients read: the middle of a deque is slow to reach.
            newest_first = list(islice(reversed(self._entries), self._end - index))
        return newest_first[::-1][:limit]

    async def wait_for(self, index: int, *, within_s: float) -> bool:
        """Wait until there is an event at a position, or the server stops; return False if the time is up before."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # First register, then check. ``add`` does it in the opposite order, so no event is missed.
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
        """Wake all clients that wait for an event. Called in the event loop."""
        idle, self._idle = self._idle, set()
        for woken in idle:
            if not woken.done():
                woken.set_result(None)
