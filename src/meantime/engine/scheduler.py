"""Lets jobs wait for a thread, or for a data set that is not loaded yet."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from meantime.engine.events import EventDispatcher, EventKind
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import Gate, HostGroup
from meantime.engine.queue import JobQueue
from meantime.errors import DatasetNotReady
from meantime.model import Request

# Nobody announces that a data set is held, so whoever waits for jobs looks by itself.
_LOOK_AGAIN_S = 1.0


class Admission(NamedTuple):
    """The jobs of one submission."""

    client: str
    jobs: Sequence[ActiveJob]
    started: int  # how many of them, the first ones, were started in the commit that accepted them


class Scheduler:
    """Puts jobs into the queue. Takes the engine's lock itself."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        events: EventDispatcher,
        gate: Gate,
        hosts: HostGroup,
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._gate = gate
        self._hosts = hosts

    def start(self) -> None:
        """Hear of data sets that load, or cannot be loaded because of their files, from now on."""
        self._gate.on_open(self._open)

    def bind(self, request: Request) -> Request:
        """Bind a request to the snapshot of now, if there is one: a reload while it waits then changes nothing."""
        if request.fingerprint is None and self._gate.is_open(request.dataset):
            with contextlib.suppress(DatasetNotReady):  # accepted anyway: the job fails with that reason
                return self._gate.bind(request)
        return request

    def is_ready(self, requests: Sequence[Request]) -> bool:
        """Whether work on all of these requests can start: they are bound, and their data sets are open."""
        return all(request.fingerprint for request in requests) and all(self.gates(requests).values())

    def schedule(self, jobs: Sequence[ActiveJob], event: EventKind | None = None) -> None:
        """Let jobs wait their turn."""
        open_now = self.gates([job.record.request for job in jobs])
        with self._lifecycle.lock:
            self._index.add_active(jobs)
            self.place(jobs, open_now)
            # Before a thread can take them, so that nobody hears of their start first.
            if event is not None:
                self._events.add(event, jobs)
            self._lifecycle.work_available.notify(len(jobs))
        self.look_again(open_now)

    def schedule_accepted(self, submissions: Sequence[Admission]) -> None:
        """Let jobs wait their turn that were being accepted until now, all at once: one lock, and one wake-up."""
        open_now = self.gates([job.record.request for each in submissions for job in each.jobs[each.started :]])
        with self._lifecycle.lock:
            for client, jobs, started in submissions:
                self._index.end_submitting(client, len(jobs))
                self._index.add_active(jobs)
                self._queue.started(started, jobs[:started])
                self.place(jobs[started:], open_now)
                self._events.add("accepted", jobs)  # before a thread can take them, as above
            if any(each.started for each in submissions):
                self._lifecycle.settled.notify_all()
            self._lifecycle.work_available.notify(sum(len(each.jobs) for each in submissions))
        self.look_again(open_now)

    def gates(self, requests: Iterable[Request]) -> dict[str, bool]:
        """Return which of their data sets are open. The lock is not held."""
        return {name: self._gate.is_open(name) for name in {request.dataset for request in requests}}

    def place(self, jobs: Sequence[ActiveJob], open_now: Mapping[str, bool]) -> None:
        """Let jobs wait, as ``gates`` has said. The lock is held; call ``look_again`` without it."""
        if all(open_now.values()):
            self._queue.add(jobs)
        else:
            self._queue.add(job for job in jobs if open_now[job.record.request.dataset])
            self._queue.park(job for job in jobs if not open_now[job.record.request.dataset])

    def look_again(self, open_now: Mapping[str, bool]) -> None:
        """Let jobs of data sets run that opened meanwhile."""
        # A gate that opened after we looked and before we parked has called back already, when nothing was parked.
        for name, was_open in open_now.items():
            if not was_open and self._gate.is_open(name):
                self._open(name)

    def wait_drained(self, timeout_s: float | None) -> bool:
        """Wait until no job is unfinished but those whose data set is held, and return whether none at all is.

        Where there are other hosts, only jobs that this one has are waited for.
        """
        ends_at_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        with self._lifecycle.settled:
            while not self._is_drained and (left_s := ends_at_s - time.monotonic()) > 0:
                self._lifecycle.settled.wait(min(left_s, _LOOK_AGAIN_S))
            return not self._index.unfinished

    @property
    def _is_drained(self) -> bool:
        """Whether nothing is left that is worth waiting for. The lock is held."""
        if self._hosts.me is not None and self._queue.is_idle and not self._index.submitting:
            return True
        return self._lifecycle.is_at_rest or self._index.unfinished == self._queue.parked(self._gate.is_held)

    def _open(self, dataset: str) -> None:
        with self._lifecycle.lock:
            self._queue.unpark(dataset)
            self._lifecycle.work_available.notify_all()
