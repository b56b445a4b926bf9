"""What the engine needs of others. It treats a request as opaque: these protocols are all that it knows of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import msgspec

from meantime.model import Job, JobState, Once, Receipt, Request, Work

Clock = Callable[[], float]  # seconds since 1970, UTC


class Answer(NamedTuple):
    """A result as bytes, in the view that the request asked for, and the version of the method that made it."""

    body: bytes
    method_version: int

    def receipt(self) -> Receipt:
        """Return what the record must remember of this result."""
        checksum = hashlib.blake2b(self.body, digest_size=16).hexdigest()
        return Receipt(checksum=checksum, size_bytes=len(self.body), method_version=self.method_version)


class Move(NamedTuple):
    """A job before and after a legal move; the store refuses it unless the job is as in ``before``.

    Of the request only the fingerprint may be new.
    """

    before: Job
    after: Job


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs are asked for. What is None is not asked about."""

    states: frozenset[JobState] | None = None  # any of them
    statistic: str | None = None
    dataset: str | None = None
    label: str | None = None
    created_after_s: float | None = None  # then or later
    created_before_s: float | None = None  # earlier than that

    def matches(self, job: Job, state: JobState) -> bool:
        """Whether a job is one of them. ``state`` is the one that is asked about; a record may be ahead of it."""
        request = job.request
        return (
            (self.states is None or state in self.states)
            and self.statistic in (None, request.statistic)
            and self.dataset in (None, request.dataset)
            and self.label in (None, request.label)
            and (self.created_after_s is None or self.created_after_s <= job.created_at_s)
            and (self.created_before_s is None or job.created_at_s < self.created_before_s)
        )


class Compute(Protocol):
    """How a request becomes a result. A pure function of (snapshot, request): asked again, the same bytes."""

    def answer(self, request: Request, work: Work) -> Answer:
        """Compute; called in a worker thread, several at a time.

        Raises:
            RequestInvalid: the request, accepted while the data set was loading, turned out to be wrong.
            JobInterrupted: ``work.check()`` said to stop.
            SnapshotDamaged: the snapshot that the request is bound to is not there.
        """


class Gate(Protocol):
    """Says whether the work on a request can start. Jobs behind a closed gate wait without holding a thread."""

    def is_open(self, dataset: str) -> bool:
        """Whether the data set is decided: loaded, or failed to load."""

    def bind(self, request: Request) -> Request:
        """Return the request with the fingerprint of the snapshot that will answer it.

        Raises:
            DatasetNotReady: the data set failed to load, or is not served any more and the request has no fingerprint.
        """

    def on_open(self, callback: Callable[[str], None]) -> None:
        """Call back with the name of each data set that opens from now on, in whatever thread opens it."""


class JobStore(Protocol):
    """Jobs, durable. Every future resolves after the change is on disk, in the order in which the calls were made.

    Futures may fail with StoreFull (nothing was written; try again later), StoreBroken (nothing will be any more) or,
    after close, ShuttingDown. They cannot be cancelled. Their callbacks run in the store's thread: they must be short
    and must not wait for the store, but may ask it for more.
    """

    def add(self, requests: Sequence[Request], *, at_s: float, once: Once | None = None) -> Future[list[Job]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none.

        Each keeps the key that they came under. Whether it was used before is for the caller to know.
        """

    def move(self, moves: Sequence[Move]) -> Future[None]:
        """Replace jobs by their next versions: all, or none.

        Fails with IllegalMove if a job is not in the state, or has not the attempts, that its ``before`` says.
        """

    def remove(self, numbers: Sequence[int]) -> Future[list[Job]]:
        """Delete ended jobs. The future resolves to the records that this very call deleted, by number.

        Jobs that are not there, or have not ended, are passed over. So of several calls that remove a job at the same
        time exactly one gets its record, and that one announces the removal.
        """

    def get(self, number: int) -> Job | None:
        """Read one job as last committed."""

    def jobs(self) -> Iterator[Job]:
        """Go through all jobs as committed now, by number."""

    def find(self, wanted: Wanted, *, before: int | None, limit: int) -> list[Job]:
        """Read jobs that are as wanted and have a number before this one, newest first, as committed now.

        May take long where few are: not to be called where others wait. Looks at single jobs go on meanwhile.
        """

    def accepted_under(self, key: str) -> list[Job]:
        """Read the kept jobs that came under an idempotency key, by number."""

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name: their snapshots must stay."""

    def close(self) -> None:
        """Commit what was asked, stop the store's thread, close. May be called twice."""


class ResultStore(Protocol):
    """Results as bytes, by job number. Not durable by itself: the job's record has the receipt."""

    def put(self, number: int, answer: Answer) -> Receipt:
        """Keep a result, whole or not at all, and return what the record must remember of it.

        Raises:
            StoreFull: there is no space for it.
            StoreBroken: it cannot be written for a reason that does not pass by itself.
        """

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if they are there and are what the receipt says, else None."""

    def remove(self, number: int) -> None:
        """Forget a result; one that is not there is no error."""


class Observer(Protocol):
    """Hears what happens to jobs, for counters and the log. Called in whatever thread it happens; must be short."""

    def job_started(self, wait_s: float) -> None:
        """A thread begins to work on a job that waited this long since it was accepted."""

    def job_ended(self, state: JobState, run_s: float) -> None:
        """A job's end is committed; it was worked on for this long (0 where it never was)."""

    def job_trouble(self, job: Job, error: BaseException) -> None:
        """Something is wrong with a job that the log should know in full."""


class Unobserved:
    """An observer that does nothing."""

    def job_started(self, wait_s: float) -> None:
        """Count nothing."""

    def job_ended(self, state: JobState, run_s: float) -> None:
        """Count nothing."""

    def job_trouble(self, job: Job, error: BaseException) -> None:
        """Tell nobody."""
