"""Changes the records of unfinished jobs: in the store first, then in memory, in the order of the commits."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from meantime.engine.events import EventDispatcher
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import JobStore, Observer, Transition
from meantime.engine.queue import JobQueue
from meantime.engine.scheduler import Scheduler
from meantime.errors import StorePaused
from meantime.model import JobRecord, JobState

# How long a stop in a hurry still waits for starts that are being committed: far longer than a commit takes.
_COMMIT_S = 2.0


class Update(NamedTuple):
    """A job and its next record."""

    job: ActiveJob
    record: JobRecord


class Commits:
    """Commits ends of jobs, and jobs that are given back to the queue. Takes the engine's lock itself.

    The thread that decides the next record of a job sets its ``is_decided`` under the lock. No other record is decided
    until this one is committed.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        events: EventDispatcher,
        scheduler: Scheduler,
        store: JobStore,
        observer: Observer,
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._scheduler = scheduler
        self._store = store
        self._observer = observer
        self._unwritten: deque[Sequence[Update]] = deque()  # could not be committed for the moment

    def commit(self, updates: Sequence[Update]) -> None:
        """Commit all of these updates, or none; apply and announce them when they are committed."""
        self._lifecycle.when_done(self._update(updates), partial(self._committed, updates))

    def commit_now(self, updates: Sequence[Update]) -> None:
        """Do the same before this returns."""
        self._committed(updates, self._update(updates))

    def next_unwritten(self) -> Sequence[Update] | None:
        """Take out what should be tried again now that the pause is over. The lock is held."""
        return self._unwritten.popleft() if self._unwritten else None

    def give_back_running(self) -> None:
        """At a stop, give back the jobs that are still worked on or claimed, without counting the attempt."""
        with self._lifecycle.settled:
            # A start that is committed after we have looked would count an attempt that never was.
            self._lifecycle.settled.wait_for(lambda: not self._queue.is_claiming, _COMMIT_S)
            running = [
                job
                for job in self._index.active.values()
                if job.record.state is JobState.RUNNING and not job.is_decided
            ]
            for job in running:
                job.is_decided = True
            updates = [Update(job, job.record.give_back(attempt_counts=False)) for job in running]
            groups, self._unwritten = [*self._unwritten, updates], deque()
        for group in groups:
            if group:
                self.commit(group)

    def _update(self, updates: Sequence[Update]) -> Future[None]:
        return self._store.update([Transition(update.job.record, update.record) for update in updates])

    def _committed(self, updates: Sequence[Update], done: Future[None]) -> None:
        error = done.exception()
        if error is None:
            self._apply(updates)
            return
        if isinstance(error, StorePaused):
            with self._lifecycle.lock:
                is_last_try = self._lifecycle.stopping.is_set()
                if not is_last_try:
                    self._unwritten.append(updates)
            if is_last_try:
                # The next start finds these jobs as after a crash, and runs them again.
                for update in updates:
                    self._observer.job_trouble(update.job.record, error)
        self._lifecycle.set_back(error)

    def _apply(self, updates: Sequence[Update]) -> None:
        ended: list[tuple[ActiveJob, bool]] = []
        given_back: list[ActiveJob] = []
        with self._lifecycle.lock:
            for job, record in updates:
                job.record = record
                job.is_decided = False
                was_working = self._queue.remove(job)
                if record.state.is_ended:
                    self._index.end(job)
                    self._events.add_ended(job)
                    self._lifecycle.backoff.reset()
                    ended.append((job, was_working))
                else:
                    given_back.append(job)
            if not self._index.unfinished:
                self._lifecycle.settled.notify_all()
            # A suspect may have waited for this end, or there is one ended job too many.
            self._lifecycle.work_available.notify()
        if given_back:
            self._scheduler.schedule(given_back, event="given-back")
        for job, was_working in ended:
            job.resolve_cancellations()
            self._observe_end(job.record, was_working=was_working)
        self._events.dispatch()

    def _observe_end(self, record: JobRecord, *, was_working: bool) -> None:
        run_s = (record.ended_at_s or 0.0) - (record.started_at_s or 0.0) if was_working else 0.0
        self._observer.job_ended(record.state, max(0.0, run_s))
