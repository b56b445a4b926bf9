"""What tells several rows of one cell apart: columns without a role, or nothing, where rows are copies.

Only a table with such cells is looked at, and of these the first ones in an order that depends on their texts alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.later import duckdb
from meantime.text import count, listed, quoted

# Cells in which columns are compared, and columns that are named.
_CELLS_COMPARED = 1_000
_NAMED = 4
_FREE_ROLES = (*JOINED["stratum"].roles, "response")
_KEYS = ("value_type", "unit", "first_year", "last_year")


class RowsOfCells(NamedTuple):
    """The columns in which rows of one cell differ, those with the fewest texts first; and how many rows are copies."""

    differ_in: tuple[str, ...] = ()
    copies: int = 0

    def warnings(self, roles: Mapping[str, str], cells: int) -> list[str]:
        """Say what the rows differ in, and how to tell them apart.

        >>> print(RowsOfCells(("cause", "metric")).warnings({"stratum": "sex"}, 5)[0])
        5 cells have several rows, which differ in "cause" and "metric". Classic means are taken over them, and other \
statistics refuse them. To tell them apart: --column stratum_2=cause --column stratum_3=metric.
        """
        said = []
        if self.differ_in:
            free = [role for role in _FREE_ROLES if role not in roles]
            pairs = zip(free, self.differ_in, strict=False)
            options = " ".join(f"--column {shlex.quote(f'{role}={name}')}" for role, name in pairs)
            told = f" To tell them apart: {options}." if options else ""
            subject = "1 cell has" if cells == 1 else f"{cells:,} cells have"
            said.append(
                f"{subject} several rows, which differ in {listed(map(quoted, self.differ_in))}. Classic means are "
                f"taken over them, and other statistics refuse them.{told}"
            )
        if self.copies:
            said.append(
                f"{count(self.copies, 'row')} {'is an exact copy' if self.copies == 1 else 'are exact copies'} of "
                "another. Classic means count every row. If rows were written twice by mistake, remove them."
            )
        return said


def look_at_rows(
    database: duckdb.DuckDBPyConnection,
    rows: str,
    in_file: Mapping[str, str],
    columns: Sequence[str],
    roles: Mapping[str, str],
) -> RowsOfCells:
    """Compare the rows of cells that have several; ``in_file`` are the columns of ``rows`` (SQL) by role."""
    key = make_shared_keys(database, rows, in_file)
    texts = _texts(columns)
    compared = f"(SELECT * FROM (SELECT {texts}, {key} AS key FROM {rows}) SEMI JOIN first_keys USING (key))"
    differ_in = columns_that_differ(database, compared, columns, roles)
    database.execute("DROP TABLE first_keys")
    return RowsOfCells(differ_in, count_copies(database, rows, columns))


def make_shared_keys(database: duckdb.DuckDBPyConnection, rows: str, in_file: Mapping[str, str]) -> str:
    """Make the table ``first_keys`` of some cells that have several rows; return the SQL of a row's key."""
    keys = [label_sql(axis, in_file) for axis in JOINED] + [in_file[role] for role in _KEYS if role in in_file]
    key_texts = ", ".join(f"coalesce({each}, '')" for each in keys)
    key = f"hash({key_texts})"
    database.execute(
        f"CREATE TABLE first_keys AS SELECT {key} AS key FROM {rows} GROUP BY key HAVING count(*) > 1 "
        f"ORDER BY key LIMIT {_CELLS_COMPARED}"
    )
    return key


def count_copies(database: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str]) -> int:
    """Return how many rows are exact copies of another: those of a cell of its own never are."""
    counted = database.execute(f"SELECT count(*) - count(DISTINCT hash({_texts(columns)})) FROM {rows}").fetchall()
    return int(counted[0][0])


def columns_that_differ(
    database: duckdb.DuckDBPyConnection, compared: str, columns: Sequence[str], roles: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the columns without a role in which rows of one cell differ; ``compared`` (SQL) has these and ``key``."""
    others = [number for number, name in enumerate(columns) if name not in set(roles.values())]
    found: tuple[int, ...] = ()
    if others:
        differ = ", ".join(f"count(DISTINCT c{number})" for number in others)
        within = ", ".join(f"min(c{number}) <> max(c{number}) AS d{number}" for number in others)
        some = ", ".join(f"bool_or(d{number})" for number in others)
        differs = database.execute(f"SELECT {some} FROM (SELECT {within} FROM {compared} GROUP BY key)").fetchall()[0]
        total, *distinct = database.execute(f"SELECT count(*), {differ} FROM {compared}").fetchall()[0]
        told = [
            (texts_of, number)
            for number, is_different, texts_of in zip(others, differs, distinct, strict=True)
            if is_different
        ]
        # A number of the row differs everywhere and says nothing.
        meaningful = [pair for pair in told if pair[0] < total] or told
        found = tuple(number for _, number in sorted(meaningful)[:_NAMED])
    return tuple(columns[number] for number in found)


def _texts(columns: Sequence[str]) -> str:
    return ", ".join(f"c{column}" for column in range(len(columns)))
