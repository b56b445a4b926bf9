"""The source rows of given cells of the cube, page by page.

Rows are matched with cells by their labels: DuckDB reads the few columns that labels come from, and joins them with the
labels of the cells. Only the rows of the page are read whole. So the cost of a page is that of the search, whatever the
number of columns; paging through everything searches the file once for each page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Integers
from meantime.dataset.facts.units import normalized_unit_sql
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.dataset.reading.staged_view import (
    KEY_COLUMNS,
    columns_by_role,
    identity_sql,
    parse_period,
    plain_column,
    tally_identity_sql,
)
from meantime.dataset.reading.staging import sql_path
from meantime.dataset.reading.tally import LINES, parse_row_count, row_count_sql
from meantime.dataset.reading.values import parse_number, withheld_reason
from meantime.dataset.row_query import query_database
from meantime.dataset.rows import SourceRow, SourceRows, line_sql
from meantime.dataset.shared_rows import shared_rows
from meantime.dataset.snapshot import COUNTS, Snapshot
from meantime.later import duckdb

# The position of a row combines the numbers of its file and of the row in it. No file has a trillion rows.
_ROWS_A_FILE = 2**40


class CellRow(NamedTuple):
    """A row of the file, and the cell that it is in."""

    position: int  # in the order of files and rows: where a page ends and the next one continues
    cell: int  # index among the cube's cells
    row: SourceRow
    withheld: str | None  # why it has no value; None if it has one
    times: int  # how often it counts: more than once only in a tally
    copy_of: tuple[str, int] | None = None  # file and line of the first of the rows that it is an exact copy of


def find_rows(snapshot: Snapshot, cells: Integers, *, after: int | None, limit: int) -> list[CellRow]:
    """Return the first rows of these cells after a position, in the order of files and rows.

    Raises:
        SnapshotDamaged: the rows are missing or cannot be read.
    """
    if not len(cells):
        return []
    first_file, after_row = (0, -1) if after is None else divmod(after, _ROWS_A_FILE)
    rows: list[CellRow] = []
    has_copies = bool(snapshot.cube.pick(cells).copies.any())
    with SourceRows.of(snapshot).opened() as paths, query_database() as database:
        search = _RowSearch(database, snapshot, cells, paths)
        for file in range(first_file, len(paths)):
            if len(rows) < limit:
                rows += search.rows(file, after_row if file == first_file else -1, limit - len(rows))
        return search.with_copies(rows) if has_copies and rows else rows


class _RowSearch:
    """Searches for the rows of some cells; the tables with their labels are made once for all files."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, cells: Integers, paths: tuple[Path, ...]
    ) -> None:
        self._database, self._snapshot, self._paths = database, snapshot, paths
        self._shared = shared_rows(snapshot)
        about = snapshot.about
        self._columns = columns_by_role(about.columns, about.roles, about.plain)
        first, last = self._columns.get("first_year"), self._columns.get("last_year")
        # A file with one column for the year has it as both.
        self._columns |= {"first_year": first or last or "''", "last_year": last or first or "''"}
        codes = np.unique(snapshot.cube.pick(cells).keys[:, 0]).tolist()
        # Usually one; two where questions are compared.
        self._questions = [snapshot.cube.labels.questions[code] for code in codes]
        self._has_question = f"{self._columns['question']} IN ({', '.join('?' * len(self._questions))})"
        self._make_cell_labels(cells)

    def rows(self, file: int, after_row: int, limit: int) -> list[CellRow]:
        """Return the first rows of a file after one of them."""
        # A tally tells whether its file has any.
        if self._shared and not self._matches(self._kept(file), -1, 1):
            return []
        with self._opened([file]) as sources:
            matches = self._matches(sources[file], after_row, limit)
            return self._read_page(file, sources[file], dict(matches)) if matches else []

    def _matches(self, source: str, after_row: int, limit: int) -> list[tuple[int, int]]:
        """Return the numbers of the first rows (SQL) of the cells after one of them, and their cells."""
        keys = {column: self._columns.get(column, "''") for columns in KEY_COLUMNS.values() for column in columns}
        keys["unit"] = normalized_unit_sql(keys["unit"])
        matching = " AND ".join(f"{keys[column]} = cell_labels.{column}" for column in _LABELS)
        return self._database.execute(
            f"""
            SELECT file_row_number, cell_labels.cell
            FROM {source} JOIN periods ON {keys["first_year"]} = periods.first AND {keys["last_year"]} = periods.last
                 JOIN cell_labels ON {matching} AND cell_labels.period = periods.code
            WHERE {self._has_question} AND file_row_number > ? AND {row_count_sql(self._columns)} > 0
            ORDER BY file_row_number LIMIT ?
            """,
            [*self._questions, after_row, limit],
        ).fetchall()

    def _read_page(self, file: int, source: str, cells: Mapping[int, int]) -> list[CellRow]:
        """Read the rows of a page with all their columns."""
        about = self._snapshot.about
        texts = ", ".join(f"""coalesce("c{column}", '')""" for column in range(len(about.columns)))
        # As a list and as a range: with the range, DuckDB skips whole groups of rows.
        plain = ", ".join(f"coalesce({self._columns.get(role, _NOTHING)}, {_NOTHING})" for role in _READ_FROM_ROWS)
        rows = self._database.execute(
            f"SELECT file_row_number, {line_sql(self._database, source)}, {plain}, {texts} FROM {source} "
            "WHERE file_row_number BETWEEN ? AND ? AND list_contains(?::BIGINT[], file_row_number) "
            "ORDER BY file_row_number",
            [min(cells), max(cells), list(cells)],
        ).fetchall()
        return [
            CellRow(
                file * _ROWS_A_FILE + number,
                cells[number],
                SourceRow(file=about.files[file], line=at, cells=dict(zip(about.columns, texts, strict=True))),
                self._withheld(value, symbol, text),
                parse_row_count(times) or 0 if times else 1,
            )
            for number, at, value, symbol, text, times, *texts in rows
        ]

    def with_copies(self, rows: list[CellRow]) -> list[CellRow]:
        """Return rows with what each is a copy of. The first of equal rows may be on an earlier page."""
        about = self._snapshot.about
        counted = f" AND {row_count_sql(self._columns)} > 0"
        files = self._files_of_copies(rows) if self._shared else range(len(self._paths))
        with self._opened(files) as sources:
            every = " UNION ALL ".join(
                f"SELECT {file * _ROWS_A_FILE} + file_row_number AS position, "
                f"{line_sql(self._database, source)} AS line, "
                f"{identity_sql(about.columns, about.roles)} AS identity FROM {source} "
                f"WHERE {self._has_question}{counted}"
                for file, source in sources.items()
            )
            found = self._database.execute(
                f"""
                WITH every AS MATERIALIZED ({every}),
                     shown AS (SELECT position, identity FROM every WHERE list_contains(?::BIGINT[], position))
                SELECT shown.position, min(every.position), arg_min(every.line, every.position)
                FROM shown JOIN every USING (identity)
                GROUP BY shown.position HAVING min(every.position) < shown.position
                """,
                [*self._questions * len(sources), [row.position for row in rows]],
            ).fetchall()
        firsts = {position: (about.files[first // _ROWS_A_FILE], line) for position, first, line in found}
        return [row._replace(copy_of=firsts.get(row.position)) for row in rows]

    def _files_of_copies(self, rows: list[CellRow]) -> list[int]:
        """Return the files of some rows, and for each row the first file that has the same one, by the tallies."""
        about = self._snapshot.about
        files = sorted({row.position // _ROWS_A_FILE for row in rows})
        with self._opened(files) as sources:
            shown = " UNION ".join(
                f"SELECT {identity_sql(about.columns, about.roles)} AS identity FROM {source} WHERE "
                f"list_contains(?::BIGINT[], {file * _ROWS_A_FILE} + file_row_number)"
                for file, source in sources.items()
            )
            self._database.execute(
                f"CREATE OR REPLACE TEMP TABLE shown_rows AS {shown}", [[row.position for row in rows]] * len(sources)
            )
        tallies = " UNION ALL ".join(
            f"SELECT {file} AS file, {tally_identity_sql(about.columns, about.roles)} AS identity "
            f"FROM {self._kept(file)}"
            for file in range(files[-1] + 1)
        )
        first = self._database.execute(
            f"SELECT DISTINCT file FROM (SELECT min(file) AS file FROM ({tallies}) SEMI JOIN shown_rows "
            "USING (identity) GROUP BY identity)"
        ).fetchall()
        return sorted({*files, *(file for (file,) in first)})

    @contextmanager
    def _opened(self, files: Sequence[int]) -> Iterator[dict[int, str]]:
        """Yield the SQL of the rows of some files."""
        if self._shared is None:
            yield {file: self._kept(file) for file in files}
            return
        with self._shared.opened(files) as paths:
            yield {file: self._lines_of(file, paths[file]) for file in files}

    def _kept(self, file: int) -> str:
        """Return the SQL of what the snapshot has of a file: its rows, or their tally."""
        return f"read_parquet({sql_path(self._paths[file])}, file_row_number = true)"

    def _lines_of(self, file: int, lines: Path) -> str:
        """Return the SQL of the lines of a file, with the plain columns that its tally has."""
        about = self._snapshot.about
        plain = "".join(f", {plain_column(role)}" for role in about.plain if role != LINES)
        # Lines that differ only in how often they count are copies, and each has a line of the tally.
        counts = "".join(f", c{about.columns.index(about.roles[role])}" for role in COUNTS if role in about.roles)
        return (
            f"(SELECT *, 1 AS {plain_column(LINES)} FROM (SELECT *, {identity_sql(about.columns, about.roles)} AS "
            f"identity FROM read_parquet({sql_path(lines)}, file_row_number = true)) AS lines "
            f"JOIN (SELECT {tally_identity_sql(about.columns, about.roles)} AS identity{counts}{plain} "
            f"FROM {self._kept(file)}) AS tally USING (identity{counts}))"
        )

    def _withheld(self, value: str, symbol: str, text: str) -> str | None:
        """Return why a row has no value, with the same text as the cube; None if it has one."""
        if parse_number(value, self._snapshot.about.decimal_mark) is not None:
            return None
        mark = f"{symbol} ({text})" if symbol and text else symbol + text
        return withheld_reason(value) or mark or "empty"

    def _make_cell_labels(self, cells: Integers) -> None:
        """Make the tables of the labels of cells, and of the texts in the file for each period."""
        labels, keys = self._snapshot.cube.labels, self._snapshot.cube.pick(cells).keys
        codes = {axis: keys[:, column].tolist() for column, axis in enumerate(AXES)}
        kinds = [labels.value_types[code] for code in codes["value_type"]]
        texts_of_cells: dict[str, list[Any]] = {
            "question": [labels.questions[code] for code in codes["question"]],
            "location": [labels.locations[code] for code in codes["location"]],
            "category": ["" if code == ABSENT else labels.categories[code] for code in codes["category"]],
            "stratum": ["" if code == ABSENT else labels.strata[code] for code in codes["stratum"]],
            "value_type": [kind.name for kind in kinds],
            "unit": [kind.unit for kind in kinds],
            "period": codes["period"],
            "cell": cells.tolist(),
        }
        texts = ", ".join(f"{column} VARCHAR" for column in _LABELS)
        self._database.execute(f"CREATE TABLE cell_labels ({texts}, period BIGINT, cell BIGINT)")
        insert_columns(self._database, "cell_labels", **texts_of_cells)
        self._make_periods()

    def _make_periods(self) -> None:
        codes = {period: code for code, period in enumerate(self._snapshot.cube.labels.periods)}
        first, last = self._columns["first_year"], self._columns["last_year"]
        pairs: set[tuple[str, str]] = set()
        for path in self._paths:
            query = (
                f"SELECT DISTINCT {first}, {last} FROM read_parquet({sql_path(path)}) "
                f"WHERE {self._has_question} AND {row_count_sql(self._columns)} > 0"
            )
            pairs.update(self._database.execute(query, self._questions).fetchall())
        ordered = sorted(pairs)
        periods = [parse_period(*pair) for pair in ordered]
        self._database.execute("CREATE TABLE periods (first VARCHAR, last VARCHAR, code BIGINT)")
        insert_columns(
            self._database,
            "periods",
            first=[first for first, _ in ordered],
            last=[last for _, last in ordered],
            code=[ABSENT if period is None else codes[period] for period in periods],
        )


# The roles that tell why a row has no value, and how often it counts; and the SQL of one without a column.
_READ_FROM_ROWS = ("value", "footnote_symbol", "footnote", "row_count")
_NOTHING = "''"
# The labels of a cell, without its period.
_LABELS = ("question", "location", "category", "stratum", "value_type", "unit")
