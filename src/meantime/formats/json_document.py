"""JSON: the document that is kept of a result."""

from __future__ import annotations

from meantime.formats import document
from meantime.formats.format import Format

FORMATS = (
    Format(
        position=10,
        suffix="json",
        media_type="application/json",
        name="JSON",
        meaning="everything: parameters, data set, columns with units and meanings, rows, notes, warnings, citation",
        is_text=True,
        pieces=document.pieces,
    ),
)
