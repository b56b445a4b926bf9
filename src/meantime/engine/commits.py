"""Changes the records of unfinished jobs: in the store first, then in memory, in the order of the commits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from meantime.engine.events import EventDispatcher
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import JobStore, Observer, Transition
from meantime.engine.queue import JobQueue, QueueState
from meantime.engine.retention import Retention
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
    until this one is committed. ``cancelled`` returns the record of a cancelled job.
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
        retention: Retention,
        cancelled: Callable[[JobRecord], JobRecord],
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._scheduler = scheduler
        self._store = store
        self._observer = observer
        self._retention = retention
        self._cancelled = cancelled
        self._unwritten: deque[Sequence[Update]] = deque()  # could not be committed for the moment
        self._ends: list[Update] = []  # gather while others are being committed
        self._is_committing_ends = False

    def commit(self, updates: Sequence[Update]) -> None:
        """Commit all of these updates, or none; apply and announce them when they are committed."""
        self._lifecycle.when_done(self._update(updates), partial(self._committed, updates))

    def commit_end(self, update: Update) -> None:
        """Commit an end together with others: with those that come until the commit before is done.

        So what a commit costs besides its rows (calls, locks, wake-ups) is shared by many jobs when there are many.
        """
        with self._lifecycle.lock:
            self._ends.append(update)
            if self._is_committing_ends:
                return
            self._is_committing_ends = True
        self._commit_ends()

    def commit_now(self, updates: Sequence[Update]) -> None:
        """Do the same before this returns. Not to be called in the store's thread."""
        applied = threading.Event()

        def apply(done: Future[frozenset[int]]) -> None:
            try:
                self._committed(updates, done)
            finally:
                applied.set()

        # In the store's thread, as ever: what other hosts do next with these jobs is heard of there, and after this.
        self._lifecycle.when_done(self._update(updates), apply)
        applied.wait()

    def next_unwritten(self) -> Sequence[Update] | None:
        """Take out what should be tried again now that the pause is over. The lock is held."""
        return self._unwritten.popleft() if self._unwritten else None

    def give_back_running(self) -> None:
        """At a stop, give back the jobs that are still worked on or claimed, without counting the attempt."""
        with self._lifecycle.settled:
            # A start that is committed after we have looked would count an attempt that never was.
            self._lifecycle.settled.wait_for(lambda: not self._queue.is_starting, _COMMIT_S)
            running = [
                job
                for job in self._index.active.values()
                if job.record.state is JobState.RUNNING
                and not job.is_decided
                and job.queue_state is not QueueState.ELSEWHERE
            ]
            for job in running:
                job.is_decided = True
            updates = [Update(job, job.record.give_back(attempt_counts=False)) for job in running]
            # The store is closed after this, and takes nothing from its own thread any more.
            groups, self._unwritten, self._ends = [self._ends, *self._unwritten, updates], deque(), []
        for group in groups:
            if group:
                self.commit(group)

    def give_back_claimed(self) -> None:
        """Claim no more jobs, and give back those that no thread has yet: other hosts will take them."""
        with self._lifecycle.lock:
            claimed = self._queue.close()
            for job in claimed:
                job.is_decided = True
        if claimed:
            self.commit([Update(job, job.record.give_back(attempt_counts=False)) for job in claimed])

    def _commit_ends(self) -> None:
        with self._lifecycle.lock:
            ends, self._ends = self._ends, []
            self._is_committing_ends = bool(ends)
        if ends:
            self._lifecycle.when_done(self._update(ends), partial(self._ends_committed, ends))

    def _ends_committed(self, ends: Sequence[Update], done: Future[frozenset[int]]) -> None:
        self._committed(ends, done)
        self._commit_ends()

    def _update(self, updates: Sequence[Update]) -> Future[frozenset[int]]:
        return self._store.update([Transition(update.job.record, update.record) for update in updates])

    def _committed(self, updates: Sequence[Update], done: Future[frozenset[int]]) -> None:
        error = done.exception()
        if error is None:
            lost = done.result()
            self._apply([update for update in updates if update.job.number not in lost] if lost else updates)
            if lost:
                self._drop([update for update in updates if update.job.number in lost])
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
                if job.is_lost:  # another host had it for a moment, and left it as it was before
                    job = self._index.active[job.number]  # noqa: PLW2901 - what stands for it now
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
            # Jobs may have waited for these ends, or there is one ended job too many. Usually neither is so, and a
            # thread that is woken for nothing keeps the interpreter from whoever waits for the result.
            if self._queue.has_unclaimed or self._retention.is_due:
                self._lifecycle.work_available.notify()
        if given_back:
            self._scheduler.schedule(given_back, event="given-back")
        for job, was_working in ended:
            job.resolve_cancellations()
            self._observe_end(job.record, was_working=was_working)
        self._events.dispatch()

    def _drop(self, updates: Sequence[Update]) -> None:
        """Let go of moves that other hosts have forestalled; a job that they have left queued waits again."""
        again: list[ActiveJob] = []
        with self._lifecycle.lock:
            for update in updates:
                job = self._index.active.get(update.job.number)
                if job is None or job is update.job or not job.is_decided:
                    continue  # it has ended, or is elsewhere, or waits already
                job.is_decided = False
                if job.record.state is JobState.QUEUED:
                    again.append(job)
        cancelled = [job for job in again if job.is_cancelled]
        if waiting := [job for job in again if not job.is_cancelled]:
            self._scheduler.schedule(waiting)
        for job in cancelled:
            self.commit([Update(job, self._cancelled(job.record))])

    def _observe_end(self, record: JobRecord, *, was_working: bool) -> None:
        run_s = (record.ended_at_s or 0.0) - (record.started_at_s or 0.0) if was_working else 0.0
        self._observer.job_ended(record.state, max(0.0, run_s))
