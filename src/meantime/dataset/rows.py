"""The rows behind a snapshot, as they stand in the file: with file name, physical line and every column as text.

The rows of the file ``about.files[n]`` are in ``rows/<n as four digits>.parquet``, in the file's order, with the
columns of ``about.columns`` named c0, c1, ... Where physical lines are not simply 2, 3, 4, ... (a line was rejected, a
quoted text has a line end in it), a column ``line`` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.dataset.snapshot import About, Snapshot, damaged
from meantime.errors import SnapshotDamaged

# DuckDB numbers rows from 0; people number lines from 1, and the first is the header.
FIRST_LINE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of a source file."""

    file: str  # its name, without its folder
    line: int  # physical line on which the row begins, from 1, the header included
    cells: Mapping[str, str]  # column -> text as read; "" where there is none


class SourceRows:
    """The rows of the snapshot in ``folder``. Holds no file open, so several threads may use it at a time."""

    def __init__(self, folder: Path, about: About) -> None:
        self._folder = folder
        self._about = about

    @classmethod
    def of(cls, snapshot: Snapshot) -> SourceRows:
        """Return the rows of an open snapshot.

        Raises:
            SnapshotDamaged: it was made in memory, and its rows were never written.
        """
        if snapshot.folder is None:
            raise SnapshotDamaged("This snapshot is in memory only: its rows are nowhere.")
        return cls(snapshot.folder, snapshot.about)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The Parquet files, in the order of ``about.files``, for who queries them as a whole.

        Raises:
            SnapshotDamaged: one is missing. DuckDB would take its path for a pattern.
        """
        return tuple(self._path(f"rows/{place:04}.parquet") for place in range(len(self._about.files)))

    def select(self, where: Mapping[str, str]) -> list[SourceRow]:
        """Return the rows whose columns with these roles hold exactly these texts, by file and then by line.

        Question, location, category and stratum are whole labels, of as many columns as tell them. Without conditions:
        all rows. "" stands for nothing, and a role that no column has is nothing in every row.

        Raises:
            SnapshotDamaged: the rows are not there or cannot be read. A bit that was flipped within a text is not seen:
                Parquet as DuckDB writes it has no checksums, and to compare the digest would be to read all rows.
        """
        roles, columns = self._about.roles, self._about.columns
        if any(text and role not in roles for role, text in where.items()):
            return []
        texts = {role: _text(columns.index(column)) for role, column in roles.items()}
        told = texts | {axis: label_sql(axis, texts) for axis in JOINED}
        conditions = [(told[role], text) for role, text in where.items() if role in told]
        found = []
        with duckdb.connect() as database:
            for place, file in enumerate(self._about.files):
                for line, *cells in self._read(database, f"rows/{place:04}.parquet", conditions):
                    found.append(SourceRow(file=file, line=line, cells=dict(zip(columns, cells, strict=True))))
        return found

    def _read(
        self, database: duckdb.DuckDBPyConnection, name: str, conditions: Sequence[tuple[str, str]]
    ) -> list[tuple[int, *tuple[str, ...]]]:
        path = self._path(name)
        texts = [_text(place) for place in range(len(self._about.columns))]
        where = " AND ".join(f"{text} = ?" for text, _ in conditions) or "true"
        try:
            database.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
            has_lines = "line" in [column[0] for column in database.description or ()]
            line = '"line"' if has_lines else f"file_row_number + {FIRST_LINE}"
            return database.execute(
                f"SELECT {', '.join([line, *texts])} FROM read_parquet(?, file_row_number = true) "
                f"WHERE {where} ORDER BY file_row_number",
                [str(path), *(text for _, text in conditions)],
            ).fetchall()
        except (duckdb.Error, RuntimeError, ValueError) as error:
            # The latter two: bytes that are no text come to light only when they become Python's.
            raise damaged(self._folder, f"{name} cannot be read ({error})") from error

    def _path(self, name: str) -> Path:
        path = self._folder / name
        # DuckDB takes a path for a pattern where there is no such file, and might find another snapshot's rows.
        if not path.is_file():
            raise damaged(self._folder, f"{name} is missing")
        return path


def _text(place: int) -> str:
    return f"""coalesce("c{place}", '')"""
