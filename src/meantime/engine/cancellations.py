"""Cancels jobs: at once those that wait, at their next check those that are worked on, wherever that is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from meantime.engine.commits import Commits, Update
from meantime.engine.futures import uncancellable_future
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import job_ended
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.other_hosts import OtherHosts
from meantime.engine.queue import JobQueue, QueueState
from meantime.model import JobRecord, JobState


class Cancellations:
    """Takes the engine's lock itself. ``cancelled`` returns the record of a cancelled job."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        commits: Commits,
        others: OtherHosts,
        cancelled: Callable[[JobRecord], JobRecord],
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._commits = commits
        self._others = others
        self._cancelled = cancelled

    def cancel(self, number: int) -> Future[JobRecord]:
        """Cancel a job; see ``Engine.cancel``."""
        cancellation: Future[JobRecord] = uncancellable_future()
        with self._lifecycle.lock:
            self._lifecycle.require_changeable()
            view = self._index.view(number)
            if (job := self._index.active.get(number)) is None:
                raise job_ended(number, view.state)
            job.cancellations.append(cancellation)
            job.is_cancelled = True
            is_elsewhere = job.queue_state is QueueState.ELSEWHERE and job.record.state is JobState.RUNNING
            is_waiting = not job.is_decided and self._queue.withdraw(job)
            job.is_decided |= is_waiting
        if is_waiting:
            self._commits.commit([Update(job, self._cancelled(job.record))])
        if is_elsewhere:
            self._others.ask_to_cancel(number)
        return cancellation
