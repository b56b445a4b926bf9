"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator

from meantime.formats.document import Document
from meantime.formats.format import Format


def pieces(document: Document) -> Iterator[bytes]:
    """Write a result; see ``writers/parquet.py``, whose library takes long to import."""
    from meantime.formats.writers import parquet

    return parquet.pieces(document)


FORMATS = (
    Format(
        position=50,
        suffix="parquet",
        media_type="application/vnd.apache.parquet",
        name="Parquet",
        meaning="typed columns in a small file, for DuckDB and data frames; everything else in its metadata",
        is_text=False,
        pieces=pieces,
    ),
)
