"""What memory knows of one job: an unfinished one whole, an ended one slim."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from meantime.engine.lines import NumberLine
from meantime.engine.tickets import Ticket
from meantime.errors import Failure, JobEnded, JobUnknown, ShuttingDown
from meantime.model import JobRecord, JobState, Receipt, job_id


class JobView(NamedTuple):
    """What memory knows of a job, at once.

    A job is shown as running when a thread works on it, not when it was claimed for one. Its record says running by
    then, so that the attempt is counted; but callers want to know whether the job still waits for others.
    """

    number: int
    state: JobState
    failure: Failure | None = None  # of a failed or cancelled job
    progress: float = 0.0  # of a running job, from 0 to 1, as far as the statistic reports it


class JobDetail(NamedTuple):
    """Everything known about a job."""

    record: JobRecord
    state: JobState  # as in a view; the record may be ahead of it
    progress: float  # from 0 to 1, as far as the statistic reports it; 1 for a job that is done
    position: int | None  # how many jobs go first, as things are; None unless it waits for a thread

    @classmethod
    def of_ended(cls, record: JobRecord) -> JobDetail:
        """Describe a job that has ended. Depends on its record alone, so it stays the same across restarts."""
        return cls(record, record.state, 1.0 if record.state is JobState.DONE else 0.0, None)


Watcher = Callable[[JobDetail], None]


class ActiveJob:
    """An unfinished job: its record as last committed, and what only this process knows.

    Guarded by the engine's lock.
    """

    __slots__ = (
        "cancellations",
        "client",
        "is_cancelled",
        "is_decided",
        "is_exchanged",
        "is_lost",
        "is_working",
        "line",
        "progress",
        "queue_state",
        "record",
        "ticket",
        "watchers",
        "works_elsewhere",
    )

    def __init__(self, record: JobRecord, client: str = "") -> None:
        self.record = record
        self.client = client  # in whose turns it runs; "" after a restart, when nobody knows any more
        self.queue_state: object = None  # belongs to the queue, as the next two do
        self.line: NumberLine | None = None  # the line it stands in, until a thread has it
        self.ticket: Ticket = (0, 0)  # its place in that line
        self.progress = 0.0
        self.is_working = False  # a thread has it, or had it and its end is being committed
        self.is_cancelled = False  # on request; the work notices at its next check
        self.is_decided = False  # its next record is decided and being committed: nobody else may decide another
        self.is_lost = False  # another host has changed it: another object stands for it, and any work is discarded
        self.is_exchanged = False  # it stands for the job since another host changed that while it was being claimed
        self.works_elsewhere = False  # a thread of another host has it
        self.cancellations: list[Future[JobRecord]] = []  # who waits for the cancellation
        self.watchers: list[Watcher] = []

    @property
    def number(self) -> int:
        """The job's number."""
        return self.record.number

    @property
    def state(self) -> JobState:
        """The state that is shown of it."""
        return JobState.RUNNING if self.is_working or self.works_elsewhere else JobState.QUEUED

    def view(self) -> JobView:
        """Return what is known at once."""
        return JobView(self.number, self.state, None, self.progress)

    def as_changed(self, record: JobRecord) -> ActiveJob:
        """Return what stands for the job from now on, as another host has left it; whoever waits, waits for that."""
        job = ActiveJob(record, self.client)
        job.is_cancelled, job.cancellations, job.watchers = self.is_cancelled, self.cancellations, self.watchers
        job.works_elsewhere, job.progress = self.works_elsewhere, self.progress if self.works_elsewhere else 0.0
        # Whatever a thread or a commit still does with the old one comes to nothing.
        self.is_lost = self.is_decided = True
        return job

    def resolve_cancellations(self) -> None:
        """Tell those who wait for the cancellation how the job ended. No lock is held: nobody adds to them any more."""
        for cancellation in self.cancellations:
            if self.record.state is JobState.CANCELLED:
                cancellation.set_result(self.record)
            else:
                cancellation.set_exception(job_ended(self.number, self.record.state))


class EndedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What memory keeps of an ended job: a hundred thousand of them must cost little."""

    state: JobState
    ended_at_s: float
    failure: Failure | None
    receipt: Receipt | None

    @classmethod
    def of(cls, record: JobRecord) -> EndedJob:
        """Return what is kept of a record."""
        return cls(
            state=record.state, ended_at_s=record.ended_at_s or 0.0, failure=record.failure, receipt=record.receipt
        )


def job_unknown(number: int) -> JobUnknown:
    """Return the error about a number that no job has."""
    return JobUnknown(f"There is no {job_id(number)}: no job ever had this id, or the job was removed.")


def job_ended(number: int, state: JobState) -> JobEnded:
    """Return the error about cancelling a job that has ended."""
    return JobEnded(f"{job_id(number)} is {state} already, so it can no longer be cancelled.")


def server_stopped() -> ShuttingDown:
    """Return the error about anything that has to wait for the next start."""
    return ShuttingDown("The server has stopped. Try again when it is back.")
