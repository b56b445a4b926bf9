"""Applies to memory what other hosts have done to the jobs of a store that they share.

So memory knows all jobs, whichever host accepted them, and every question is answered from it as if there were one
host. A job that another host has claimed is in the queue's state ELSEWHERE, and so is one that this host cannot answer,
because it does not serve its data set with this content.

Whenever another host has changed an unfinished job, a new object stands for it, and the old one is lost: whatever a
thread or a commit of this host still does with that is refused by the store, or discarded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial

import msgspec

from meantime.engine.commits import Commits, Update
from meantime.engine.events import EventDispatcher
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import Changes, HostGroup, ResultStore
from meantime.engine.queue import JobQueue, QueueState
from meantime.engine.scheduler import Scheduler
from meantime.model import JobRecord, JobState, Request

# In whose turns jobs run that other hosts accepted: here they are one client's, as after a restart.
_OTHERS = "other hosts"


class OtherHosts:
    """Knows what other hosts do. Takes the engine's lock itself; changes come in the store's thread.

    ``can_answer`` says whether this host has what a request is about. ``after_crash`` returns what becomes of a job
    whose host was lost, ``cancelled`` the record of a cancelled job.
    """

    def __init__(
        self,
        *,
        hosts: HostGroup,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        events: EventDispatcher,
        scheduler: Scheduler,
        commits: Commits,
        results: ResultStore,
        can_answer: Callable[[Request], bool],
        after_crash: Callable[[JobRecord], JobRecord],
        cancelled: Callable[[JobRecord], JobRecord],
    ) -> None:
        self._hosts = hosts
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._scheduler = scheduler
        self._commits = commits
        self._results = results
        self._can_answer = can_answer
        self._after_crash = after_crash
        self._cancelled = cancelled
        self._unanswerable: dict[int, ActiveJob] = {}  # left to hosts that have their snapshots

    def start(self) -> None:
        """Hear of what other hosts do from now on."""
        self._hosts.join(self._apply, self._at_work)

    def catch_up(self) -> Future[None] | None:
        """Look what others have done; see ``Engine.catch_up``."""
        return self._hosts.catch_up()

    def ask_to_cancel(self, number: int) -> None:
        """Have a job cancelled by the host that has it."""
        self._lifecycle.when_done(self._hosts.ask_to_cancel(number), partial(self._asked, number))

    def works_elsewhere(self) -> int:
        """Count the jobs that threads of other hosts have. The lock is held."""
        return 0 if self._hosts.me is None else sum(job.works_elsewhere for job in self._index.active.values())

    def _at_work(self) -> dict[int, float]:
        with self._lifecycle.lock:
            return {number: job.progress for number, job in self._queue.at_work.items()}

    def _apply(self, changes: Changes) -> None:
        again = self._answerable_now()
        requests = [record.request for record in changes.jobs]
        queued = [record for record in changes.jobs if record.state is JobState.QUEUED]
        left = {record.number for record in queued if not self._can_answer(record.request)}
        gates = self._scheduler.gates([*requests, *(job.record.request for job in again)])
        ended: list[ActiveJob] = []
        to_ask: list[int] = []
        with self._lifecycle.lock:
            # Of a job that ended and was removed since this host last looked, the end has to be made up for.
            unheard = [record for record in changes.removed if record.number in self._index.active]
            for record in [*changes.jobs, *unheard]:
                if record.number in self._index.ended:
                    continue
                is_new = record.number not in self._index.active
                if (job := self._changed(record)) is None:
                    continue
                if record.state.is_ended:
                    self._end(job)
                    ended.append(job)
                elif record.state is JobState.RUNNING:
                    self._queue.leave_to_others(job)
                    if job.cancellations:
                        to_ask.append(job.number)
                elif job.is_decided or job.queue_state is QueueState.CLAIMING:
                    continue  # until this host knows whether its own move holds
                elif record.number in left:
                    self._queue.leave_to_others(job)
                    self._unanswerable[job.number] = job
                else:
                    self._scheduler.place([job], gates)
                if is_new and record.state is JobState.QUEUED:
                    self._events.add("accepted", (job,))  # now that it has a place in the queue
            self._scheduler.place(again, gates)
            for record in changes.removed:
                self._index.forget(record.number)
            self._events.add_removed(changes.removed)
            self._note_work(changes.at_work)
            updates = [*self._of_lost_hosts(changes.lost), *self._to_cancel(changes.cancelling)]
            self._lifecycle.work_available.notify_all()
            self._lifecycle.settled.notify_all()
        self._scheduler.look_again(gates)
        for update in updates:
            self._commits.commit([update])
        for number in to_ask:
            self.ask_to_cancel(number)
        for record in changes.removed:
            self._results.remove(record.number)
        for job in ended:
            job.resolve_cancellations()
        self._events.dispatch()

    def _changed(self, record: JobRecord) -> ActiveJob | None:
        """Return what stands for a job now, that has not ended in memory; None if nothing is new. The lock is held."""
        old = self._index.active.get(record.number)
        if old is None:
            job = ActiveJob(_as_accepted(record), _OTHERS)
            self._index.add_active([job])
            if record.state is not JobState.QUEUED:
                self._events.add("accepted", (job,))
            job.record = record
            return job
        if old.record == record:
            return None
        self._unanswerable.pop(record.number, None)
        is_being_decided = old.is_decided
        job = old.as_changed(record)
        self._index.replace(job)
        if record.state is not JobState.QUEUED or not self._queue.exchange(old, job):
            self._queue.remove(old)
        # What this host has decided of it before is being committed, and may hold yet: see Commits.
        job.is_decided = is_being_decided
        if record.state is JobState.QUEUED and old.record.state is JobState.RUNNING:
            job.works_elsewhere = False
            self._events.add("given-back", (job,))
        return job

    def _end(self, job: ActiveJob) -> None:
        """Note the end of a job, and its start if nobody has heard of it. The lock is held."""
        record = job.record
        if record.started_at_s is not None and not job.works_elsewhere:
            job.works_elsewhere = True
            job.record = msgspec.structs.replace(
                record, state=JobState.RUNNING, ended_at_s=None, failure=None, receipt=None
            )
            self._events.add("started", (job,))
            job.record = record
        self._index.end(job)
        self._events.add_ended(job)

    def _note_work(self, at_work: Mapping[int, float]) -> None:
        """Note which jobs the threads of other hosts have, and how far they are. The lock is held."""
        for number, progress in at_work.items():
            job = self._index.active.get(number)
            if job is None or job.record.state is not JobState.RUNNING or job.queue_state is not QueueState.ELSEWHERE:
                continue  # it has ended since, or was given back
            is_new, before = not job.works_elsewhere, job.progress
            job.works_elsewhere, job.progress = True, progress
            if is_new:
                self._events.add("started", (job,))
            if int(progress * 100) > int(before * 100):
                self._events.add("progress", (job,))

    def _of_lost_hosts(self, lost: frozenset[int]) -> list[Update]:
        """Decide what becomes of the jobs that hosts had whose lease is over. The lock is held.

        Every host does so at the same time; the store takes the decision of one of them.
        """
        updates = []
        for job in self._index.active.values() if lost else ():
            if job.record.state is JobState.RUNNING and job.record.host in lost and not job.is_decided:
                job.is_decided = True
                updates.append(Update(job, self._after_crash(job.record)))
        return updates

    def _to_cancel(self, numbers: Iterable[int]) -> list[Update]:
        """Cancel jobs that somebody wants cancelled, as far as it is for this host to do. The lock is held."""
        updates = []
        for number in numbers:
            job = self._index.active.get(number)
            if job is None:
                continue
            job.is_cancelled = True  # what a thread has notices at its next check, what is being claimed after that
            if not job.is_decided and self._queue.withdraw(job):
                job.is_decided = True
                updates.append(Update(job, self._cancelled(job.record)))
        return updates

    def _answerable_now(self) -> list[ActiveJob]:
        """Take out the jobs that were left to others, and that this host can answer now."""
        with self._lifecycle.lock:
            waiting = list(self._unanswerable.values())
        answerable = [job for job in waiting if self._can_answer(job.record.request)]
        with self._lifecycle.lock:
            taken = [job for job in answerable if self._unanswerable.pop(job.number, None) is job]
            # Others may have ended them since, or somebody here cancels them.
            return [job for job in taken if self._index.active.get(job.number) is job and not job.is_decided]

    def _asked(self, number: int, asked: Future[None]) -> None:
        if (error := asked.exception()) is None:
            return
        waiting: list[Future[JobRecord]] = []
        with self._lifecycle.lock:
            if (job := self._index.active.get(number)) is not None:
                waiting, job.cancellations = job.cancellations, []
        for cancellation in waiting:
            cancellation.set_exception(error)


def _as_accepted(record: JobRecord) -> JobRecord:
    """Return a record as it was when the job was accepted."""
    return JobRecord(
        number=record.number,
        request=record.request,
        created_at_s=record.created_at_s,
        idempotency_key=record.idempotency_key,
    )
