"""The rows of a snapshot as they are in the file: with file name, physical line and every column as text.

The rows of the file ``about.files[n]`` are in ``rows/<n as four digits>.parquet``, in file order, with the columns of
``about.columns`` named c0, c1, ... A column ``line`` has the physical lines unless they are simply 2, 3, 4, ... (a line
was rejected, or a quoted text contains a line end).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.dataset.reading.staged_view import columns_by_role
from meantime.dataset.reading.staging import sql_path
from meantime.dataset.row_files import RowFiles
from meantime.dataset.snapshot import About, Snapshot
from meantime.errors import SnapshotDamaged
from meantime.later import duckdb

# DuckDB numbers rows from 0; people number lines from 1, and the first line is the header.
FIRST_LINE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of a source file."""

    file: str  # its name, without its folder
    line: int  # physical line on which the row begins; the header is line 1
    cells: Mapping[str, str]  # column -> text as read; "" if empty


class SourceRows:
    """The rows of a snapshot on disk. It keeps no file open, so several threads may use it at a time."""

    def __init__(self, files: RowFiles, about: About) -> None:
        self._files = files
        self._about = about

    @classmethod
    def of(cls, snapshot: Snapshot) -> SourceRows:
        """Return the rows of an open snapshot.

        Raises:
            SnapshotDamaged: it was made in memory, so its rows were never written.
        """
        if snapshot.row_files is None:
            raise SnapshotDamaged("This snapshot exists in memory only, so its rows were not kept.")
        return cls(snapshot.row_files, snapshot.about)

    def opened(self) -> AbstractContextManager[tuple[Path, ...]]:
        """Yield the Parquet files, in the order of ``about.files``, for queries over all of them.

        Raises:
            SnapshotDamaged: one is missing or damaged; see ``RowFiles.opened``.
        """
        return self._files.opened()

    def select(self, where: Mapping[str, str]) -> list[SourceRow]:
        """Return the rows whose columns with these roles contain exactly these texts, by file and then by line.

        Question, location, category and stratum are complete labels, made of all the columns that belong to them.
        Without conditions, all rows are returned. A role without a column counts as "" in every row.

        Raises:
            SnapshotDamaged: the rows are missing or differ from what was written.
        """
        roles, columns = self._about.roles, self._about.columns
        if any(text and role not in roles and role not in self._about.plain for role, text in where.items()):
            return []
        named = columns_by_role(columns, roles, self._about.plain)
        texts = {role: f"coalesce({column}, '')" for role, column in named.items()}
        expressions = texts | {axis: label_sql(axis, texts) for axis in JOINED}
        conditions = [(expressions[role], text) for role, text in where.items() if role in expressions]
        rows = []
        with self.opened() as paths, duckdb.connect() as database:
            for path, file in zip(paths, self._about.files, strict=True):
                for line, *cells in self._read_file(database, path, conditions):
                    rows.append(SourceRow(file=file, line=line, cells=dict(zip(columns, cells, strict=True))))
        return rows

    def _read_file(
        self, database: duckdb.DuckDBPyConnection, path: Path, conditions: Sequence[tuple[str, str]]
    ) -> list[tuple[int, *tuple[str, ...]]]:
        texts = [_text(column) for column in range(len(self._about.columns))]
        where = " AND ".join(f"{text} = ?" for text, _ in conditions) or "true"
        source = f"read_parquet({sql_path(path)}, file_row_number = true)"
        return database.execute(
            f"SELECT {', '.join([line_sql(database, source), *texts])} FROM {source} "
            f"WHERE {where} ORDER BY file_row_number",
            [text for _, text in conditions],
        ).fetchall()


def line_sql(database: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return the SQL of the physical line of a row; ``source`` is the SQL of rows of a snapshot that are numbered."""
    database.execute(f"SELECT * FROM {source} LIMIT 0")
    has_lines = "line" in [column[0] for column in database.description or ()]
    return '"line"' if has_lines else f"file_row_number + {FIRST_LINE}"


def _text(column: int) -> str:
    return f"""coalesce("c{column}", '')"""
