"""Clients that wait for jobs: for the end of one, for each change of one, or for news of all.

Ten thousand may wait at once, for one job or for as many. So a job is watched once in the engine, however many wait for
it; the threads wake the event loop once for all that they have changed meanwhile; and what a client costs is a future
and a timer, which go with it: at the end, when its time is up, when it leaves, or when the server stops.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary, ref

from meantime.engine.engine import Engine, Event, JobDetail
from meantime.web.http.replies import ClientGone

# How many changes are looked at, and how many clients told of them, in one turn of the event loop: each answer takes
# some 0.1 ms, so that others wait for 10 ms.
_TOLD_PER_TURN = 100

# How many events of all jobs are remembered, for clients that come back or are slow: some 20 MB when it is full, half a
# second of the busiest server there is, and hours of a usual one. Who is further behind lists the jobs again.
REMEMBERED_EVENTS = 10_000

Listener = Callable[[JobDetail | None], None]


def lobby_of(engine: Engine) -> Lobby:
    """Return the one place where clients wait for an engine's jobs."""
    return _LOBBIES.setdefault(engine, Lobby())


def let_go(engine: Engine) -> None:
    """Have all that wait answered with what there is, and nobody wait from now on: the server stops.

    To be called, in any thread, before the HTTP server waits for its open connections to end.
    """
    lobby_of(engine).close()


class Lobby:
    """Where clients wait, in the one event loop that serves. Only ``close`` may be called in other threads."""

    def __init__(self) -> None:
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[int, _Watched] = {}  # by number of the job
        self._changes: deque[JobDetail] = deque()  # what the threads have told, in their order
        self._to_tell: deque[tuple[Listener, JobDetail | None]] = deque()  # what is still to be told to whom
        self._is_telling = False
        self._is_called = False
        self._events: Ring | None = None

    async def end_of(
        self, engine: Engine, number: int, *, within_s: float, gone: Callable[[], Awaitable[None]]
    ) -> JobDetail:
        """Wait until a job has ended, and say how it stands then, or after ``within_s`` seconds, or when we stop.

        Raises:
            JobUnknown: no job has this number, or it was removed meanwhile.
            ClientGone: ``gone`` has returned: nobody waits any more.
        """
        detail = engine.describe(number)
        if detail.state.is_ended or not within_s or self._is_closed:
            return detail
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[JobDetail | None] = loop.create_future()

        def wake(detail: JobDetail | None) -> None:
            if not woken.done():
                woken.set_result(detail)

        leave = self.listen(engine, number, wake, to_end_only=True)
        timer = loop.call_later(within_s, wake, None)
        # A task of its own, which wakes us too: asyncio.wait over both would cost a waiting client twice as much.
        leaving = asyncio.ensure_future(gone())
        leaving.add_done_callback(lambda _: wake(None))
        try:
            ended = await woken
        finally:
            leave()
            timer.cancel()
            has_left = leaving.done() and not leaving.cancelled()
            leaving.cancel()
        if ended is not None:
            return ended
        if has_left:
            leaving.result()  # what went wrong with looking for it, if something did, is not that it has left
            raise ClientGone
        return engine.describe(number)

    def listen(self, engine: Engine, number: int, listener: Listener, *, to_end_only: bool) -> Callable[[], None]:
        """Have each change of a job told, or only its end, from now on; return what ends that.

        ``listener`` is called in the event loop, with None when nothing more will be told because the server stops.

        Raises:
            JobUnknown: no job has this number.
        """
        self._enter()
        if self._is_closed:
            listener(None)
            return lambda: None
        watched = self._watched.get(number)
        if watched is None:
            watched = self._watched[number] = _Watched()
            try:
                watched.unwatch = engine.watch(number, partial(self._hear, watched))
            except BaseException:
                del self._watched[number]
                raise
        listeners = watched.of_end if to_end_only else watched.of_changes
        listeners[listener] = None

        def leave() -> None:
            listeners.pop(listener, None)
            if not watched.of_end and not watched.of_changes and self._watched.get(number) is watched:
                del self._watched[number]
                watched.unwatch()

        return leave

    def events(self, engine: Engine) -> Ring:
        """Return what has happened to all jobs since somebody first asked for that."""
        self._enter()
        if self._events is None:
            self._events = Ring(call=self._call)
            # For as long as the engine lives: a client that was cut off finds what it has missed. Held weakly, since
            # the engine is what keeps us.
            engine.follow(partial(_remember, ref(self._events)))
        return self._events

    @property
    def is_closed(self) -> bool:
        """Whether the server stops, and nobody is to wait any more."""
        return self._is_closed

    @property
    def watched(self) -> int:
        """How many jobs somebody waits for."""
        return len(self._watched)

    def close(self) -> None:
        """Let everybody go."""
        self._is_closed = True
        self._call()

    def _enter(self) -> None:
        """Belong to the loop that runs. A server has one; tests have one after the other."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._watched = {}
            self._to_tell.clear()
            self._is_telling = self._is_called = False

    def _hear(self, watched: _Watched, detail: JobDetail) -> None:
        """Note a change, in the thread that has made it."""
        # Progress, which few want to hear, would else wake the loop a hundred times for each job that is waited for.
        if watched.of_changes or detail.state.is_ended:
            self._changes.append(detail)
            self._call()

    def _call(self) -> None:
        # As in web/landing.py: first put, then look; _look clears the flag first and takes then.
        if not self._is_called and self._loop is not None:
            self._is_called = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._is_called = False
        for _ in range(min(_TOLD_PER_TURN, len(self._changes))):
            self._pass_on(self._changes.popleft())
        if self._changes:
            self._call()
        if self._events is not None:
            self._events.wake()
        if self._is_closed:
            for watched in self._watched.values():
                self._to_tell.extend((listener, None) for listener in (*watched.of_changes, *watched.of_end))
        if not self._is_telling:
            self._tell()

    def _pass_on(self, detail: JobDetail) -> None:
        number = detail.record.number
        if (watched := self._watched.get(number)) is None:
            return  # all who waited have left meanwhile
        self._to_tell.extend((listener, detail) for listener in watched.of_changes)
        if detail.state.is_ended:
            self._to_tell.extend((listener, detail) for listener in watched.of_end)
            # The watch in the engine went with the end. To end it there would cost the engine's lock, for each job,
            # while its threads are at their busiest.
            del self._watched[number]

    def _tell(self) -> None:
        for _ in range(min(_TOLD_PER_TURN, len(self._to_tell))):
            listener, detail = self._to_tell.popleft()
            listener(detail)
        self._is_telling = bool(self._to_tell)
        if self._is_telling and self._loop is not None:
            self._loop.call_soon(self._tell)


class _Watched:
    """A job that somebody waits for. Listeners are kept in the order in which they came."""

    __slots__ = ("of_changes", "of_end", "unwatch")

    def __init__(self) -> None:
        self.of_changes: dict[Listener, None] = {}
        self.of_end: dict[Listener, None] = {}
        self.unwatch: Callable[[], None] = lambda: None


class Entry:
    """An event, and how it is sent once somebody has needed that: it is the same for all."""

    __slots__ = ("event", "place", "sent")

    def __init__(self, place: int, event: Event) -> None:
        self.place = place
        self.event = event
        self.sent: bytes | None = None


class Ring:
    """The last events of all jobs. Clients read on from a place, each at its pace: what they are behind costs nothing.

    ``name`` is of this process: places in the ring of another one mean nothing here.
    """

    def __init__(self, *, call: Callable[[], None], size: int = REMEMBERED_EVENTS) -> None:
        self.name = secrets.token_hex(4)
        self._call = call
        self._entries: deque[Entry] = deque(maxlen=size)
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
            self._entries.append(Entry(self._end, event))
            self._end += 1
        if self._idle:
            self._call()

    def since(self, place: int, *, limit: int) -> list[Entry] | None:
        """Return up to ``limit`` events from a place on, oldest first; None where one of them is no longer there."""
        with self._lock:
            if not 0 <= self._end - place <= len(self._entries):
                return None
            # From the end, where nearly all read: a deque finds its middle slowly.
            newest_first = list(islice(reversed(self._entries), self._end - place))
        return newest_first[::-1][:limit]

    async def news(self, place: int, *, within_s: float) -> bool:
        """Wait until there is an event at a place, or the server stops; return whether that came in time."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # First be seen, then look: whoever adds does it the other way round.
        self._idle.add(woken)
        try:
            if place < self._end:
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


def _remember(ring: ref[Ring], event: Event) -> None:
    if (living := ring()) is not None:
        living.add(event)


# By engine, since handlers are handed the engine and no place of their own. It goes with the engine: nothing in a lobby
# holds one beyond the waiting of a client.
_LOBBIES: WeakKeyDictionary[Any, Lobby] = WeakKeyDictionary()
