"""The face of the engine: accepts jobs, has them worked on by its threads, and knows how they stand.

Synchronous: callers may be threads or, through futures, asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from meantime.engine.cancellations import Cancellations
from meantime.engine.commits import Commits
from meantime.engine.events import Event, EventDispatcher, Follower
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import JobDetail, JobView, Watcher, server_stopped
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.lookup import JobLookup
from meantime.engine.lost_results import LostResults
from meantime.engine.other_hosts import OtherHosts
from meantime.engine.ports import HostGroup, JobFilter, JobStore
from meantime.engine.queue import JobQueue
from meantime.engine.recovery import Recovered
from meantime.engine.removal import Removal
from meantime.engine.scheduler import Scheduler
from meantime.engine.submission import JobSubmitter
from meantime.engine.working import Workers
from meantime.model import IdempotencyKey, JobRecord, JobState, Request, job_id

__all__ = ["Engine", "EngineStats", "Event", "JobDetail", "JobView"]


class EngineStats(NamedTuple):
    """How many jobs and threads there are, for metrics."""

    jobs: dict[JobState, int]  # every state is there; running includes jobs whose end is being committed
    queue_depth: int  # jobs that wait, for a thread or for their data set
    working: int  # threads that have a job
    threads: int


class Engine:
    """Accepts jobs, has them worked on by its threads, and knows how they stand.

    ``create_engine`` makes it of its parts; the package's docstring says what each is for.
    """

    def __init__(
        self,
        *,
        hosts: HostGroup,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        events: EventDispatcher,
        lookup: JobLookup,
        recover: Callable[[], Recovered],
        scheduler: Scheduler,
        submitter: JobSubmitter,
        commits: Commits,
        others: OtherHosts,
        cancellations: Cancellations,
        removal: Removal,
        lost_results: LostResults,
        workers: Workers,
        store: JobStore,
    ) -> None:
        self._hosts = hosts
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._lookup = lookup
        self._recover = recover
        self._scheduler = scheduler
        self._submitter = submitter
        self._commits = commits
        self._others = others
        self._cancellations = cancellations
        self._removal = removal
        self._lost_results = lost_results
        self._workers = workers
        self._store = store

    def start(self) -> None:
        """Take over all jobs of the store, those of a server that crashed included, and start the threads.

        Raises:
            StoreBroken: the store cannot be read.
        """
        self._scheduler.start()
        recovered = self._recover()
        self._removal.start(recovered.newest_s)
        self._scheduler.schedule(recovered.waiting)
        # After the jobs of the last server, and before anything that this one commits.
        self._others.start()
        if recovered.crashed:
            # Before anybody can look, so that nobody sees a job as the last server left it.
            self._commits.commit_now(recovered.crashed)
        self._lifecycle.start()
        self._workers.start()

    def submit(
        self, requests: Sequence[Request], *, key: IdempotencyKey | None = None, client: str = ""
    ) -> Future[list[JobRecord]]:
        """Accept requests as jobs: all of them, or none. The future resolves when they are durable, and known here.

        ``client`` is who sends them: the clients' jobs take turns. It is not stored, so after a restart all jobs that
        still wait are those of one client.

        Under a key that came before with the same digest, the future resolves to the jobs that were made then, as far
        as they are still kept; this holds also when new jobs would be refused.

        The future cannot be cancelled. It may fail with StorePaused, StoreBroken or ShuttingDown; under a key also with
        whatever else the submission that made the jobs was refused for.

        Raises:
            QueueFull: as many jobs wait as may; nothing was written.
            ShuttingDown: no jobs are taken any more.
            StoreBroken: no jobs are taken until a restart.
            KeyReused: the key came before with another digest.
        """
        return self._submitter.submit(requests, key, client)

    def look_up(self, number: int) -> JobView:
        """Return how a job stands.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
        """
        return self._lookup.view(number)

    def is_at_hand(self, number: int) -> bool:
        """Whether a thread has a job, or will take it as soon as one is free: usually it ends in a moment."""
        with self._lifecycle.lock:
            job = self._index.active.get(number)
            return job is not None and self._queue.is_at_hand(job)

    def describe(self, number: int) -> JobDetail:
        """Return everything known about a job. For one that has ended this reads its record.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
        """
        return self._lookup.describe(number)

    def find(self, job_filter: JobFilter, *, before: int | None = None, limit: int) -> list[JobDetail]:
        """Describe jobs that match and have a number below ``before``, the newest first.

        Reads the store, which may take a tenth of a second where there are many jobs and few match: not to be called in
        an event loop. Jobs that arrive meanwhile have higher numbers, so a caller who continues from the last job
        described sees each job once.
        """
        return self._lookup.find(job_filter, before=before, limit=limit)

    def jobs(self) -> list[tuple[int, JobState]]:
        """Return the state of every job, by number."""
        return self._lookup.states()

    @property
    def is_alone(self) -> bool:
        """Whether no other host shares the jobs."""
        return self._hosts.me is None

    def catch_up(self) -> Future[None] | None:
        """Look what other hosts have done; None if there are none.

        When the future resolves, this engine knows of all that was committed before the call. It fails with StorePaused
        while nobody can know that.
        """
        return self._others.catch_up()

    @property
    def changes(self) -> int:
        """A number that grows whenever a job is accepted, ends or is removed."""
        return self._index.changes

    def watch(self, number: int, watcher: Watcher) -> Callable[[], None]:
        """Call back at each change of a job, or at once if it has ended; return what ends the watch.

        A change is another state, or one more percent of progress. Callbacks come in the engine's threads, in the order
        of the changes, and must be short. One that was due may still come after the watch has ended.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
        """
        return self._lookup.watch(number, watcher)

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Call back with everything that happens to all jobs from now on, as in ``watch``; return what ends that."""
        return self._events.follow(follower)

    def read_result(self, number: int) -> Future[bytes]:
        """Return the result of a job that is done: at once if its file is sound, else when it was computed again.

        The future may fail with ResultGone, ShuttingDown, JobUnknown or, while its file cannot be opened, StorePaused.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
            ValueError: the job is not done; look first (a bug of the caller).
        """
        with self._lifecycle.lock:
            view = self._index.view(number)
            ended = self._index.ended.get(number)
            if ended is None or ended.receipt is None:
                raise ValueError(f"{job_id(number)} is {view.state}, so there is no result to read.")
        reader = self._lost_results.read(number, ended.receipt)
        if not reader.done():
            self._lifecycle.wake_worker()
        return reader

    def cancel(self, number: int) -> Future[JobRecord]:
        """Cancel a job: at once if it waits, at its next check if it is worked on.

        The future resolves when that is durable. It fails with JobEnded if the job came to its end before, or with
        ShuttingDown if the server stopped and gave it back.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
            JobEnded: it has ended already.
            ShuttingDown, StoreBroken: nothing is changed any more.
        """
        return self._cancellations.cancel(number)

    def remove(self, number: int) -> Future[None]:
        """Remove a job that has ended: record and result. The future resolves when that is durable.

        It may fail with StorePaused: then the job is still there.

        Raises:
            JobUnknown: no job ever had this number, or the job was removed.
            JobUnfinished: it waits, or is worked on; it can be cancelled.
            ShuttingDown, StoreBroken: nothing is changed any more.
        """
        return self._removal.remove(number)

    @property
    def unfinished(self) -> int:
        """How many jobs wait or are worked on, those that are being accepted included."""
        with self._lifecycle.lock:
            return self._index.unfinished

    def stats(self) -> EngineStats:
        """Count jobs and threads."""
        with self._lifecycle.lock:
            running, working = self._queue.working + self._others.works_elsewhere(), self._workers.busy
            waiting = len(self._index.active) - running
            counts = {JobState.QUEUED: waiting, JobState.RUNNING: running, **self._index.ended_counts}
        return EngineStats(jobs=counts, queue_depth=waiting, working=working, threads=self._workers.size)

    @property
    def removal_held_s(self) -> float:
        """For how much running time no job is removed for its age, because the clock has jumped ahead; 0 usually."""
        return self._removal.held_s

    @property
    def is_accepting(self) -> bool:
        """Whether new jobs are taken, as far as there is room."""
        return self._lifecycle.is_accepting

    def stop_accepting(self) -> None:
        """Take no new jobs; go on with those that there are."""
        self._lifecycle.close()

    def wait_drained(self, timeout_s: float | None) -> bool:
        """Wait until no job is unfinished, and return whether that came.

        A job whose data set is still loading is unfinished, and waited for. One whose data set is held is not: it is on
        disk for the next start. If nothing is worked on any more, this does not wait. Where there are other hosts, they
        get what this one has claimed and not begun, and only what it works on is waited for.
        """
        if not self.is_alone:
            self._commits.give_back_claimed()
        return self._scheduler.wait_drained(timeout_s)

    def stop(self, wait_s: float | None = None) -> int:
        """Interrupt what is worked on, give it back to the queue, end the threads, close the store of jobs.

        Work stops at its next check. After ``wait_s`` seconds, jobs that are still working are given back anyway, and
        any later outcome is discarded. Returns how many threads still run: if any do, the process ends only by
        os._exit. May be called again, also by another thread while a first call waits.
        """
        self._lifecycle.stop()
        self._workers.join(wait_s)
        self._removal.note_last_time()
        self._commits.give_back_running()
        # Commits all changes until now: what was given back, and ends of jobs that no thread has waited for.
        self._store.close()
        self._lost_results.close()
        with self._lifecycle.lock:
            cancellations = [each for job in self._index.active.values() for each in job.cancellations]
            for job in self._index.active.values():
                job.cancellations = []
        for cancellation in cancellations:
            cancellation.set_exception(server_stopped())
        return self._workers.join(0)
