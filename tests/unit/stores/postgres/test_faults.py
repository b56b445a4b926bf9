"""The database goes away, comes back, and fails in the moment of a commit: what is told is what is kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("psycopg", reason="the extra postgres is not installed: make cluster")

import psycopg

from meantime.engine.ports import JobFilter
from meantime.errors import SettingInvalid, ShuttingDown, StoreBroken, StoreFull, StorePaused, StoreTooNew
from meantime.stores.postgres import database, transactions
from meantime.stores.postgres.database import Database
from meantime.stores.postgres.errors import translated
from tests.support.engine_fakes import request
from tests.support.postgres_store import execute, postgres_store
from tests.support.postgresql import PostgresServer
from tests.support.waiting import PATIENCE_S, poll, wait_until

if TYPE_CHECKING:
    from meantime.stores.postgres.store import PostgresJobStore

_END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'meantime'"


@pytest.fixture
def store(jobs_database: str) -> Iterator[PostgresJobStore]:
    with closing(postgres_store(jobs_database)) as made:
        list(made.jobs())
        made.join(lambda _: None, dict)
        yield made


def add(store: PostgresJobStore) -> int:
    return store.add([request()], at_s=1.0).result(PATIENCE_S)[0].number


def accepted_in_the_end(store: PostgresJobStore) -> int:
    """Add a job as a client does that is told to try again."""

    def attempt() -> int | None:
        error = (added := store.add([request()], at_s=1.0)).exception(PATIENCE_S)
        assert error is None or isinstance(error, StorePaused)
        return None if error else added.result()[0].number

    return poll(attempt, lambda number: number is not None) or 0


def test_while_the_database_is_away_nothing_is_accepted_and_it_goes_on_by_itself(
    postgresql: PostgresServer, store: PostgresJobStore
) -> None:
    accepted = [add(store)]

    def attempt() -> BaseException | None:
        if (error := (added := store.add([request()], at_s=1.0)).exception(PATIENCE_S)) is None:
            accepted.append(added.result()[0].number)
        return error

    postgresql.stop(signal.SIGKILL)
    try:
        # The process that serves the connection may still accept some, until it notices that the server is gone.
        poll(attempt, lambda error: isinstance(error, StorePaused))
        for read in (
            lambda: store.get(1),
            lambda: list(store.jobs()),
            lambda: store.find(JobFilter(), before=None, limit=1),
        ):
            with pytest.raises(StorePaused):
                read()
        caught_up = store.catch_up()
        assert caught_up is not None
        assert isinstance(caught_up.exception(PATIENCE_S), StorePaused)
    finally:
        postgresql.start()
    accepted.append(accepted_in_the_end(store))
    assert [record.number for record in store.jobs()] == accepted
    assert store.get(1) is not None


def test_connections_that_the_server_ends_are_made_anew(store: PostgresJobStore, jobs_database: str) -> None:
    assert add(store) == 1
    assert store.get(1) is not None
    execute(jobs_database, _END_ALL)
    assert accepted_in_the_end(store) == 2
    assert store.get(1) is not None  # by a new connection too
    wait_until(lambda: _listens(jobs_database), "nobody listens any more")


def _listens(address: str) -> bool:
    [(count,)] = execute(address, "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN meantime'")
    return bool(count)


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_connection_that_is_lost_with_a_commit_leaves_nobody_with_a_wrong_answer(
    store: PostgresJobStore, jobs_database: str, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    run = database.run
    lost: list[bool] = []

    def lose(connection: Any, statements: Sequence[Any]) -> Any:
        if statements[-1][0] != "COMMIT" or lost:
            return run(connection, statements)
        lost.append(True)
        if is_committed:
            run(connection, statements)
        execute(jobs_database, _END_ALL)
        return run(connection, [("SELECT 1", ())])

    monkeypatch.setattr(database, "run", lose)
    added = store.add([request()], at_s=1.0)
    error = added.exception(PATIENCE_S)
    assert lost
    assert (error is None) == is_committed
    assert isinstance(error, StorePaused) == (not is_committed)
    assert [record.number for record in store.jobs()] == ([1] if is_committed else [])
    assert accepted_in_the_end(store) == (2 if is_committed else 1)


def test_a_stop_does_not_wait_for_a_commit_that_nobody_knows_of(
    jobs_database: str, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgres_store(jobs_database)
    run = database.run

    def lose(connection: Any, statements: Sequence[Any]) -> Any:
        if statements[-1][0] == "COMMIT":
            postgresql.stop(signal.SIGKILL)
        return run(connection, statements)

    monkeypatch.setattr(database, "run", lose)
    added = store.add([request()], at_s=1.0)
    try:
        wait_until(lambda: store._writer.trouble is not None, "the loss was not noticed")
        assert not added.done()
        assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StorePaused)
        store.close()
        assert isinstance(added.exception(PATIENCE_S), ShuttingDown)
    finally:
        postgresql.start()


def test_a_host_that_holds_up_the_others_is_cut_off(store: PostgresJobStore, jobs_database: str) -> None:
    stopped = psycopg.connect(jobs_database)
    stopped.execute("SET idle_in_transaction_session_timeout = 300")
    stopped.execute("UPDATE meantime.counters SET last_change = last_change")
    assert add(store) == 1  # once PostgreSQL has ended the other one's transaction
    with pytest.raises(psycopg.Error):
        stopped.execute("SELECT 1")
    stopped.close()


def test_a_trouble_of_the_statement_alone_keeps_the_connection(
    store: PostgresJobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = database.run
    tries: list[int] = []

    def full(connection: Any, statements: Sequence[Any]) -> Any:
        # Not where the writer looks what others have changed, which it may do at any moment.
        if statements[0] == ("BEGIN", ()) and not tries:
            tries.append(1)
            return run(connection, [("BEGIN", ()), ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$", ())])
        return run(connection, statements)

    monkeypatch.setattr(database, "run", full)
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreFull)
    assert add(store) == 1


def test_a_schema_that_somebody_breaks_under_it_stops_the_host(jobs_database: str) -> None:
    broken: list[StoreBroken] = []
    store = postgres_store(jobs_database, on_broken=broken.append)
    execute(jobs_database, "ALTER TABLE meantime.jobs DROP COLUMN dataset CASCADE")
    waiting = [store.add([request()], at_s=1.0) for _ in range(3)]
    assert all(isinstance(future.exception(PATIENCE_S), StoreBroken) for future in waiting)
    with pytest.raises(StoreBroken):
        store.find(JobFilter(), before=None, limit=1)
    store.close()
    assert len(broken) == 1


def test_a_thread_that_dies_is_heard_of(jobs_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[StoreBroken] = []
    store = postgres_store(jobs_database, on_broken=broken.append)

    def die(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(transactions.Transactions, "commit", die)
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreBroken)
    store.close()
    assert isinstance(broken[0].__cause__, ZeroDivisionError)


class Answers:
    """A connection that gives the same answers whatever is asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.rows: Any = []

    def execute(self, query: str) -> Answers:
        self.rows = next((rows for word, rows in self.answers.items() if word in query), [])
        return self

    def fetchall(self) -> Any:
        return self.rows


@pytest.mark.parametrize(
    ("answers", "says"),
    [({"pg_is_in_recovery": [(True,)]}, "is a standby"), ({"fsync": [("off",)]}, "fsync = off")],
)
def test_a_database_that_does_not_keep_jobs_is_refused(answers: dict[str, Any], says: str) -> None:
    connection: Any = Answers(**answers)
    with pytest.raises(SettingInvalid, match=says):
        Database("postgresql://h:1/d")._require_durable(connection)


def test_commits_are_durable_also_where_the_database_would_not_wait(jobs_database: str) -> None:
    with Database(f"{jobs_database}?options=-csynchronous_commit%3Doff").connect() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchall() == [("on",)]


def test_a_connection_that_cannot_be_set_up_is_closed(jobs_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.stores.postgres.database._TURN_MS", "'nonsense'")
    with pytest.raises(psycopg.Error):  # and nobody warns of a connection that is left open
        Database(jobs_database).connect()


@pytest.mark.parametrize(
    ("state", "text", "says"),
    [
        ("28P01", "password authentication failed", "refuses the user"),
        ("3D000", 'database "x" does not exist', "no such database"),
        ("42501", "permission denied", "Grant CREATE"),
        ("42P01", "no such table", "is not Meantime's"),
        (None, "connection refused", "cannot be reached"),
    ],
)
def test_what_cannot_be_opened_says_what_to_do(
    state: str | None, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = psycopg.OperationalError(text)
    monkeypatch.setattr(type(error), "sqlstate", state, raising=False)
    assert says in str(Database("postgresql:///d")._refused(error))


def test_errors_of_the_system_pass_and_others_do_not() -> None:
    assert isinstance(translated(OSError("no")), StorePaused)
    assert isinstance(translated(psycopg.OperationalError("nobody answers")), StorePaused)
    assert isinstance(translated(psycopg.errors.DiskFull()), StoreFull)
    broken = translated(psycopg.errors.UndefinedTable("x"))
    assert isinstance(broken, StoreBroken)
    assert "PostgreSQL says" in broken.operator_reason


def test_a_newer_schema_is_refused(jobs_database: str) -> None:
    Database(jobs_database).prepare()
    execute(jobs_database, "UPDATE meantime.counters SET schema_version = 99")
    with pytest.raises(StoreTooNew, match="newer Meantime"):
        Database(jobs_database).prepare()


def test_a_database_that_nobody_answers_for_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="cannot be reached"):
        Database("postgresql://127.0.0.1:1/d").prepare()


def test_a_look_before_anybody_listens_finds_nothing(jobs_database: str) -> None:
    with closing(postgres_store(jobs_database)) as store:
        caught_up = store.catch_up()
        assert caught_up is not None
        assert caught_up.result(PATIENCE_S) is None
