"""A store of jobs in memory that several hosts share: what `stores.postgres` does, without a database.

As there, each host has one thread, in which changes of others are reported and its own futures resolve; all changes
have one order; and what others did before is reported before a host's own change takes effect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from meantime.engine.futures import failed_future, uncancellable_future
from meantime.engine.ports import Changes, JobFilter, KeyTaken, Transition
from meantime.errors import IllegalTransition, MeantimeError, ShuttingDown
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.stores.memory import as_kept

T = TypeVar("T")


class _Row:
    def __init__(self, record: JobRecord, change: int, by: int) -> None:
        self.record, self.change, self.by = record, change, by
        self.moved_by = by
        self.is_to_cancel = False


class SharedMemory:
    """What the hosts share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.rows: dict[int, _Row] = {}
        self.removed: list[_Row] = []
        self.last_number = 0
        self.last_change = 0
        self.lost: set[int] = set()  # hosts whose lease is over, as the test says
        self.at_work: dict[int, dict[int, float]] = {}

    def host(self, me: int) -> MemoryHost:
        return MemoryHost(self, me)


class MemoryHost:
    """The store as one host sees it."""

    def __init__(self, shared: SharedMemory, me: int) -> None:
        self.me: int | None = me
        self.error: MeantimeError | None = None  # what calls fail with
        self._shared = shared
        self._by = me
        self._position = 0
        self._is_closed = False
        self._on_changes: Callable[[Changes], None] = lambda _: None
        self._at_work: Callable[[], Mapping[int, float]] = dict
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"store-{me}")

    def join(self, on_changes: Callable[[Changes], None], at_work: Callable[[], Mapping[int, float]]) -> None:
        self._on_changes, self._at_work = on_changes, at_work

    def catch_up(self) -> Future[None] | None:
        return self._call(lambda: None)

    def ask_to_cancel(self, number: int) -> Future[None]:
        def ask() -> None:
            if (row := self._shared.rows.get(number)) is not None and not row.record.state.is_ended:
                row.is_to_cancel = True
                self._changed(row)

        return self._call(ask)

    def add(
        self,
        requests: Sequence[Request],
        *,
        at_s: float,
        idempotency_key: IdempotencyKey | None = None,
        started: int = 0,
        host: int | None = None,
    ) -> Future[list[JobRecord]]:
        kept = [as_kept(request) for request in requests]

        def add() -> list[JobRecord]:
            if idempotency_key is not None and self.accepted_under(idempotency_key.key):
                raise KeyTaken("Another host has just used this key.")
            records = JobRecord.accepted(
                kept,
                first=self._shared.last_number + 1,
                at_s=at_s,
                idempotency_key=idempotency_key,
                started=started,
                host=host,
            )
            self._shared.last_number += len(records)
            for record in records:
                self._shared.rows[record.number] = row = _Row(record, 0, self._by)
                self._changed(row)
            return records

        return self._call(add)

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        def update() -> frozenset[int]:
            lost: set[int] = set()
            now = {number: row.record for number, row in self._shared.rows.items()}
            for before, after in transitions:
                row, record = self._shared.rows.get(before.number), now.get(before.number)
                if record is not None and _token(record) == _token(before):
                    now[before.number] = after
                elif (row is None and before.number > self._shared.last_number) or (
                    row is not None and row.by == self._by
                ):
                    raise IllegalTransition(f"{before.id} is no longer {before.state}; nothing changed.")
                else:
                    lost.add(before.number)
            for before, _ in transitions:
                if before.number not in lost:
                    self._shared.rows[before.number].record = now[before.number]
                    self._changed(self._shared.rows[before.number])
                    self._shared.rows[before.number].moved_by = self._by
            return frozenset(lost)

        return self._call(update)

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        def remove() -> list[JobRecord]:
            rows = self._shared.rows
            ended = [number for number in sorted(set(numbers) & rows.keys()) if rows[number].record.state.is_ended]
            gone = [rows.pop(number) for number in ended]
            for row in gone:
                self._changed(row)
            self._shared.removed += gone
            return [row.record for row in gone]

        return self._call(remove)

    def get(self, number: int) -> JobRecord | None:
        with self._shared.lock:
            row = self._shared.rows.get(number)
            return row.record if row else None

    def jobs(self) -> Iterator[JobRecord]:
        with self._shared.lock:
            self._position = self._shared.last_change
            return iter([row.record for _, row in sorted(self._shared.rows.items())])

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
        with self._shared.lock:
            newest_first = [row.record for _, row in sorted(self._shared.rows.items(), reverse=True)]
        matches = (
            record
            for record in newest_first
            if (before is None or record.number < before) and job_filter.matches(record, record.state)
        )
        return list(islice(matches, limit))

    def accepted_under(self, key: str) -> list[JobRecord]:
        with self._shared.lock:
            records = [row.record for _, row in sorted(self._shared.rows.items())]
        return [record for record in records if record.idempotency_key and record.idempotency_key.key == key]

    def fingerprints(self) -> set[str]:
        with self._shared.lock:
            names = {row.record.request.fingerprint for row in self._shared.rows.values()}
        return {name for name in names if name is not None}

    def close(self) -> None:
        self._is_closed = True
        self._thread.shutdown()

    def _call(self, do: Callable[[], T]) -> Future[T]:
        if self._is_closed:
            return failed_future(ShuttingDown("The store is closed."))
        future: Future[T] = uncancellable_future()
        self._thread.submit(self._resolve, future, do)
        return future

    def _resolve(self, future: Future[T], do: Callable[[], T]) -> None:
        try:
            future.set_result(self._transact(do))
        except (MeantimeError, KeyTaken) as error:
            future.set_exception(error)

    def _transact(self, do: Callable[[], T]) -> T:
        with self._shared.lock:
            if self.error is not None:
                raise self.error
            changes = self._changes()
            outcome: T | Exception
            try:
                outcome = do()
            except (MeantimeError, KeyTaken) as error:
                outcome = error
            self._position = self._shared.last_change
        self._on_changes(changes)
        self._shared.at_work[self._by] = dict(self._at_work())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _changes(self) -> Changes:
        new = [row for row in self._shared.rows.values() if row.change > self._position and row.by != self._by]
        gone = [row.record for row in self._shared.removed if row.change > self._position and row.by != self._by]
        others: dict[int, float] = {}
        for host, at_work in self._shared.at_work.items():
            if host != self._by:
                others |= at_work
        return Changes(
            jobs=[row.record for row in sorted(new, key=lambda row: row.change)],
            removed=gone,
            cancelling=[row.record.number for row in new if row.is_to_cancel and not row.record.state.is_ended],
            at_work=others,
            lost=frozenset(self._shared.lost - {self._by}),
        )

    def _changed(self, row: _Row) -> None:
        self._shared.last_change += 1
        row.change, row.by = self._shared.last_change, self._by


def _token(record: JobRecord) -> tuple[Any, ...]:
    return record.state, record.attempts, record.host
