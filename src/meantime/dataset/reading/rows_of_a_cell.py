"""What tells the different rows of one cell apart: columns without a role.

Only a table with such cells is looked at, and of these the first ones in an order that depends on their texts alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.dataset.reading.staged_view import identity_sql
from meantime.later import duckdb
from meantime.text import listed, quoted

# Cells in which columns are compared, and columns that are named.
_CELLS_COMPARED = 1_000
_NAMED = 4
_FREE_ROLES = (*JOINED["stratum"].roles, "response")
_KEYS = ("value_type", "unit", "first_year", "last_year")


class RowsOfCells(NamedTuple):
    """The columns in which rows of one cell differ, those with the fewest texts first."""

    differ_in: tuple[str, ...] = ()

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
        return said


def look_at_rows(
    database: duckdb.DuckDBPyConnection,
    rows: str,
    in_file: Mapping[str, str],
    columns: Sequence[str],
    roles: Mapping[str, str],
) -> RowsOfCells:
    """Compare the rows of cells that have several; ``in_file`` are the columns of ``rows`` (SQL) by role."""
    keys = [label_sql(axis, in_file) for axis in JOINED] + [in_file[role] for role in _KEYS if role in in_file]
    key_texts = ", ".join(f"coalesce({each}, '')" for each in keys)
    key = f"hash({key_texts})"
    texts = ", ".join(f"c{column}" for column in range(len(columns)))
    identity = identity_sql(columns, roles)
    # Not those of one row and its copies.
    database.execute(
        f"CREATE TABLE shared_keys AS SELECT {key} AS key FROM {rows} "
        f"GROUP BY key HAVING min({identity}) <> max({identity})"
    )
    of_cells = f"(SELECT {texts}, {key} AS key FROM {rows}) SEMI JOIN"
    others = [number for number, name in enumerate(columns) if name not in set(roles.values())]
    found: tuple[int, ...] = ()
    if others:
        differ = ", ".join(f"count(DISTINCT c{number})" for number in others)
        within = ", ".join(f"min(c{number}) <> max(c{number}) AS d{number}" for number in others)
        first = f"(SELECT key FROM shared_keys ORDER BY key LIMIT {_CELLS_COMPARED}) AS first_keys USING (key)"
        some = ", ".join(f"bool_or(d{number})" for number in others)
        differs = database.execute(
            f"SELECT {some} FROM (SELECT {within} FROM {of_cells} {first} GROUP BY key)"
        ).fetchall()[0]
        total, *distinct = database.execute(f"SELECT count(*), {differ} FROM {of_cells} {first}").fetchall()[0]
        told = [
            (texts_of, number)
            for number, is_different, texts_of in zip(others, differs, distinct, strict=True)
            if is_different
        ]
        # A number of the row differs everywhere and says nothing.
        meaningful = [pair for pair in told if pair[0] < total] or told
        found = tuple(number for _, number in sorted(meaningful)[:_NAMED])
    database.execute("DROP TABLE shared_keys")
    return RowsOfCells(tuple(columns[number] for number in found))
