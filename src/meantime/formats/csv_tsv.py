"""Tables as text with a delimiter: CSV as RFC 4180 has it, and TSV, which is the same with tabs.

A header, a line for each row, quotes where they are needed, UTF-8 without a byte order mark (programs would read it as
a part of the first name). Lines end in CRLF, as the standard says and spreadsheets write; every reader accepts it, and
a text that has a line end is quoted and stays as it is.

TSV is quoted too. The other custom, which has no quotes and forbids tabs in a text or writes them as a backslash and a
letter, would lose them or be misread by every reader that follows the first.

Notes, warnings and meanings are left out: the format has no field for them. The JSON document has them. What the rows
are about is in columns behind the result's own (see ``described``).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from meantime.formats.described import described
from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.formats.format import Format
from meantime.table import Cell, Kind

# What spreadsheets take for the beginning of a formula, and run: a cell of the data file could be `=HYPERLINK(...)`.
# The wide ones are what a Japanese or Chinese Excel takes for the narrow.
_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Some skip white space and look at what follows.
_BLANKS = ("\t", "\r", "\n")
# A cell may also begin after these: an Excel that uses semicolons as delimiters ignores our quotes, which are not where
# its cells begin, and LibreOffice splits at comma, semicolon and tab together.
_WITHIN = re.compile(f"([,;\t\r\n])(?=[{re.escape(''.join(_SIGNS))}])")


def pieces(document: Document) -> Iterator[bytes]:
    r"""Write a table with commas; numbers come back as the same doubles, and what is not there is empty.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, and so does what it could take for
    a cell within a text. To read such names with a program, use JSON or Parquet.

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
    table = described(document).table
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
    # Columns of names repeat a few names many times: each is checked once.
    written = {text: _apostrophed(text) if isinstance(text, str) else text for text in set(texts)}
    return [written[text] for text in texts]


def _apostrophed(text: str) -> str:
    within = _WITHIN.sub(r"\1'", text)
    # LibreOffice skips spaces, too, if it is set to trim them.
    is_formula = text.startswith(_BLANKS) or text.lstrip().startswith(_SIGNS)
    return f"'{within}" if is_formula else within


def _taken(out: io.StringIO) -> bytes:
    written = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return written


FORMATS = (
    Format(
        position=20,
        suffix="csv",
        media_type="text/csv",
        name="CSV",
        meaning="the rows, for any program; cells that a spreadsheet would run as formulas are made harmless",
        is_text=True,
        pieces=pieces,
    ),
    Format(
        position=30,
        suffix="tsv",
        media_type="text/tab-separated-values",
        name="TSV",
        meaning="as CSV, with tabs",
        is_text=True,
        pieces=pieces_of_tsv,
    ),
)
