from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meantime.engine.ports import JobFilter, Transition
from meantime.errors import Failure, IllegalTransition, JobCancelled, StoreBroken, StoreFull, StorePaused, StoreTooNew
from meantime.model import IdempotencyKey, JobRecord, JobState, Receipt, Request
from meantime.stores import queries, sqlite_writer
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import request
from tests.support.waiting import PATIENCE_S


class FailingConnection(sqlite3.Connection):
    """A connection that fails where the test says, with errors as SQLite raises them."""

    made: list[FailingConnection]
    fails_at: str = "never"
    code = sqlite3.SQLITE_IOERR
    raised: Exception | None = None  # instead
    answers: dict[str, Any]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        type(self).made.append(self)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql.startswith(type(self).fails_at):
            if (raised := type(self).raised) is not None:
                raise raised
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = type(self).code
            error.sqlite_errorname = "SQLITE_IOERR"
            raise error
        if sql in type(self).answers:
            return super().execute("SELECT ?", (type(self).answers[sql],))
        return super().execute(sql, *values)


Connections = type[FailingConnection]


@pytest.fixture
def connections() -> Connections:
    """A kind of connection of this test's own."""
    return type("FailingHere", (FailingConnection,), {"made": [], "answers": {}})


class Broken:
    def __init__(self) -> None:
        self.errors: list[StoreBroken] = []
        self.heard = threading.Event()

    def __call__(self, error: StoreBroken) -> None:
        self.errors.append(error)
        self.heard.set()


@pytest.fixture
def broken() -> Broken:
    return Broken()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder with % and ?" / "jobs.sqlite3"


@pytest.fixture
def store(path: Path, broken: Broken, connections: Connections) -> Iterator[SqliteJobStore]:
    path.parent.mkdir()
    made = SqliteJobStore(path, on_broken=broken, connect=partial(sqlite3.connect, factory=connections))
    yield made
    made.close()


def add(store: SqliteJobStore, count: int = 1, **parameters: Any) -> list[int]:
    added = store.add([request(**parameters)] * count, at_s=1.0)
    return [job.number for job in added.result(PATIENCE_S)]


class Stall:
    """Holds the store's thread in a callback, so that calls gather behind it into one group."""

    def __init__(self, store: SqliteJobStore) -> None:
        self._go_on = threading.Event()
        held = threading.Event()

        def hold(_: object) -> None:
            held.set()
            self._go_on.wait(PATIENCE_S)

        store.remove([]).add_done_callback(hold)
        assert held.wait(PATIENCE_S)

    def end(self) -> None:
        self._go_on.set()


# Opening


def test_the_connection_that_writes_is_durable(store: SqliteJobStore, connections: Connections) -> None:
    add(store)
    writer, *_ = connections.made
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_jobs_and_numbers_survive_a_restart_also_when_the_newest_was_removed(path: Path, broken: Broken) -> None:
    path.parent.mkdir()
    first = SqliteJobStore(path, on_broken=broken)
    one, two = first.add([request(), request()], at_s=1.0).result(PATIENCE_S)
    gone = two.cancel(Failure.of(JobCancelled("gone")), at_s=2.0)
    first.update([Transition(two, gone)]).result(PATIENCE_S)
    first.remove([two.number]).result(PATIENCE_S)
    first.close()
    second = SqliteJobStore(path, on_broken=broken)
    assert list(second.jobs()) == [one]
    assert add(second) == [3]
    second.close()


def test_readers_cannot_write(store: SqliteJobStore, connections: Connections) -> None:
    store.get(1)
    _, reader, _ = connections.made
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM jobs")


def test_nothing_but_the_database_and_the_last_number_is_left_after_close(path: Path, broken: Broken) -> None:
    path.parent.mkdir()
    store = SqliteJobStore(path, on_broken=broken)
    add(store)
    store.get(1)
    store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["jobs.sqlite3", "last-number"]


def test_jobs_sees_one_moment_while_others_write(store: SqliteJobStore) -> None:
    add(store, 3)
    walk = store.jobs()
    assert next(walk).number == 1
    add(store)
    assert [job.number for job in walk] == [2, 3]


def test_a_store_of_the_first_schema_keeps_its_jobs_and_takes_labels_and_keys(path: Path, broken: Broken) -> None:
    path.parent.mkdir()
    first, *_ = queries.migrations()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        # As that version wrote it: one job that waits, one that is done, and one that was removed.
        old.executescript(f"{first.sql} PRAGMA user_version = 1;")
        old.executescript("""
            INSERT INTO jobs VALUES
              (1, 'queued', 0, 'sample', 'best5', '{"question":"Q"}', 'classic', 'f1', 10.0, NULL, NULL, NULL, NULL),
              (2, 'done', 1, 'sample', 'best5', '{"question":"Q"}', 'classic', 'f1', 10.0, 11.0, 12.0, NULL,
               '{"checksum":"00","size_bytes":7,"method_version":1}'),
              (3, 'cancelled', 0, 'sample', 'best5', '{}', 'classic', NULL, 10.0, NULL, 12.0, NULL, NULL);
            DELETE FROM jobs WHERE number = 3;
        """)
    submitted = Request(dataset="sample", statistic="best5", parameters={"question": "Q"}, fingerprint="f1")
    waiting = JobRecord(number=1, request=submitted, created_at_s=10.0)
    receipt = Receipt(checksum="00", size_bytes=7, method_version=1)
    done = msgspec.structs.replace(
        waiting, number=2, state=JobState.DONE, attempts=1, started_at_s=11.0, ended_at_s=12.0, receipt=receipt
    )
    store = SqliteJobStore(path, on_broken=broken)
    assert list(store.jobs()) == [waiting, done]
    key = IdempotencyKey(key="k", digest="d")
    labelled = msgspec.structs.replace(submitted, label="new")
    [added] = store.add([labelled], at_s=13.0, idempotency_key=key).result(PATIENCE_S)
    store.close()
    again = SqliteJobStore(path, on_broken=broken)
    assert list(again.jobs()) == [waiting, done, added]
    assert (added.number, added.request.label, added.idempotency_key) == (4, "new", key)
    again.close()


def test_a_long_list_does_not_delay_reading_a_single_job(store: SqliteJobStore, connections: Connections) -> None:
    add(store)
    store.find(JobFilter(), before=None, limit=1)
    _, _, listing = connections.made
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> int:
        begun.set()
        return 0 if go_on.wait(PATIENCE_S) else 1

    listing.set_progress_handler(hold, 1)
    reader = threading.Thread(target=lambda: store.find(JobFilter(), before=None, limit=1))
    reader.start()
    assert begun.wait(PATIENCE_S)
    assert store.get(1) is not None
    assert store.accepted_under("k") == []
    go_on.set()
    reader.join(PATIENCE_S)


def test_the_jobs_of_a_key_are_found_without_reading_the_others(
    store: SqliteJobStore, connections: Connections
) -> None:
    add(store)
    plan = connections.made[0].execute(f"EXPLAIN QUERY PLAN {queries.load()['accepted_under']}", ("k",)).fetchall()
    assert [row[-1] for row in plan] == ["SEARCH jobs USING INDEX jobs_by_once_key (once_key=?)"]


def test_however_many_jobs_are_changed_each_is_found_by_its_number(
    store: SqliteJobStore, connections: Connections
) -> None:
    add(store)
    update = queries.for_rows(queries.load()["update"], 3)
    plan = connections.made[0].execute(f"EXPLAIN QUERY PLAN {update}", (None,) * update.count("?")).fetchall()
    assert "SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)" in [row[-1] for row in plan]


def test_a_newer_store_is_refused_and_not_touched(path: Path, broken: Broken) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreTooNew, match="newer Meantime"):
        SqliteJobStore(path, on_broken=broken)
    with closing(sqlite3.connect(path)) as again:
        assert again.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_file_that_is_no_database_is_refused(path: Path, broken: Broken) -> None:
    path.parent.mkdir()
    path.write_bytes(b"certainly not a database" * 100)
    with pytest.raises(StoreBroken, match="NOTADB"):
        SqliteJobStore(path, on_broken=broken)


def test_a_path_where_no_file_can_be_is_refused(path: Path, broken: Broken) -> None:
    with pytest.raises(StoreBroken, match=r"cannot be opened \(No such file"):
        SqliteJobStore(path, on_broken=broken)


@pytest.mark.parametrize(
    ("pragma", "answer"), [("PRAGMA journal_mode = WAL", "delete"), ("PRAGMA synchronous", 1)], ids=["wal", "full"]
)
def test_a_file_system_that_is_not_durable_is_refused(
    path: Path, broken: Broken, connections: Connections, pragma: str, answer: Any
) -> None:
    path.parent.mkdir()
    connections.answers = {pragma: answer}
    with pytest.raises(StoreBroken, match="durably"):
        SqliteJobStore(path, on_broken=broken, connect=partial(sqlite3.connect, factory=connections))


# Groups


def test_one_wrong_call_of_a_group_fails_alone(store: SqliteJobStore) -> None:
    [job] = store.add([request()], at_s=1.0).result(PATIENCE_S)
    started = job.start(at_s=2.0)
    stall = Stall(store)
    futures: list[Future[Any]] = [
        store.add([request()], at_s=1.0),
        store.update([Transition(started, started.give_back(attempt_counts=True))]),
        store.update([Transition(job, started)]),
        store.add([request(), request()], at_s=1.0),
    ]
    stall.end()
    assert isinstance(futures[1].exception(PATIENCE_S), IllegalTransition)
    assert [added.number for added in futures[0].result(PATIENCE_S)] == [2]
    assert futures[2].result(PATIENCE_S) == frozenset()
    assert [added.number for added in futures[3].result(PATIENCE_S)] == [3, 4]
    assert store.get(1) == started


def test_calls_of_a_group_get_numbers_in_their_order(store: SqliteJobStore) -> None:
    stall = Stall(store)
    futures = [store.add([request(index=index)] * (index % 3), at_s=1.0) for index in range(20)]
    stall.end()
    numbers = [job.number for future in futures for job in future.result(PATIENCE_S)]
    assert numbers == list(range(1, len(numbers) + 1))
    for index, future in enumerate(futures):
        for job in future.result():
            assert store.get(job.number) == job
            assert job.request.parameters == {"index": index}


def test_a_group_is_bounded(store: SqliteJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "_GROUP_LIMIT", 3)
    stall = Stall(store)
    futures = [store.add([request()], at_s=1.0) for _ in range(8)]
    stall.end()
    assert [future.result(PATIENCE_S)[0].number for future in futures] == list(range(1, 9))


# A full disk


def test_a_full_disk_refuses_what_does_not_fit_and_accepts_it_later(
    store: SqliteJobStore, connections: Connections
) -> None:
    add(store)
    writer, *_ = connections.made
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    stall = Stall(store)
    small, large = store.add([request()], at_s=1.0), store.add([request(text="x" * 100_000)], at_s=1.0)
    stall.end()
    assert isinstance(large.exception(PATIENCE_S), StoreFull)
    assert [job.number for job in small.result(PATIENCE_S)] == [2]
    assert [job.number for job in store.jobs()] == [1, 2]
    writer.execute("PRAGMA max_page_count = 1000000")
    assert add(store, text="x" * 100_000) == [3]


def test_a_full_disk_at_a_checkpoint_does_no_harm(
    store: SqliteJobStore, broken: Broken, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_CHECKPOINT_ROWS", 1)
    connections.code, connections.fails_at = sqlite3.SQLITE_FULL, "PRAGMA wal_checkpoint"
    assert add(store) == [1]
    assert add(store) == [2]
    assert broken.errors == []


def test_checkpoints_move_the_log_into_the_file(
    store: SqliteJobStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_CHECKPOINT_ROWS", 1)
    add(store, 50, text="x" * 1000)
    add(store)  # behind the checkpoint of the first
    assert path.stat().st_size > 50_000


# What passes by itself


SHORTAGES = {
    "memory": sqlite3.SQLITE_NOMEM,
    "descriptors": sqlite3.SQLITE_CANTOPEN,
    "another program": sqlite3.SQLITE_BUSY,
    "quota": sqlite3.SQLITE_IOERR_WRITE,
    "memory for the log's index": sqlite3.SQLITE_IOERR_SHMSIZE,
}


@pytest.mark.parametrize("where", ["BEGIN", "COMMIT"])
@pytest.mark.parametrize("shortage", SHORTAGES)
def test_what_the_machine_is_short_of_refuses_the_group_and_the_store_goes_on(
    store: SqliteJobStore, broken: Broken, connections: Connections, shortage: str, where: str
) -> None:
    add(store)
    stall = Stall(store)
    connections.code, connections.fails_at = SHORTAGES[shortage], where
    futures = [store.add([request()], at_s=1.0) for _ in range(3)]
    stall.end()
    for future in futures:
        assert isinstance(future.exception(PATIENCE_S), StorePaused)
    connections.fails_at = "never"
    assert add(store) == [2]
    assert [job.number for job in store.jobs()] == [1, 2]
    assert broken.errors == []


def test_memory_that_was_refused_passes_too(store: SqliteJobStore, connections: Connections) -> None:
    # This is how Python's module tells SQLITE_NOMEM.
    connections.raised = MemoryError()
    connections.fails_at = "COMMIT"
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StorePaused)
    connections.fails_at = "SELECT"
    with pytest.raises(StorePaused):
        store.get(1)
    connections.fails_at = "never"
    assert add(store) == [1]


def test_reading_needs_no_descriptor_after_the_start(store: SqliteJobStore, connections: Connections) -> None:
    add(store, 3)
    opened = len(connections.made)
    for _ in range(2):
        store.get(1)
        store.find(JobFilter(), before=None, limit=1)
        store.accepted_under("k")
        store.fingerprints()
    assert len(connections.made) == opened
    for connection in connections.made:
        assert connection.execute("PRAGMA temp_store").fetchone() == (2,)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC])
def test_a_start_that_the_machine_is_too_short_for_says_so(
    path: Path, broken: Broken, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path.parent.mkdir()

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(StorePaused, match="when the machine"):
            SqliteJobStore(path, on_broken=broken)


def test_a_start_leaves_no_connection_when_a_reader_cannot_be_opened(
    path: Path, broken: Broken, connections: Connections
) -> None:
    path.parent.mkdir()
    connections.code, connections.fails_at = sqlite3.SQLITE_CANTOPEN, "SELECT number FROM jobs LIMIT"
    with pytest.raises(StorePaused):
        SqliteJobStore(path, on_broken=broken, connect=partial(sqlite3.connect, factory=connections))
    for connection in connections.made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.total_changes  # noqa: B018 - it raises


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_connection_that_cannot_be_opened_is_reported_and_leaves_none(
    path: Path, broken: Broken, connections: Connections, mode: str
) -> None:
    path.parent.mkdir()

    def connect(uri: str, **more: Any) -> sqlite3.Connection:
        if uri.endswith(f"?mode={mode}"):
            raise sqlite3.OperationalError("unable to open database file")
        return sqlite3.connect(uri, factory=connections, **more)

    with pytest.raises(StoreBroken):
        SqliteJobStore(path, on_broken=broken, connect=connect)
    for connection in connections.made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_the_database_is_for_its_owner_alone(path: Path, store: SqliteJobStore) -> None:
    add(store)
    files = [path, path.with_name("jobs.sqlite3-wal"), path.with_name("jobs.sqlite3-shm")]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3
    assert path.with_name("last-number").stat().st_mode & 0o777 == 0o600


# What is final


@pytest.mark.parametrize("where", ["BEGIN", "COMMIT"])
def test_a_failed_commit_is_final_is_reported_once_and_fails_all_calls(
    store: SqliteJobStore, broken: Broken, connections: Connections, where: str
) -> None:
    [job] = store.add([request()], at_s=1.0).result(PATIENCE_S)
    stall = Stall(store)
    connections.fails_at = where
    futures = [store.add([request()], at_s=1.0) for _ in range(3)]
    stall.end()
    for future in futures:
        assert isinstance(future.exception(PATIENCE_S), StoreBroken)
    connections.fails_at = "never"
    assert broken.heard.wait(PATIENCE_S)
    later: list[Future[Any]] = [
        store.add([request()], at_s=1.0),
        store.update([Transition(job, job.start(at_s=1.0))]),
        store.remove([1]),
    ]
    assert [type(future.exception(PATIENCE_S)) for future in later] == [StoreBroken] * 3
    assert len(broken.errors) == 1
    assert "IOERR" in str(broken.errors[0])
    assert list(store.jobs()) == [job]  # reads go on


def test_a_break_in_the_middle_of_a_group_fails_the_rest_of_it(
    store: SqliteJobStore, broken: Broken, connections: Connections
) -> None:
    [job] = store.add([request()], at_s=1.0).result(PATIENCE_S)
    stall = Stall(store)
    wrong = store.update([Transition(job.start(at_s=1.0), job)])  # so that the group is done one by one
    rest = [store.add([request()], at_s=1.0) for _ in range(3)]
    queued_behind = threading.Event()

    def break_now(_: object) -> None:
        connections.fails_at = "COMMIT"
        rest.append(store.add([request()], at_s=1.0))  # behind the group, in the queue
        queued_behind.set()

    wrong.add_done_callback(break_now)
    stall.end()
    assert queued_behind.wait(PATIENCE_S)
    assert isinstance(wrong.exception(PATIENCE_S), IllegalTransition)
    for future in rest:
        assert isinstance(future.exception(PATIENCE_S), StoreBroken)
    assert broken.heard.wait(PATIENCE_S)
    connections.fails_at = "never"


def test_a_failed_checkpoint_is_final(
    store: SqliteJobStore, broken: Broken, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_CHECKPOINT_ROWS", 1)
    connections.fails_at = "PRAGMA wal_checkpoint"
    assert add(store) == [1]  # durable before
    assert broken.heard.wait(PATIENCE_S)
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreBroken)


def test_a_store_that_breaks_while_it_closes_fails_the_calls_that_still_wait(
    store: SqliteJobStore, broken: Broken, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sqlite_writer, "_GROUP_LIMIT", 1
    )  # so that the word to stop is still in the queue when it breaks
    stall = Stall(store)
    connections.fails_at = "COMMIT"
    future = store.add([request()], at_s=1.0)
    closing_thread = threading.Thread(target=store.close)
    closing_thread.start()
    while not store.add([], at_s=1.0).done():
        pass  # a call waits behind the stall until close has begun; from then on it is refused at once
    stall.end()
    assert isinstance(future.exception(PATIENCE_S), StoreBroken)
    closing_thread.join(PATIENCE_S)
    assert not closing_thread.is_alive()
    assert broken.errors
    connections.fails_at = "never"


def test_a_bug_in_the_stores_thread_is_final_too(
    store: SqliteJobStore, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: Any) -> list[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(sqlite_writer.GroupWriter, "_execute", bug)
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreBroken)
    assert broken.heard.wait(PATIENCE_S)
    assert isinstance(broken.errors[0].__cause__, ZeroDivisionError)


@pytest.mark.parametrize("statement", ["SELECT number", "SELECT DISTINCT"])
def test_a_failed_read_is_reported(store: SqliteJobStore, connections: Connections, statement: str) -> None:
    connections.fails_at = statement
    with pytest.raises(StoreBroken, match="IOERR"):
        store.fingerprints() if statement.endswith("DISTINCT") else store.get(1)
    if statement.endswith("number"):
        # The connection of a walk is opened for it, so both steps may fail.
        for where in (statement, "SELECT number, state"):
            connections.fails_at = where
            with pytest.raises(StoreBroken, match="IOERR"):
                list(store.jobs())
