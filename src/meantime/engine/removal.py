"""Removes ended jobs, with record and result: one when a client asks, and those that retention no longer keeps.

The result goes before the record. A crash in between leaves a record, which the next start finds and removes; the other
way round it would leave a file that nobody ever finds.

Several may remove one job at the same time: a client and retention, or two clients. Each asks the store, and the one
that gets the record, because that very call deleted it, announces the removal.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from meantime.engine.events import EventDispatcher
from meantime.engine.futures import uncancellable_future
from meantime.engine.job_index import JobIndex
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import JobStore, ResultStore
from meantime.engine.retention import Retention
from meantime.engine.thread_pool import Task
from meantime.errors import JobUnfinished, StoreBroken
from meantime.model import JobRecord, job_id


class Removal:
    """Removes ended jobs. Takes the engine's lock itself."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        index: JobIndex,
        events: EventDispatcher,
        retention: Retention,
        store: JobStore,
        results: ResultStore,
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._events = events
        self._retention = retention
        self._store = store
        self._results = results

    def remove(self, number: int) -> Future[None]:
        """Remove one job; see ``Engine.remove``."""
        with self._lifecycle.lock:
            self._lifecycle.require_changeable()
            if not self._index.view(number).state.is_ended:
                raise JobUnfinished(f"{job_id(number)} has not ended, so it cannot be removed. Cancel it first.")
        # A client that reads the result meanwhile has it computed again: see _removed.
        self._results.remove(number)
        removal: Future[None] = uncancellable_future()
        self._lifecycle.when_done(self._store.remove([number]), partial(self._removed, removal, number))
        return removal

    def next_task(self) -> Task | None:
        """Return the removal of jobs that are no longer kept, if there are any. The lock is held."""
        numbers = self._retention.begin_step()
        return partial(self._remove_expired, numbers) if numbers else None

    def _removed(self, removal: Future[None], number: int, removed: Future[list[JobRecord]]) -> None:
        if (error := removed.exception()) is not None:
            if isinstance(error, StoreBroken):
                self._lifecycle.fail(error)
            removal.set_exception(error)
            return
        with self._lifecycle.lock:
            self._index.forget(number)
            self._events.add_removed(removed.result())
        # It may have been computed again since. The thread that still computes it checks afterwards whether the job is
        # known.
        self._results.remove(number)
        removal.set_result(None)
        self._events.dispatch()

    def _remove_expired(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._results.remove(number)
        removed = self._store.remove(numbers)
        error = removed.exception()
        with self._lifecycle.lock:
            self._retention.end_step(numbers, is_removed=error is None)
            if error is None:
                self._events.add_removed(removed.result())
        self._events.dispatch()
        if error is not None:
            self._lifecycle.set_back(error)
