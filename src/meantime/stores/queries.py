"""Reads the SQL files: each query has a name and a sentence that explains it, each migration a numbered name."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

_SQL = files("meantime.stores") / "sql"
# "-- name --", then at least one comment line that explains the query, then the statement up to the next name.
_NAME = re.compile(r"^-- ([a-z_]+) --\n", re.MULTILINE)
# What a statement binds for one row.
_ROW = re.compile(r"VALUES (\([?, ]+\))")
_MIGRATION = re.compile(r"(\d{4})_[a-z_]+\.sql")


class Migration(NamedTuple):
    """One step from a schema version to the next."""

    version: int  # of the schema after it
    sql: str


def load(file: str = "queries.sql") -> dict[str, str]:
    """Return the queries of a file in ``sql`` by name."""
    return parse((_SQL / file).read_text(encoding="utf-8"))


def script(file: str) -> str:
    """Return a file in ``sql`` that is run as a whole."""
    return (_SQL / file).read_text(encoding="utf-8")


def parse(text: str) -> dict[str, str]:
    r"""Return the queries in a text by name.

    >>> parse("-- count --\n-- How many there are.\nSELECT count(*) FROM jobs;\n")
    {'count': 'SELECT count(*) FROM jobs;'}

    Raises:
        ValueError: a query has no sentence or no statement, or a name is there twice.
    """
    _, *parts = _NAME.split(text)
    queries: dict[str, str] = {}
    for name, block in zip(parts[::2], parts[1::2], strict=True):
        lines = block.strip().splitlines()
        statement = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if not statement or not lines[0].startswith("-- "):
            raise ValueError(f"The query {name} needs a sentence and a statement.")
        if name in queries:
            raise ValueError(f"There are two queries of the name {name}.")
        queries[name] = statement
    return queries


def for_rows(query: str, rows: int) -> str:
    """Return a query about one row as one about so many.

    >>> for_rows("INSERT INTO jobs VALUES (?, ?);", 3)
    'INSERT INTO jobs VALUES (?, ?), (?, ?), (?, ?);'
    """
    return _ROW.sub(lambda values: f"VALUES {', '.join([values[1]] * rows)}", query)


def migrations() -> tuple[Migration, ...]:
    """Return all migrations in order; the first makes a schema out of nothing."""
    steps = sorted(
        (int(match[1]), entry.read_text(encoding="utf-8"))
        for entry in (_SQL / "migrations").iterdir()
        if (match := _MIGRATION.fullmatch(entry.name))
    )
    return tuple(Migration(version, sql) for version, sql in steps)
