"""Table to CSV as RFC 4180 has it: a header, commas, CRLF, quotes where they are needed, UTF-8 without BOM.

Notes, warnings, units and meanings are not in it: the format has no place for them. The JSON document has them.
"""

from __future__ import annotations

import csv
import io

from meantime.table import Cell, Table

# What spreadsheets take for the beginning of a formula, and run: a cell of the data file could be `=HYPERLINK(...)`.
# Line feed is among them because some pass over it and look at what follows.
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")


def encode(table: Table) -> bytes:
    r"""Write a table; numbers come back as the same doubles, and what is not there is empty.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which spreadsheets do not show.
    Whoever reads the file with a program and has such names takes one apostrophe off again.

    >>> from meantime.table import Column, Kind
    >>> location = Column(name="location", kind=Kind.TEXT, meaning="")
    >>> mean = Column(name="mean", kind=Kind.NUMBER, meaning="")
    >>> encode(Table(columns=(location, mean), data=(["Guam", "=1+1"], [-0.1, None])))
    b"location,mean\r\nGuam,-0.1\r\n'=1+1,\r\n"
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_written(cell) for cell in row] for row in table.rows())
    return out.getvalue().encode()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if cell.startswith(_RUN_BY_SPREADSHEETS) else cell
        case _:
            return repr(cell)
