"""All jobs that memory knows, by number. Guarded by the engine's lock.

The store has every job in full. This is what must be known without asking it, many thousand times a second.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from meantime.engine.jobs import ActiveJob, EndedJob, JobView, job_unknown
from meantime.model import JobState

# How many numbers of forgotten jobs may stay in the list of ended jobs before it is rebuilt.
_STALE_LIMIT = 1_000


class JobIndex:
    """The unfinished jobs whole, the ended ones slim."""

    def __init__(self) -> None:
        self.active: dict[int, ActiveJob] = {}
        self.ended: dict[int, EndedJob] = {}
        self.ended_counts = dict.fromkeys((state for state in JobState if state.is_ended), 0)
        self.submitting = 0  # requests whose acceptance is being committed
        self.changes = 0  # how often jobs were added, have ended or were forgotten
        self._unfinished_of: Counter[str] = Counter()  # by client
        self._oldest_first: deque[int] = deque()

    @property
    def unfinished(self) -> int:
        """How many jobs wait or are worked on, those that are being accepted included."""
        return len(self.active) + self.submitting

    def unfinished_of(self, client: str) -> int:
        """How many of these jobs are those of a client."""
        return self._unfinished_of[client]

    def begin_submitting(self, client: str, count: int) -> None:
        """Count requests whose acceptance is being committed from now on."""
        self.submitting += count
        self._unfinished_of[client] += count

    def end_submitting(self, client: str, count: int) -> None:
        """Count them no more: they were accepted, or refused."""
        self.submitting -= count
        self._discount(client, count)

    def __contains__(self, number: int) -> bool:
        """Whether a job is known: a job that is being removed no longer is, though its record may still be there."""
        return number in self.active or number in self.ended

    def add_active(self, jobs: Iterable[ActiveJob]) -> None:
        """Add unfinished jobs."""
        for job in jobs:
            self._unfinished_of[job.client] += job.number not in self.active  # one that was given back is there
            self.active[job.number] = job
        self.changes += 1

    def add_ended(self, jobs: Iterable[tuple[int, EndedJob]]) -> None:
        """Add jobs that ended before this process began, in any order."""
        for number, ended in sorted(jobs, key=lambda job: (job[1].ended_at_s, job[0])):
            self._add_ended(number, ended)

    def end(self, job: ActiveJob) -> None:
        """Move an unfinished job, whose record now says that it has ended, to the ended ones."""
        del self.active[job.number]
        self._discount(job.client, 1)
        self._add_ended(job.number, EndedJob.of(job.record))

    def replace(self, job: ActiveJob) -> None:
        """Have this object stand for an unfinished job from now on."""
        self.active[job.number] = job
        self.changes += 1

    def view(self, number: int) -> JobView:
        """Return what is known of a job at once.

        Raises:
            JobUnknown: no job has this number.
        """
        if (ended := self.ended.get(number)) is not None:
            return JobView(number, ended.state, ended.failure)
        if (job := self.active.get(number)) is not None:
            return job.view()
        raise job_unknown(number)

    def all_jobs(self) -> tuple[list[tuple[int, EndedJob]], list[ActiveJob]]:
        """Return all jobs as they are now, in no order: copies of what may be a hundred thousand, made in no time."""
        return list(self.ended.items()), list(self.active.values())

    def has_expired(self, *, before_s: float, keep_jobs: int) -> bool:
        """Whether the job that ended first did so before this time, or is one too many."""
        while self._oldest_first and self._oldest_first[0] not in self.ended:
            self._oldest_first.popleft()
        return bool(self.ended) and (
            len(self.ended) > keep_jobs or self.ended[self._oldest_first[0]].ended_at_s < before_s
        )

    def forget_oldest(self) -> int:
        """Forget the job that ended first, which ``has_expired`` has just looked at, and return its number."""
        number = self._oldest_first.popleft()
        self.ended_counts[self.ended.pop(number).state] -= 1
        self.changes += 1
        return number

    def forget(self, number: int) -> None:
        """Forget an ended job. One that is forgotten already is no error: several may remove the same."""
        if (ended := self.ended.pop(number, None)) is None:
            return
        self.ended_counts[ended.state] -= 1
        self.changes += 1
        # Its number stays in the list, where finding it would be slow, until it comes first or half of them are stale.
        if len(self._oldest_first) > 2 * len(self.ended) + _STALE_LIMIT:
            self._oldest_first = deque(number for number in self._oldest_first if number in self.ended)

    def _discount(self, client: str, count: int) -> None:
        self._unfinished_of[client] -= count
        if not self._unfinished_of[client]:
            del self._unfinished_of[client]  # there may be any number of clients

    def _add_ended(self, number: int, ended: EndedJob) -> None:
        self.ended[number] = ended
        self.ended_counts[ended.state] += 1
        self.changes += 1
        self._oldest_first.append(number)
