"""The staged rows of all files together, with a column for each role; and where the keys of cells come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from meantime.dataset.cube import Period
from meantime.dataset.facts.units import normalized_unit_sql
from meantime.dataset.reading.columns import ROLES
from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.dataset.reading.staging import sql_path
from meantime.dataset.reading.tally import LINES, distinct_rows_sql, row_count_sql
from meantime.dataset.reading.values import parse_year
from meantime.dataset.snapshot import COUNTS
from meantime.later import duckdb

# The columns of the view that make each axis of a cell's key.
KEY_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "question": ("question",),
    "location": ("location",),
    "category": ("category",),
    "stratum": ("stratum",),
    "value_type": ("value_type", "unit"),
    "period": ("first_year", "last_year"),
}

# The SQL of a column that no file has: the empty text, as ``label_sql`` has it.
_NONE = "''"
# The footnote of a row's value: "~ (sample too small)".
FOOTNOTE = """
    CASE WHEN {footnote_symbol} <> '' AND {footnote} <> '' THEN {footnote_symbol} || ' (' || {footnote} || ')'
         ELSE {footnote_symbol} || {footnote} END
"""


class StagedRows(NamedTuple):
    """All rows of all files, with roles as column names and "" for absent ones.

    Question, location, category and stratum are complete labels, made of all the columns that belong to them.
    A unit has one spelling, however the files spell it. ``identity`` is the same for rows that are exact copies.
    """

    source: str  # SQL
    columns: Mapping[str, str]  # the SQL of each column: _NONE without any in the file

    @classmethod
    def of(
        cls, files: Sequence[Path], columns: Sequence[str], roles: Mapping[str, str], plain: Sequence[str] = ()
    ) -> StagedRows:
        """Return the rows of some files; ``plain`` are the roles that have a plain column (``plain_columns``)."""
        in_file = columns_by_role(columns, roles, plain)
        named = {role: in_file.get(role, _NONE) for role in ROLES}
        named.update({axis: label_sql(axis, in_file) for axis in JOINED})
        if "unit" in in_file:
            named["unit"] = normalized_unit_sql(named["unit"])
        # A file with one column for the year has it as both.
        if "last_year" not in in_file:
            named["last_year"] = named["first_year"]
        if "first_year" not in in_file:
            named["first_year"] = named["last_year"]
        named["row_count"], named["distinct_rows"] = row_count_sql(in_file), distinct_rows_sql(in_file)
        named[LINES] = in_file.get(LINES, "1")
        named["identity"] = tally_identity_sql(columns, roles) if LINES in plain else identity_sql(columns, roles)
        return cls(rows_sql(files, in_file), named)

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether the files have something for any of these columns."""
        return any(self.columns[name] != _NONE for name in names)

    def select(self, names: Iterable[str]) -> str:
        """Return the SQL of the rows with these columns.

        >>> StagedRows("rows", {"question": "c4", "topic": "''"}).select(["question"])
        'SELECT c4 AS question FROM rows'
        """
        return f"SELECT {', '.join(f'{self.columns[name]} AS {name}' for name in names)} FROM {self.source}"


def make_staged_view(
    database: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    columns: Sequence[str],
    roles: Mapping[str, str],
    plain: Sequence[str] = (),
) -> None:
    """Make the view ``staged`` of all rows of all files (``StagedRows``)."""
    rows = StagedRows.of(files, columns, roles, plain)
    database.execute(f"CREATE VIEW staged AS {rows.select(rows.columns)}")


def identity_sql(columns: Sequence[str], roles: Mapping[str, str]) -> str:
    """Return the SQL of what rows have in common that are exact copies: equal in all columns, as written.

    How often a row of a tally counts is not part of it, nor how many of these rows are different.

    >>> identity_sql(["Place", "n", "Value"], {"location": "Place", "row_count": "n", "value": "Value"})
    "hash(coalesce(c0, ''), coalesce(c2, ''))"
    """
    counts = {roles.get(role) for role in COUNTS}
    written = (f"coalesce(c{at}, '')" for at, name in enumerate(columns) if name not in counts)
    # 64 bits: that two different rows of one cell have the same is less likely than a flipped bit on the way here.
    return f"hash({', '.join(written)})"


def tally_identity_sql(columns: Sequence[str], roles: Mapping[str, str]) -> str:
    """Return the SQL of the same in a tally, which has a column for it where it lacks columns of the file.

    >>> tally_identity_sql(["Place", "Value"], {"location": "Place"})
    'identity'
    """
    return identity_sql(columns, roles) if set(columns) <= set(roles.values()) else "identity"


def columns_by_role(columns: Sequence[str], roles: Mapping[str, str], plain: Sequence[str] = ()) -> dict[str, str]:
    """Return what the column of each role is called in a staged file: c and its position among all columns.

    A role that has a plain column is read from that, even if the file has no column for it.
    """
    in_file = {role: f"c{columns.index(column)}" for role, column in roles.items()}
    return in_file | {role: plain_column(role) for role in plain}


def plain_column(role: str) -> str:
    """Return what the plain column of a role is called in a staged file."""
    return f"plain_{role}"


def rows_sql(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """Return the SQL for the rows of these staged files, given their columns by role; rows that count 0 are none."""
    rows = f"read_parquet([{', '.join(sql_path(file) for file in files)}])"
    return f"(SELECT * FROM {rows} WHERE {row_count_sql(columns)} > 0)" if "row_count" in columns else rows


def parse_period(first: str, last: str) -> Period | None:
    """Read a period from its two years as written. A missing year is the same as the other; without any, None."""
    first_year, last_year = parse_year(first or last), parse_year(last or first)
    return None if first_year is None or last_year is None else Period(first_year, last_year)
