"""The rows of the file that are in some cells of the cube, page by page, as they stand there.

Cells are found again by their labels: DuckDB reads the few columns that these come from, and joins them with those that
are wanted. Only the rows of a page are read whole. So a page costs what it costs to look for it, whatever the number of
columns, and whoever pages through everything goes through the file once for each page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from meantime.dataset.cube import ABSENT, AXES, Integers
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.dataset.reading.grouping import KEY_COLUMNS, period_of_texts
from meantime.dataset.reading.staging import sql_path
from meantime.dataset.reading.values import parse_number, withheld_reason
from meantime.dataset.rows import FIRST_LINE, SourceRow, SourceRows
from meantime.dataset.snapshot import Snapshot, damaged

# Of each query; what needs more goes to the disk.
_MEMORY = "512MB"
# The place of a row is a number: of its file and of the row in it. No file of ours has a trillion rows.
_ROWS_A_FILE = 2**40


class CellRow(NamedTuple):
    """A row of the file, and the cell that it is in."""

    place: int  # in the order of the files and their rows; where a page ends, and the next one goes on
    cell: int  # place in the cube's cells
    row: SourceRow
    withheld: str | None  # why it has no value


def find_rows(snapshot: Snapshot, cells: Integers, *, after: int | None, limit: int) -> list[CellRow]:
    """Return the first rows in these cells that come after a place; by file and then by row.

    Raises:
        SnapshotDamaged: the rows are not there, or cannot be read.
    """
    if not len(cells):
        return []
    first_file, after_row = (0, -1) if after is None else divmod(after, _ROWS_A_FILE)
    found: list[CellRow] = []
    paths = SourceRows.of(snapshot).paths
    with duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{_MEMORY}'")
        try:
            looking = _Looking(database, snapshot, cells, paths)
            for file in range(first_file, len(paths)):
                if len(found) < limit:
                    found += looking.in_file(file, after_row if file == first_file else -1, limit - len(found))
        except (duckdb.Error, RuntimeError, ValueError) as error:
            # The latter two: bytes that are no text come to light only when they become Python's.
            raise damaged(paths[0].parent.parent, f"the rows cannot be read ({error})") from error
    return found


class _Looking:
    """Looks for the rows of some cells; the tables of what is wanted are made once for all files."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, cells: Integers, paths: tuple[Path, ...]
    ) -> None:
        self._database, self._snapshot, self._paths = database, snapshot, paths
        about = snapshot.about
        self._columns = {role: f'"c{about.columns.index(column)}"' for role, column in about.roles.items()}
        first, last = self._columns.get("first_year"), self._columns.get("last_year")
        # A file with one year has it in either column.
        self._columns |= {"first_year": first or last or "''", "last_year": last or first or "''"}
        codes = sorted(set(snapshot.cube.cells.keys[cells, 0].tolist()))
        # One as a rule, and two where questions are set beside each other.
        self._questions = [snapshot.cube.labels.questions[code] for code in codes]
        self._is_asked = f"{self._columns['question']} IN ({', '.join('?' * len(self._questions))})"
        self._make_wanted(cells)

    def in_file(self, file: int, after_row: int, limit: int) -> list[CellRow]:
        keys = {column: self._columns.get(column, "''") for columns in KEY_COLUMNS.values() for column in columns}
        source = f"read_parquet({sql_path(self._paths[file])}, file_row_number = true)"
        matching = " AND ".join(f"{keys[column]} = wanted.{column}" for column in _LABELS)
        places = self._database.execute(
            f"""
            SELECT file_row_number, wanted.cell
            FROM {source} JOIN periods ON {keys["first_year"]} = periods.first AND {keys["last_year"]} = periods.last
                 JOIN wanted ON {matching} AND wanted.period = periods.code
            WHERE {self._is_asked} AND file_row_number > ?
            ORDER BY file_row_number LIMIT ?
            """,
            [*self._questions, after_row, limit],
        ).fetchall()
        return self._whole(file, source, dict(places)) if places else []

    def _whole(self, file: int, source: str, cells: Mapping[int, int]) -> list[CellRow]:
        """Read the rows of a page with all their columns."""
        about = self._snapshot.about
        texts = ", ".join(f"""coalesce("c{place}", '')""" for place in range(len(about.columns)))
        self._database.execute(f"SELECT * FROM {source} LIMIT 0")
        has_lines = "line" in [column[0] for column in self._database.description or ()]
        line = '"line"' if has_lines else f"file_row_number + {FIRST_LINE}"
        # The page is told as a list and as a span: by the span whole groups of rows are passed over unread.
        rows = self._database.execute(
            f"SELECT file_row_number, {line}, {texts} FROM {source} "
            "WHERE file_row_number BETWEEN ? AND ? AND list_contains(?::BIGINT[], file_row_number) "
            "ORDER BY file_row_number",
            [min(cells), max(cells), list(cells)],
        ).fetchall()
        return [self._row(file, number, cells[number], at, texts) for number, at, *texts in rows]

    def _row(self, file: int, number: int, cell: int, line: int, texts: list[str]) -> CellRow:
        about = self._snapshot.about
        given = dict(zip(about.columns, texts, strict=True))
        row = SourceRow(file=about.files[file], line=line, cells=given)
        return CellRow(file * _ROWS_A_FILE + number, cell, row, self._withheld(given))

    def _withheld(self, given: Mapping[str, str]) -> str | None:
        """Return why a row has no value, in its own words, as the cube counts it; None where it has one."""
        roles = self._snapshot.about.roles
        value = given[roles["value"]]
        if parse_number(value, self._snapshot.about.decimal_mark) is not None:
            return None
        symbol, text = (given.get(roles.get(role, ""), "") for role in ("footnote_symbol", "footnote"))
        mark = f"{symbol} ({text})" if symbol and text else symbol + text
        return withheld_reason(value) or mark or "empty"

    def _make_wanted(self, cells: Integers) -> None:
        """Make the tables of the labels of cells, and of what stands in the file for each period."""
        labels, keys = self._snapshot.cube.labels, self._snapshot.cube.cells.keys[cells]
        codes = {axis: keys[:, place].tolist() for place, axis in enumerate(AXES)}
        kinds = [labels.value_types[code] for code in codes["value_type"]]
        wanted: dict[str, list[Any]] = {
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
        self._database.execute(f"CREATE TABLE wanted ({texts}, period BIGINT, cell BIGINT)")
        insert_columns(self._database, "wanted", **wanted)
        self._make_periods()

    def _make_periods(self) -> None:
        codes = {period: code for code, period in enumerate(self._snapshot.cube.labels.periods)}
        first, last = self._columns["first_year"], self._columns["last_year"]
        pairs: set[tuple[str, str]] = set()
        for path in self._paths:
            query = f"SELECT DISTINCT {first}, {last} FROM read_parquet({sql_path(path)}) WHERE {self._is_asked}"
            pairs.update(self._database.execute(query, self._questions).fetchall())
        ordered = sorted(pairs)
        periods = [period_of_texts(*pair) for pair in ordered]
        self._database.execute("CREATE TABLE periods (first VARCHAR, last VARCHAR, code BIGINT)")
        insert_columns(
            self._database,
            "periods",
            first=[first for first, _ in ordered],
            last=[last for _, last in ordered],
            code=[ABSENT if period is None else codes[period] for period in periods],
        )


# Of a cell beside its period.
_LABELS = ("question", "location", "category", "stratum", "value_type", "unit")
