"""Parquet: typed columns on disk, small, for DuckDB, data frames and archives.

The file's own metadata carries, under the key ``meantime``, the JSON document without its rows: units and meanings too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nanoarrow as na  # type: ignore[import-untyped]  # it ships no types

from meantime.formats.document import Document, about
from meantime.formats.writers import arrow, temporary_file
from meantime.later import duckdb


def pieces(document: Document) -> Iterator[bytes]:
    """Write a table; its types are DOUBLE, BIGINT and VARCHAR, and what is not there is null."""
    return temporary_file.pieces_of(partial(_write, document))


def _write(document: Document, path: Path) -> Iterator[None]:
    # By way of an Arrow stream on disk: of all that DuckDB reads, it alone keeps a double's bits, tells null from nan,
    # has the types without guessing, and comes batch by batch.
    between = path.with_suffix(".arrows")
    with between.open("wb") as file:
        for piece in arrow.pieces(document):
            file.write(piece)
            yield
    # One thread, so that the same table gives the same bytes: with more, the groups of rows may be cut elsewhere.
    with duckdb.connect(config={"threads": 1, "temp_directory": str(path.parent)}) as connection:
        connection.register("written", na.ArrayStream.from_path(between))
        connection.execute(
            f"COPY written TO {_quoted(str(path))} "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{meantime: {_quoted(about(document).decode())}}})"
        )


def _quoted(text: str) -> str:
    # COPY takes no bound parameters for these. A doubled quote is all that SQL needs; JSON has no NUL as it is.
    return "'" + text.replace("'", "''") + "'"
