"""Clients that wait for jobs: for the end of a job, for each of its changes, or for events of all jobs.

Ten thousand clients may wait at once, for one job or for ten thousand. So each job is watched once in the engine,
however many clients wait for it. Threads wake the event loop once for all changes that it has not handled yet. A
waiting client costs a future and a timer; both are released at the end, on timeout, when it disconnects, or when the
server stops.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from meantime.engine.engine import Engine, JobDetail
from meantime.web.event_log import EventLog
from meantime.web.http.replies import ClientGone

# How many changes are handled, and how many listeners called, in one turn of the event loop. An answer takes about 0.1
# ms, so other requests wait for at most 10 ms.
_CALLS_PER_TURN = 100

Listener = Callable[[JobDetail | None], None]


class JobWaiters:
    """Lets clients wait, in the event loop of the server. Only ``close`` may be called in other threads.

    Close it before the HTTP server waits for its open connections to end.
    """

    def __init__(self) -> None:
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[int, _Watched] = {}  # by number of the job
        self._changes: deque[JobDetail] = deque()  # reported by threads, not yet handled
        self._notifications: deque[tuple[Listener, JobDetail | None]] = (
            deque()
        )  # listeners still to be called, and with what
        self._is_notifying = False
        self._is_wake_scheduled = False
        self._events: EventLog | None = None

    async def wait_for_end(
        self, engine: Engine, number: int, *, within_s: float, disconnected: Callable[[], Awaitable[None]]
    ) -> JobDetail:
        """Return the state of a job when it has ended, ``within_s`` seconds have passed, or the server stops.

        Raises:
            JobUnknown: no job has this number, or it has been removed.
            ClientGone: ``disconnected`` has returned, so nobody waits for the answer.
        """
        detail = engine.describe(number)
        if detail.state.is_ended or not within_s or self._is_closed:
            return detail
        with self._woken_by_end(engine, number, within_s=within_s) as (woken, wake):
            # A task that wakes the same future: asyncio.wait for both would make a waiting client twice as expensive.
            disconnecting = asyncio.ensure_future(disconnected())
            disconnecting.add_done_callback(lambda _: wake(None))
            try:
                ended = await woken
            finally:
                is_disconnected = disconnecting.done() and not disconnecting.cancelled()
                disconnecting.cancel()
        if ended is not None:
            return ended
        if is_disconnected:
            disconnecting.result()  # raises if the check itself failed
            raise ClientGone
        return engine.describe(number)

    async def wait_a_moment(self, engine: Engine, number: int, *, within_s: float) -> None:
        """Wait until a job has ended, or ``within_s`` seconds have passed, or the server stops.

        For a moment only: a client that disconnects meanwhile is not noticed.

        Raises:
            JobUnknown: no job has this number, or it has been removed.
        """
        with self._woken_by_end(engine, number, within_s=within_s) as (woken, _):
            await woken

    @contextmanager
    def _woken_by_end(
        self, engine: Engine, number: int, *, within_s: float
    ) -> Iterator[tuple[asyncio.Future[JobDetail | None], Listener]]:
        """Yield what resolves to the state of a job when it has ended, and what resolves it at once.

        It resolves to None after ``within_s`` seconds, or when the server stops.
        """
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[JobDetail | None] = loop.create_future()

        def wake(detail: JobDetail | None) -> None:
            if not woken.done():
                woken.set_result(detail)

        leave = self.listen(engine, number, wake, to_end_only=True)
        timer = loop.call_later(within_s, wake, None)
        try:
            yield woken, wake
        finally:
            leave()
            timer.cancel()

    def listen(self, engine: Engine, number: int, listener: Listener, *, to_end_only: bool) -> Callable[[], None]:
        """Call ``listener`` at each change of a job, or only at its end; return a function that stops this.

        ``listener`` is called in the event loop. None means that the server stops, and no more calls will follow.

        Raises:
            JobUnknown: no job has this number.
        """
        self._bind_to_loop()
        if self._is_closed:
            listener(None)
            return lambda: None
        watched = self._watched.get(number)
        if watched is None:
            watched = self._watched[number] = _Watched()
            try:
                watched.unwatch = engine.watch(number, partial(self._record, watched))
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
        """Return the log of all events since this was first called."""
        self._bind_to_loop()
        if self._events is None:
            self._events = EventLog(wake_loop=self._wake_loop)
            # It stays on, so that a client that was cut off finds the events that it has missed.
            engine.follow(self._events.add)
        return self._events

    @property
    def is_closed(self) -> bool:
        """Whether the server stops, so that no client may wait."""
        return self._is_closed

    @property
    def watched(self) -> int:
        """The number of jobs that clients wait for."""
        return len(self._watched)

    def close(self) -> None:
        """End all waits."""
        self._is_closed = True
        self._wake_loop()

    def _bind_to_loop(self) -> None:
        """Use the running event loop. A server has one; tests have one after another."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._watched = {}
            self._notifications.clear()
            if self._events is not None:
                self._events.forget_loop()
            self._is_notifying = self._is_wake_scheduled = False

    def _record(self, watched: _Watched, detail: JobDetail) -> None:
        """Record a change, in the thread where it happened."""
        # Few clients want progress, and it would wake the loop a hundred times for each job that is waited for.
        if watched.of_changes or detail.state.is_ended:
            self._changes.append(detail)
            self._wake_loop()

    def _wake_loop(self) -> None:
        # As in http/loop_bridge.py: callers append before this check, and _drain clears the flag before it takes.
        if not self._is_wake_scheduled and self._loop is not None:
            self._is_wake_scheduled = True
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._is_wake_scheduled = False
        for _ in range(min(_CALLS_PER_TURN, len(self._changes))):
            self._dispatch(self._changes.popleft())
        if self._changes:
            self._wake_loop()
        if self._events is not None:
            self._events.wake(is_last=self._is_closed)
        if self._is_closed:
            for watched in self._watched.values():
                self._notifications.extend((listener, None) for listener in (*watched.of_changes, *watched.of_end))
        if not self._is_notifying:
            self._notify()

    def _dispatch(self, detail: JobDetail) -> None:
        number = detail.record.number
        if (watched := self._watched.get(number)) is None:
            return  # all its clients have left
        self._notifications.extend((listener, detail) for listener in watched.of_changes)
        if detail.state.is_ended:
            self._notifications.extend((listener, detail) for listener in watched.of_end)
            # The engine drops the watch when a job ends. Calling unwatch here would take the engine's lock for each
            # job, while its threads are busiest.
            del self._watched[number]

    def _notify(self) -> None:
        for _ in range(min(_CALLS_PER_TURN, len(self._notifications))):
            listener, detail = self._notifications.popleft()
            listener(detail)
        self._is_notifying = bool(self._notifications)
        if self._is_notifying and self._loop is not None:
            self._loop.call_soon(self._notify)


class _Watched:
    """A job that clients wait for, and its listeners in the order of their arrival."""

    __slots__ = ("of_changes", "of_end", "unwatch")

    def __init__(self) -> None:
        self.of_changes: dict[Listener, None] = {}
        self.of_end: dict[Listener, None] = {}
        self.unwatch: Callable[[], None] = lambda: None
