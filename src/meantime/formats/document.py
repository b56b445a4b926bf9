"""A result with its origin, and its JSON, which says everything: the request, the data set, what columns mean.

The JSON is what is stored of a result; every other format is made from it on demand. So everything in it must be read
back exactly: doubles, integers of 64 bits, text in any script, and missing values as null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from types import NoneType
from typing import Any

import msgspec

from meantime.errors import NotMeantime
from meantime.table import Cell, Column, Heading, Kind, Table

# A row is 50 to 200 bytes: some 50 to 200 KB a piece, so that a long table is never whole in memory as text, and a
# piece is worth the trouble of sending it.
ROWS_A_PIECE = 1024

# Read within a few milliseconds.
_DECODED_BYTES = 2**20

# Integers have 64 bits, with their sign: the widest that Parquet, Arrow and data frames have.
_BEYOND = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A result with where it comes from.

    Raises:
        ValueError: no form could hold it truly: it has no columns, two of one name (whatever the case: Parquet readers
            do not tell them apart), a number that is not finite (JSON has none; what is not there is None), or an
            integer of more than 64 bits. A bug in a statistic.
    """

    statistic: str
    parameters: Mapping[str, Any]  # as checked, defaults filled in
    dataset: str  # its name
    fingerprint: str
    method_version: int
    table: Table
    citation: str  # how to name it elsewhere; see citation.py
    source: str = ""  # where the data set is from, as people said; "" where nobody did

    def __post_init__(self) -> None:
        names = [column.name for column in self.table.columns]
        if not names:
            raise ValueError("a result has no columns")
        if len({name.lower() for name in names}) < len(names):
            raise ValueError(f"two columns have one name: {names}")
        for column, cells in zip(self.table.columns, self.table.data, strict=True):
            if _are_held(column.kind, cells):
                continue
            for cell in _not_held(column.kind, cells):
                raise ValueError(f"{column.name} has {cell!r}, which no form could hold as {column.kind}")


def encode(document: Document) -> bytes:
    """Write a document; each row is an object that has every column, null where there is none.

    >>> table = Table(columns=(Column(name="mean", kind=Kind.NUMBER, meaning="of all"),), data=([28.8],))
    >>> document = Document(statistic="global_mean", parameters={"question": "Q"}, dataset="d", fingerprint="f",
    ...                     method_version=1, table=table, citation="Cite me.")
    >>> for part in encode(document).decode().split(',"'):
    ...     print(part)
    {"statistic":"global_mean"
    parameters":{"question":"Q"}
    dataset":"d"
    fingerprint":"f"
    method_version":1
    columns":[{"name":"mean"
    kind":"number"
    unit":null
    meaning":"of all"}]
    rows":[{"mean":28.8}]
    findings":[]
    notes":[]
    warnings":[]
    citation":"Cite me."}
    >>> decode(encode(document)) == document
    True
    """
    return b"".join(pieces(document))


def pieces(document: Document) -> Iterator[bytes]:
    """Write a document piece by piece; joined they are what ``encode`` returns."""
    yield dumps(_head(document))[:-1] + b',"rows":['
    separator = b""
    row = _row_of(tuple(column.name for column in document.table.columns))
    for cells in document.table.batches(ROWS_A_PIECE):
        yield separator + dumps(list(map(row, *cells)))[1:-1]
        separator = b","
    yield b"]," + dumps(_tail(document))[1:]


def about(document: Document) -> bytes:
    """Write a document without its rows, for formats that keep this in their metadata."""
    return dumps(_head(document) | _tail(document))


def rows_as_objects(table: Table) -> Iterator[list[dict[str, Cell]]]:
    """Go through the rows, a piece's worth at a time, each with every column."""
    names = [column.name for column in table.columns]
    for cells in table.batches(ROWS_A_PIECE):
        yield [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def decode(body: bytes) -> Document:
    """Read a document. Unknown keys are ignored: a later version may have added them.

    Raises:
        NotMeantime: it is no document.
    """
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise NotMeantime(
            f"This is not a Meantime result as JSON ({error}). It may come from another version of Meantime."
        ) from error


def about_of(body: bytes) -> Heading | None:
    """Read what a written document is about, without its rows; None where it does not say."""
    # Within a text, there is a backslash before a quote.
    at = body.rfind(b'],"about":{')
    return None if at < 0 else _ABOUT.decode(b"{" + body[at + len(b"],") :]).about


def dumps(value: object) -> bytes:
    """Write JSON as everywhere in Meantime: compact, UTF-8 unescaped, doubles in full, keys in their order."""
    return msgspec.json.encode(value)


@lru_cache(maxsize=256)
def _row_of(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return a type whose objects are rows with these columns: made and written in half the time that dicts take."""
    # Its own names are numbered, since a column's name need not be one that Python could have.
    fields = [f"cell_{index}" for index in range(len(names))]
    return msgspec.defstruct("Row", fields, rename=dict(zip(fields, names, strict=True)), gc=False)


def _head(document: Document) -> dict[str, Any]:
    return {
        "statistic": document.statistic,
        "parameters": document.parameters,
        "dataset": document.dataset,
        "fingerprint": document.fingerprint,
        "method_version": document.method_version,
        "columns": [
            {"name": column.name, "kind": column.kind, "unit": column.unit, "meaning": column.meaning}
            for column in document.table.columns
        ],
    }


def _tail(document: Document) -> dict[str, Any]:
    table = document.table
    texts = {"findings": table.findings, "notes": table.notes, "warnings": table.warnings}
    about = {} if table.about is None else {"about": table.about}
    source = {"source": document.source} if document.source else {}
    return {**about, **texts, **source, "citation": document.citation}


_HELD: Mapping[Kind, set[type]] = {
    Kind.TEXT: {str, NoneType},
    Kind.NUMBER: {float, int, NoneType},
    Kind.INTEGER: {int, NoneType},
}


def _are_held(kind: Kind, cells: Sequence[Cell]) -> bool:
    """Whether a column can be held; False where that has to be looked at cell by cell.

    Done twice to every result, when it is made and when it is read, so not in a loop of Python.
    """
    if not set(map(type, cells)) <= _HELD[kind]:
        return False
    if kind is Kind.TEXT:
        return True
    numbers: list[Any] = [0, *filter(None, cells)]
    if kind is Kind.NUMBER:
        # NaN and infinities stay in a sum.
        return isfinite(sum(numbers))
    return bool(min(numbers) >= -_BEYOND and max(numbers) < _BEYOND)


def _not_held(kind: Kind, cells: Sequence[Cell]) -> Iterator[Cell]:
    match kind:
        case Kind.TEXT:
            return (cell for cell in cells if cell is not None and not isinstance(cell, str))
        case Kind.NUMBER:
            return (cell for cell in cells if cell is not None and (isinstance(cell, str) or not isfinite(cell)))
        case Kind.INTEGER:
            return (
                cell
                for cell in cells
                if cell is not None and not (isinstance(cell, int) and -_BEYOND <= cell < _BEYOND)
            )


class _Column(msgspec.Struct):
    name: str
    kind: Kind
    unit: str | None
    meaning: str


class _Written(msgspec.Struct):
    statistic: str
    parameters: dict[str, Any]
    dataset: str
    fingerprint: str
    method_version: int
    columns: tuple[_Column, ...]
    rows: msgspec.Raw
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    citation: str
    findings: tuple[str, ...] = ()  # results that were made before there were any have none
    about: Heading | None = None  # likewise
    source: str = ""


class _Tail(msgspec.Struct):
    about: Heading


# Made at import, by one thread: what msgspec notes of a type at its first use, other threads see half made, and crash.
_WRITTEN = msgspec.json.Decoder(_Written)
_ABOUT = msgspec.json.Decoder(_Tail)


def _decode(body: bytes) -> Document:
    written = _WRITTEN.decode(body)
    columns = tuple(
        Column(name=each.name, kind=each.kind, unit=each.unit, meaning=each.meaning) for each in written.columns
    )
    return Document(
        statistic=written.statistic,
        parameters=written.parameters,
        dataset=written.dataset,
        fingerprint=written.fingerprint,
        method_version=written.method_version,
        table=Table(
            columns=columns,
            data=_cells(columns, written.rows),
            notes=written.notes,
            warnings=written.warnings,
            findings=written.findings,
            about=written.about,
        ),
        citation=written.citation,
        source=written.source,
    )


_TYPES = {Kind.TEXT: str | None, Kind.NUMBER: float | None, Kind.INTEGER: int | None}


def _cells(columns: tuple[Column, ...], rows: msgspec.Raw) -> tuple[list[Cell], ...]:
    # A type made for these columns: rows of it are checked and converted while they are read, and take a third of the
    # memory that dicts do. Its own names are numbered, since a column's name need not be one that Python could have.
    fields = [f"cell_{index}" for index in range(len(columns))]
    row = msgspec.defstruct(
        "Row",
        [(field, _TYPES[column.kind]) for field, column in zip(fields, columns, strict=True)],
        rename={field: column.name for field, column in zip(fields, columns, strict=True)},
        gc=False,
    )
    decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
    read: list[Any] = []
    try:
        for piece in _pieces_of_rows(bytes(rows), columns):
            read += decoder.decode(piece)
    except msgspec.DecodeError:
        read = decoder.decode(rows)  # if they are no rows of ours, this says so
    return tuple([getattr(each, field) for each in read] for field in fields)


def _pieces_of_rows(rows: bytes, columns: tuple[Column, ...]) -> Iterator[bytes]:
    """Split a list of rows into lists of about a megabyte: while one is read, no other thread runs.

    In what we have written, nothing else looks like the beginning of a row: within a text, there is a backslash before
    a quote, and after the end of a text there is no name of a column.
    """
    between = b"},{" + dumps(columns[0].name) + b":" if columns else b"},{"
    begin = 0
    while (end := rows.find(between, begin + _DECODED_BYTES)) >= 0:
        yield (b"[" if begin else b"") + rows[begin : end + 1] + b"]"
        begin = end + 2
    yield (b"[" if begin else b"") + rows[begin:]
