"""The life of every job, from acceptance to removal. Synchronous: callers may be threads or, through futures, asyncio.

What is durable is said by the store alone; memory follows it. Each change is asked of the store first, and applied and
told to whoever watches when it is committed, in the order of the commits.

There is one lock. It is held for short looks at memory, never while calling out: to the store, the gate, a watcher, the
observer, the work itself. So none of these can wait for us while we wait for them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import msgspec

from meantime.engine.ledger import Ended, Facts, JobDetail, JobView, Ledger, LiveJob, Watcher, unknown
from meantime.engine.lost_results import LostResults
from meantime.engine.news import Event, Follower, Kind, News
from meantime.engine.once_only import OnceOnly
from meantime.engine.pause import Pause
from meantime.engine.ports import Clock, Compute, Gate, JobStore, Move, Observer, ResultStore, Unobserved, Wanted
from meantime.engine.promise import promise
from meantime.engine.retention import Retention
from meantime.engine.retry import Again, RetryPolicy
from meantime.engine.task_runner import JobWork, TaskRunner, cancelled
from meantime.engine.thread_pool import Task, ThreadPool
from meantime.engine.waiting_line import WaitingLine
from meantime.errors import (
    DatasetNotReady,
    JobEnded,
    JobUnfinished,
    JobUnknown,
    QueueFull,
    ShuttingDown,
    StoreBroken,
    StoreFull,
)
from meantime.model import Job, JobState, Once, Request, job_id

__all__ = ["Engine", "Event", "Facts", "JobDetail", "JobView"]

# How long a stop that is in a hurry still waits for starts that are being committed: far longer than a commit takes.
_COMMIT_S = 2.0

T = TypeVar("T")
Change = tuple[LiveJob, Job]  # a job, and what it becomes


class Engine:
    """Accepts jobs, has them worked on by its threads, and remembers how they stand.

    ``on_fatal`` is called once, in whatever thread it happens, when only a restart can help: it must not call ``stop``
    itself, which would wait for that very thread. From then on nothing is accepted or worked on; reads go on.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        results: ResultStore,
        compute: Compute,
        gate: Gate,
        clock: Clock,
        threads: int,
        queue_limit: int,
        job_time_limit_s: float,
        keep_ended_s: float,
        keep_ended_jobs: int,
        on_fatal: Callable[[BaseException], None],
        observer: Observer | None = None,
        monotonic: Clock = time.monotonic,  # for durations: the clock may be set while a job works
        retry: RetryPolicy | None = None,
    ) -> None:
        self._jobs = jobs
        self._results = results
        self._gate = gate
        self._clock = clock
        self._queue_limit = queue_limit
        self._job_time_limit_s = job_time_limit_s
        self._observer = observer or Unobserved()
        self._on_fatal = on_fatal
        self._monotonic = monotonic
        self._retry = retry or RetryPolicy()
        self._runner = TaskRunner(compute=compute, results=results, clock=clock, observer=self._observer)
        self._pool = ThreadPool(size=threads, take=self._take, on_death=lambda _, error: self._fail_for_good(error))

        self._lock = threading.Lock()
        self._tasks = threading.Condition(self._lock)  # there may be something to do for a thread
        self._quiet = threading.Condition(self._lock)  # there may be nothing unfinished, or nothing to wait for
        self._stopping = threading.Event()
        self._is_started = False
        self._is_closed_to_new = False
        self._broken: BaseException | None = None
        self._ledger = Ledger()
        self._news = News(self._lock, on_trouble=self._observer.job_trouble)
        self._once_only = OnceOnly(jobs=jobs, kept=self._kept, accept=self._accept)
        self._line = WaitingLine(self._retry)
        self._pause = Pause(self._retry, monotonic=monotonic)
        self._retention = Retention(self._ledger, clock=clock, keep_s=keep_ended_s, keep_jobs=keep_ended_jobs)
        self._lost_results = LostResults(
            jobs=jobs,
            results=results,
            runner=self._runner,
            work_on=lambda job: self._work(LiveJob(job)),
            is_kept=lambda number: number in self._ledger.ended,
        )
        self._in_flight = 0  # requests that are being committed
        self._threads_working = 0
        self._owed: deque[Sequence[Change]] = deque()  # what could not be committed, because the disk is full

    # Asked from outside

    def start(self) -> None:
        """Take up all jobs of the store, those of a server that crashed included, and start the threads.

        Raises:
            StoreBroken: the store cannot be read.
        """
        self._gate.on_open(self._let_in)
        waiting, crashed = self._recover()
        self._enqueue(waiting)
        if crashed:
            # Waited for, so that nobody sees a job as the last server left it.
            self._committed(crashed, self._jobs.move([Move(live.job, after) for live, after in crashed]))
        with self._lock:
            self._is_started = True
        self._pool.start()

    def submit(self, requests: Sequence[Request], *, once: Once | None = None) -> Future[list[Job]]:
        """Accept requests as jobs: all of them, or none. The future resolves when they are durable, and known here.

        Under a key that came before with the same digest, the future resolves to the jobs that were made then, as far
        as they are kept; also where new ones would be refused.

        The future cannot be cancelled, and may fail with StoreFull, StoreBroken or ShuttingDown; under a key also with
        whatever else the submission that made the jobs was refused for.

        Raises:
            QueueFull: as many jobs wait as may; nothing was written.
            ShuttingDown: no jobs are taken any more.
            StoreBroken: likewise, until a restart.
            KeyReused: the key came before with another digest.
        """
        if once is None:
            return self._accept(requests)
        with self._lock:
            self._refuse_change()
        return self._once_only.submit(requests, once)

    def look_up(self, number: int) -> JobView:
        """Say how a job stands.

        Raises:
            JobUnknown: no job has this number: never given, or removed.
        """
        with self._lock:
            return self._ledger.view(number)

    def describe(self, number: int) -> JobDetail:
        """Say all that can be said of a job. Of one that has ended this reads the record.

        Raises:
            JobUnknown: no job has this number: never given, or removed.
        """
        return self._describe(number, None)

    def find(self, wanted: Wanted, *, before: int | None = None, limit: int) -> list[JobDetail]:
        """Describe jobs that are as wanted and have a number before this one, the newest first.

        Reads the store, which may take a tenth of a second where there are many and few of them are wanted: not to be
        called in an event loop. Jobs that arrive meanwhile have higher numbers, so who goes on from the last one
        described sees each job once.
        """
        found: list[JobDetail] = []
        recorded = _as_recorded(wanted)
        while (missing := limit - len(found)) > 0:
            jobs = self._jobs.find(recorded, before=before, limit=missing)
            for job in jobs:
                # Not known here: it is about to be told of, or is being removed.
                with contextlib.suppress(JobUnknown):
                    detail = self._describe(job.number, job)
                    if wanted.matches(detail.job, detail.state):
                        found.append(detail)
            if len(jobs) < missing:
                break
            before = jobs[-1].number
        return found

    def jobs(self) -> list[tuple[int, JobState]]:
        """Return the state of every job, by number."""
        with self._lock:
            states = self._ledger.states()
        return sorted(states)

    def read_result(self, number: int) -> Future[bytes]:
        """Return the result of a job that is done: at once where its file is sound, else when it was made again.

        The future may fail with ResultGone, ShuttingDown or JobUnknown.

        Raises:
            JobUnknown: no job has this number.
            ValueError: the job is not done; look first (a bug of whoever calls).
        """
        with self._lock:
            view = self._ledger.view(number)
            if (ended := self._ledger.ended.get(number)) is None or (receipt := ended.receipt) is None:
                raise ValueError(f"{job_id(number)} is {view.state}, so there is no result to read.")
        if (body := self._results.open(number, receipt)) is not None:
            reader: Future[bytes] = promise()
            reader.set_result(body)
            return reader
        reader = self._lost_results.ask(number, receipt)
        with self._lock:
            self._tasks.notify()
        return reader

    def cancel(self, number: int) -> Future[Job]:
        """Cancel a job: at once if it waits, at its next check if it is worked on.

        The future resolves when that is durable, and fails with JobEnded if the job came to its end before, or with
        ShuttingDown if it was given back.

        Raises:
            JobUnknown: no job has this number.
            JobEnded: it has ended already.
            ShuttingDown, StoreBroken: nothing is changed any more.
        """
        cancellation: Future[Job] = promise()
        with self._lock:
            self._refuse_change()
            view = self._ledger.view(number)
            if (live := self._ledger.live.get(number)) is None:
                raise _ended_before(view)
            live.cancels.append(cancellation)
            live.is_cancelled = True
            is_waiting = self._line.withdraw(live)
            live.is_concluding |= is_waiting
        if is_waiting:
            self._commit([(live, self._runner.ended_by(cancelled(live.job), live.job))])
        return cancellation

    def remove(self, number: int) -> Future[None]:
        """Remove a job that has ended: record and result. The future resolves when that is durable.

        It may fail with StoreFull: then the job is still there.

        Raises:
            JobUnknown: no job has this number.
            JobUnfinished: it waits, or is worked on; it can be cancelled.
            ShuttingDown, StoreBroken: nothing is changed any more.
        """
        with self._lock:
            self._refuse_change()
            if not self._ledger.view(number).state.is_ended:
                raise JobUnfinished(f"{job_id(number)} has not ended, so it cannot be removed. Cancel it first.")
        # Before the record, as in _remove. Who reads the result meanwhile has it made again: see _removed.
        self._results.remove(number)
        removal: Future[None] = promise()
        self._then(self._jobs.remove([number]), partial(self._removed, removal, number))
        return removal

    def watch(self, number: int, callback: Watcher) -> Callable[[], None]:
        """Call back at each change of a job, or at once if it has ended; return what ends the watch.

        A change is another state, or one more percent of progress. Callbacks come in the engine's threads, in the order
        of the changes, and must be short. One that was due may still come when the watch has ended.

        Raises:
            JobUnknown: no job has this number.
        """
        with self._lock:
            self._ledger.view(number)
            live = self._ledger.live.get(number)
            watchers = live.watchers if live is not None else []
            watchers.append(callback)
        if live is None:
            callback(self.describe(number))

        def unwatch() -> None:
            with self._lock, contextlib.suppress(ValueError):
                watchers.remove(callback)

        return unwatch

    def follow(self, callback: Follower) -> Callable[[], None]:
        """Call back with all that happens to all jobs from now on, as in ``watch``; return what ends that."""
        return self._news.follow(callback)

    @property
    def unfinished(self) -> int:
        """How many jobs wait or are worked on, those that are being accepted included."""
        with self._lock:
            return self._unfinished()

    def facts(self) -> Facts:
        """Say how things stand."""
        with self._lock:
            waiting, working = self._waiting(), self._threads_working
            running = len(self._ledger.live) - waiting
            counts = {JobState.QUEUED: waiting, JobState.RUNNING: running, **self._ledger.ended_count}
        return Facts(jobs=counts, queue_depth=waiting, working=working, threads=self._pool.size)

    # Stopping

    @property
    def is_accepting(self) -> bool:
        """Whether new jobs are taken, as far as there is room."""
        return self._is_started and not self._is_closed_to_new and self._broken is None

    def stop_accepting(self) -> None:
        """Take no new jobs; go on with those that there are."""
        with self._lock:
            self._is_closed_to_new = True

    def wait_drained(self, timeout_s: float | None) -> bool:
        """Wait until no job is unfinished, and return whether that came.

        A job whose data set is still loading is unfinished. Where nothing is worked on any more, there is no waiting.
        """
        with self._quiet:
            self._quiet.wait_for(lambda: not self._unfinished() or self._is_at_rest(), timeout_s)
            return not self._unfinished()

    def stop(self, wait_s: float | None = None) -> int:
        """Interrupt what is worked on, give it back to the queue, end the threads, close the store of jobs.

        Work stops at its next check; after ``wait_s`` seconds, what still works is given back all the same, and
        its outcome, if it comes, is discarded. Returns how many threads still run: with any, the process ends only by
        os._exit. May be called again, also by another thread while a first call waits.
        """
        with self._lock:
            self._is_closed_to_new = True
            self._stopping.set()
            self._tasks.notify_all()
            self._quiet.notify_all()
        self._pool.join(wait_s)
        self._give_back()
        # Commits what is asked until here: ends of jobs whose threads did not wait for them, and what was given back.
        self._jobs.close()
        self._tell_who_still_waits()
        return self._pool.join(0)

    def _give_back(self) -> None:
        with self._quiet:
            # A start that is committed after we have looked would count an attempt that never was.
            self._quiet.wait_for(lambda: not self._line.is_claiming, _COMMIT_S)
            given = [
                live
                for live in self._ledger.live.values()
                if live.job.state is JobState.RUNNING and not live.is_concluding
            ]
            for live in given:
                live.is_concluding = True
            changes = [(live, live.job.give_back(attempt_counts=False)) for live in given]
            owed, self._owed = self._owed, deque()
        for group in (*owed, changes):
            self._commit(group)

    def _tell_who_still_waits(self) -> None:
        self._lost_results.close()
        with self._lock:
            cancels = [cancellation for live in self._ledger.live.values() for cancellation in live.cancels]
            for live in self._ledger.live.values():
                live.cancels = []
        for cancellation in cancels:
            cancellation.set_exception(_stopped())

    def _unfinished(self) -> int:
        return len(self._ledger.live) + self._in_flight

    def _waiting(self) -> int:
        return len(self._ledger.live) - self._line.working

    def _is_at_rest(self) -> bool:
        return self._stopping.is_set() or self._broken is not None

    # Accepting

    def _accept(self, requests: Sequence[Request], once: Once | None = None) -> Future[list[Job]]:
        with self._lock:
            self._refuse(len(requests))
            self._in_flight += len(requests)
        accepted: Future[list[Job]] = promise()
        try:
            added = self._jobs.add([self._bound(request) for request in requests], at_s=self._clock(), once=once)
        except BaseException:
            self._land(len(requests))
            raise
        self._then(added, partial(self._accepted, accepted, len(requests)))
        return accepted

    def _kept(self, jobs: Sequence[Job]) -> list[Job]:
        """Return those of some jobs that are not being removed."""
        with self._lock:
            return [job for job in jobs if job.number in self._ledger.live or job.number in self._ledger.ended]

    def _refuse(self, count: int) -> None:
        self._refuse_change()
        if self._is_closed_to_new or not self._is_started:
            raise ShuttingDown("The server takes no new jobs any more. Ask again when it is back.")
        waiting = self._waiting() + self._in_flight
        if waiting + count > self._queue_limit:
            raise QueueFull(
                f"{waiting} jobs wait, and {self._queue_limit} may (setting queue_limit). Ask again when some have run."
            )

    def _refuse_change(self) -> None:
        if self._broken is not None:
            raise StoreBroken(f"The server works on nothing until it is started again: {self._broken}")
        if self._stopping.is_set():
            raise _stopped()

    def _bound(self, request: Request) -> Request:
        """Bind a request to the snapshot of now, so that a file reloaded while it waits changes nothing."""
        if request.fingerprint is None and self._gate.is_open(request.dataset):
            with contextlib.suppress(DatasetNotReady):  # accepted all the same: the job says so when it fails
                return self._gate.bind(request)
        return request

    def _accepted(self, accepted: Future[list[Job]], count: int, added: Future[list[Job]]) -> None:
        if (error := added.exception()) is not None:
            self._land(count)
            if isinstance(error, StoreBroken):
                self._fail_for_good(error)
            accepted.set_exception(error)
            return
        jobs = added.result()
        # Known here before the future resolves: whoever has the number can ask for it.
        self._enqueue([LiveJob(job) for job in jobs], landed=count, told_as="accepted")
        accepted.set_result(jobs)
        self._news.tell()

    def _land(self, count: int) -> None:
        with self._lock:
            self._in_flight -= count
            self._quiet.notify_all()

    def _enqueue(self, lives: Sequence[LiveJob], *, landed: int = 0, told_as: Kind | None = None) -> None:
        open_now = {name: self._gate.is_open(name) for name in {live.job.request.dataset for live in lives}}
        with self._lock:
            self._in_flight -= landed
            self._ledger.admit(lives)
            if all(open_now.values()):
                self._line.join(lives)
            else:
                self._line.join(live for live in lives if open_now[live.job.request.dataset])
                self._line.park(live for live in lives if not open_now[live.job.request.dataset])
            # Before a thread can take them, so that nobody hears of their start first.
            if told_as is not None:
                self._note_all(told_as, lives)
            self._tasks.notify(len(lives))
        # A gate that opened between our look and our parking has called back already, and found nobody.
        for name, was_open in open_now.items():
            if not was_open and self._gate.is_open(name):
                self._let_in(name)

    def _let_in(self, dataset: str) -> None:
        with self._lock:
            self._line.unpark(dataset)
            self._tasks.notify_all()

    def _recover(self) -> tuple[list[LiveJob], list[Change]]:
        waiting: list[LiveJob] = []
        crashed: list[Change] = []
        ended: list[tuple[int, Ended]] = []  # not the whole records: a hundred thousand of them are 150 MB
        for job in self._jobs.jobs():
            if job.state.is_ended:
                ended.append((job.number, Ended.of(job)))
            elif job.state is JobState.RUNNING:
                crashed.append((LiveJob(job), self._after_crash(job)))
            else:
                waiting.append(LiveJob(job))
        with self._lock:
            self._ledger.admit_ended(ended)
            self._ledger.admit(live for live, _ in crashed)
            for live, _ in crashed:
                live.is_concluding = True
        return waiting, crashed

    def _after_crash(self, job: Job) -> Job:
        decision = self._retry.after_crash(job)
        if isinstance(decision, Again):
            return job.give_back(attempt_counts=True)
        return job.fail(decision.failure, at_s=self._clock())

    # Working: what the threads do

    def _take(self) -> Task | None:
        with self._tasks:
            while not self._stopping.is_set():
                task, wait_s = self._next_task()
                if task is not None:
                    return task
                self._tasks.wait(wait_s)
        return None

    def _next_task(self) -> tuple[Task | None, float | None]:
        """Return what to do now, or nothing and how long at most to wait."""
        # Somebody waits for a lost result, and its job was accepted before all that wait now. Made also when nothing
        # can be written any more, and beside a suspect: it has been computed before, and nobody died.
        if (task := self._lost_results.take()) is not None:
            return task, None
        if self._broken is not None:
            return None, None
        if pause_s := self._pause.left_s:
            return None, pause_s
        if self._owed:
            return partial(self._commit, self._owed.popleft()), None
        if numbers := self._retention.begin_step():
            return partial(self._remove, numbers), None
        if not self._line.is_claiming and (lives := self._line.claim()):
            return partial(self._claim, lives), None
        if (live := self._line.take()) is not None:
            self._threads_working += 1
            self._note_all("started", (live,))
            return partial(self._work_on, live), None
        return None, None

    def _claim(self, lives: Sequence[LiveJob]) -> None:
        """Have the starts of jobs committed; this thread does not wait for that."""
        at_s = self._clock()
        troubles: dict[LiveJob, Exception] = {}
        moves = []
        for live in lives:
            request = live.job.request
            if request.fingerprint is None:
                try:
                    request = self._gate.bind(request)
                # Whatever binding raises is the end of this job. If it ended the thread instead, the job would be
                # the first again after the restart, and end the thread again.
                except Exception as error:  # noqa: BLE001
                    troubles[live] = error
            moves.append(Move(live.job, live.job.start(at_s=at_s, request=request)))
        self._then(self._jobs.move(moves), partial(self._claimed, moves, troubles))

    def _claimed(self, moves: Sequence[Move], troubles: dict[LiveJob, Exception], done: Future[None]) -> None:
        if (error := done.exception()) is not None:
            with self._lock:
                self._line.unclaim()
                self._quiet.notify_all()
            self._set_back(error)
            return
        with self._lock:
            lives = self._line.claimed()
            for live, move in zip(lives, moves, strict=True):
                live.job = move.after
            # Those that will not be worked on. They do not wait for a thread: all may be busy for long.
            ending = [live for live in lives if live.is_cancelled or live in troubles]
            for live in ending:
                self._line.withdraw(live)
                live.is_concluding = True
            self._tasks.notify(len(lives))
            self._quiet.notify_all()
        for live in ending:
            error = cancelled(live.job) if live.is_cancelled else troubles[live]
            self._commit([(live, self._runner.ended_by(error, live.job))])

    def _work_on(self, live: LiveJob) -> None:
        started = live.job
        self._news.tell()
        self._observer.job_started(max(0.0, self._clock() - started.created_at_s))
        try:
            after = self._runner.run(started, self._work(live))
        except (StoreFull, StoreBroken) as error:
            with self._lock:
                self._threads_working -= 1
                if not self._was_given_back(live, started):
                    self._line.take_again(live)
                    self._note_all("given-back", (live,))
            self._news.tell()
            self._set_back(error)
            return
        with self._lock:
            self._threads_working -= 1
            if self._was_given_back(live, started):
                return  # the server stops and has not waited for us: the job is run again, so this end is not told
            live.is_concluding = True
        # Not waited for: this thread takes the next job, and the commit is shared with other ends.
        self._commit([(live, after)])

    def _was_given_back(self, live: LiveJob, started: Job) -> bool:
        return live.is_concluding or live.job is not started

    def _work(self, live: LiveJob) -> JobWork:
        return JobWork(
            live,
            stopping=self._stopping,
            monotonic=self._monotonic,
            time_limit_s=self._job_time_limit_s,
            on_percent=self._progressed,
        )

    def _progressed(self, live: LiveJob) -> None:
        if live.watchers or self._news.is_followed:
            with self._lock:
                # Not of work that was given up on at a stop, nor of a lost result, whose job has ended long ago.
                if live.is_working and not live.is_concluding:
                    self._note_all("progress", (live,))
            self._news.tell()

    def _remove(self, numbers: list[int]) -> None:
        # The file before the record: a crash in between leaves a record, which is found and removed at the next start.
        # The other way round it would leave a file that nobody ever finds.
        for number in numbers:
            self._results.remove(number)
        removed = self._jobs.remove(numbers)
        error = removed.exception()
        with self._lock:
            self._retention.end_step(numbers, is_removed=error is None)
            if error is None:
                self._note_removed(removed.result())
        self._news.tell()
        if error is not None:
            self._set_back(error)

    def _removed(self, removal: Future[None], number: int, removed: Future[list[Job]]) -> None:
        if (error := removed.exception()) is not None:
            if isinstance(error, StoreBroken):
                self._fail_for_good(error)
            removal.set_exception(error)
            return
        with self._lock:
            self._ledger.forget(number)
            self._note_removed(removed.result())
        # It may have been made again since. Whoever still makes it looks afterwards, and finds that it is not kept.
        self._results.remove(number)
        removal.set_result(None)
        self._news.tell()

    # Committing, and what follows from it

    def _commit(self, changes: Sequence[Change]) -> None:
        if changes:
            moves = [Move(live.job, after) for live, after in changes]
            self._then(self._jobs.move(moves), partial(self._committed, changes))

    def _committed(self, changes: Sequence[Change], done: Future[None]) -> None:
        error = done.exception()
        if error is None:
            self._apply(changes)
            return
        with self._lock:
            is_owed = isinstance(error, StoreFull) and not self._stopping.is_set()
            if is_owed:
                self._owed.append(changes)
        if isinstance(error, StoreFull) and not is_owed:
            # The last word before the stop: the next start finds these jobs as after a crash, and runs them again.
            for live, _ in changes:
                self._observer.job_trouble(live.job, error)
        self._set_back(error)

    def _apply(self, changes: Sequence[Change]) -> None:
        ended: list[tuple[LiveJob, bool]] = []
        back: list[LiveJob] = []
        with self._lock:
            is_followed = self._news.is_followed
            for live, after in changes:
                live.job = after
                live.is_concluding = False
                was_working = self._line.leave(live)
                if after.state.is_ended:
                    self._ledger.end(live)
                    ended.append((live, was_working))
                    if live.watchers or is_followed:
                        self._news.note("ended", JobDetail.of_ended(after), live.watchers)
                    self._pause.end()
                else:
                    back.append(live)
            if not self._unfinished():
                self._quiet.notify_all()
            self._tasks.notify()  # a suspect may have waited for this end, or there is one ended job too many
        if back:
            self._enqueue(back, told_as="given-back")
        for live, was_working in ended:
            self._conclude(live, was_working=was_working)
        self._news.tell()

    def _set_back(self, error: BaseException) -> None:
        """Pause if space may come back; else this is the end."""
        if isinstance(error, ShuttingDown):
            return  # the store was closed under us: recovered from disk at the next start
        with self._lock:
            will_pass = self._pause.begin(error)
            self._tasks.notify_all()  # those who wait without end must look again when the pause does
        if not will_pass:
            self._fail_for_good(error)

    def _fail_for_good(self, error: BaseException) -> None:
        with self._lock:
            if self._broken is not None:
                return
            self._broken = error
            self._quiet.notify_all()
        self._on_fatal(error)

    def _then(self, done: Future[T], step: Callable[[Future[T]], None]) -> None:
        def guarded(done: Future[T]) -> None:
            try:
                step(done)
            # A future swallows what its callbacks raise, and then a job would hang in silence.
            except BaseException as error:  # noqa: BLE001
                self._fail_for_good(error)

        done.add_done_callback(guarded)

    # Telling

    def _detail(self, live: LiveJob) -> JobDetail:
        return JobDetail(live.job, live.state, live.progress, self._line.position(live))

    def _describe(self, number: int, record: Job | None) -> JobDetail:
        """Describe a job. ``record`` is its record, if that was just read: what is there, memory says."""
        with self._lock:
            if (live := self._ledger.live.get(number)) is not None:
                return self._detail(live)
            self._ledger.view(number)
        if record is None or not record.state.is_ended:  # which it has since
            record = self._jobs.get(number)
        if record is None:
            raise unknown(number)  # removed since we looked
        return JobDetail.of_ended(record)

    def _note_all(self, kind: Kind, lives: Sequence[LiveJob]) -> None:
        is_followed = self._news.is_followed
        for live in lives:
            if live.watchers or is_followed:
                self._news.note(kind, self._detail(live), live.watchers)

    def _note_removed(self, jobs: Sequence[Job]) -> None:
        """Announce removals. ``jobs`` are the records that our call deleted: whoever got a record announces it."""
        for job in jobs:
            self._news.note("removed", JobDetail.of_ended(job))

    def _conclude(self, live: LiveJob, *, was_working: bool) -> None:
        """Answer who waits for a job's cancellation, and have its end counted."""
        job = live.job
        for cancellation in live.cancels:  # nobody joins them any more: the job is none of those that go on
            if job.state is JobState.CANCELLED:
                cancellation.set_result(job)
            else:
                cancellation.set_exception(_ended_before(JobView(job.number, job.state, job.failure)))
        run_s = (job.ended_at_s or 0.0) - (job.started_at_s or 0.0) if was_working else 0.0
        self._observer.job_ended(job.state, max(0.0, run_s))


def _as_recorded(wanted: Wanted) -> Wanted:
    """Return what to ask the store for: jobs that are shown as queued may be recorded as running already."""
    if wanted.states is None or JobState.QUEUED not in wanted.states:
        return wanted
    return msgspec.structs.replace(wanted, states=wanted.states | {JobState.RUNNING})


def _stopped() -> ShuttingDown:
    return ShuttingDown("The server has stopped. Ask again when it is back.")


def _ended_before(view: JobView) -> JobEnded:
    return JobEnded(f"{job_id(view.number)} is {view.state} already, so it cannot be cancelled any more.")
