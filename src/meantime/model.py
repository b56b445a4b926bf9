"""The frozen values that travel between the rooms: Request, Job, JobState and the table of legal moves.

Nothing here knows a thread, a file or a clock: times are handed in, as seconds since 1970 (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from meantime.errors import Failure, IllegalMove


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"  # accepted durably; waits for a thread, or for its data set
    RUNNING = "running"  # its attempt is counted durably; a thread has it
    DONE = "done"  # its result was put, then its record committed
    FAILED = "failed"  # it has a failure that says whose fault it is
    CANCELLED = "cancelled"  # somebody asked for that

    @property
    def is_ended(self) -> bool:
        """Whether no move leads out of this state."""
        return not LEGAL_MOVES[self]


# Every other move is an error. running -> queued is a job given back: its server crashed or stopped, or the disk
# was full.
LEGAL_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, as accepted. Beside the snapshot's content, the result depends on this alone, label excepted."""

    dataset: str  # name of the data set in the catalog
    statistic: str  # name in the registry
    parameters: dict[str, Any]  # checked, or raw while the data set was loading; defaults filled in
    view: str = "classic"  # the form in which the result file is written
    fingerprint: str | None = None  # of the snapshot; None until the data set was loaded
    label: str | None = None  # the asker's own word for it, to find it by; nothing depends on it


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """How a client says that a request sent twice is the same one: its key, and what the key came with."""

    key: str  # of the client's choosing
    digest: str  # of the body that came with it


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the record keeps of a result, so that its file can be checked, or made again, and compared."""

    checksum: str  # BLAKE2b-128 of the file's bytes, hexadecimal
    size_bytes: int
    method_version: int  # of the statistic that made it


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was accepted durably, and how far it has come. A new version comes from a method."""

    number: int  # 1, 2, ...; never given twice, also after a restart
    request: Request
    created_at_s: float
    state: JobState = JobState.QUEUED
    attempts: int = 0  # how often work was started; counted durably before it starts
    started_at_s: float | None = None  # of the last attempt
    ended_at_s: float | None = None
    failure: Failure | None = None
    receipt: Receipt | None = None
    once: Once | None = None  # the idempotency key that it was accepted under; jobs of one batch share it

    @property
    def id(self) -> str:
        """The id that clients see."""
        return job_id(self.number)

    def start(self, *, at_s: float, request: Request | None = None) -> Job:
        """Count an attempt. ``request`` is the same one bound to its snapshot, where it was not yet."""
        return self._move(
            JobState.RUNNING, attempts=self.attempts + 1, started_at_s=at_s, request=request or self.request
        )

    def finish(self, receipt: Receipt, *, at_s: float) -> Job:
        """Mark as done; the result file must be there already."""
        return self._move(JobState.DONE, receipt=receipt, ended_at_s=at_s)

    def fail(self, failure: Failure, *, at_s: float) -> Job:
        """Mark as failed for good."""
        return self._move(JobState.FAILED, failure=failure, ended_at_s=at_s)

    def cancel(self, failure: Failure, *, at_s: float) -> Job:
        """Mark as cancelled; ``failure`` says by whom."""
        return self._move(JobState.CANCELLED, failure=failure, ended_at_s=at_s)

    def give_back(self, *, attempt_counts: bool) -> Job:
        """Return to the queue. The attempt counts if the work may have been what ended it (a crash)."""
        attempts = self.attempts if attempt_counts else self.attempts - 1
        return self._move(JobState.QUEUED, attempts=attempts, started_at_s=None)

    def _move(self, state: JobState, **changes: Any) -> Job:
        if state not in LEGAL_MOVES[self.state]:
            raise IllegalMove(f"{self.id} is {self.state} and cannot become {state}.")
        return msgspec.structs.replace(self, state=state, **changes)


# ASCII digits only: int() would take "１", "+1" and "1_0" too. 18 digits fit in 64 bits.
_JOB_ID = re.compile(r"job_id_([1-9][0-9]{0,17})", re.ASCII)


def job_id(number: int) -> str:
    """Return the id of a job's number: ``job_id_N``."""
    return f"job_id_{number}"


def job_number(text: str) -> int | None:
    r"""Return the number in a job id, or None where the text is not exactly a job id.

    >>> job_number("job_id_10")
    10
    >>> [job_number(text) for text in ("job_id_01", "job_id_+1", "job_id_1_0", "job_id_１", "job_id_1\n", "../x")]
    [None, None, None, None, None, None]
    """
    found = _JOB_ID.fullmatch(text)
    return int(found[1]) if found else None


class Work(Protocol):
    """What a statistic is handed beside its data: the line back to whoever waits, and the word to stop."""

    def progress(self, share: float) -> None:
        """Say how much is done, from 0 to 1."""

    def check(self) -> None:
        """Raise JobInterrupted if the work is to stop: cancelled, out of time, or shutting down."""


class Unwatched:
    """Work that nobody watches or stops: for a direct call."""

    def progress(self, share: float) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Go on."""
