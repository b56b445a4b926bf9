from __future__ import annotations

import itertools
from collections.abc import Iterator

import duckdb
import pytest

from meantime.dataset.reading.labels import JOINED, ambiguous_label, is_shared_name, label_sql, parts_sql


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def rows(database: duckdb.DuckDBPyConnection, **columns: list[str]) -> dict[str, str]:
    """Make the table ``rows``, and return its columns by role, as the functions take them."""
    names = ", ".join(f"{role} VARCHAR" for role in columns)
    database.execute(f"CREATE TABLE rows ({names})")
    for record in zip(*columns.values(), strict=True):
        database.execute(f"INSERT INTO rows VALUES ({', '.join('?' for _ in record)})", list(record))
    return {role: role for role in columns}


def labels(database: duckdb.DuckDBPyConnection, axis: str, columns: dict[str, str]) -> list[str]:
    return [text for (text,) in database.execute(f"SELECT {label_sql(axis, columns)} FROM rows").fetchall()]


def parts(database: duckdb.DuckDBPyConnection, axis: str, columns: dict[str, str]) -> list[str]:
    return [text for (text,) in database.execute(f"SELECT {parts_sql(axis, columns)} FROM rows").fetchall()]


@pytest.mark.parametrize("axis", ["question", "category", "stratum"])
def test_a_label_is_its_parts_in_order_without_the_empty_ones(database: duckdb.DuckDBPyConnection, axis: str) -> None:
    roles = JOINED[axis].roles
    table = list(itertools.product(["", " ", "A", " B "], repeat=len(roles)))
    columns = rows(database, **{role: [record[n] for record in table] for n, role in enumerate(roles)})
    expected = [JOINED[axis].separator.join(part for part in record if part.strip()) for record in table]
    assert labels(database, axis, columns) == expected


def test_a_label_of_one_column_is_as_in_the_file(database: duckdb.DuckDBPyConnection) -> None:
    assert labels(database, "category", rows(database, category=[" Sex ", " "])) == [" Sex ", " "]
    assert label_sql("category", {}) == "''"


def test_a_place_is_named_with_what_contains_it_unless_both_are_the_same(database: duckdb.DuckDBPyConnection) -> None:
    columns = rows(
        database,
        location=["Washington", "Utah", "", "Cache"],
        location_within=["Utah", "Utah", "Utah", ""],
        location_id=["1", "2", "3", ""],
    )
    assert labels(database, "location", columns) == ["Washington, Utah (1)", "Utah (2)", "Utah (3)", "Cache"]


@pytest.mark.parametrize(
    ("ids", "shared"),
    [
        (["1", "1"], False),
        (["1", "01"], False),
        (["1", ""], False),
        (["1", " 1 "], False),
        (["1", "10"], True),
        (["0", "1"], False),
    ],
)
def test_a_name_is_shared_where_it_has_several_ids(ids: list[str], shared: bool) -> None:
    assert is_shared_name(ids) is shared


@pytest.mark.parametrize(
    "table",
    [
        [("A - B", ""), ("A", "B")],
        [("A - B", "C"), ("A", "B - C")],
        [("A", "B"), ("", "A - B")],
    ],
)
def test_two_things_of_one_label_have_different_parts(
    database: duckdb.DuckDBPyConnection, table: list[tuple[str, str]]
) -> None:
    columns = rows(database, question=[each for each, _ in table], response=[each for _, each in table])
    assert len(set(labels(database, "question", columns))) == 1
    assert len(set(parts(database, "question", columns))) == 2
    assert '"A - B"' in ambiguous_label("question", "A - B", columns).reason


def test_the_same_text_in_another_column_is_the_same_label(database: duckdb.DuckDBPyConnection) -> None:
    columns = rows(database, stratum=["Female", "", " "], stratum_2=["", "Female", ""], stratum_3=["", " ", "Female"])
    assert labels(database, "stratum", columns) == ["Female"] * 3
    assert len(set(parts(database, "stratum", columns))) == 1
