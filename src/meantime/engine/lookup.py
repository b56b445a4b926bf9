"""Describes and finds jobs: what has ended from its record, what has not from memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from meantime.engine.events import EventDispatcher
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import JobDetail, JobView, Watcher, job_unknown
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import JobFilter, JobStore
from meantime.errors import JobUnknown
from meantime.model import JobRecord, JobState


class JobLookup:
    """Answers questions about jobs. Takes the engine's lock itself, and reads the store without it."""

    def __init__(self, *, lifecycle: Lifecycle, index: JobIndex, events: EventDispatcher, store: JobStore) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._events = events
        self._store = store

    def view(self, number: int) -> JobView:
        """Return how a job stands; see ``Engine.look_up``."""
        with self._lifecycle.lock:
            return self._index.view(number)

    def states(self) -> list[tuple[int, JobState]]:
        """Return the state of every job, by number."""
        with self._lifecycle.lock:
            ended, active = self._index.all_jobs()
        # Without the lock: of a hundred thousand jobs this takes a while, and others need the lock to look one up.
        states = [(number, job.state) for number, job in ended]
        states += [(job.number, job.state) for job in active]
        return sorted(states)

    def describe(self, number: int, record: JobRecord | None = None) -> JobDetail:
        """Return everything known about a job; see ``Engine.describe``.

        ``record`` is the job's record, if that was just read. Whether the job is still there, memory says.
        """
        with self._lifecycle.lock:
            if (job := self._index.active.get(number)) is not None:
                return self._events.describe(job)
            self._index.view(number)
        if record is None or not record.state.is_ended:  # it has ended since the record was read
            record = self._store.get(number)
        if record is None:
            raise job_unknown(number)  # removed since we looked
        return JobDetail.of_ended(record)

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobDetail]:
        """Describe jobs that match, the newest first; see ``Engine.find``."""
        matches: list[JobDetail] = []
        recorded = _as_recorded(job_filter)
        while (missing := limit - len(matches)) > 0:
            records = self._store.find(recorded, before=before, limit=missing)
            for record in records:
                # Unknown to memory: the job is about to be accepted, or is being removed.
                with contextlib.suppress(JobUnknown):
                    detail = self.describe(record.number, record)
                    if job_filter.matches(detail.record, detail.state):
                        matches.append(detail)
            if len(records) < missing:
                break
            before = records[-1].number
        return matches

    def watch(self, number: int, watcher: Watcher) -> Callable[[], None]:
        """Call back at each change of a job; see ``Engine.watch``."""
        with self._lifecycle.lock:
            self._index.view(number)
            job = self._index.active.get(number)
            watchers = job.watchers if job is not None else []
            watchers.append(watcher)
        if job is None:
            watcher(self.describe(number))

        def unwatch() -> None:
            with self._lifecycle.lock, contextlib.suppress(ValueError):
                watchers.remove(watcher)

        return unwatch


def _as_recorded(job_filter: JobFilter) -> JobFilter:
    """Return what to ask the store for: a job that is shown as queued may be recorded as running already."""
    if job_filter.states is None or JobState.QUEUED not in job_filter.states:
        return job_filter
    return msgspec.structs.replace(job_filter, states=job_filter.states | {JobState.RUNNING})
