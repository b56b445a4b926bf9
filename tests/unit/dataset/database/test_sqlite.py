"""A table in SQLite: the dialect whose own texts of numbers are not exact."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from meantime.dataset.reading.source import parse_source, table_address
from meantime.dataset.rows import SourceRows
from meantime.errors import SourceUnreadable
from tests.support.database_tables import read_table


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "health.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (question TEXT COLLATE NOCASE, location TEXT, value REAL, raw BLOB, id INT)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
            [
                ("Q", "Utah", 0.1 + 0.2, None, 1),
                ("q", "Utah", 12345678901234567890.0, b"\xff", 2),
                ("Q", "Utah", 0.1 + 0.2, None, 3),
                ("Q", "Utah", None, None, 4),
            ],
        )
    return path


def test_doubles_keep_all_their_digits_and_texts_their_case(database: Path, tmp_path: Path) -> None:
    snapshot = read_table(f"sqlite:///{database}?table=t", tmp_path / "read", settings={"version_query": "select 1"})
    rows = [tuple(row.cells.values()) for row in SourceRows.of(snapshot).select({})]
    assert sorted(rows) == [
        ("Q", "Utah", "", "", "", "1", "1"),
        ("Q", "Utah", "0.30000000000000004", "", "", "2", "2"),
        ("q", "Utah", "1.2345678901234567e+19", "", "", "1", "1"),
    ]
    assert snapshot.about.rows == 4


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"none.db does not exist"):
        read_table(f"sqlite:///{tmp_path / 'none.db'}?table=t", tmp_path / "read")
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("not a database, but long enough to be one by its size" * 100)
    with pytest.raises(SourceUnreadable, match=r"t in a.db cannot be read: it is damaged, or no sqlite database"):
        read_table(f"sqlite:///{tmp_path / 'a.db'}?table=t", tmp_path / "read")


def test_a_toml_file_with_an_address_is_a_data_set(database: Path, tmp_path: Path) -> None:
    described = tmp_path / "health.toml"
    described.write_text(
        f'title = "Health"\naddress = "sqlite:///{database}?table=t"\nversion_query = "select max(id) from t"\n'
        '[columns]\nstratum = "id"\n'
    )
    snapshot = read_table(str(described), tmp_path / "read")
    assert (snapshot.about.title, snapshot.about.roles["stratum"], snapshot.about.left_out) == (
        "Health",
        "id",
        ("raw",),
    )


def test_a_toml_file_without_an_address_is_said(tmp_path: Path) -> None:
    described = tmp_path / "health.toml"
    described.write_text('title = "Health"\n')
    with pytest.raises(SourceUnreadable, match=r"health.toml describes a table, but does not say where it is"):
        read_table(str(described), tmp_path / "read")


def test_a_data_set_is_called_like_its_table() -> None:
    source = parse_source("postgresql://u@h/d?table=survey.obesity")
    assert (source.name, table_address(source)) == ("obesity", "postgresql://u@h/d?table=survey.obesity")
    assert table_address(parse_source("https://example.org/a.csv")) == ""
    assert parse_source("here=sqlite:///a.db?table=t").name == "here"
