"""The Arrow IPC stream."""

from __future__ import annotations

from collections.abc import Iterator

from meantime.formats.document import Document
from meantime.formats.format import Format


def pieces(document: Document) -> Iterator[bytes]:
    """Write a result; see ``writers/arrow.py``, whose library takes long to import."""
    from meantime.formats.writers import arrow

    return arrow.pieces(document)


FORMATS = (
    Format(
        position=60,
        suffix="arrow",
        media_type="application/vnd.apache.arrow.stream",
        name="Arrow stream",
        meaning="typed columns in batches, for data frames; everything else in its schema's metadata",
        is_text=False,
        pieces=pieces,
    ),
)
