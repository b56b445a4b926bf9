"""Writes to SQLite in groups: the cost of an fsync is shared by all who waited during the one before.

One thread owns the connection that writes. It takes all calls that wait, commits them together, and resolves their
futures after the commit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from meantime import threads
from meantime.engine.futures import resolve_together, uncancellable_future
from meantime.errors import IllegalTransition, MeantimeError, StoreBroken, StoreFull, StorePaused
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.stores import queries
from meantime.stores.call_queue import CallQueue, thread_died
from meantime.stores.job_rows import SqlRow, as_json, record_of, row_of
from meantime.stores.sqlite_errors import SqliteErrors, translated
from meantime.stores.state_files import LastNumber, OpenFiles

# Calls that are committed together at most. A group this large takes some milliseconds, which is what a caller may wait
# for strangers. Larger ones save nothing: the fsync is shared well enough.
_GROUP_LIMIT = 512
# Rows changed between two checkpoints. After one, the log is written from its start again; as long as it grows instead,
# each fsync must also record the file's new length and takes twice as long (measured: 0.25 against 0.11 ms). More often
# would cost the fsyncs of the checkpoints themselves.
_CHECKPOINT_ROWS = 1_000

# How many rows one statement writes, the most first. With each statement the interpreter goes to another thread that
# wants it, and has to be waited for.
_ROWS_TOGETHER = (64, 16, 4, 1)

_NO_OTHER_HOST: frozenset[int] = frozenset()  # has changed a job before


class WriteCall(NamedTuple):
    """A call that waits for its commit."""

    query: Literal["add", "update", "remove"]
    rows: Sequence[SqlRow] = ()  # what the query is bound to, one after the other; the writer makes those of new jobs
    ids: Sequence[str] = ()  # of the jobs that it updates, to name them in an error
    # Of the jobs that it adds
    requests: Sequence[Request] = ()
    parameters: Sequence[str] = ()  # theirs, as JSON
    at_s: float = 0.0
    idempotency_key: IdempotencyKey | None = None
    started: int = 0  # how many of them, the first ones
    host: int | None = None  # that starts them


class _Waiting(NamedTuple):
    call: WriteCall
    future: Future[Any]


class GroupWriter:
    """Commits calls in groups, in their order, and in its own thread.

    Nothing is acknowledged into a file that was deleted: ``files`` are looked at after each commit. Jobs get the
    numbers after ``given``, which ``last_number`` keeps. ``on_broken`` is called once, in that thread, when writing has
    failed for good.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        sql: Mapping[str, str],
        files: OpenFiles,
        given: int,
        last_number: LastNumber,
        on_broken: Callable[[StoreBroken], None],
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._statements = {
            query: [(rows, queries.for_rows(sql[query], rows)) for rows in _ROWS_TOGETHER]
            for query in ("add", "update")
        }
        self._files = files
        self._given = given
        self._last_number = last_number
        self._on_broken = on_broken
        self._checkpointed_at = connection.total_changes
        self._calls: CallQueue[_Waiting] = CallQueue(attrgetter("future"), most=_GROUP_LIMIT)
        self._thread = threads.start("store", self._run, on_death=self._on_death)

    def submit(self, call: WriteCall) -> Future[Any]:
        """Have a call committed; the future resolves after that."""
        future: Future[Any] = uncancellable_future()
        self._calls.put(_Waiting(call, future))
        return future

    def stop(self) -> None:
        """Commit all calls until now, then end the thread. May be called twice."""
        self._calls.close()
        self._thread.join()

    def close(self) -> None:
        """Close the connection, after the last reader: the last to close may checkpoint."""
        with contextlib.suppress(sqlite3.Error):  # all that was acknowledged is on disk already
            self._connection.close()
        self._last_number.close()

    def _run(self) -> None:
        is_open = True
        while is_open and not self._calls.is_broken:
            group, is_open = self._calls.take()
            self._commit(group)
            if self._connection.total_changes - self._checkpointed_at >= _CHECKPOINT_ROWS:
                self._checkpoint()

    def _commit(self, group: list[_Waiting]) -> None:
        if self._calls.is_broken:
            return  # the call before has broken the store, and all of these have failed
        try:
            outcomes = self._transact([waiting.call for waiting in group])
        except (IllegalTransition, StoreFull) as error:
            # One of them is wrong, or too large; the others must not suffer for it.
            if len(group) == 1:
                group[0].future.set_exception(error)
            else:
                for waiting in group:
                    self._commit([waiting])
        except StorePaused as error:
            for waiting in group:
                waiting.future.set_exception(error)
        except StoreBroken as error:
            self._break(error)
        else:
            resolve_together(zip((waiting.future for waiting in group), outcomes, strict=True))

    def _transact(self, calls: list[WriteCall]) -> list[Any]:
        """Do all calls in one transaction, or none of them; return what their futures resolve to."""
        if not calls:
            return []
        outcomes: list[Any] = []
        given = self._given
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            # Neighbors of one kind go to SQLite together; the order of the calls stays.
            for _, neighbors in groupby(calls, key=lambda call: call.query):
                outcomes += self._execute(list(neighbors))
            self._connection.execute("COMMIT")
            self._files.require_unchanged()
        except (IllegalTransition, StoreBroken, *SqliteErrors) as error:
            # After some errors SQLite has rolled back by itself, and then this fails, which means nothing.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            self._given = given
            raise error if isinstance(error, MeantimeError) else translated(error) from error
        if self._given != given:
            self._last_number.write(self._given)
        return outcomes

    def _execute(self, calls: list[WriteCall]) -> list[Any]:
        query = calls[0].query
        if query == "remove":
            return [self._deleted(row) for call in calls for row in call.rows]
        if query == "add":
            return self._added(calls)
        rows = [row for call in calls for row in call.rows]
        changed = self._write(query, rows)
        if changed != len(rows):
            ids = ", ".join(job_id for call in calls for job_id in call.ids)
            raise IllegalTransition(f"Not all of {ids} are in the states they were thought to be in; nothing changed.")
        return [_NO_OTHER_HOST] * len(calls)

    def _deleted(self, numbers: SqlRow) -> list[JobRecord]:
        named = [record_of(row) for row in self._connection.execute(self._sql["named"], numbers).fetchall()]
        ended = [record for record in named if record.state.is_ended]
        self._connection.execute(self._sql["remove"], (as_json([record.number for record in ended]),))
        return ended

    def _added(self, calls: list[WriteCall]) -> list[list[JobRecord]]:
        """Add jobs, and return them. We number them, because nobody else writes."""
        added: list[list[JobRecord]] = []
        rows: list[SqlRow] = []
        for call in calls:
            records = JobRecord.accepted(
                call.requests,
                first=self._given + 1,
                at_s=call.at_s,
                idempotency_key=call.idempotency_key,
                started=call.started,
                host=call.host,
            )
            self._given += len(records)
            added.append(records)
            rows += map(row_of, records, call.parameters)
        self._write("add", rows)
        return added

    def _write(self, query: Literal["add", "update"], rows: Sequence[SqlRow]) -> int:
        """Execute a query with these rows, and return how many rows it has changed."""
        changed = begin = 0
        for together, statement in self._statements[query]:
            while begin + together <= len(rows):
                values = tuple(chain.from_iterable(rows[begin : begin + together]))
                changed += self._connection.execute(statement, values).rowcount
                begin += together
        return changed

    def _checkpoint(self) -> None:
        self._checkpointed_at = self._connection.total_changes
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except SqliteErrors as error:
            # A full disk does no harm here: the log keeps what does not fit into the file, and this is tried again.
            if isinstance(store_error := translated(error), StoreBroken):
                self._break(store_error)

    def _break(self, error: StoreBroken) -> None:
        # The database may be gone, and the file with the number with it.
        self._last_number.keep(self._given)
        self._calls.fail_all(error)
        self._on_broken(error)

    def _on_death(self, role: str, error: BaseException) -> None:
        self._break(thread_died(role, error))
