"""Accepts requests as jobs: all of them or none, durably, and once for each idempotency key."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from meantime.engine.events import EventDispatcher
from meantime.engine.futures import for_all_at_once, uncancellable_future
from meantime.engine.idempotency import IdempotentSubmissions
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import ActiveJob
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import Clock, JobStore
from meantime.engine.queue import CLAIM_LIMIT, JobQueue
from meantime.engine.scheduler import Admission, Scheduler
from meantime.errors import QueueFull, StoreBroken
from meantime.model import IdempotencyKey, JobRecord, Request

# Beyond the limit so many more places, as a share of it, are for clients who have few jobs. The tenth part is enough
# for a batch of some hundred jobs of each of three clients, and costs no memory to speak of.
_SHARE_KEPT = 10
_LEAST_KEPT = 2  # a client with one job must leave one


class _Committed(NamedTuple):
    """A submission that is durable, and that nobody has been told of yet."""

    records: list[JobRecord]
    started: int
    client: str
    accepted: Future[list[JobRecord]]


class JobSubmitter:
    """Takes new jobs as long as the queue has room. Takes the engine's lock itself."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        index: JobIndex,
        queue: JobQueue,
        events: EventDispatcher,
        scheduler: Scheduler,
        store: JobStore,
        clock: Clock,
        queue_limit: int,
        threads: int,
        host: int | None,
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._queue = queue
        self._events = events
        self._scheduler = scheduler
        self._store = store
        self._clock = clock
        self._queue_limit = queue_limit
        self._threads = threads
        self._host = host
        self._kept_for_others = max(_LEAST_KEPT, queue_limit // _SHARE_KEPT)
        self._committed: deque[_Committed] = deque()
        self._take_in = lifecycle.guarded(self._take_in_committed)
        self._idempotent = IdempotentSubmissions(store=store, keep_known=self._keep_known)

    def submit(self, requests: Sequence[Request], key: IdempotencyKey | None, client: str) -> Future[list[JobRecord]]:
        """Accept requests, or return the jobs that the key has made already; see ``Engine.submit``."""
        if key is None:
            return self._accept(requests, None, client)
        with self._lifecycle.lock:
            self._lifecycle.require_changeable()
        return self._idempotent.submit(key, partial(self._accept, requests, key, client))

    def _accept(self, requests: Sequence[Request], key: IdempotencyKey | None, client: str) -> Future[list[JobRecord]]:
        count = len(requests)
        bound = [self._scheduler.bind(request) for request in requests]
        is_ready = self._scheduler.is_ready(bound)
        with self._lifecycle.lock:
            self._require_room(client, count)
            self._index.begin_submitting(client, count)
            started = self._queue.begin_starting(count, self._most_claimed) if is_ready else 0
        accepted: Future[list[JobRecord]] = uncancellable_future()
        try:
            added = self._store.add(bound, at_s=self._clock(), idempotency_key=key, started=started, host=self._host)
        except BaseException:
            self._drop(client, count, started)
            raise
        self._lifecycle.when_done(added, partial(self._accepted, accepted, count, started, client))
        return accepted

    @property
    def _most_claimed(self) -> int:
        """How many jobs may be claimed where one is started with its acceptance. The lock is held."""
        # What no thread of this host is free for, another host may have one for.
        return CLAIM_LIMIT if self._host is None else self._threads - self._queue.working

    def _require_room(self, client: str, count: int) -> None:
        """Refuse what finds no place. Beyond the limit a client must leave as many places free as it then has.

        So one client, or a few, cannot shut out the others: the next one has half of what is left, and there is always
        something left for the one after it. (Choudhury and Hahne, Dynamic queue length thresholds for shared-memory
        packet switches, IEEE/ACM Transactions on Networking 6, 1998.)
        """
        self._lifecycle.require_accepting()
        waiting = self._index.unfinished - self._queue.working
        left = self._queue_limit - waiting - count
        if left < 0 and self._index.unfinished_of(client) + count > left + self._kept_for_others:
            raise QueueFull(
                f"{waiting} jobs are waiting, and at most {self._queue_limit} may (setting queue_limit). "
                "Try again when some have run."
            )

    def _accepted(
        self, accepted: Future[list[JobRecord]], count: int, started: int, client: str, added: Future[list[JobRecord]]
    ) -> None:
        if (error := added.exception()) is not None:
            self._drop(client, count, started)
            if isinstance(error, StoreBroken):
                self._lifecycle.fail(error)
            accepted.set_exception(error)
            return
        self._committed.append(_Committed(added.result(), started, client, accepted))
        for_all_at_once(self._take_in)

    def _take_in_committed(self) -> None:
        """Let the jobs wait their turn that are committed by now, and resolve the futures of their submissions."""
        committed: list[_Committed] = []
        with contextlib.suppress(IndexError):  # until there are no more: other threads may take some
            while True:
                committed.append(self._committed.popleft())
        # Known before the futures resolve, so that a caller who has a number can ask about it.
        self._scheduler.schedule_accepted(
            [
                Admission(each.client, [ActiveJob(record, each.client) for record in each.records], each.started)
                for each in committed
            ]
        )
        for each in committed:
            each.accepted.set_result(each.records)
        self._events.dispatch()

    def _drop(self, client: str, count: int, started: int) -> None:
        with self._lifecycle.lock:
            self._index.end_submitting(client, count)
            self._queue.started(started, ())
            self._lifecycle.settled.notify_all()

    def _keep_known(self, records: Sequence[JobRecord]) -> list[JobRecord]:
        """Return those records whose jobs are not being removed."""
        with self._lifecycle.lock:
            return [record for record in records if record.number in self._index]
