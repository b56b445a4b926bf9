"""Takes over the jobs of the last server, including one that crashed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from meantime.engine.commits import Update
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob, EndedJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import Clock, JobStore, Observer
from meantime.engine.queue import JobQueue
from meantime.engine.retry import RetryPolicy
from meantime.errors import RecordDamaged
from meantime.model import JobRecord, JobState, job_number


class Recovered(NamedTuple):
    """The unfinished jobs of the last server."""

    waiting: list[ActiveJob]
    crashed: list[Update]  # were worked on, or claimed, when it ended without a word; and what becomes of them
    newest_s: float | None  # the latest time in a record


def recover(
    *,
    lifecycle: Lifecycle,
    index: JobIndex,
    queue: JobQueue,
    store: JobStore,
    host: int | None,
    retry: RetryPolicy,
    clock: Clock,
    observer: Observer,
) -> Recovered:
    """Read all jobs, and index those that have ended or were running. Takes the engine's lock.

    Of the running ones, those of ``host`` are taken over, which is this one; the others are left to their hosts.

    A job whose record is damaged is reported to the observer, and has failed. When is not known, so it is kept as if
    that were now.

    Raises:
        StoreBroken: the store cannot be read.
    """
    waiting: list[ActiveJob] = []
    crashed: list[Update] = []
    elsewhere: list[ActiveJob] = []
    newest_s: float | None = None
    ended: list[tuple[int, EndedJob]] = []  # not the whole records: those of a hundred thousand jobs are 150 MB
    for record in store.jobs():
        newest_s = max(newest_s or 0.0, record.created_at_s, record.ended_at_s or 0.0)
        if record.is_damaged:
            observer.job_trouble(record, RecordDamaged(f"The record of {record.id} is damaged; it is left as it is."))
            if job_number(record.id) is not None:  # else nobody could ask for it
                ended.append((record.number, EndedJob.of(msgspec.structs.replace(record, ended_at_s=clock()))))
        elif record.state.is_ended:
            ended.append((record.number, EndedJob.of(record)))
        elif record.state is JobState.RUNNING and record.host == host:
            crashed.append(Update(ActiveJob(record), after_crash(record, retry, clock)))
        elif record.state is JobState.RUNNING:
            elsewhere.append(ActiveJob(record))
        else:
            waiting.append(ActiveJob(record))
    with lifecycle.lock:
        index.add_ended(ended)
        index.add_active(job for job, _ in crashed)
        index.add_active(elsewhere)
        for job, _ in crashed:
            job.is_decided = True
        for job in elsewhere:
            queue.leave_to_others(job)
    return Recovered(waiting, crashed, newest_s)


def after_crash(record: JobRecord, retry: RetryPolicy, clock: Clock) -> JobRecord:
    """Return what becomes of a job whose host ended without a word while the job was claimed or worked on."""
    failure = retry.failure_after_crash(record)
    return record.give_back(attempt_counts=True) if failure is None else record.fail(failure, at_s=clock())
