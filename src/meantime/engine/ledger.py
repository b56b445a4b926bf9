"""What the engine remembers of jobs: the unfinished whole, the ended slim. Guarded by the engine's lock.

The store has every job in full; this is what must be known without asking it, many thousand times a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from meantime.engine.lane import NOWHERE
from meantime.errors import Failure, JobUnknown
from meantime.model import Job, JobState, Receipt, job_id

# Numbers of forgotten jobs that are kept in any case: clearing away fewer is not worth the walk.
_STALE_LIMIT = 1_000


class JobView(NamedTuple):
    """What can be said of a job at once.

    A job is shown as running when a thread works on it, not when it was claimed for one: its record already says
    running then, so that the attempt is counted, but whoever looks wants to know whether to wait for others.
    """

    number: int
    state: JobState
    failure: Failure | None = None  # of a failed or cancelled job
    progress: float = 0.0  # of a running job, from 0 to 1, as far as the statistic says


class JobDetail(NamedTuple):
    """All that can be said of a job."""

    job: Job  # its record
    state: JobState  # as in a view; the record may be ahead of it
    progress: float  # from 0 to 1, as far as the statistic says; 1 where it is done
    position: int | None  # how many are let in before it, as things are; None unless it waits for a thread

    @classmethod
    def of_ended(cls, job: Job) -> JobDetail:
        """Describe a job that has ended: a function of its record alone, so that it holds over restarts."""
        return cls(job, job.state, 1.0 if job.state is JobState.DONE else 0.0, None)


Watcher = Callable[[JobDetail], None]


class Facts(NamedTuple):
    """How things stand, for metrics."""

    jobs: dict[JobState, int]  # every state is there; running are also those whose end is being committed
    queue_depth: int  # jobs that wait, for a thread or for their data set
    working: int  # threads that have a job
    threads: int


class LiveJob:
    """An unfinished job: its record as last committed, and what only this process knows of it."""

    __slots__ = (
        "cancels",
        "is_cancelled",
        "is_concluding",
        "is_working",
        "job",
        "lane",
        "place",
        "progress",
        "ticket",
        "watchers",
    )

    def __init__(self, job: Job) -> None:
        self.job = job
        self.place: object = None  # which queue has it; belongs to the waiting line, as the next two do
        self.lane = NOWHERE  # where it stands, while no thread has it
        self.ticket = 0  # its place in there
        self.progress = 0.0
        self.is_working = False  # a thread has it, or had it and its end is being committed
        self.is_cancelled = False  # somebody asked for that; work sees it at its next check
        self.is_concluding = False  # its next record is decided: nobody else may decide another
        self.cancels: list[Future[Job]] = []  # who waits for the cancellation
        self.watchers: list[Watcher] = []

    @property
    def state(self) -> JobState:
        """Where it is, as in a view."""
        return JobState.RUNNING if self.is_working else JobState.QUEUED

    def view(self) -> JobView:
        """Say what can be said at once."""
        return JobView(self.job.number, self.state, None, self.progress)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an ended job: a hundred thousand of them must cost little."""

    state: JobState
    ended_at_s: float
    failure: Failure | None
    receipt: Receipt | None

    @classmethod
    def of(cls, job: Job) -> Ended:
        """Return what is remembered of a job."""
        return cls(state=job.state, ended_at_s=job.ended_at_s or 0.0, failure=job.failure, receipt=job.receipt)


class Ledger:
    """All jobs by number."""

    def __init__(self) -> None:
        self.live: dict[int, LiveJob] = {}
        self.ended: dict[int, Ended] = {}
        self.ended_count = dict.fromkeys((state for state in JobState if state.is_ended), 0)
        self._oldest_first: deque[int] = deque()

    def admit(self, lives: Iterable[LiveJob]) -> None:
        """Take up unfinished jobs."""
        self.live.update((live.job.number, live) for live in lives)

    def admit_ended(self, jobs: Iterable[tuple[int, Ended]]) -> None:
        """Take up jobs that had ended before this process began, in any order."""
        for number, ended in sorted(jobs, key=lambda job: (job[1].ended_at_s, job[0])):
            self._remember(number, ended)

    def end(self, live: LiveJob) -> None:
        """Put an unfinished job, whose record now says that it has ended, among the ended."""
        del self.live[live.job.number]
        self._remember(live.job.number, Ended.of(live.job))

    def view(self, number: int) -> JobView:
        """Say what can be said of a job.

        Raises:
            JobUnknown: never given, or removed.
        """
        if (ended := self.ended.get(number)) is not None:
            return JobView(number, ended.state, ended.failure)
        if (live := self.live.get(number)) is not None:
            return live.view()
        raise unknown(number)

    def states(self) -> list[tuple[int, JobState]]:
        """Return the state of every job, in no order."""
        states = [(number, ended.state) for number, ended in self.ended.items()]
        states += [(number, live.view().state) for number, live in self.live.items()]
        return states

    def has_expired(self, *, before_s: float, keep_jobs: int) -> bool:
        """Whether the job that ended first did so before this, or is one too many."""
        while self._oldest_first and self._oldest_first[0] not in self.ended:
            self._oldest_first.popleft()
        return bool(self.ended) and (
            len(self.ended) > keep_jobs or self.ended[self._oldest_first[0]].ended_at_s < before_s
        )

    def forget_oldest(self) -> int:
        """Forget the job that ended first, which ``has_expired`` has just found, and return its number."""
        number = self._oldest_first.popleft()
        self.ended_count[self.ended.pop(number).state] -= 1
        return number

    def forget(self, number: int) -> None:
        """Forget an ended job. One that is forgotten already is no error: several may remove the same."""
        if (ended := self.ended.pop(number, None)) is None:
            return
        self.ended_count[ended.state] -= 1
        # Its number stays in the middle of the others, where it is found slowly, until it comes first, or until half of
        # them are such.
        if len(self._oldest_first) > 2 * len(self.ended) + _STALE_LIMIT:
            self._oldest_first = deque(number for number in self._oldest_first if number in self.ended)

    def _remember(self, number: int, ended: Ended) -> None:
        self.ended[number] = ended
        self.ended_count[ended.state] += 1
        self._oldest_first.append(number)


def unknown(number: int) -> JobUnknown:
    """Return what to raise where a job is asked about that is not there."""
    return JobUnknown(f"There is no {job_id(number)}: it was never given, or it was removed.")
