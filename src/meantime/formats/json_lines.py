"""JSON Lines: an object a row, with every column, so that any line can be read by itself.

Notes, warnings, units and meanings are not in it, since every line is a row. The JSON document has them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from meantime.formats.document import Document, rows_as_objects
from meantime.formats.format import Format


def pieces(document: Document) -> Iterator[bytes]:
    r"""Write a table; numbers come back as the same doubles, and what is not there is null.

    >>> from meantime.table import Column, Kind, Table
    >>> table = Table(columns=(Column(name="mean", kind=Kind.NUMBER, meaning=""),), data=([0.1, None],))
    >>> document = Document(statistic="s", parameters={}, dataset="d", fingerprint="f", method_version=1, table=table,
    ...                     citation="c")
    >>> b"".join(pieces(document))
    b'{"mean":0.1}\n{"mean":null}\n'
    """
    encoder = msgspec.json.Encoder()
    for rows in rows_as_objects(document.table):
        yield encoder.encode_lines(rows)


FORMATS = (
    Format(
        position=40,
        suffix="jsonl",
        media_type="application/jsonl",
        name="JSON Lines",
        meaning="the rows, one object a line with every column, for streaming",
        is_text=True,
        pieces=pieces,
    ),
)
