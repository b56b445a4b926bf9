"""What the engine needs from others: these protocols are all it knows of them. A request is opaque to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import msgspec

from meantime.model import IdempotencyKey, JobRecord, JobState, Receipt, Request, Work, job_id

Clock = Callable[[], float]  # seconds since 1970, UTC


class EncodedResult(NamedTuple):
    """A result as bytes, in the form that the request names, and the version of the method that made it."""

    body: bytes
    method_version: int

    def receipt(self) -> Receipt:
        """Return what the record must keep of this result."""
        checksum = hashlib.blake2b(self.body, digest_size=16).hexdigest()
        return Receipt(checksum=checksum, size_bytes=len(self.body), method_version=self.method_version)


class Transition(NamedTuple):
    """The record of a job before and after a change of its state.

    The store refuses it unless the job is as in ``before``. Of the request only the fingerprint may be new.
    """

    before: JobRecord
    after: JobRecord


class KeyTaken(Exception):
    """Another host has just made jobs under an idempotency key."""


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs to find. What is None matches every job."""

    states: frozenset[JobState] | None = None  # any of them
    statistic: str | None = None
    dataset: str | None = None
    label: str | None = None
    created_after_s: float | None = None  # at this time or later
    created_before_s: float | None = None  # earlier than this

    def matches(self, record: JobRecord, state: JobState) -> bool:
        """Whether a job matches. ``state`` is the one that is shown of it; the record may be ahead of it."""
        request = record.request
        return (
            (self.states is None or state in self.states)
            and self.statistic in (None, request.statistic)
            and self.dataset in (None, request.dataset)
            and self.label in (None, request.label)
            and (self.created_after_s is None or self.created_after_s <= record.created_at_s)
            and (self.created_before_s is None or record.created_at_s < self.created_before_s)
        )


class JobCompute(Protocol):
    """How a request becomes a result. A pure function of (snapshot, request): repeated, it gives the same bytes."""

    def compute(self, request: Request, work: Work) -> EncodedResult:
        """Compute; called in a worker thread, several at a time.

        Raises:
            RequestInvalid: the request, accepted while the data set was loading, turned out to be wrong.
            JobInterrupted: ``work.check()`` stopped it.
            SnapshotDamaged: the snapshot that the request is bound to is not there.
        """


class Gate(Protocol):
    """Says whether work on a request can start. Jobs whose gate is closed wait without holding a thread."""

    def is_open(self, dataset: str) -> bool:
        """Whether work need not wait: the data set is loaded, or its files are at fault. Once true, it stays so."""

    def is_held(self, dataset: str) -> bool:
        """Whether its gate is closed for something that nobody can say when it ends: a trouble of the machine."""

    def bind(self, request: Request) -> Request:
        """Return the request with the fingerprint of the snapshot that will answer it.

        Raises:
            DatasetNotReady: the files of the data set are at fault, or it is no longer served and the request has no
                fingerprint.
        """

    def on_open(self, callback: Callable[[str], None]) -> None:
        """Call back with the name of each data set that opens from now on, in whatever thread opens it."""


class JobStore(Protocol):
    """The records of jobs, durable. A future resolves when the change is on disk, in the order of the calls.

    Futures may fail with StorePaused (nothing was written; try again later), StoreBroken (nothing will be written any
    more) or, after close, ShuttingDown. They cannot be cancelled. Their callbacks run in the store's thread: they must
    be short and must not wait for the store, but may ask it for more.
    """

    def add(
        self,
        requests: Sequence[Request],
        *,
        at_s: float,
        idempotency_key: IdempotencyKey | None = None,
        started: int = 0,
        host: int | None = None,
    ) -> Future[list[JobRecord]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none.

        As many as ``started`` says, the first ones, are started by ``host`` in the same commit.
        Each keeps the key it came under. Whether the key was used before is for the caller to know; if another host
        has used it in this very moment, the future fails with KeyTaken.
        """

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        """Replace records by their next versions: all, or none.

        The future resolves to the numbers of those that another host has changed before: they stay as that host left
        them. Where there is one host, there are none. Fails with IllegalTransition if any other job does not have the
        state, the attempts, or the host of its ``before``.
        """

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        """Delete ended jobs. The future resolves to the records that this very call deleted, by number.

        Jobs that are not there, or have not ended, are skipped. So of several calls that remove a job at the same time
        exactly one gets its record, and that one announces the removal.
        """

    def get(self, number: int) -> JobRecord | None:
        """Read one record as last committed."""

    def jobs(self) -> Iterator[JobRecord]:
        """Go through all records as committed now, by number.

        A job whose record is damaged has failed, for ``RecordDamaged``, at no known time.
        """

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
        """Read the records that match and have a number below ``before``, newest first, as committed now.

        May take long if few match: not to be called where others wait. Reads of single jobs go on meanwhile.
        """

    def accepted_under(self, key: str) -> list[JobRecord]:
        """Read the jobs that came under an idempotency key and are still kept, by number."""

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name: their snapshots must stay."""

    def close(self) -> None:
        """Commit all changes until now, stop the store's thread, close. May be called twice."""


class Changes(NamedTuple):
    """What other hosts have done since this host last looked. Of several changes of a job only the last is here."""

    jobs: Sequence[JobRecord] = ()  # as they are now, in the order of their last changes
    removed: Sequence[JobRecord] = ()  # that are no longer kept
    cancelling: Sequence[int] = ()  # unfinished jobs that somebody wants cancelled
    at_work: Mapping[int, float] = {}  # jobs that threads of other hosts have now, with their progress from 0 to 1
    lost: frozenset[int] = frozenset()  # other hosts whose lease is over


class HostGroup(Protocol):
    """The hosts that share a store of jobs, as one of them sees the others.

    ``me`` is this host, as records name it; None if there is no other, nor will be.
    """

    me: int | None

    def join(self, on_changes: Callable[[Changes], None], at_work: Callable[[], Mapping[int, float]]) -> None:
        """Hear of what others do from now on, beginning with what they did since the store's ``jobs`` were read.

        Called back in the thread in which the futures of the store resolve. A change of another host is reported before
        the future of any call that was committed after it. ``at_work`` tells what the threads of this host have.
        """

    def catch_up(self) -> Future[None] | None:
        """Look what others have done; None if nobody else does anything.

        When the future resolves, all that was committed before this call has been reported. It fails with StorePaused
        if nobody can know that for the moment.
        """

    def ask_to_cancel(self, number: int) -> Future[None]:
        """Have an unfinished job cancelled by whoever has it. The future resolves when the wish is durable."""


class Alone:
    """There are no other hosts."""

    me: int | None = None

    def join(self, on_changes: Callable[[Changes], None], at_work: Callable[[], Mapping[int, float]]) -> None:
        """Do nothing."""

    def catch_up(self) -> Future[None] | None:
        """Return None: nobody else does anything."""
        return None

    def ask_to_cancel(self, number: int) -> Future[None]:
        """Refuse: no other host can have a job."""
        raise ValueError(f"There is no other host that could have {job_id(number)}.")


class ResultStore(Protocol):
    """Results as bytes, by job number. Not durable by itself: the job's record has the receipt."""

    def put(self, number: int, result: EncodedResult) -> Receipt:
        """Keep a result, whole or not at all, and return what the record must keep of it.

        Raises:
            StorePaused: there is no space for it, or the machine is short of something else.
            StoreBroken: it cannot be written, for a reason that does not pass by itself.
        """

    def restore(self, number: int, result: EncodedResult) -> None:
        """Keep a result that was lost, as ``put`` does. Whoever has asked for it gets it without asking again."""

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if they are there and match the receipt, else None.

        Raises:
            StorePaused: the machine is short of what it takes to look.
        """

    def remove(self, number: int) -> None:
        """Delete a result; one that is not there is no error."""


class ResultsElsewhere(Protocol):
    """Results that other hosts have. A receipt says whether what comes is what was written."""

    def fetch(self, record: JobRecord) -> bytes | None:
        """Return the result of a job that is done, as its owner has it; None if the owner is gone, or has lost it.

        Called in a thread of its own, and may take seconds.

        Raises:
            StorePaused: its owner, or who that is, cannot be reached for the moment.
        """


class LastSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The time of day when the engine last looked, and for how long it will not believe the clock."""

    at_s: float
    held_s: float  # of running time


class TimeNotes(Protocol):
    """Keeps the time that was last seen across restarts. A note that is lost is harmless."""

    def read(self) -> LastSeen | None:
        """Return the last note, if there is one."""

    def write(self, seen: LastSeen) -> None:
        """Keep a note, as far as that is possible."""


class NullTimeNotes:
    """Keeps no notes: each start is the first."""

    def read(self) -> LastSeen | None:
        """Return nothing."""
        return None

    def write(self, seen: LastSeen) -> None:
        """Do nothing."""


class Observer(Protocol):
    """Hears what happens to jobs, for counters and the log. Called in whatever thread it happens; must be short."""

    def job_started(self, wait_s: float) -> None:
        """A thread begins to work on a job that has waited this long since it was accepted."""

    def job_ended(self, state: JobState, run_s: float) -> None:
        """A job's end is committed; it was worked on for this long (0 if it never was)."""

    def job_trouble(self, record: JobRecord, error: BaseException) -> None:
        """Something is wrong with a job that the log should have in full."""

    def clock_jumped(self, ahead_s: float) -> None:
        """The time of day is this far ahead of where it should be: no job is removed for its age for a while."""


class NullObserver:
    """An observer that does nothing."""

    def job_started(self, wait_s: float) -> None:
        """Do nothing."""

    def job_ended(self, state: JobState, run_s: float) -> None:
        """Do nothing."""

    def job_trouble(self, record: JobRecord, error: BaseException) -> None:
        """Do nothing."""

    def clock_jumped(self, ahead_s: float) -> None:
        """Do nothing."""
