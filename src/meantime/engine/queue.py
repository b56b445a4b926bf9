"""Which job is worked on next. Only decides, in memory. Guarded by the engine's lock.

A job's start must be durable before its work begins, and an fsync for each would be most of what a job costs. So fresh
jobs are *claimed* several at a time, in one commit, and the threads take claimed jobs one by one. A slow job delays
nobody.

That is safe because of what happens after a crash. Every job that was claimed then has a counted attempt, and is a
*suspect*: one of them may have brought the server down. Suspects are claimed one at a time, in order of number, while
fresh jobs go on in parallel. On its last attempt a suspect is worked on alone. So a job that fails for good after
crashes was the only one at work in the last of them, and no job fails because of the others at its side.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from enum import Enum, auto
from itertools import count

from meantime.engine.jobs import ActiveJob
from meantime.engine.retry import RetryPolicy
from meantime.engine.tickets import NO_TICKETS, Tickets

# Jobs claimed in one commit. With 32 the fsync costs a few microseconds a job. More would only make more suspects in a
# crash, and each suspect is later run by itself.
CLAIM_LIMIT = 32
# The next commit is begun while this many are still claimed, so that no thread waits for it.
_CLAIM_AHEAD = CLAIM_LIMIT // 2


class QueueState(Enum):
    """Where in the queue a job is."""

    PARKED = auto()  # its data set is still loading
    WAITING = auto()
    CLAIMING = auto()  # its start is being committed
    CLAIMED = auto()
    WORKING = auto()
    WITHDRAWN = auto()  # no thread will take it any more


class JobQueue:
    """All unfinished jobs, each in one state."""

    def __init__(self, retry: RetryPolicy) -> None:
        self.working = 0  # jobs that a thread has, until their end is committed
        self._retry = retry
        self._fresh: deque[ActiveJob] = deque()
        self._suspects: list[tuple[int, ActiveJob]] = []  # a heap by number
        self._parked: dict[str, list[ActiveJob]] = {}
        self._claiming: list[ActiveJob] = []
        self._claimed: deque[ActiveJob] = deque()
        self._suspect: ActiveJob | None = None  # the one that is claimed or worked on
        # Where jobs stand that no thread has, to say how many go first. Fresh jobs get their tickets in the order in
        # which they join. A suspect's ticket is its number.
        self._next_ticket = count(1)
        self._fresh_tickets = Tickets()
        self._suspect_tickets = Tickets()
        self._parked_tickets: defaultdict[str, Tickets] = defaultdict(Tickets)

    @property
    def is_claiming(self) -> bool:
        """Whether starts are being committed."""
        return bool(self._claiming)

    def add(self, jobs: Iterable[ActiveJob]) -> None:
        """Let jobs wait to be claimed."""
        for job in jobs:
            job.queue_state = QueueState.WAITING
            if job.record.attempts:
                heapq.heappush(self._suspects, (job.number, job))
                _line_up(job, self._suspect_tickets, job.number)
            else:
                self._fresh.append(job)
                _line_up(job, self._fresh_tickets, next(self._next_ticket))

    def park(self, jobs: Iterable[ActiveJob]) -> None:
        """Let jobs wait for their data set."""
        for job in jobs:
            job.queue_state = QueueState.PARKED
            dataset = job.record.request.dataset
            self._parked.setdefault(dataset, []).append(job)
            _line_up(job, self._parked_tickets[dataset], next(self._next_ticket))

    def unpark(self, dataset: str) -> None:
        """Let the jobs of a data set wait to be claimed: it has loaded, or failed to."""
        self._parked_tickets.pop(dataset, None)
        self.add(job for job in self._parked.pop(dataset, ()) if job.queue_state is QueueState.PARKED)

    def claim(self) -> list[ActiveJob]:
        """Take out the jobs to start next, in one commit; none if none may be. Then call ``claimed`` or ``unclaim``."""
        if not self._claiming:
            self._claiming = self._next_claim()
            for job in self._claiming:
                job.queue_state = QueueState.CLAIMING
        return self._claiming

    def claimed(self) -> list[ActiveJob]:
        """Let threads take the jobs whose starts are committed now, and return these jobs."""
        jobs, self._claiming = self._claiming, []
        for job in jobs:
            job.queue_state = QueueState.CLAIMED
        self._claimed.extend(jobs)
        return jobs

    def unclaim(self) -> None:
        """Put the jobs whose starts could not be committed back to where they were."""
        jobs, self._claiming = self._claiming, []
        for job in reversed(jobs):
            job.queue_state = QueueState.WAITING
            if job is self._suspect:
                self._suspect = None
                heapq.heappush(self._suspects, (job.number, job))
            else:
                self._fresh.appendleft(job)

    def take(self) -> ActiveJob | None:
        """Take out the next job to work on."""
        while self._claimed:
            job = self._claimed.popleft()
            if job.queue_state is QueueState.CLAIMED:
                job.queue_state = QueueState.WORKING
                job.is_working = True
                self.working += 1
                _leave_line(job)
                return job
        return None

    def put_back(self, job: ActiveJob) -> None:
        """Let a job that was worked on be taken once more, before others; its attempt is counted already."""
        self._stop_working(job)
        job.queue_state = QueueState.CLAIMED
        self._claimed.appendleft(job)
        # With the ticket it had: all before it are gone.
        _line_up(job, self._suspect_tickets if job is self._suspect else self._fresh_tickets, job.ticket)

    def withdraw(self, job: ActiveJob) -> bool:
        """Keep threads from taking a job. Return False if one has it, or its start is being committed."""
        # The job stays where it is and is skipped there: taking it out of the middle would walk the whole queue.
        if job.queue_state in (QueueState.PARKED, QueueState.WAITING, QueueState.CLAIMED):
            job.queue_state = QueueState.WITHDRAWN
            _leave_line(job)
            return True
        return False

    def position(self, job: ActiveJob) -> int | None:
        """Say how many jobs go before this one, as things are; None if it does not wait for a thread.

        Of fresh jobs, those that joined before it. Suspects have their own line, by number, in parallel. A parked job
        goes after all fresh jobs when its data set is there, and so after those that come until then too: its position
        can grow.
        """
        if job.tickets is NO_TICKETS:
            return None
        before = job.tickets.count_before(job.ticket)
        return before + len(self._fresh_tickets) if job.queue_state is QueueState.PARKED else before

    def remove(self, job: ActiveJob) -> bool:
        """Remove a job that ended or was given back. Return whether it was worked on."""
        if job is self._suspect:
            self._suspect = None
        return self._stop_working(job)

    def _stop_working(self, job: ActiveJob) -> bool:
        was_working = job.is_working
        job.is_working = False
        job.progress = 0.0
        self.working -= was_working
        return was_working

    def _next_claim(self) -> list[ActiveJob]:
        if self._suspect is None:
            while self._suspects and self._suspects[0][1].queue_state is not QueueState.WAITING:
                heapq.heappop(self._suspects)
            if self._suspects:
                suspect = self._suspects[0][1]
                if self._retry.is_last_attempt(suspect.record) and (self.working or self._claimed):
                    return []  # those that are claimed or worked on come to their ends first
                heapq.heappop(self._suspects)
                self._suspect = suspect
                return [suspect]
        elif self._suspect.record.attempts >= self._retry.max_attempts:
            return []  # its last attempt: it is worked on alone
        jobs: list[ActiveJob] = []
        if len(self._claimed) <= _CLAIM_AHEAD:
            while self._fresh and len(jobs) < CLAIM_LIMIT:
                job = self._fresh.popleft()
                if job.queue_state is QueueState.WAITING:
                    jobs.append(job)
        return jobs


def _line_up(job: ActiveJob, tickets: Tickets, ticket: int) -> None:
    tickets.add(ticket)
    job.tickets, job.ticket = tickets, ticket


def _leave_line(job: ActiveJob) -> None:
    job.tickets.remove(job.ticket)
    job.tickets = NO_TICKETS
