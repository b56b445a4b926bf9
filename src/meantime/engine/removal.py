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

from meantime.engine.clock_watch import ClockWatch, Note
from meantime.engine.events import EventDispatcher
from meantime.engine.futures import uncancellable_future
from meantime.engine.job_index import JobIndex
from meantime.engine.lifecycle import Lifecycle
from meantime.engine.ports import JobStore, Observer, ResultStore, TimeNotes
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
        watch: ClockWatch,
        notes: TimeNotes,
        observer: Observer,
        store: JobStore,
        results: ResultStore,
    ) -> None:
        self._lifecycle = lifecycle
        self._index = index
        self._events = events
        self._retention = retention
        self._watch = watch
        self._notes = notes
        self._observer = observer
        self._store = store
        self._results = results

    def start(self, newest_s: float | None) -> None:
        """Compare the clock with the last run, of which this is the newest time in a record."""
        seen = self._notes.read()
        with self._lifecycle.lock:
            self._watch.start(seen, newest_s)

    @property
    def held_s(self) -> float:
        """For how much running time no job is removed for its age; 0 usually."""
        with self._lifecycle.lock:
            self._watch.now_s()
            return self._watch.held_s

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
        """Return the removal of jobs that are no longer kept, if there are any. The lock is held.

        From time to time, the time that this looked at is noted instead.
        """
        numbers = self._retention.begin_step()
        if (note := self._watch.due_note()) is not None:
            return partial(self._note_time, note, numbers)
        return partial(self._remove_expired, numbers) if numbers else None

    def note_last_time(self) -> None:
        """At a stop, note the time for the next start."""
        with self._lifecycle.lock:
            self._watch.now_s()
            note = self._watch.note()
        self._note_time(note, ())

    def _note_time(self, note: Note, numbers: Sequence[int]) -> None:
        if note.ahead_s is not None:
            self._observer.clock_jumped(note.ahead_s)
        self._notes.write(note.seen)
        if numbers:
            self._remove_expired(numbers)

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
