"""What the threads do, one task after the other: claim jobs, work on one, remove expired ones, repeat a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from meantime.engine.commits import Commits, Update
from meantime.engine.events import EventDispatcher
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.lost_results import LostResults
from meantime.engine.ports import Clock, Gate, JobStore, Observer, Transition
from meantime.engine.queue import JobQueue
from meantime.engine.removal import Removal
from meantime.engine.task_runner import NewWork, TaskRunner, job_cancelled
from meantime.engine.thread_pool import Task, ThreadPool
from meantime.errors import StoreBroken, StorePaused
from meantime.model import JobRecord


class Workers:
    """The threads of the engine. Takes the engine's lock itself."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        queue: JobQueue,
        events: EventDispatcher,
        commits: Commits,
        removal: Removal,
        lost_results: LostResults,
        runner: TaskRunner,
        new_work: NewWork,
        store: JobStore,
        gate: Gate,
        clock: Clock,
        observer: Observer,
        threads: int,
        host: int | None,
    ) -> None:
        self.busy = 0  # threads that have a job; guarded by the engine's lock
        self._lifecycle = lifecycle
        self._queue = queue
        self._events = events
        self._commits = commits
        self._removal = removal
        self._lost_results = lost_results
        self._runner = runner
        self._new_work = new_work
        self._store = store
        self._gate = gate
        self._clock = clock
        self._observer = observer
        self._host = host
        self._pool = ThreadPool(size=threads, take=self._take, on_death=lambda _, error: lifecycle.fail(error))

    @property
    def size(self) -> int:
        """How many threads there are."""
        return self._pool.size

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def join(self, wait_s: float | None = None) -> int:
        """Wait for the threads to end, together no longer than this, and return how many still run."""
        return self._pool.join(wait_s)

    def _take(self) -> Task | None:
        """Wait for the next task; None when the server stops."""
        lifecycle = self._lifecycle
        with lifecycle.work_available:
            while not lifecycle.stopping.is_set():
                # First: somebody waits for a lost result, and its job came before all that wait now. Also when nothing
                # can be written any more, and while a suspect runs: it was computed before, and nothing crashed.
                if (task := self._lost_results.next_task()) is not None:
                    return task
                pause_s = None if lifecycle.fatal_error is not None else lifecycle.backoff.remaining_s
                if pause_s == 0 and (task := self._next_task()) is not None:
                    return task
                lifecycle.work_available.wait(pause_s or None)
        return None

    def _next_task(self) -> Task | None:
        if (updates := self._commits.next_unwritten()) is not None:
            return partial(self._commits.commit, updates)
        if (task := self._removal.next_task()) is not None:
            return task
        if not self._queue.is_claiming and (jobs := self._queue.claim()):
            return partial(self._claim, jobs)
        if (job := self._queue.take()) is not None:
            self.busy += 1
            self._events.add("started", (job,))
            return partial(self._work_on, job)
        return None

    def _claim(self, jobs: Sequence[ActiveJob]) -> None:
        """Have the starts of jobs committed. This thread does not wait for that."""
        at_s = self._clock()
        failed: dict[ActiveJob, Exception] = {}
        starts = []
        for job in jobs:
            request = job.record.request
            if request.fingerprint is None:
                try:
                    request = self._gate.bind(request)
                # Whatever binding raises is the end of this job. If it ended the thread instead, the job would come
                # first again after the restart, and end the thread again.
                except Exception as error:  # noqa: BLE001
                    failed[job] = error
            starts.append(Transition(job.record, job.record.start(at_s=at_s, request=request, host=self._host)))
        self._lifecycle.when_done(self._store.update(starts), partial(self._claimed, starts, failed))

    def _claimed(
        self, starts: Sequence[Transition], failed: Mapping[ActiveJob, Exception], done: Future[frozenset[int]]
    ) -> None:
        if (error := done.exception()) is not None:
            with self._lifecycle.lock:
                self._queue.unclaim()
                self._lifecycle.settled.notify_all()
            self._lifecycle.set_back(error)
            return
        lost = done.result()
        with self._lifecycle.lock:
            jobs = self._queue.claimed(lost)
            started = {start.after.number: start.after for start in starts}
            for job in jobs:
                job.record = started[job.number]
            # These will not be worked on. They do not wait for a thread, since all may be busy for long.
            ending = [job for job in jobs if job.is_cancelled or job in failed]
            for job in ending:
                self._queue.withdraw(job)
                job.is_decided = True
            self._lifecycle.work_available.notify(len(jobs))
            self._lifecycle.settled.notify_all()
        for job in ending:
            reason = job_cancelled(job.record) if job.is_cancelled else failed[job]
            self._commits.commit([Update(job, self._runner.ended_by(reason, job.record))])

    def _work_on(self, job: ActiveJob) -> None:
        started = job.record
        self._events.dispatch()
        self._observer.job_started(max(0.0, self._clock() - started.created_at_s))
        try:
            record = self._runner.run(started, self._new_work(job, on_percent=self._progressed))
        except (StorePaused, StoreBroken) as error:
            with self._lifecycle.lock:
                self.busy -= 1
                if not _was_given_back(job, started):
                    self._queue.put_back(job)
                    self._events.add("given-back", (job,))
            self._events.dispatch()
            self._lifecycle.set_back(error)
            return
        with self._lifecycle.lock:
            self.busy -= 1
            if _was_given_back(job, started):
                return  # the server stops and has not waited for this end: the job runs again, so it is discarded
            job.is_decided = True
        # Not waited for: this thread takes the next job, and the commit is shared with other ends.
        self._commits.commit_end(Update(job, record))

    def _progressed(self, job: ActiveJob) -> None:
        if job.watchers or self._events.is_followed:
            with self._lifecycle.lock:
                # Not of work that a stop has given up on.
                if job.is_working and not job.is_decided:
                    self._events.add("progress", (job,))
            self._events.dispatch()


def _was_given_back(job: ActiveJob, started: JobRecord) -> bool:
    """Whether a stop in a hurry has given the job back while it was worked on. The lock is held."""
    return job.is_decided or job.record is not started
