"""Tables as text with a delimiter: CSV as RFC 4180 has it, and TSV, which is the same with tabs.

A header, a line for each row, quotes where they are needed, UTF-8 without a byte order mark (programs would take it for
a part of the first name). Lines end in CRLF, as the standard says and spreadsheets write; every reader takes it, and
where a text has a line end of its own, it is quoted and stays what it was.

TSV is quoted too. The other custom, which has no quotes and forbids tabs in a text or writes them as a backslash and a
letter, would lose them or be misread by every reader that follows the first.

Notes, warnings, units and meanings are not in it: the format has no place for them. The JSON document has them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.table import Cell, Kind

# What spreadsheets take for the beginning of a formula, and run: a cell of the data file could be `=HYPERLINK(...)`.
# Line feed is among them because some pass over it and look at what follows. The wide ones are what a Japanese or
# Chinese Excel takes for the narrow.
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def pieces(document: Document) -> Iterator[bytes]:
    r"""Write a table with commas; numbers come back as the same doubles, and what is not there is empty.

    A text that a spreadsheet would run as a formula gets an apostrophe in front. Whoever reads the file with a
    program and has such names takes one apostrophe off again.

    >>> from meantime.table import Column, Table
    >>> location = Column(name="location", kind=Kind.TEXT, meaning="")
    >>> mean = Column(name="mean", kind=Kind.NUMBER, meaning="")
    >>> table = Table(columns=(location, mean), data=(["Guam", "=1+1"], [-0.1, None]))
    >>> document = Document(statistic="s", parameters={}, dataset="d", fingerprint="f", method_version=1, table=table,
    ...                     citation="c")
    >>> b"".join(pieces(document))
    b"location,mean\r\nGuam,-0.1\r\n'=1+1,\r\n"
    """
    return _pieces(document, ",")


def pieces_of_tsv(document: Document) -> Iterator[bytes]:
    """Write a table with tabs, otherwise as ``pieces`` does."""
    return _pieces(document, "\t")


def _pieces(document: Document, delimiter: str) -> Iterator[bytes]:
    table = document.table
    out = io.StringIO(newline="")
    # The writer puts numbers down as Python does: the shortest digits that come back as the same double.
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(_harmless([column.name for column in table.columns]))
    for batch in table.batches(ROWS_A_PIECE):
        cells = [
            _harmless(each) if column.kind is Kind.TEXT else each
            for column, each in zip(table.columns, batch, strict=True)
        ]
        writer.writerows(zip(*cells, strict=True))
        yield _taken(out)
    if len(table) == 0:
        yield _taken(out)


def _harmless(texts: Sequence[Cell]) -> list[Cell]:
    return [f"'{text}" if isinstance(text, str) and text.startswith(_RUN_BY_SPREADSHEETS) else text for text in texts]


def _taken(out: io.StringIO) -> bytes:
    written = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return written
