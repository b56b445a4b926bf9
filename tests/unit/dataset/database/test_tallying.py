"""A table in a real PostgreSQL is the table that a CSV file of its rows is."""

from __future__ import annotations

import csv
import re
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from meantime.dataset.database import batches, connecting
from meantime.dataset.database.connecting import TableReader
from meantime.dataset.database.tally_query import counted_columns
from meantime.dataset.database.tallying import write_tally
from meantime.dataset.reading.source import file_state
from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    DescriptionInvalid,
    HeaderRepeated,
    LoadCancelled,
    LoadFailed,
    MeantimeError,
    RolesMissing,
    SourceEmpty,
    SourceUnreadable,
)
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.database_tables import read_table
from tests.support.examples import one_in
from tests.support.postgresql import PASSWORD, USER, PostgresServer
from tests.support.table_files import read
from tests.support.waiting import PATIENCE_S, join

HEADER = (
    "Question",
    "LocationDesc",
    "Data_Value",
    "Year",
    "StratificationCategory1",
    "Stratification1",
    "Sample_Size",
    "id",
)
# Names and texts that SQL, CSV or a collation would take for something else.
PLACES = ["Utah", "O'Hio", 'In "quotes"', "100%", "a:b", "Ünder\nline", "utah", "Utàh", " Utah"]
NO_VALUES = (None, "", "~")
NUMBERS: dict[str, st.SearchStrategy[Any]] = {
    "numeric": st.decimals(-(10**15), 10**15, places=4),
    "float8": st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-9),
    "bigint": st.integers(-(2**53), 2**53),
    "text": st.sampled_from(["1", "28.80", "-3.25", "", "~", "12345678901234.5"]),
}


@pytest.fixture
def database(postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return postgresql.new_database()


def execute(database: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(database, password=PASSWORD) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type,unused-ignore]  # not a literal


def rows_of(kind: str) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    rows = st.tuples(
        st.sampled_from(["Percent of adults", "Q"]),
        st.sampled_from(PLACES),
        st.none() | NUMBERS[kind],
        st.sampled_from([2019, 2020]),
        st.sampled_from([None, "", "Sex"]),
        st.sampled_from([None, "Female"]),
        st.sampled_from([None, 50]),
        # It has no role, so rows that differ in it alone are counted together, and yet are no copies.
        st.sampled_from([1, 2]),
    )
    # A table without a value is refused.
    return st.lists(rows, min_size=1, max_size=30).filter(
        lambda made: any(row[2] not in (None, "", "~") for row in made)
    )


@pytest.fixture(params=["arrow", "rows"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which rows come."""
    if request.param == "rows":
        monkeypatch.setattr(batches, "_ARROW_DRIVER", "no_such_driver")
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", NUMBERS)
def test_a_table_is_the_csv_file_of_its_rows(
    kind: str, database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Each takes a third of a second, and to shrink one takes hundreds.
    @settings(max_examples=one_in(25), database=None, phases=(Phase.explicit, Phase.generate))
    @given(rows_of(kind))
    def holds(rows: list[tuple[Any, ...]]) -> None:
        folder = tmp_path_factory.mktemp("table")
        write_table(database, kind, rows)
        in_database = read_table(f"{database}?table=odd.Select", folder / "a")
        from_file = read(save(folder / "Select.csv", rows), into=folder / "b")
        assert in_database.fingerprint == from_file.fingerprint
        assert in_database.about.rows == from_file.about.rows == len(rows)
        assert in_database.about.left_out == ("id",)
        assert answers(in_database) == answers(from_file)

    holds()


def answers(snapshot: Snapshot) -> list[Table]:
    """Return an answer about each question that has a value."""
    counts = snapshot.cube.by_question.moments.count.tolist()
    questions = [text for text, values in zip(snapshot.cube.labels.questions, counts, strict=True) if values]
    return [check("summary", {"question": each}, snapshot).compute(Unwatched()) for each in questions]


def write_table(database: str, kind: str, rows: Sequence[tuple[Any, ...]]) -> None:
    import psycopg

    with psycopg.connect(database, password=PASSWORD) as connection:
        connection.execute('CREATE SCHEMA IF NOT EXISTS odd; DROP TABLE IF EXISTS odd."Select"')
        connection.execute(
            f'CREATE TABLE odd."Select" ("Question" text, "LocationDesc" text, "Data_Value" {kind}, "Year" int, '
            '"StratificationCategory1" varchar(20), "Stratification1" text, "Sample_Size" int, id int)'  # type: ignore[arg-type,unused-ignore]
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO odd."Select" VALUES (%s, %s, %s, %s, %s, %s, %s, %s)',  # type: ignore[arg-type,unused-ignore]
                rows,
            )


def save(path: Path, rows: Sequence[tuple[Any, ...]]) -> Path:
    """Write the rows as Python's csv does: shortest texts of doubles, all digits of decimals, nothing for NULL."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


ROWS = "INSERT INTO t VALUES ('Q', 'Utah', 1.5, 2019, 7), ('Q', 'Utah', 1.5, 2019, 8), ('Q', 'Ohio', 2.50, 2019, 9)"
TABLE = 'CREATE TABLE t ("Question" text, "LocationDesc" text, "Data_Value" numeric, "Year" int, id int)'


@pytest.fixture
def small(database: str) -> str:
    """The address of a table of three rows, of which two are counted together."""
    execute(database, TABLE, ROWS)
    return f"{database}?table=t"


ONE, TWO = ({"row_count": number, "distinct_rows": number} for number in ("1", "2"))


@pytest.mark.usefixtures("way")
def test_columns_that_have_no_role_stay_in_the_database(small: str, tmp_path: Path) -> None:
    snapshot = read_table(small, tmp_path)
    assert snapshot.about.table == small
    assert (snapshot.about.rows, snapshot.about.roles["row_count"]) == (3, "row_count")
    rows = SourceRows.of(snapshot).select({})
    assert [row.cells for row in rows] == [
        {"Question": "Q", "LocationDesc": "Ohio", "Data_Value": "2.50", "Year": "2019", "id": "", **ONE},
        {"Question": "Q", "LocationDesc": "Utah", "Data_Value": "1.5", "Year": "2019", "id": "", **TWO},
    ]


@pytest.mark.usefixtures("way")
def test_values_become_the_texts_that_a_csv_file_has(database: str, tmp_path: Path) -> None:
    execute(
        database,
        "ALTER DATABASE " + database.rpartition("/")[2] + " SET extra_float_digits = -10",
        "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        'CREATE TABLE t ("Question" text COLLATE blind, "LocationDesc" char(6), "Data_Value" float8, '
        '"StratificationCategory1" date, "Stratification1" boolean, footnote timestamptz)',
        "INSERT INTO t VALUES ('q', 'Utah', 0.1, '2020-02-29', true, '2020-01-01 12:00+01'), "
        "('Q', 'Utah', 1e-7, NULL, false, NULL), ('Q', 'Utah', 'NaN', NULL, NULL, NULL)",
    )
    snapshot = read_table(f"{database}?table=t", tmp_path)
    rows = [tuple(row.cells.values())[:6] for row in SourceRows.of(snapshot).select({})]
    assert sorted(rows) == [
        ("Q", "Utah", "1e-07", "", "false", ""),
        ("Q", "Utah", "NaN", "", "", ""),
        ("q", "Utah", "0.1", "2020-02-29", "true", "2020-01-01 11:00:00+00"),
    ]


def test_a_table_that_is_a_tally_is_read_as_it_is(database: str, tmp_path: Path) -> None:
    execute(database, TABLE, "INSERT INTO t VALUES ('Q', 'Utah', 1.5, 2019, 7), ('Q', 'Utah', 2.5, 2019, 8)")
    snapshot = read_table(f"{database}?table=t", tmp_path, columns={"row_count": "id"})
    assert (snapshot.about.rows, snapshot.about.roles["row_count"]) == (15, "id")


def test_a_wide_table_is_counted_by_the_columns_that_are_turned(database: str, tmp_path: Path) -> None:
    execute(
        database,
        'CREATE TABLE t ("State" text, "2018" numeric, "2019" numeric, "2020" numeric)',
        "INSERT INTO t VALUES ('Utah', 1.5, 2.5, 3.5), ('Ohio', 2.5, 3.5, NULL)",
    )
    snapshot = read_table(f"{database}?table=t", tmp_path / "a", settings={"question": "Q"})
    file = tmp_path / "t.csv"
    file.write_text("State,2018,2019,2020\nUtah,1.5,2.5,3.5\nOhio,2.5,3.5,\n")
    assert snapshot.fingerprint == read(file, settings={"question": "Q"}).fingerprint


def test_a_view_and_names_with_dots_quotes_and_reserved_words_are_tables(database: str, tmp_path: Path) -> None:
    execute(database, TABLE, ROWS, 'CREATE SCHEMA "a.b"', 'CREATE VIEW "a.b"."select ""x"" 100%" AS SELECT * FROM t')
    address = f"{database}?table=%22a.b%22.%22select%20%22%22x%22%22%20100%25%22"
    assert read_table(address, tmp_path).about.rows == 3


def refused(address: str, folder: Path, kind: type[MeantimeError], words: str) -> MeantimeError:
    """Read a table that cannot be read; return the error, which is one line and has no password."""
    with pytest.raises(kind, match=words) as raised:
        read_table(address, folder)
    for text in (raised.value.reason, raised.value.operator_reason):
        assert PASSWORD not in text
        assert "\n" not in text
    assert not [path for path in folder.rglob("*") if path.is_file()]
    return raised.value


def test_a_host_that_is_not_there_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    address = f"postgresql://127.0.0.1:{port}/health?table=t"
    refused(address, tmp_path, LoadFailed, "^The database of t in .* reached.* Check .*host and port")


def test_wrong_credentials_are_said(small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    refused(small, tmp_path, SourceUnreadable, "refuses the connection.*PGPASSWORD or ~/.pgpass")
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    refused(small, tmp_path, SourceUnreadable, "refuses the connection")


def test_a_database_that_does_not_exist_is_said(small: str, tmp_path: Path) -> None:
    refused(small.replace("/test_", "/no_test_"), tmp_path, SourceUnreadable, "Check the name of the database")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("obesty", 'no table obesty in .*did you mean "obesity".*There are: "obesity" and "t"'),
        ("other.t", 'no schema "other"'),
        ("T", 'no table T .*"t".*case-sensitive'),
    ],
)
def test_a_table_that_does_not_exist_is_said_with_those_that_do(
    small: str, tmp_path: Path, table: str, words: str
) -> None:
    execute(small.partition("?")[0], "CREATE TABLE obesity (a int)")
    refused(small.replace("=t", f"={table}"), tmp_path, SourceUnreadable, words)


def test_a_table_without_the_roles_is_said_before_it_is_counted(database: str, tmp_path: Path) -> None:
    execute(database, "CREATE TABLE t (a text, b text)", "INSERT INTO t VALUES ('x', 'y')")
    refused(f"{database}?table=t", tmp_path, RolesMissing, "No column was recognized for: .*location")


def test_a_table_without_rows_is_said(database: str, tmp_path: Path) -> None:
    execute(database, TABLE)
    refused(f"{database}?table=t", tmp_path, SourceEmpty, "has no rows")


def test_names_that_differ_in_case_alone_are_said(database: str, tmp_path: Path) -> None:
    execute(database, 'CREATE TABLE t ("A" int, a int)')
    refused(f"{database}?table=t", tmp_path, HeaderRepeated, 'differ in case alone: "A" and "a"')


def test_a_table_that_may_not_be_read_is_said(small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = small.rpartition("/")[2].partition("?")[0] + "_reader"
    execute(small.partition("?")[0], f"CREATE ROLE {user} LOGIN PASSWORD 'other'")
    monkeypatch.setenv("PGPASSWORD", "other")
    refused(small.replace(USER, user), tmp_path, SourceUnreadable, "may not read t in .* Grant SELECT")


def test_a_tally_beyond_the_limit_is_refused(database: str, tmp_path: Path) -> None:
    execute(
        database,
        TABLE,
        "INSERT INTO t SELECT 'Q', md5(i::text) || md5((-i)::text), i, 2019, i FROM generate_series(1, 60000) i",
    )
    with pytest.raises(SourceUnreadable, match=r"more than 1 MB .download_limit_mb.*Make a view"):
        read_table(f"{database}?table=t", tmp_path, limit_mb=1)


@pytest.mark.usefixtures("way")
def test_a_query_is_cancelled_while_the_database_works_on_it(database: str, tmp_path: Path) -> None:
    import psycopg

    # The first rows come at once, and all of them never.
    execute(
        database,
        TABLE,
        ROWS,
        "CREATE TABLE many AS SELECT generate_series(1, 1000)",
        "CREATE VIEW slow AS SELECT t.* FROM t, many a, many b, many c, many d",
    )
    cancelled = threading.Event()

    def cancel_when_busy() -> None:
        with psycopg.connect(database, autocommit=True, password=PASSWORD) as connection:
            for _ in range(PATIENCE_S * 20):
                query = "SELECT 1 FROM pg_stat_activity WHERE query ~ '^FETCH|^COPY' AND datname = current_database()"
                if connection.execute(query).fetchone():
                    break
                cancelled.wait(0.05)
        cancelled.set()

    thread = threading.Thread(target=cancel_when_busy)
    thread.start()
    with pytest.raises(LoadCancelled):
        read_table(f"{database}?table=slow", tmp_path, cancelled=cancelled)
    join(thread)


@pytest.mark.usefixtures("way")
def test_a_table_that_changes_while_it_is_read_is_one_version(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_in_between(*arguments: Any, **more: Any) -> tuple[str, ...]:
        counted = counted_columns(*arguments, **more)
        execute(small.partition("?")[0], "DELETE FROM t WHERE \"LocationDesc\" = 'Utah'", ROWS, ROWS)
        return counted

    monkeypatch.setattr("meantime.dataset.database.tallying.counted_columns", change_in_between)
    assert read_table(small, tmp_path).about.rows == 3


def test_a_table_that_is_dropped_while_it_is_read_is_said(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dropped(TableReader):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            execute(small.partition("?")[0], "DROP TABLE t")

    monkeypatch.setattr(connecting, "TableReader", Dropped)
    refused(small, tmp_path, SourceUnreadable, "t in .* cannot be read: the database reports an error .42P01.")


def test_a_version_query_says_when_to_count_again(small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def write(*arguments: Any, **more: Any) -> int:
        counted.append("now")
        return write_tally(*arguments, **more)

    monkeypatch.setattr("meantime.dataset.database.keeping.write_tally", write)
    said = {"version_query": "select max(id), '100%'::text from t"}
    first = read_table(small, tmp_path, settings=said)
    assert read_table(small, tmp_path, settings=said).fingerprint == first.fingerprint
    assert len(counted) == 1
    execute(small.partition("?")[0], ROWS)
    assert read_table(small, tmp_path, settings=said).about.rows == 3
    execute(small.partition("?")[0], "UPDATE t SET id = id + 1")
    assert read_table(small, tmp_path, settings=said).about.rows == 6
    assert len(counted) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select nothing from t", "The version_query cannot be run.*nothing"),
        ("select id from t", "gives more than one row"),
        ("select id from t where false", "gives no row"),
        ("delete from t returning 1", "cannot be run.*read-only"),
    ],
)
def test_a_version_query_that_cannot_tell_is_said(small: str, tmp_path: Path, query: str, words: str) -> None:
    with pytest.raises(DescriptionInvalid) as raised:
        read_table(small, tmp_path, settings={"version_query": query})
    assert re.search(words, raised.value.operator_reason)


def test_without_a_version_query_a_table_that_has_not_changed_leaves_its_file(small: str, tmp_path: Path) -> None:
    read_table(small, tmp_path)
    [kept] = (tmp_path / "downloads").glob("*/t")
    before = file_state(kept)
    execute(
        small.partition("?")[0], "CREATE TABLE u AS TABLE t", "TRUNCATE t", "INSERT INTO t TABLE u ORDER BY id DESC"
    )
    read_table(small, tmp_path)
    assert file_state(kept) == before
    execute(small.partition("?")[0], 'UPDATE t SET "Year" = 2020')
    read_table(small, tmp_path)
    assert file_state(kept) != before


def test_a_tally_that_a_crash_cut_short_is_made_again(small: str, tmp_path: Path) -> None:
    said = {"version_query": "select 1"}
    first = read_table(small, tmp_path, settings=said)
    [kept] = (tmp_path / "downloads").glob("*/t")
    kept.write_bytes(kept.read_bytes()[:-1])
    (kept.parent / ".tally-left").mkdir()
    assert read_table(small, tmp_path, settings=said).fingerprint == first.fingerprint
    assert sorted(path.name for path in kept.parent.iterdir()) == ["t", "t.tally.json"]
