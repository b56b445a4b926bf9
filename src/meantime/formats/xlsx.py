"""XLSX, for Excel and LibreOffice."""

from __future__ import annotations

from collections.abc import Iterator

from meantime.formats.document import Document
from meantime.formats.format import Format


def pieces(document: Document) -> Iterator[bytes]:
    """Write a result; see ``writers/xlsx.py``, whose library takes long to import."""
    from meantime.formats.writers import xlsx

    return xlsx.pieces(document)


FORMATS = (
    Format(
        position=70,
        suffix="xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        name="XLSX",
        meaning="a sheet with the rows and one with everything else, for Excel and LibreOffice",
        is_text=False,
        pieces=pieces,
    ),
)
