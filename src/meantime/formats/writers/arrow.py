"""Arrow IPC streams: typed columns for data frames, in batches, with what the columns mean in the schema.

The whole schema carries, under the key ``meantime``, the JSON document without its rows; each field carries its
``unit``, if it has one, and its ``meaning``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import nanoarrow as na  # type: ignore[import-untyped]  # it ships no types
from nanoarrow.c_array_stream import CArrayStream  # type: ignore[import-untyped]  # it ships no types
from nanoarrow.ipc import StreamWriter  # type: ignore[import-untyped]  # it ships no types

from meantime.formats.document import Document, about
from meantime.table import Cell, Column, Kind

# Half a megabyte of a few columns: a piece to send, and long enough that readers do not notice the seams.
_ROWS_A_BATCH = 16_384

_TYPES = {Kind.TEXT: na.string(), Kind.NUMBER: na.float64(), Kind.INTEGER: na.int64()}


def pieces(document: Document) -> Iterator[bytes]:
    """Write the schema, then batch after batch; a table without rows is a schema alone.

    >>> from meantime.table import Table
    >>> table = Table(columns=(Column(name="mean", kind=Kind.NUMBER, meaning="of all"),), data=([28.8, None],))
    >>> document = Document(statistic="s", parameters={}, dataset="d", fingerprint="f", method_version=1, table=table,
    ...                     citation="c")
    >>> list(na.ArrayStream.from_readable(b"".join(pieces(document))).to_pysequence())
    [{'mean': 28.8}, {'mean': None}]
    """
    table = document.table
    schema = na.c_schema(_schema(document))
    out = io.BytesIO()
    writer = StreamWriter.from_writable(out)
    writer.write_stream(CArrayStream.from_c_arrays([], schema))
    for cells in table.batches(_ROWS_A_BATCH):
        writer.write_array(_batch(table.columns, cells, schema))
        yield _taken(out)
    writer.close()
    yield _taken(out)


def _schema(document: Document) -> na.Schema:
    fields = {column.name: na.Schema(_TYPES[column.kind], metadata=_facts(column)) for column in document.table.columns}
    return na.Schema(na.struct(fields), metadata={"meantime": about(document)})


def _facts(column: Column) -> dict[str, str]:
    facts = {"meaning": column.meaning} | ({} if column.unit is None else {"unit": column.unit})
    # To nanoarrow a NUL is the end of a text here. In the document that the schema carries, JSON has it escaped.
    return {name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in facts.items()}


def _batch(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], schema: Any) -> Any:
    return na.c_array_from_buffers(
        schema,
        length=len(cells[0]),
        buffers=[],
        children=[na.c_array(each, _TYPES[column.kind]) for column, each in zip(columns, cells, strict=True)],
    )


def _taken(out: io.BytesIO) -> bytes:
    written = out.getvalue()
    out.seek(0)
    out.truncate()
    return written
