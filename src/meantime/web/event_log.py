"""A log of the last events of all jobs, for clients that follow them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from meantime.engine.engine import Event

# How many events are kept for clients that reconnect or are slow: about 20 MB when the log is full, which is half a
# second on the busiest server and hours on a usual one. A client that is further behind lists the jobs again.
REMEMBERED_EVENTS = 10_000

# Each piece costs a write to the client's socket. Under load, a client is written to 50 times a second.
_PACE_S = 0.02
# A write costs some 50 µs, so that all clients together take a tenth of a core: of 2,000 each is written to once a
# second.
_PACE_PER_CLIENT_S = 0.0005
# How many events a client gets in a round. A piece of 250 is encoded in 2 ms, is 150 kB, and is read by a client until
# the next round. Beyond eight clients it is less, since the same bytes are written to each: to all of them some 70 MB a
# second, which take a core a tenth of its time.
_EVENTS_MOST = 250
_EVENTS_LEAST = 50
_EVENTS_OF_ALL = 2_000
# Together 5 ms: so long other requests wait at most.
_WOKEN_PER_TURN = 100


class LoggedEvent:
    """An event, and its bytes once they have been encoded: they are the same for all clients."""

    __slots__ = ("encoded", "event", "index")

    def __init__(self, index: int, event: Event) -> None:
        self.index = index
        self.event = event
        self.encoded: bytes | None = None


class EventLog:
    """The last events of all jobs. Each client reads from its own position; a slow client costs nothing.

    Clients that wait are woken in rounds, so that one whose events come fast is sent many in one piece. The more
    clients, the fewer rounds: what all of them cost has a bound, whatever happens. After a pause the first event begins
    a round at once. Only ``add`` may be called in any thread, the other methods in the event loop.

    ``name`` identifies this process: positions in the log of another process are not valid here.
    """

    def __init__(self, *, wake_loop: Callable[[], None], size: int = REMEMBERED_EVENTS) -> None:
        self.name = secrets.token_hex(4)
        self.pieces: dict[Hashable, Any] = {}  # what clients share in a round; empty when it begins
        self._wake_loop = wake_loop
        self._entries: deque[LoggedEvent] = deque(maxlen=size)
        self._lock = threading.Lock()  # keeps positions in the order of the log
        self._end = 0
        self._clients = 0
        self._idle: dict[asyncio.Future[bool], None] = {}  # who waits for the next round, in the order of coming
        self._woken: deque[asyncio.Future[bool]] = deque()  # who is still to be woken in this one
        self._is_round_wanted = False
        self._round: asyncio.Handle | None = None  # what begins the next round, or goes on with this one
        self._next_round_s = 0.0  # not before this time of the event loop

    @property
    def end(self) -> int:
        """The position after the last event."""
        return self._end

    @property
    def events_per_round(self) -> int:
        """How many events each client may get in a round."""
        return max(_EVENTS_LEAST, min(_EVENTS_MOST, _EVENTS_OF_ALL // max(self._clients, 1)))

    def add(self, event: Event) -> None:
        """Add an event. May be called in any thread."""
        with self._lock:
            self._entries.append(LoggedEvent(self._end, event))
            self._end += 1
        if self._idle and not self._is_round_wanted:
            self._is_round_wanted = True
            self._wake_loop()

    def since(self, index: int, *, limit: int) -> list[LoggedEvent] | None:
        """Return up to ``limit`` events from a position on, oldest first; None if one of them has been dropped."""
        with self._lock:
            if not 0 <= self._end - index <= len(self._entries):
                return None
            # Counted from the end, where nearly all clients read: the middle of a deque is slow to reach.
            newest_first = list(islice(reversed(self._entries), self._end - index))
        return newest_first[::-1][:limit]

    @contextmanager
    def client(self) -> Iterator[None]:
        """Count a client as long as it follows the log."""
        self._clients += 1
        try:
            yield
        finally:
            self._clients -= 1

    async def wait_for(self, index: int, *, within_s: float) -> bool:
        """Wait for the next round, which begins when there is an event, or when the server stops.

        Return whether there is an event at this position, or the server stops.
        """
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[bool] = loop.create_future()
        # First register, then check. ``add`` does it in the opposite order, so no event is missed.
        self._idle[woken] = None
        if index < self._end:
            self._is_round_wanted = True
            self.wake()
        timer = loop.call_later(within_s, _resolve, woken, False)
        try:
            return await woken or index < self._end
        finally:
            timer.cancel()
            self._idle.pop(woken, None)

    def wake(self, *, is_last: bool = False) -> None:
        """Begin a round, now or when it is time, if one is wanted and none is under way. The last one begins now."""
        loop = asyncio.get_running_loop()
        if is_last and not self._woken:
            if self._round is not None:
                self._round.cancel()
            self._begin_round()
        elif self._is_round_wanted and self._round is None:
            if self._next_round_s <= loop.time():
                self._begin_round()
            else:
                self._round = loop.call_at(self._next_round_s, self._begin_round)

    def forget_loop(self) -> None:
        """Forget what belongs to an event loop that has ended."""
        self._idle.clear()
        self._woken.clear()
        self._round, self._is_round_wanted, self._next_round_s = None, False, 0.0

    def _begin_round(self) -> None:
        self._is_round_wanted = False
        self.pieces.clear()
        self._woken.extend(self._idle)
        self._idle.clear()
        self._go_on()

    def _go_on(self) -> None:
        """Wake some clients; the others in the next turns of the event loop."""
        for _ in range(min(_WOKEN_PER_TURN, len(self._woken))):
            _resolve(self._woken.popleft(), True)
        loop = asyncio.get_running_loop()
        if self._woken:
            self._round = loop.call_soon(self._go_on)
            return
        self._round = None
        self._next_round_s = loop.time() + max(_PACE_S, _PACE_PER_CLIENT_S * self._clients)
        self.wake()


def _resolve(woken: asyncio.Future[bool], is_news: bool) -> None:
    if not woken.done():
        woken.set_result(is_news)
