"""The frozen values that all parts share: requests, records of jobs, and the states a job goes through.

Nothing here knows a thread, a file or a clock: times are parameters, as seconds since 1970 (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from meantime.errors import Failure, IllegalTransition, RecordDamaged


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"  # accepted durably; waits for a thread, or for its data set
    RUNNING = "running"  # its attempt is counted durably; a thread has it
    DONE = "done"  # its result was written, then its record committed
    FAILED = "failed"  # its failure says why
    CANCELLED = "cancelled"  # on request

    @property
    def is_ended(self) -> bool:
        """Whether no transition leads out of this state."""
        return not LEGAL_TRANSITIONS[self]


# Every other transition is an error. running -> queued is a job given back: its server crashed or stopped, or the disk
# was full.
LEGAL_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as accepted.

    The result depends on nothing but this, without ``label`` and ``submitted_by``, and the snapshot's content.
    """

    dataset: str  # name of the data set in the catalog
    statistic: str  # name in the registry
    parameters: dict[str, Any]  # checked, or raw while the data set was loading; defaults filled in
    view: str = "classic"  # the form in which the result file is written
    fingerprint: str | None = None  # of the snapshot; None until the data set was loaded
    label: str | None = None  # the client's own word for it, to find it by
    submitted_by: str | None = None  # id of the key that it was submitted with


class IdempotencyKey(msgspec.Struct, frozen=True, kw_only=True):
    """By which a request that is sent twice is recognized: the client's key, and what came with it."""

    key: str  # of the client's choosing
    digest: str  # of the body that came with it


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the record keeps of a result, so that its file can be checked, and computed again if it is lost."""

    checksum: str  # BLAKE2b-128 of the file's bytes, hexadecimal
    size_bytes: int
    method_version: int  # of the statistic that made it


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the store keeps it: the request, and how far it has come. Methods return the next version."""

    number: int  # 1, 2, ...; never used twice, also after a restart
    request: Request
    created_at_s: float
    state: JobState = JobState.QUEUED
    attempts: int = 0  # how often work was started; counted durably before it starts
    started_at_s: float | None = None  # of the last attempt
    ended_at_s: float | None = None
    failure: Failure | None = None
    receipt: Receipt | None = None
    idempotency_key: IdempotencyKey | None = None  # that it was accepted under; the jobs of one batch share it
    host: int | None = None  # that claimed it last, and has its result; None if no host has, or if there is only one

    @classmethod
    def accepted(
        cls,
        requests: Sequence[Request],
        *,
        first: int,
        at_s: float,
        idempotency_key: IdempotencyKey | None,
        started: int,
        host: int | None,
    ) -> list[JobRecord]:
        """Return the records of new jobs, numbered from ``first``; so many of them, the first ones, are started."""
        records = [
            cls(number=number, request=request, created_at_s=at_s, idempotency_key=idempotency_key)
            for number, request in enumerate(requests, first)
        ]
        return [record.start(at_s=at_s, host=host) for record in records[:started]] + records[started:]

    @classmethod
    def damaged(cls, number: int) -> JobRecord:
        """Return what is left of a record that is damaged on disk: a failed job, with nothing but its number."""
        error = RecordDamaged(
            f"The record of {job_id(number)} on the server's disk is damaged, so what was asked and answered is not "
            "known. Submit the request again."
        )
        return cls(
            number=number,
            request=Request(dataset="", statistic="", parameters={}),
            created_at_s=0.0,
            state=JobState.FAILED,
            failure=Failure.of(error),
        )

    @property
    def id(self) -> str:
        """The id that clients see."""
        return job_id(self.number)

    @property
    def is_damaged(self) -> bool:
        """Whether this is what is left of a damaged record."""
        return self.failure is not None and self.failure.code == RecordDamaged.code

    def start(self, *, at_s: float, request: Request | None = None, host: int | None = None) -> JobRecord:
        """Count an attempt, of this host. ``request`` is the same request, bound to its snapshot now if not before."""
        return self._transition(
            JobState.RUNNING, attempts=self.attempts + 1, started_at_s=at_s, request=request or self.request, host=host
        )

    def finish(self, receipt: Receipt, *, at_s: float) -> JobRecord:
        """Mark as done. The result must have been written before."""
        return self._transition(JobState.DONE, receipt=receipt, ended_at_s=at_s)

    def fail(self, failure: Failure, *, at_s: float) -> JobRecord:
        """Mark as failed for good."""
        return self._transition(JobState.FAILED, failure=failure, ended_at_s=at_s)

    def cancel(self, failure: Failure, *, at_s: float) -> JobRecord:
        """Mark as cancelled. ``failure`` says why."""
        return self._transition(JobState.CANCELLED, failure=failure, ended_at_s=at_s)

    def give_back(self, *, attempt_counts: bool) -> JobRecord:
        """Return the job to the queue. The attempt counts if the job may have caused its end, as in a crash."""
        attempts = self.attempts if attempt_counts else self.attempts - 1
        return self._transition(JobState.QUEUED, attempts=attempts, started_at_s=None, host=None)

    def _transition(self, state: JobState, **changes: Any) -> JobRecord:
        if state not in LEGAL_TRANSITIONS[self.state]:
            raise IllegalTransition(f"{self.id} is {self.state} and cannot become {state}.")
        return msgspec.structs.replace(self, state=state, **changes)


# ASCII digits only: int() would take "１", "+1" and "1_0" too. 18 digits fit in 64 bits.
_JOB_ID = re.compile(r"job_id_([1-9][0-9]{0,17})", re.ASCII)


def job_id(number: int) -> str:
    """Return the id of a job's number: ``job_id_N``."""
    return f"job_id_{number}"


def job_number(text: str) -> int | None:
    r"""Return the number in a job id, or None if the text is not exactly a job id.

    >>> job_number("job_id_10")
    10
    >>> [job_number(text) for text in ("job_id_01", "job_id_+1", "job_id_1_0", "job_id_１", "job_id_1\n", "../x")]
    [None, None, None, None, None, None]
    """
    match = _JOB_ID.fullmatch(text)
    return int(match[1]) if match else None


class Work(Protocol):
    """Connects a computation with its job: takes its progress, and stops it when necessary."""

    def progress(self, share: float) -> None:
        """Report how much is done, from 0 to 1."""

    def check(self) -> None:
        """Raise JobInterrupted if the work is to stop: cancelled, out of time, or shutting down."""


class Unwatched:
    """For a direct call: nobody watches the work or stops it."""

    def progress(self, share: float) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""
