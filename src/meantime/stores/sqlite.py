"""Jobs in SQLite: a future that has resolved means that the change survives a power cut.

How that is held:

* WAL with ``synchronous=FULL``, both read back at the start: SQLite falls back without an error where a file system
  cannot do it.
* Exactly one connection writes, and no other ever checkpoints: up to SQLite 3.51.2, two that do so at the same time can
  lose a commit. Readers are opened read-only, and closed before the writer is.
* One thread owns that connection. It takes all that waits, commits it as one group, and resolves the futures after
  the commit: the cost of an fsync is shared by whoever waited during the one before.
* Foreign errors become ours here, in ``_as_ours``. A full disk is harmless: SQLite has written nothing, and may later.
  Anything else leaves open what is on disk, so it is final: only reading it anew, after a restart, can tell.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from meantime import threads
from meantime.engine.ports import Move, Wanted
from meantime.engine.promise import promise
from meantime.errors import (
    Failure,
    IllegalMove,
    MeantimeError,
    ShuttingDown,
    StoreBroken,
    StoreError,
    StoreFull,
    StoreTooNew,
)
from meantime.model import Job, JobState, Once, Receipt, Request
from meantime.stores import queries

Connect = Callable[..., sqlite3.Connection]

# Calls that are committed together at most. A group this large takes some milliseconds, which is what a caller may wait
# for strangers; larger ones save nothing, the fsync is shared well enough.
_GROUP_LIMIT = 512
# Rows changed between two checkpoints. After one, the log is written from its start again; as long as it grows instead,
# each fsync must also record the file's new length and takes twice as long (measured: 0.25 against 0.11 ms). More often
# would cost the fsyncs of the checkpoints themselves.
_CHECKPOINT_ROWS = 1_000
# How long to wait for another program that writes to our file (a backup, a shell): longer than such things take.
_PATIENCE_S = 30.0
# No job has a number as high: the largest that SQLite keeps.
_BEYOND_ALL = 2**63 - 1
# PRAGMA synchronous as SQLite reads it back.
_FULL = 2


class _Call(NamedTuple):
    """One call that waits for its commit."""

    kind: str  # name of the query
    rows: Sequence[tuple[Any, ...]]  # what the query is bound to, one after the other
    future: Future[Any]
    subject: Any  # the requests or jobs that the rows were made of
    at_s: float = 0.0
    once: Once | None = None


class SqliteJobStore:
    """A job store in one SQLite file.

    ``on_broken`` is called once, in the store's thread, when writing has failed for good; it must not close the store.
    ``connect`` is for whoever wants connections of another kind.

    Raises:
        StoreTooNew: a newer Meantime wrote this file.
        StoreBroken: the file cannot be opened, is no database, or cannot be written durably.
        StoreFull: there is no space to begin with.
    """

    def __init__(
        self, path: Path, *, on_broken: Callable[[StoreBroken], None], connect: Connect = sqlite3.connect
    ) -> None:
        self._queries = queries.load()
        self._uri = path.resolve().as_uri()
        self._connect = connect
        self._on_broken = on_broken
        self._writer = self._open_writer()
        self._checkpointed_at = self._writer.total_changes
        self._look = _Reader(self._open_reader)  # at single jobs: microseconds
        self._list = _Reader(self._open_reader)  # may take a tenth of a second, which no look is to wait for
        # None is the sentinel; nothing is put behind it, which is what the lock is for.
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._calling = threading.Lock()
        self._refusal: MeantimeError | None = None
        self._taken: list[_Call] = []
        self._thread = threads.start("store", self._write, on_death=self._on_death)

    def add(self, requests: Sequence[Request], *, at_s: float, once: Once | None = None) -> Future[list[Job]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none."""
        rows = [_row_of_request(request, at_s, once) for request in requests]
        return self._call("add", rows, tuple(requests), at_s, once)

    def move(self, moves: Sequence[Move]) -> Future[None]:
        """Replace jobs by their next versions: all, or none."""
        return self._call("move", [_row_of_move(move) for move in moves], tuple(moves))

    def remove(self, numbers: Sequence[int]) -> Future[list[Job]]:
        """Delete ended jobs, and return the records that this call deleted."""
        return self._call("remove", [(msgspec.json.encode(numbers).decode(),)], tuple(numbers))

    def get(self, number: int) -> Job | None:
        """Read one job as last committed.

        Raises:
            StoreBroken: the file cannot be read.
        """
        rows = self._read(self._look, "job", (number,))
        return _job(rows[0]) if rows else None

    def jobs(self) -> Iterator[Job]:
        """Go through all jobs as committed now, by number.

        Raises:
            StoreBroken: the file cannot be read.
        """
        # A connection of its own: its one statement sees one state of the store, however long somebody goes through it.
        try:
            with contextlib.closing(self._open_reader()) as reader:
                for row in reader.execute(self._queries["jobs"]):
                    yield _job(row)
        except sqlite3.Error as error:
            raise _as_ours(error) from error

    def find(self, wanted: Wanted, *, before: int | None, limit: int) -> list[Job]:
        """Read jobs that are as wanted, newest first.

        Raises:
            StoreBroken: the file cannot be read.
        """
        values = msgspec.structs.asdict(wanted) | {
            "states": None if wanted.states is None else msgspec.json.encode(sorted(wanted.states)).decode(),
            "before": _BEYOND_ALL if before is None else min(before, _BEYOND_ALL),
            "limit": limit,
        }
        return [_job(row) for row in self._read(self._list, "find", values)]

    def accepted_under(self, key: str) -> list[Job]:
        """Read the kept jobs that came under an idempotency key, by number.

        Raises:
            StoreBroken: the file cannot be read.
        """
        return [_job(row) for row in self._read(self._look, "accepted_under", (key,))]

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name.

        Raises:
            StoreBroken: the file cannot be read.
        """
        return {fingerprint for (fingerprint,) in self._read(self._list, "fingerprints", ())}

    def close(self) -> None:
        """Commit what was asked, stop the store's thread, close."""
        with self._calling:
            if self._refusal is None:
                self._refusal = ShuttingDown("The store is closed. Ask again when the server is back.")
                self._calls.put(None)
        self._thread.join()
        # The last connection to close is the one that may checkpoint, so readers go first.
        self._look.close()
        self._list.close()
        with contextlib.suppress(sqlite3.Error):  # all that was acknowledged is on disk already
            self._writer.close()

    # Opening

    def _open_writer(self) -> sqlite3.Connection:
        try:
            writer = self._connect(
                f"{self._uri}?mode=rwc",
                uri=True,
                timeout=_PATIENCE_S,
                isolation_level=None,  # we say BEGIN
                check_same_thread=False,  # opened here, so that errors are raised here; used by the store's thread only
            )
        except sqlite3.Error as error:
            raise _as_ours(error) from error
        try:
            self._prepare(writer)
        except sqlite3.Error as error:
            writer.close()
            raise _as_ours(error) from error
        except StoreError:
            writer.close()
            raise
        return writer

    def _prepare(self, writer: sqlite3.Connection) -> None:
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        steps = queries.migrations()
        if version > steps[-1].version:
            raise StoreTooNew(
                f"The jobs in {self._uri} were written by a newer Meantime (schema {version}, this one knows "
                f"{steps[-1].version}). Start that version, or set another state directory (state_dir)."
            )
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        writer.execute("PRAGMA synchronous = FULL")
        (synchronous,) = writer.execute("PRAGMA synchronous").fetchone()
        if (mode, synchronous) != ("wal", _FULL):
            raise StoreBroken(
                f"{self._uri} cannot be written durably here (journal mode {mode!r}, synchronous {synchronous}). "
                "Put the state directory (state_dir) on a local disk."
            )
        # We checkpoint ourselves: SQLite would do it inside a commit, and say nothing when that fails.
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        for step in steps:
            if step.version > version:
                writer.executescript(f"BEGIN IMMEDIATE; {step.sql} PRAGMA user_version = {step.version}; COMMIT;")

    def _open_reader(self) -> sqlite3.Connection:
        return self._connect(
            f"{self._uri}?mode=ro", uri=True, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )

    def _read(self, reader: _Reader, query: str, values: Any) -> list[Any]:
        try:
            return reader.read(self._queries[query], values)
        except sqlite3.Error as error:
            raise _as_ours(error) from error

    # The store's thread

    def _call(
        self,
        kind: str,
        rows: Sequence[tuple[Any, ...]],
        subject: Any,
        at_s: float = 0.0,
        once: Once | None = None,
    ) -> Future[Any]:
        future: Future[Any] = promise()
        with self._calling:
            refusal = self._refusal
            if refusal is None:
                self._calls.put(_Call(kind, rows, future, subject, at_s, once))
        if refusal is not None:
            future.set_exception(refusal)
        return future

    def _write(self) -> None:
        is_open = True
        while is_open and not isinstance(self._refusal, StoreBroken):
            self._taken, is_open = self._take_group()
            self._commit(self._taken)
            if self._writer.total_changes - self._checkpointed_at >= _CHECKPOINT_ROWS:
                self._checkpoint()

    def _take_group(self) -> tuple[list[_Call], bool]:
        """Wait for a call, then take those that wait behind it; False where the sentinel was among them."""
        group: list[_Call] = []
        call = self._calls.get()
        while call is not None:
            group.append(call)
            if len(group) == _GROUP_LIMIT:
                return group, True
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Call]) -> None:
        if isinstance(self._refusal, StoreBroken):
            return  # broken by the call before; these were told with the others
        try:
            outcomes = self._transact(group)
        except (IllegalMove, StoreFull) as error:
            # One of them is wrong, or too large; the others must not suffer for it.
            if len(group) == 1:
                group[0].future.set_exception(error)
            else:
                for call in group:
                    self._commit([call])
        except StoreBroken as error:
            self._break(error)
        else:
            for call, outcome in zip(group, outcomes, strict=True):
                call.future.set_result(outcome)

    def _transact(self, group: list[_Call]) -> list[Any]:
        """Do all calls in one transaction, or none of them; return what their futures resolve to."""
        if not group:
            return []
        outcomes: list[Any] = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            # Neighbours of one kind go to SQLite together; the order of the calls stays.
            for kind, calls in groupby(group, key=lambda call: call.kind):
                outcomes += self._execute(kind, list(calls))
            self._writer.execute("COMMIT")
        except (sqlite3.Error, IllegalMove, StoreBroken) as error:
            # SQLite has rolled back by itself after some errors, and none of its next answers would mean anything here.
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            raise _as_ours(error) if isinstance(error, sqlite3.Error) else error from error
        return outcomes

    def _execute(self, kind: str, calls: list[_Call]) -> list[Any]:
        if kind == "remove":
            return [self._deleted(row) for call in calls for row in call.rows]
        rows = [row for call in calls for row in call.rows]
        changed = self._writer.executemany(self._queries[kind], rows).rowcount if rows else 0
        if kind == "add":
            return self._numbered(calls)
        if kind == "move" and changed != len(rows):
            ids = ", ".join(move.before.id for call in calls for move in call.subject)
            raise IllegalMove(f"Not all of {ids} are as they were thought to be: nothing was changed.")
        return [None] * len(calls)

    def _deleted(self, numbers: tuple[Any, ...]) -> list[Job]:
        # SQLite returns them in an order of its own.
        return [_job(row) for row in sorted(self._writer.execute(self._queries["remove"], numbers).fetchall())]

    def _numbered(self, calls: list[_Call]) -> list[list[Job]]:
        """Return the jobs that were just added; their numbers are consecutive, because nobody else writes."""
        (last,) = self._writer.execute("SELECT last_insert_rowid()").fetchone()
        number = last - sum(len(call.rows) for call in calls)
        added = []
        for call in calls:
            jobs = []
            for request in call.subject:
                number += 1
                jobs.append(Job(number=number, request=request, created_at_s=call.at_s, once=call.once))
            added.append(jobs)
        return added

    def _checkpoint(self) -> None:
        self._checkpointed_at = self._writer.total_changes
        try:
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            # A full disk harms nothing here: the log keeps what does not fit into the file, and is tried again.
            if isinstance(ours := _as_ours(error), StoreBroken):
                self._break(ours)

    def _break(self, error: StoreBroken) -> None:
        with self._calling:
            self._refusal = error
        waiting = list(self._taken)
        with contextlib.suppress(queue.Empty):
            while True:
                if (call := self._calls.get_nowait()) is not None:
                    waiting.append(call)
        for call in waiting:
            if not call.future.done():
                call.future.set_exception(error)
        self._on_broken(error)

    def _on_death(self, role: str, error: BaseException) -> None:
        broken = StoreBroken(f"The thread {role} died of {error!r}. Start the server again; the log has the details.")
        broken.__cause__ = error
        self._break(broken)


class _Reader:
    """A read-only connection, opened when it is first needed, for one reader at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def read(self, query: str, values: Any) -> list[Any]:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _as_ours(error: sqlite3.Error) -> StoreFull | StoreBroken:
    """Say what an error of SQLite means for whoever uses the store."""
    # The low byte is the kind; the rest says where it happened.
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull("The disk is full; nothing was written. Make space, then ask again.")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreBroken(
            f"The store of jobs is damaged ({name}: {error}). Put back a backup of jobs.sqlite3, or move it away and "
            "start with no jobs."
        )
    return StoreBroken(
        f"The store of jobs failed ({name}: {error}). What was acknowledged is on disk. See to the disk and to other "
        "programs that use this file, then start the server again."
    )


def _row_of_request(request: Request, at_s: float, once: Once | None) -> tuple[Any, ...]:
    parameters = msgspec.json.encode(request.parameters).decode()
    key, digest = (None, None) if once is None else (once.key, once.digest)
    return (
        request.dataset,
        request.statistic,
        parameters,
        request.view,
        request.fingerprint,
        request.label,
        at_s,
        key,
        digest,
    )


def _row_of_move(move: Move) -> tuple[Any, ...]:
    before, after = move
    return (
        after.state.value,
        after.attempts,
        after.request.fingerprint,
        after.started_at_s,
        after.ended_at_s,
        _json(after.failure),
        _json(after.receipt),
        after.number,
        before.state.value,
        before.attempts,
    )


def _json(value: Failure | Receipt | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _job(row: tuple[Any, ...]) -> Job:
    try:
        return _job_of_row(row)
    except (ValueError, msgspec.MsgspecError) as error:
        raise StoreBroken(
            f"The record of job {row[0]} is damaged ({error}). Restore the store from a backup, or remove that row."
        ) from error


def _job_of_row(row: tuple[Any, ...]) -> Job:
    number, state, attempts, dataset, statistic, parameters, view, fingerprint, created, started, ended = row[:11]
    failure, receipt, label, once_key, once_digest = row[11:]
    return Job(
        number=number,
        request=Request(
            dataset=dataset,
            statistic=statistic,
            parameters=msgspec.json.decode(parameters, type=dict[str, Any]),
            view=view,
            fingerprint=fingerprint,
            label=label,
        ),
        created_at_s=created,
        state=JobState(state),
        attempts=attempts,
        started_at_s=started,
        ended_at_s=ended,
        failure=failure and msgspec.json.decode(failure, type=Failure),
        receipt=receipt and msgspec.json.decode(receipt, type=Receipt),
        once=None if once_key is None else Once(key=once_key, digest=once_digest),
    )
