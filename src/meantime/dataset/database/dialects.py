"""What databases do differently: how a connection sees one version, and how a value becomes its exact text.

A text is what the same value has in a CSV file: all digits of a number, the shortest ones that are a double's, dates
as 2020-12-31, true and false. Texts are compared byte by byte, whatever the collation of a column takes for equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, case, cast, collate, func, literal_column


class Dialect(NamedTuple):
    """A kind of database."""

    driver: str  # SQLAlchemy's name of it
    text: Callable[[ColumnElement[Any]], ColumnElement[str]]
    # At the beginning of each transaction, in which nothing is written and everything is seen as of its first query.
    begin: tuple[str, ...]
    # On how long a query may take, in milliseconds; "" where the database has no such limit.
    time_limit: str = ""


def _in_postgresql(column: ColumnElement[Any]) -> ColumnElement[str]:
    return collate(cast(column, String), "C")


def _in_sqlite(column: ColumnElement[Any]) -> ColumnElement[str]:
    # SQLite's own cast of a double keeps 15 digits, which are not always the number.
    kind = func.typeof(column)
    text = case(
        (kind == "real", func.shortest_text(column)),
        (kind == "blob", func.hex(column)),
        else_=cast(column, String),
    )
    return collate(text, "BINARY")


DIALECTS = {
    "postgresql": Dialect(
        driver="postgresql+psycopg",
        text=_in_postgresql,
        begin=(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            # These change how values are written, and a role or a database may have others.
            "SET LOCAL extra_float_digits = 1",
            "SET LOCAL DateStyle = 'ISO'",
            "SET LOCAL IntervalStyle = 'postgres'",
            "SET LOCAL TimeZone = 'UTC'",
            "SET LOCAL bytea_output = 'hex'",
        ),
        time_limit="SET LOCAL statement_timeout = {}",
    ),
    "sqlite": Dialect(driver="sqlite", text=_in_sqlite, begin=("BEGIN",)),
}

# Not bound: in a query that groups by it, two parameters would be two expressions.
NOTHING: ColumnElement[str] = literal_column("''")
