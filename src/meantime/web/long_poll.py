"""Clients that wait for jobs: for the end of one, for each change of one, or for events of all.

Ten thousand may wait at once, for one job or for as many. So a job is watched once in the engine, however many wait for
it; the threads wake the event loop once for everything that they have changed meanwhile; and a waiting client costs a
future and a timer, which go with it: at the end, on timeout, when it disconnects, or when the server stops.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from meantime.engine.engine import Engine, JobDetail
from meantime.web.event_log import EventLog
from meantime.web.http.replies import ClientGone

# How many changes are looked at, and how many clients told of them, in one turn of the event loop: each answer takes
# some 0.1 ms, so that others wait for 10 ms.
_TOLD_PER_TURN = 100

Listener = Callable[[JobDetail | None], None]


class JobWaiters:
    """Where clients wait, in the one event loop that serves. Only ``close`` may be called in other threads.

    It is to be closed before the HTTP server waits for its open connections to end.
    """

    def __init__(self) -> None:
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[int, _Watched] = {}  # by number of the job
        self._changes: deque[JobDetail] = deque()  # what the threads have told, in their order
        self._to_tell: deque[tuple[Listener, JobDetail | None]] = deque()  # what is still to be told to whom
        self._is_telling = False
        self._is_called = False
        self._events: EventLog | None = None

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

    def events(self, engine: Engine) -> EventLog:
        """Return what has happened to all jobs since somebody first asked for that."""
        self._enter()
        if self._events is None:
            self._events = EventLog(call=self._call)
            # From now on: a client that was cut off finds what it has missed.
            engine.follow(self._events.add)
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
        # As in http/loop_bridge.py: first append, then check; _look clears the flag first and takes then.
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
