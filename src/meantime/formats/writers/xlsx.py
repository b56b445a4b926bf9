"""XLSX: a sheet with the result and a sheet that says what it is, for Excel, LibreOffice and Numbers.

A text is written as a text, so nothing in it is run or followed: no formula, no link. Numbers are doubles to the bit;
an integer that a double cannot hold is written as a text, since a spreadsheet has no other number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # it ships no types

from meantime.errors import NotAcceptable
from meantime.formats.described import described
from meantime.formats.document import ROWS_A_PIECE, Document, dumps
from meantime.formats.writers import temporary_file
from meantime.table import Cell, Column, Kind, Table, cell_format
from meantime.text import spreadsheet_format

# What the format has room for, as Microsoft lists it; xlsxwriter would leave out or cut what is beyond.
_ROWS = 1_048_576  # the header is one of them
_CELL_CHARACTERS = 32_767  # as UTF-16 counts them

# Beyond, doubles are more than 1 apart.
_EXACT_INTEGERS = 2**53

# So that a date is not what makes the same result have other bytes; Excel's own beginning of time.
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)

_WIDEST, _NARROWEST, _ROWS_MEASURED = 60, 10, 100
# Among so many first columns is the place; up to there, columns stay when the others are scrolled.
_KEPT_IN_SIGHT = 2


def pieces(document: Document) -> Iterator[bytes]:
    """Write a workbook.

    Raises:
        NotAcceptable: a table has more rows, or a text more characters, than the format has room for; at once, before
            anything is written.
    """
    full = described(document)
    about = list(_about(full))
    _require_room(full.table, about)
    return temporary_file.pieces_of(partial(_write, full.table, about))


class _Sheet(Worksheet):  # type: ignore[misc]  # it ships no types
    """Two things that xlsxwriter does otherwise, each in the one method that writes them."""

    def _xml_number_element(self, number: float, attributes: Sequence[tuple[str, Any]] = ()) -> None:
        # 17 digits where they are needed, as Excel itself writes; xlsxwriter's 16 do not bring every double back.
        attributes_text = "".join(f' {key}="{value}"' for key, value in attributes)
        self.fh.write(f"<c{attributes_text}><v>{number!r}</v></c>")

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[tuple[str, Any]] = ()) -> None:
        # xlsxwriter takes a text from <r> to </r> for its own XML and writes it unchanged. Our texts come from a file
        # that somebody else wrote, so this one must be escaped like any other.
        self._xml_inline_string(string, True, attributes)


def _write(table: Table, about: Sequence[tuple[str, ...]], path: Path) -> Iterator[None]:
    # constant_memory writes each row to disk as the next begins, into the folder that goes away afterwards.
    with Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)}) as workbook:
        workbook.set_properties({"created": _CREATED})
        bold = workbook.add_format({"bold": True})
        result = workbook.add_worksheet("Result", _Sheet)
        if table.about is None:
            yield from _write_result(result, table, bold)
        else:
            yield from _write_for_people(workbook, result, table)
        _write_about(workbook.add_worksheet("About", _Sheet), about, bold)


def _write_result(sheet: Worksheet, table: Table, bold: Any) -> Iterator[None]:
    for index, (column, cells) in enumerate(zip(table.columns, table.data, strict=True)):
        measured = [column.name, *(str(cell) for cell in cells[:_ROWS_MEASURED])]
        sheet.set_column(index, index, min(max(_NARROWEST, *(len(text) + 2 for text in measured)), _WIDEST))
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(table.columns):
        sheet.write_string(0, index, column.name, bold)
    kinds = [column.kind for column in table.columns]
    for line, row in enumerate(table.rows(), start=1):
        for index, (kind, cell) in enumerate(zip(kinds, row, strict=True)):
            _write_cell(sheet, line, index, kind, cell)
        if line % ROWS_A_PIECE == 0:
            yield


def _write_for_people(workbook: Workbook, sheet: Worksheet, table: Table) -> Iterator[None]:
    """Write headings that can be read, numbers as they are written elsewhere, a filter, and a place that stays."""
    head = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    formats = []
    for index, (column, cells) in enumerate(zip(table.columns, table.data, strict=True)):
        formats.append(workbook.add_format({"num_format": _number_format(column, cells)}))
        sheet.set_column(index, index, _people_width(column, cells))
        sheet.write_string(0, index, heading_of(column), head)
    labels = [index for index, column in enumerate(table.columns[:_KEPT_IN_SIGHT]) if column.kind is Kind.TEXT]
    sheet.freeze_panes(1, labels[-1] + 1 if labels else 0)
    sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    kinds = [column.kind for column in table.columns]
    for line, row in enumerate(table.rows(), start=1):
        for index, (kind, cell) in enumerate(zip(kinds, row, strict=True)):
            _write_cell(sheet, line, index, kind, cell, formats[index])
        if line % ROWS_A_PIECE == 0:
            yield


def heading_of(column: Column) -> str:
    """Return a heading for people.

    >>> heading_of(Column(name="rank_low", kind=Kind.INTEGER, meaning=""))
    'Rank low'
    >>> heading_of(Column(name="p_adjusted", kind=Kind.NUMBER, meaning="", unit="percent"))
    'p adjusted (percent)'
    """
    words = column.name.replace("_", " ")
    words = words if words == "p" or words.startswith("p ") else words[:1].upper() + words[1:]
    return f"{words} ({column.unit})" if column.unit else words


def _number_format(column: Column, cells: Sequence[Cell]) -> str:
    if column.kind is Kind.TEXT:
        return "@"
    return spreadsheet_format(column.name, column.unit, cells)  # type: ignore[arg-type]


def _people_width(column: Column, cells: Sequence[Cell]) -> int:
    write = cell_format(column, cells)
    words = heading_of(column).split()
    measured = [*words, *(write(cell) for cell in cells[:_ROWS_MEASURED])]
    return min(max(_NARROWEST, *(len(text) + 2 for text in measured)), _WIDEST)


def _write_cell(sheet: Worksheet, line: int, index: int, kind: Kind, cell: Cell, form: Any = None) -> None:
    if cell is None:
        return
    if kind is Kind.TEXT or (kind is Kind.INTEGER and abs(int(cell)) > _EXACT_INTEGERS):
        sheet.write_string(line, index, str(cell), form)
    else:
        sheet.write_number(line, index, cell, form)


def _write_about(sheet: Worksheet, about: Sequence[tuple[str, ...]], bold: Any) -> None:
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, _WIDEST)
    for line, (name, *values) in enumerate(about):
        sheet.write_string(line, 0, name, bold)
        for index, value in enumerate(values, start=1):
            sheet.write_string(line, index, value)


def _about(document: Document) -> Iterator[tuple[str, ...]]:
    """The lines of the second sheet: what the first one is, what it is not, and what its columns mean."""
    yield "Statistic", document.statistic
    for name, value in document.parameters.items():
        yield f"Parameter {name}", value if isinstance(value, str) else dumps(value).decode()
    yield "Data set", document.dataset
    yield "Fingerprint", document.fingerprint
    yield "Method version", str(document.method_version)
    yield from (("Finding", finding) for finding in document.table.findings)
    yield from (("Warning", warning) for warning in document.table.warnings)
    yield from (("Note", note) for note in document.table.notes)
    if document.source:
        yield "Source", document.source
    yield "Suggested citation", document.citation
    yield ("",)
    if document.table.about is None:
        yield "Column", "Meaning", "Unit", "Kind"
    else:
        yield "Column", "Meaning", "Unit", "Kind", "Name in other formats"
    for column in document.table.columns:
        if document.table.about is None:
            yield column.name, column.meaning, column.unit or "", column.kind
        else:
            yield heading_of(column), column.meaning, column.unit or "", column.kind, column.name


def _require_room(table: Table, about: Sequence[tuple[str, ...]]) -> None:
    if len(table) >= _ROWS:
        raise NotAcceptable(
            f"An XLSX sheet has room for {_ROWS - 1:,} rows below its header, and this result has {len(table):,}. "
            "Take it as parquet or csv."
        )
    for name, texts in _texts(table, about):
        for text in texts:
            # A character takes one or two of UTF-16's, so most need no closer look.
            if len(text) > _CELL_CHARACTERS // 2 and len(text.encode("utf-16-le")) // 2 > _CELL_CHARACTERS:
                raise NotAcceptable(
                    f"An XLSX cell has room for {_CELL_CHARACTERS:,} characters, and {name} has a text of "
                    f"{len(text):,}. Take the result as json, parquet or csv."
                )


def _texts(table: Table, about: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, Iterator[str]]]:
    for column, cells in zip(table.columns, table.data, strict=True):
        yield f"the column {column.name}", (cell for cell in cells if isinstance(cell, str))
    for name, *values in about:
        yield name, iter((name, *values))
