"""The rows behind a number, as the database has them now."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from meantime.dataset.database import row_lookup
from meantime.dataset.database.row_lookup import find_table_rows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid, TableNotReadable
from meantime.statistics.check import check
from meantime.statistics.explain.database_rows import database_page
from meantime.statistics.explain.source_rows import Page, page
from tests.support.database_tables import read_table
from tests.support.postgresql import PASSWORD, PostgresServer
from tests.support.table_files import read, write

ROWS = [("Q", "Utah", 1.5, "a"), ("Q", "Utah", 1.5, "b"), ("Q", "Utah", 2.5, "c"), ("Q", "Utah", None, "d")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "health.db"
    execute(path, "CREATE TABLE t (question TEXT, location TEXT, value REAL, line TEXT)")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
    return path


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def snapshot(path: Path, tmp_path: Path) -> Snapshot:
    return read_table(f"sqlite:///{path}?table=t", tmp_path / "read")


def mean_rows(snapshot: Snapshot, *, after: int | None = None, limit: int = 10) -> Page:
    prepared = check("states_mean", {"question": "Q"}, snapshot)
    return database_page(snapshot, prepared.rests_on({"location": "Utah"}), after=after, limit=limit)


def test_each_row_is_there_with_all_its_columns_and_its_weight(snapshot: Snapshot) -> None:
    table = mean_rows(snapshot).table
    assert [column.name for column in table.columns] == [
        *("line", "counted", "now", "weight", "question", "location", "value", "line (column 4)"),
    ]
    third = pytest.approx(1 / 3)
    assert list(table.rows()) == [
        (1, 1, 1, None, "Q", "Utah", "", "d"),
        (2, 2, 2, third, "Q", "Utah", "1.5", "a"),
        (2, 2, 2, third, "Q", "Utah", "1.5", "b"),
        (3, 1, 1, third, "Q", "Utah", "2.5", "c"),
    ]
    assert table.notes == ("Rows of the table that these lines stand for, now: 4; 4 are listed.",)


def test_where_copies_count_once_one_row_of_a_line_has_a_weight(path: Path, tmp_path: Path) -> None:
    execute(path, "UPDATE t SET line = 'same', location = line WHERE value = 1.5")
    execute(path, "UPDATE t SET location = 'Ohio' WHERE value = 1.5")
    snapshot = read_table(f"sqlite:///{path}?table=t", tmp_path / "read")
    prepared = check("estimate", {"question": "Q", "locations": ["Ohio"]}, snapshot)
    table = database_page(snapshot, prepared.rests_on({"location": "Ohio"}), after=None, limit=10).table
    assert [row[:4] for row in table.rows()] == [(1, 2, 2, 1.0), (1, 2, 2, None)]


def test_a_change_since_is_flagged_and_what_is_gone_is_there_once(path: Path, snapshot: Snapshot) -> None:
    execute(path, "DELETE FROM t WHERE line IN ('a', 'c')")
    table = mean_rows(snapshot).table
    assert [row[:4] for row in table.rows()] == [(1, 1, 1, None), (2, 2, 1, pytest.approx(1 / 3)), (3, 1, 0, None)]
    assert list(table.rows())[-1][4:] == ("Q", "Utah", "2.5", "")
    assert "2 lines of 3 had another number of rows then" in table.notes[1]


def test_pages_follow_the_lines(snapshot: Snapshot) -> None:
    first = mean_rows(snapshot, limit=2)
    assert [row[0] for row in first.table.rows()] == [1, 2, 2]
    last = mean_rows(snapshot, after=first.after, limit=2)
    assert ([row[0] for row in last.table.rows()], last.after) == ([3], None)


def test_the_lines_leave_out_the_columns_that_were_not_counted(snapshot: Snapshot) -> None:
    prepared = check("states_mean", {"question": "Q"}, snapshot)
    table = page(snapshot, prepared.rests_on({"location": "Utah"}), after=None, limit=10).table
    assert [column.name for column in table.columns][5:] == [
        *("question", "location", "value", "row_count", "distinct_rows"),
    ]


def test_of_a_file_they_are_refused(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, "Question,LocationDesc,Data_Value\nQ,Utah,1\n"))
    with pytest.raises(RequestInvalid, match="no table in a database"):
        mean_rows(snapshot)


def test_a_table_that_is_gone_or_has_other_columns_is_said(path: Path, snapshot: Snapshot) -> None:
    execute(path, "ALTER TABLE t ADD COLUMN sex TEXT")
    with pytest.raises(TableNotReadable, match='was counted in another form, without "sex"'):
        mean_rows(snapshot)
    execute(path, "DROP TABLE t")
    with pytest.raises(TableNotReadable, match="There is no table t in"):
        mean_rows(snapshot)


def test_no_lines_are_no_rows(snapshot: Snapshot) -> None:
    found = find_table_rows(snapshot.about.table, [], left_out=snapshot.about.left_out, limit=1)
    assert (found.rows, found.now) == ([], [])


def test_a_search_that_takes_too_long_is_ended(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psycopg

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    database = postgresql.new_database()
    with psycopg.connect(database) as connection:
        connection.execute('CREATE TABLE t ("Question" text, "LocationDesc" text, "Data_Value" int)')
        connection.execute("INSERT INTO t VALUES ('Q', 'Utah', 1)")
    snapshot = read_table(f"{database}?table=t", tmp_path)
    assert [row[:4] for row in mean_rows(snapshot).table.rows()] == [(1, 1, 1, 1.0)]
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE t RENAME TO u")
        connection.execute("CREATE VIEW t AS SELECT * FROM u WHERE pg_sleep(100)::text = ''")
    monkeypatch.setattr(row_lookup, "_TIME_LIMIT_MS", 50)
    with pytest.raises(TableNotReadable, match="took too long"):
        mean_rows(snapshot)
