"""Large plain files are staged twice: first the columns that answers need, then, when these are there, whole rows.

Answers come from the cells, and cells from the columns with a role: half of those of a table of the CDC, which take two
thirds of the time. What tells rows of one cell apart is part of answers too, and may be in any column: so the lines of
some cells are read whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from meantime.dataset.reading.opened_source import OpenedSource, StagedRows
from meantime.dataset.reading.rows_of_a_cell import columns_that_differ, make_shared_keys
from meantime.dataset.reading.staging import lines_as_table, sql_path
from meantime.later import duckdb

# With more columns than this share, reading some of them first takes longer than it saves.
_MOST_SHARE = 2 / 3
_CHUNK_BYTES = 4 * 2**20
_LF = ord("\n")


def answer_columns(source: OpenedSource) -> tuple[int, ...] | None:
    """Return the positions of the columns that answers need; None if whole rows are to be read at once."""
    names = source.table.columns
    columns = sorted({names.index(name) for name in source.table.roles.values()})
    is_plain = all(file.text is not None and file.text.is_plain for file in source.opened)
    is_as_in_file = all(table.arrangement.is_as_in_file for table in source.tables)
    return tuple(columns) if is_plain and is_as_in_file and len(columns) <= _MOST_SHARE * len(names) else None


def look_at_lines(
    database: duckdb.DuckDBPyConnection,
    source: OpenedSource,
    staged: StagedRows,
    in_file: Mapping[str, str],
    roles: Mapping[str, str],
    work: Path,
) -> tuple[str, ...]:
    """Return the columns that tell rows of one cell apart, from the lines of some such cells."""
    rows = [f"read_parquet({sql_path(file)}, file_row_number = true)" for file in staged.parquet]
    lines = ["line" if file.has_line else "file_row_number + 2" for file in staged.files]
    key = make_shared_keys(database, f"read_parquet([{', '.join(map(sql_path, staged.parquet))}])", in_file)
    columns = ", ".join(f"c{column}" for column in range(len(staged.table.columns)))
    database.execute(
        f"CREATE TABLE whole_rows ({', '.join(f'c{column} VARCHAR' for column in range(len(staged.table.columns)))}, "
        "key UBIGINT)"
    )
    for number, (file, of_rows, line) in enumerate(zip(source.opened, rows, lines, strict=True)):
        database.execute(
            f"CREATE OR REPLACE TABLE some_lines AS FROM (SELECT {line} AS line, {key} AS key FROM {of_rows}) "
            "SEMI JOIN first_keys USING (key) ORDER BY line"
        )
        wanted = database.execute("SELECT line FROM some_lines ORDER BY line").fetchnumpy()["line"].astype(np.int64)
        picked = work / f"{number:04}.lines"
        with file.path.open("rb") as text, picked.open("wb") as out:
            _copy_lines(text, wanted, out)
        database.execute(
            f"INSERT INTO whole_rows SELECT {columns}, key FROM {lines_as_table(file, picked)} "
            "POSITIONAL JOIN (SELECT key FROM some_lines ORDER BY line)"
        )
        picked.unlink()
    differ_in = columns_that_differ(database, "whole_rows", staged.table.columns, roles)
    database.execute("DROP TABLE first_keys; DROP TABLE some_lines; DROP TABLE whole_rows")
    return differ_in


def _copy_lines(text: BinaryIO, lines: npt.NDArray[np.int64], out: BinaryIO) -> None:
    """Copy some lines of a text, given their numbers from 1 in order."""
    before = 0  # line ends before the chunk
    at = 0
    while at < len(lines) and (chunk := text.read(_CHUNK_BYTES)):
        chunk += text.readline()
        ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == _LF) + 1
        last = before + len(ends) + (not chunk.endswith(b"\n"))
        here = lines[at : np.searchsorted(lines, last, side="right")] - before - 1
        starts = np.concatenate(([0], ends, [len(chunk)]))
        pairs = zip(starts[here].tolist(), starts[here + 1].tolist(), strict=True)
        out.write(b"".join(chunk[start:end] for start, end in pairs))
        before += len(ends)
        at += len(here)
