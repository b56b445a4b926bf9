"""Makes an engine: its parts, each with those that it needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from meantime.engine.cancellations import Cancellations
from meantime.engine.clock_watch import ClockWatch, running_s
from meantime.engine.commits import Commits
from meantime.engine.engine import Engine
from meantime.engine.events import EventDispatcher
from meantime.engine.job_index import JobIndex
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.lookup import JobLookup
from meantime.engine.lost_results import LostResults
from meantime.engine.other_hosts import OtherHosts
from meantime.engine.ports import (
    Alone,
    Clock,
    Gate,
    HostGroup,
    JobCompute,
    JobStore,
    NullObserver,
    NullTimeNotes,
    Observer,
    ResultsElsewhere,
    ResultStore,
    TimeNotes,
)
from meantime.engine.queue import JobQueue
from meantime.engine.recovery import after_crash, recover
from meantime.engine.removal import Removal
from meantime.engine.retention import Retention
from meantime.engine.retry import Backoff, RetryPolicy
from meantime.engine.scheduler import Scheduler
from meantime.engine.submission import JobSubmitter
from meantime.engine.task_runner import JobWork, TaskRunner
from meantime.engine.working import Workers
from meantime.model import Request


def create_engine(
    *,
    jobs: JobStore,
    results: ResultStore,
    compute: JobCompute,
    gate: Gate,
    clock: Clock,
    threads: int,
    queue_limit: int,
    job_time_limit_s: float,
    keep_ended_s: float,
    keep_ended_jobs: int,
    on_fatal: Callable[[BaseException], None],
    observer: Observer | None = None,
    monotonic: Clock = time.monotonic,
    running: Clock = running_s,
    notes: TimeNotes | None = None,
    hosts: HostGroup | None = None,
    can_answer: Callable[[Request], bool] = lambda _: True,
    elsewhere: ResultsElsewhere | None = None,
    retry: RetryPolicy | None = None,
) -> Engine:
    """Make an engine, not started.

    ``on_fatal`` is called once, in whatever thread it happens, when only a restart can help. It must not call ``stop``
    itself, which would wait for that very thread. From then on nothing is accepted or worked on; reads go on.

    ``monotonic`` is for durations, since the clock may be set while a job works; ``running`` goes on while the machine
    sleeps. ``notes`` keep the time of day over restarts. ``hosts`` are the others that share the store of jobs, and
    ``can_answer`` says whether a job that one of them accepted can be worked on here; ``elsewhere`` has
    the results that they have computed.
    """
    observer = observer or NullObserver()
    hosts = hosts or Alone()
    retry = retry or RetryPolicy()
    runner = TaskRunner(compute=compute, results=results, retry=retry, clock=clock, observer=observer)
    lifecycle = Lifecycle(backoff=Backoff(retry, monotonic=monotonic), on_fatal=on_fatal)
    index = JobIndex()
    queue = JobQueue(retry)
    events = EventDispatcher(lifecycle.lock, position_of=queue.position, on_error=observer.job_trouble)
    lookup = JobLookup(lifecycle=lifecycle, index=index, events=events, store=jobs)
    recovering = partial(
        recover,
        lifecycle=lifecycle,
        index=index,
        queue=queue,
        store=jobs,
        host=hosts.me,
        retry=retry,
        clock=clock,
        observer=observer,
    )
    scheduler = Scheduler(lifecycle=lifecycle, index=index, queue=queue, events=events, gate=gate, hosts=hosts)
    submitter = JobSubmitter(
        lifecycle=lifecycle,
        index=index,
        queue=queue,
        events=events,
        scheduler=scheduler,
        store=jobs,
        clock=clock,
        queue_limit=queue_limit,
        threads=threads,
        host=hosts.me,
    )
    watch = ClockWatch(clock=clock, running=running)
    retention = Retention(index, watch=watch, keep_s=keep_ended_s, keep_jobs=keep_ended_jobs)
    commits = Commits(
        lifecycle=lifecycle,
        index=index,
        queue=queue,
        events=events,
        scheduler=scheduler,
        store=jobs,
        observer=observer,
        retention=retention,
        cancelled=runner.cancelled,
    )
    others = OtherHosts(
        hosts=hosts,
        lifecycle=lifecycle,
        index=index,
        queue=queue,
        events=events,
        scheduler=scheduler,
        commits=commits,
        results=results,
        can_answer=can_answer,
        after_crash=partial(after_crash, retry=retry, clock=clock),
        cancelled=runner.cancelled,
    )
    cancellations = Cancellations(
        lifecycle=lifecycle, index=index, queue=queue, commits=commits, others=others, cancelled=runner.cancelled
    )
    removal = Removal(
        lifecycle=lifecycle,
        index=index,
        events=events,
        retention=retention,
        watch=watch,
        notes=notes or NullTimeNotes(),
        observer=observer,
        store=jobs,
        results=results,
    )
    new_work = partial(JobWork, stopping=lifecycle.stopping, monotonic=monotonic, time_limit_s=job_time_limit_s)
    lost_results = LostResults(
        store=jobs,
        results=results,
        runner=runner,
        new_work=new_work,
        is_known=index.__contains__,
        elsewhere=elsewhere,
        wake=lifecycle.wake_worker,
    )
    workers = Workers(
        lifecycle=lifecycle,
        queue=queue,
        events=events,
        commits=commits,
        removal=removal,
        lost_results=lost_results,
        runner=runner,
        new_work=new_work,
        store=jobs,
        gate=gate,
        clock=clock,
        observer=observer,
        threads=threads,
        host=hosts.me,
    )
    return Engine(
        hosts=hosts,
        lifecycle=lifecycle,
        index=index,
        queue=queue,
        events=events,
        lookup=lookup,
        recover=recovering,
        scheduler=scheduler,
        submitter=submitter,
        commits=commits,
        others=others,
        cancellations=cancellations,
        removal=removal,
        lost_results=lost_results,
        workers=workers,
        store=jobs,
    )
