"""Which job is worked on next. Only decides, in memory. Guarded by the engine's lock.

Clients take turns, whatever each of them has sent (``lines``): behind a thousand jobs of one client, a job of another
is the next or the next but one.

A job's start must be durable before its work begins, and an fsync for each would be most of what a job costs. So fresh
jobs are *claimed*: in the commit that accepts them if no other waits, or several at a time in one of their own. The
threads take claimed jobs one by one. A slow job delays nobody. A job that comes when others are claimed may have its
turn before them: then it is claimed too, and taken first.

That is safe because of what happens after a crash. Every job that was claimed then has a counted attempt, and is a
*suspect*: one of them may have brought the server down. Suspects are claimed one at a time, in order of number, while
fresh jobs go on in parallel. On its last attempt a suspect is worked on alone. So a job that fails for good after
crashes was the only one at work in the last of them, and no job fails because of the others at its side.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, auto

from meantime.engine.jobs import ActiveJob
from meantime.engine.lines import FairLine, NumberLine
from meantime.engine.retry import RetryPolicy
from meantime.engine.tickets import Ticket
from meantime.model import JobState

# Jobs claimed in one commit. With 32 the fsync costs a few microseconds a job. More would only make more suspects in a
# crash, and each suspect is later run by itself.
CLAIM_LIMIT = 32
# The next commit is begun while this many go before what is not claimed yet, so that no thread waits for it.
_CLAIM_AHEAD = CLAIM_LIMIT // 2
# Turns of new clients come before jobs that are claimed already, and would make any number of suspects. Beyond this
# many a job is claimed only if none goes before it, and so one for each that is taken.
_CLAIMED_MOST = 2 * CLAIM_LIMIT

_Entry = tuple[Ticket, ActiveJob]  # tickets differ, so jobs are never compared


class QueueState(Enum):
    """Where in the queue a job is."""

    PARKED = auto()  # its data set is not loaded yet
    WAITING = auto()
    CLAIMING = auto()  # its start is being committed
    CLAIMED = auto()
    WORKING = auto()
    WITHDRAWN = auto()  # no thread will take it any more
    ELSEWHERE = auto()  # another host has it, or has what this one lacks to answer it


class JobQueue:
    """All unfinished jobs, each in one state."""

    def __init__(self, retry: RetryPolicy) -> None:
        self.at_work: dict[int, ActiveJob] = {}  # jobs that a thread has, until their end is committed, by number
        self._retry = retry
        self._is_claiming = False  # also when other hosts have meanwhile taken all of those jobs
        self._starting = 0  # jobs that are being accepted, and started in the same commit
        self._is_closed = False
        self._fresh: list[_Entry] = []  # a heap
        self._suspects: list[_Entry] = []  # a heap
        self._parked: dict[str, list[ActiveJob]] = {}
        self._claiming: list[ActiveJob] = []
        self._claimed: list[_Entry] = []  # sorted
        self._suspect: ActiveJob | None = None  # the one that is claimed or worked on
        # Where jobs stand that no thread has, to say how many go first.
        self._fresh_line = FairLine()
        self._suspect_line = NumberLine()
        self._parked_lines: defaultdict[str, FairLine] = defaultdict(FairLine)

    @property
    def working(self) -> int:
        """How many jobs a thread has, until their end is committed."""
        return len(self.at_work)

    @property
    def is_idle(self) -> bool:
        """Whether no job is claimed, nor worked on."""
        return not (self._is_claiming or self._claimed or self.at_work)

    @property
    def has_unclaimed(self) -> bool:
        """Whether jobs wait that are not claimed yet, or were withdrawn since."""
        return bool(self._fresh or self._suspects)

    @property
    def is_claiming(self) -> bool:
        """Whether jobs are being claimed."""
        return self._is_claiming

    @property
    def is_starting(self) -> bool:
        """Whether starts are being committed, of jobs that wait or of new ones."""
        return self._is_claiming or self._starting > 0

    def add(self, jobs: Iterable[ActiveJob]) -> None:
        """Let jobs wait to be claimed."""
        fresh: list[ActiveJob] = []
        suspects: list[ActiveJob] = []
        for job in jobs:
            job.queue_state = QueueState.WAITING
            (suspects if job.record.attempts else fresh).append(job)
        self._fresh_line.join(fresh)
        self._suspect_line.join(suspects)
        for job in fresh:
            heapq.heappush(self._fresh, (job.ticket, job))
        for job in suspects:
            heapq.heappush(self._suspects, (job.ticket, job))

    def park(self, jobs: Iterable[ActiveJob]) -> None:
        """Let jobs wait for their data set."""
        for job in jobs:
            job.queue_state = QueueState.PARKED
            dataset = job.record.request.dataset
            self._parked.setdefault(dataset, []).append(job)
            self._parked_lines[dataset].join((job,))

    def unpark(self, dataset: str) -> None:
        """Let the jobs of a data set wait to be claimed: it has loaded, or its files are at fault."""
        self._parked_lines.pop(dataset, None)
        jobs = [job for job in self._parked.pop(dataset, ()) if job.queue_state is QueueState.PARKED]
        self.add(sorted(jobs, key=lambda job: job.ticket))

    def parked(self, is_counted: Callable[[str], bool]) -> int:
        """Return how many jobs wait for a data set that is counted."""
        return sum(len(line) for dataset, line in self._parked_lines.items() if is_counted(dataset))

    def claim(self) -> list[ActiveJob]:
        """Take out the jobs to start next, in one commit; none if none may. Then call ``claimed`` or ``unclaim``."""
        if not self._is_claiming and not self._is_closed:
            self._claiming = self._next_claim()
            self._is_claiming = bool(self._claiming)
            for job in self._claiming:
                job.queue_state = QueueState.CLAIMING
                job.is_exchanged = False
        return self._claiming

    def begin_starting(self, count: int, most: int) -> int:
        """Return how many of so many new jobs, the first ones, are to be started in the commit that accepts them.

        They are claimed then, and no more than ``most`` are; none if others wait that may go before. Then call
        ``started``.
        """
        _drop_withdrawn(self._fresh)
        _drop_withdrawn(self._suspects)
        if self._is_closed or self._fresh or self._suspects or self._suspect is not None:
            return 0
        claimed = len(self._claimed) + len(self._claiming) + self._starting
        starting = max(0, min(count, most - claimed))
        self._starting += starting
        return starting

    def started(self, count: int, jobs: Sequence[ActiveJob]) -> None:
        """Let threads take the jobs that ``begin_starting`` has counted; there are none if they were not accepted."""
        self._starting -= count
        self._fresh_line.join(jobs)
        for job in jobs:
            job.queue_state = QueueState.CLAIMED
            insort(self._claimed, (job.ticket, job))

    def close(self) -> list[ActiveJob]:
        """Have no more jobs claimed; return those that are claimed, and withdraw them."""
        self._is_closed = True
        jobs = [job for _, job in self._claimed]
        for job in jobs:
            self.withdraw(job)
        return jobs

    def claimed(self, lost: AbstractSet[int] = frozenset()) -> list[ActiveJob]:
        """Let threads take the jobs whose starts are committed now, and return these jobs.

        Those that are ``lost`` to other hosts, which have left them queued, wait again.
        """
        jobs, self._claiming, self._is_claiming = self._claiming, [], False
        for job in jobs:
            if job.number in lost:
                self._wait_again(job)
                continue
            job.queue_state = QueueState.CLAIMED
            insort(self._claimed, (job.ticket, job))
        return [job for job in jobs if job.number not in lost] if lost else jobs

    def unclaim(self) -> None:
        """Put the jobs whose starts could not be committed back to where they were."""
        jobs, self._claiming, self._is_claiming = self._claiming, [], False
        for job in jobs:
            job.queue_state = QueueState.WAITING
            if job.is_exchanged:
                self._wait_again(job)
            elif job is self._suspect:
                self._suspect = None
                heapq.heappush(self._suspects, (job.ticket, job))
            else:
                heapq.heappush(self._fresh, (job.ticket, job))

    def take(self) -> ActiveJob | None:
        """Take out the next job to work on."""
        if not self._claimed:
            return None
        _, job = self._claimed.pop(0)
        job.queue_state = QueueState.WORKING
        job.is_working = True
        self.at_work[job.number] = job
        if job is self._suspect:
            self._suspect_line.leave(job)
        else:
            self._fresh_line.serve(job)
        return job

    def put_back(self, job: ActiveJob) -> None:
        """Let a job that was worked on be taken once more, in the place it had; its attempt is counted already."""
        self._stop_working(job)
        job.queue_state = QueueState.CLAIMED
        insort(self._claimed, (job.ticket, job))
        (self._suspect_line if job is self._suspect else self._fresh_line).rejoin(job)

    def withdraw(self, job: ActiveJob) -> bool:
        """Keep threads from taking a job. Return False if one has it, or its start is being committed."""
        if job.queue_state is QueueState.ELSEWHERE:
            return job.record.state is JobState.QUEUED
        if job.queue_state not in (QueueState.PARKED, QueueState.WAITING, QueueState.CLAIMED):
            return False
        self._leave(job)
        # One that is parked or waits stays where it is and is skipped there: the whole queue would have to be gone
        # through.
        job.queue_state = QueueState.WITHDRAWN
        return True

    def is_at_hand(self, job: ActiveJob) -> bool:
        """Whether a thread has a job, or takes it without a commit before."""
        return job.queue_state in (QueueState.CLAIMED, QueueState.WORKING)

    def position(self, job: ActiveJob) -> int | None:
        """Say how many jobs go before this one, as things are; None if it does not wait for a thread.

        Jobs of other clients that come later may have their turn before it, so its position can grow. Suspects have
        their own line, by number, in parallel. A parked job is counted behind all fresh jobs.
        """
        if job.line is None:
            return None
        before = job.line.count_before(job)
        return before + len(self._fresh_line) if job.queue_state is QueueState.PARKED else before

    def remove(self, job: ActiveJob) -> bool:
        """Remove a job that ended, was given back, or was changed by another host. Return whether it was worked on."""
        if job.queue_state is QueueState.CLAIMING:
            self._claiming = [other for other in self._claiming if other is not job]
        self._leave(job)
        job.queue_state = QueueState.WITHDRAWN
        if job is self._suspect:
            self._suspect = None
        return self._stop_working(job)

    def exchange(self, old: ActiveJob, new: ActiveJob) -> bool:
        """Put what stands for a job now where the old one is being claimed; False if it is not."""
        if old.queue_state is not QueueState.CLAIMING:
            return False
        new.queue_state, new.line, new.ticket = old.queue_state, old.line, old.ticket
        new.is_exchanged = True
        self._claiming = [new if job is old else job for job in self._claiming]
        if old is self._suspect:
            self._suspect = new
        return True

    def leave_to_others(self, job: ActiveJob) -> None:
        """Have no thread of this host take a job, which is in no other state any more."""
        self.remove(job)
        job.queue_state = QueueState.ELSEWHERE

    def _wait_again(self, job: ActiveJob) -> None:
        """Let a job wait whose start was refused, since another host has had it."""
        if job.is_exchanged:
            self.remove(job)
            self.add([job])
        else:
            self.leave_to_others(job)  # nobody has said what has become of it: its row is gone

    def _leave(self, job: ActiveJob) -> None:
        """Take a job out of where it waits."""
        if job.line is not None:
            job.line.leave(job)
        if job.queue_state is QueueState.CLAIMED:
            del self._claimed[bisect_left(self._claimed, (job.ticket, job))]

    def _stop_working(self, job: ActiveJob) -> bool:
        was_working = job.is_working
        job.is_working = False
        job.progress = 0.0
        if was_working:
            del self.at_work[job.number]
        return was_working

    def _next_claim(self) -> list[ActiveJob]:
        if self._suspect is None:
            _drop_withdrawn(self._suspects)
            if self._suspects:
                _, suspect = self._suspects[0]
                if self._retry.is_last_attempt(suspect.record) and (self.working or self._claimed):
                    return []  # those that are claimed or worked on come to their ends first
                heapq.heappop(self._suspects)
                self._suspect = suspect
                return [suspect]
        elif self._suspect.record.attempts >= self._retry.max_attempts:
            return []  # its last attempt: it is worked on alone
        jobs: list[ActiveJob] = []
        while len(jobs) < CLAIM_LIMIT and self._is_fresh_to_claim(len(jobs)):
            jobs.append(heapq.heappop(self._fresh)[1])
        return jobs

    def _is_fresh_to_claim(self, chosen: int) -> bool:
        """Whether the next fresh job is to be claimed, with this many that were chosen before it."""
        _drop_withdrawn(self._fresh)
        if not self._fresh:
            return False
        claimed_before = bisect_left(self._claimed, self._fresh[0])
        before = claimed_before + chosen
        if not before:
            return True
        if len(self._claimed) + chosen >= _CLAIMED_MOST:
            return False
        return claimed_before <= _CLAIM_AHEAD


def _drop_withdrawn(heap: list[_Entry]) -> None:
    while heap and heap[0][1].queue_state is not QueueState.WAITING:
        heapq.heappop(heap)
