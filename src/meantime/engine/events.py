"""Calls back those who watch one job, and those who follow all of them.

Events are delivered in the order in which they happened, whichever threads they happened in: one thread delivers at a
time, and threads that add events meanwhile leave them to it. No lock is held while somebody is called.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from meantime.engine.jobs import ActiveJob, JobDetail, Watcher
from meantime.model import JobRecord

EventKind = Literal["accepted", "started", "progress", "given-back", "ended", "removed"]


class Event(NamedTuple):
    """Something that has happened to a job, and how the job stood then."""

    kind: EventKind
    detail: JobDetail


Follower = Callable[[Event], None]


class _Delivery(NamedTuple):
    event: Event
    watchers: Sequence[Watcher]
    followers: Sequence[Follower]


class EventDispatcher:
    """Events that wait to be delivered, and the followers of all jobs.

    ``lock`` is the engine's. The methods ``add...`` need it held, since before the event happened, so that it guards
    the order too; ``dispatch`` and ``follow`` take it themselves.

    ``on_error`` hears of watchers and followers that raise. ``position_of`` says how many jobs go before one.
    """

    def __init__(
        self,
        lock: threading.Lock,
        *,
        position_of: Callable[[ActiveJob], int | None],
        on_error: Callable[[JobRecord, BaseException], None],
    ) -> None:
        self._lock = lock
        self._position_of = position_of
        self._on_error = on_error
        self._followers: tuple[Follower, ...] = ()
        self._waiting: deque[_Delivery] = deque()
        self._is_dispatching = False

    @property
    def is_followed(self) -> bool:
        """Whether somebody follows all jobs."""
        return bool(self._followers)

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Have all events from now on delivered; return what ends that."""
        with self._lock:
            self._followers = (*self._followers, follower)

        def unfollow() -> None:
            with self._lock:
                # One entry only: a callback that follows twice and leaves once still follows.
                followers = list(self._followers)
                if follower in followers:
                    followers.remove(follower)
                self._followers = tuple(followers)

        return unfollow

    def describe(self, job: ActiveJob) -> JobDetail:
        """Describe an unfinished job as it stands. The lock is held."""
        return JobDetail(job.record, job.state, job.progress, self._position_of(job))

    def add(self, kind: EventKind, jobs: Iterable[ActiveJob]) -> None:
        """Add an event of each of these unfinished jobs. The lock is held."""
        for job in jobs:
            if job.watchers or self._followers:
                self._add(kind, self.describe(job), job.watchers)

    def add_ended(self, job: ActiveJob) -> None:
        """Add the end of a job, which its record tells. The lock is held."""
        if job.watchers or self._followers:
            self._add("ended", JobDetail.of_ended(job.record), job.watchers)

    def add_removed(self, records: Iterable[JobRecord]) -> None:
        """Add the removal of ended jobs, which nobody watches any more. The lock is held."""
        if self._followers:
            for record in records:
                self._add("removed", JobDetail.of_ended(record), ())

    def dispatch(self) -> None:
        """Deliver what waits, unless another thread is at it. The lock is not held."""
        if not self._waiting:
            return  # events that nobody wants cost no lock
        with self._lock:
            if self._is_dispatching:
                return
            self._is_dispatching = True
        while (delivery := self._next()) is not None:
            event, watchers, followers = delivery
            for watcher in watchers:
                self._call(event, watcher, event.detail)
            for follower in followers:
                self._call(event, follower, event)

    def _add(self, kind: EventKind, detail: JobDetail, watchers: Sequence[Watcher]) -> None:
        self._waiting.append(_Delivery(Event(kind, detail), tuple(watchers), self._followers))

    def _next(self) -> _Delivery | None:
        with self._lock:
            # Decided under the lock: a thread that adds an event after this delivers it.
            self._is_dispatching = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _call(self, event: Event, callback: Callable[..., None], argument: JobDetail | Event) -> None:
        try:
            callback(argument)
        # It is other people's code, and the job must not suffer from it.
        except Exception as error:  # noqa: BLE001
            self._on_error(event.detail.record, error)
