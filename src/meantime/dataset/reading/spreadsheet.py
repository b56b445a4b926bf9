"""A sheet of a spreadsheet (.xlsx) becomes a text file, a line for each row: lines have the numbers of the rows.

Values are those that were saved with the file: no formula is computed, no macro is run, no link is followed.
"""

from __future__ import annotations

import csv
import datetime as dt
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from meantime.dataset.reading.header import find_header
from meantime.errors import SourceEmpty, SourceUnreadable
from meantime.text import count, listed, quoted

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# Built-in formats of percents; others have the sign in their code.
_PERCENT_FORMATS = (9, 10)
# A table has at most some empty cells for each that is filled. One at the far end of a sheet would take all memory.
_MOST_EMPTY_TIMES = 100
_HARMLESS_CELLS = 1_000_000
# Of the parts that describe a workbook. That of a thousand sheets has 100 kB.
_MOST_DESCRIPTION_BYTES = 20 * 2**20
# Rows in which the header of a sheet is looked for, to choose among several sheets.
_ROWS_SEEN = 100
# A table of indicators has more names that are known than this by chance.
_FEWEST_NAMES = 2
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


@dataclass(slots=True)
class _Seen:
    """What is in a sheet beside its values."""

    cells: int = 0
    rows: int = 0
    columns: int = 0
    hidden_rows: int = 0
    hidden_columns: int = 0
    percents: set[tuple[int, int]] = field(default_factory=set)
    without_value: int = 0  # formulas whose result was not saved


def read_sheet(path: Path, into: Path, *, name: str, sheet: str) -> tuple[str, ...]:
    """Write a sheet to ``into`` as CSV, and return what people should know of how it was read.

    ``sheet`` is its name; without one, the only sheet with a table is taken.

    Raises:
        SourceUnreadable: the file is damaged, has no sheet of that name, or several that may be meant.
        SourceEmpty: no sheet has a table.
    """
    # It is needed for spreadsheets alone.
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(path) as archive:
            parts = _sheet_parts(archive)
            styles = _percent_styles(archive)
            names = archive.namelist()
            seen = {each: _look_at(archive, part, styles) for each, part in parts.items() if part in names}
        _refuse_bomb(seen, name)
        with CalamineWorkbook.from_path(path) as workbook:
            visible = [
                each.name
                for each in workbook.sheets_metadata
                if str(each.typ).endswith("WorkSheet") and str(each.visible).endswith(".Visible") and each.name in seen
            ]
            tables = {each: workbook.get_sheet_by_name(each) for each in ([sheet] if sheet in seen else visible)}
            heads = {each: _texts(table, seen[each], _ROWS_SEEN) for each, table in tables.items()}
            chosen = _choose(heads, name, sheet)
            rows = _texts(tables[chosen], seen[chosen], None)
            merged = _fill_merged(rows, tables[chosen].merged_cell_ranges or ())
    except (CalamineError, zipfile.BadZipFile, ET.ParseError, expat.ExpatError, KeyError, ValueError) as error:
        raise SourceUnreadable(
            f"{name} cannot be read as a spreadsheet ({error}). Open it, save it again as .xlsx, or its table as CSV."
        ) from error
    with into.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(row if any(row) else () for row in rows)
    return _said(chosen, visible, seen[chosen], merged, names)


def _choose(heads: dict[str, list[list[str]]], name: str, sheet: str) -> str:
    filled = {each: rows for each, rows in heads.items() if sum(any(row) for row in rows) > 1}
    if sheet:
        if sheet not in heads:
            raise SourceUnreadable(f"{name} has no sheet {quoted(sheet)}. Its sheets are {listed(map(quoted, heads))}.")
        filled = {sheet: heads[sheet]}
    if not filled:
        raise SourceEmpty(f"{name} has no sheet with rows. Check how it was written or downloaded.")
    known = {each: _known_names(rows) for each, rows in filled.items()}
    best = [each for each in filled if known[each] == max(known.values())]
    if len(filled) > 1 and (len(best) > 1 or known[best[0]] < _FEWEST_NAMES):
        raise SourceUnreadable(
            f"{name} has {len(filled)} sheets with rows: {listed(map(quoted, filled))}. Say which one is meant: "
            f"{name}#{best[0]}"
        )
    return best[0]


def _known_names(rows: Sequence[Sequence[str]]) -> int:
    lines = "".join(f"{chr(9).join(text.replace(chr(9), ' ').replace(chr(34), '') for text in row)}\n" for row in rows)
    try:
        return find_header(lines, "sheet", "\t", {}).recognized
    except (SourceUnreadable, SourceEmpty):
        return 0


def _texts(sheet: Any, seen: _Seen, rows: int | None) -> list[list[str]]:
    values = sheet.to_python(skip_empty_area=False, nrows=rows)
    return [
        [_text(value, is_percent=(number, at) in seen.percents) for at, value in enumerate(row)]
        for number, row in enumerate(values)
    ]


def _text(value: object, *, is_percent: bool) -> str:
    """Return a value as it would stand in a text file.

    >>> [_text(each, is_percent=False) for each in (2020.0, 34.5, True, "a b", dt.datetime(2020, 7, 1))]
    ['2020', '34.5', 'TRUE', 'a b', '2020-07-01']
    >>> _text(0.345, is_percent=True)
    '34.5%'
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if is_percent:
            return f"{(Decimal(repr(value)) * 100).normalize():f}%"
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    # A line end within a cell would shift the numbers of the lines.
    return " ".join(str(value).splitlines()) if isinstance(value, str) else str(value)


def _fill_merged(rows: list[list[str]], ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> int:
    """Give the cells below the first of merged ones its text; return how many ranges that were."""
    filled = 0
    for (first, column), (last, _) in ranges:
        if last > first and first < len(rows) and column < len(rows[first]):
            filled += 1
            for row in rows[first + 1 : last + 1]:
                row[column] = rows[first][column]
    return filled


def _said(chosen: str, visible: Sequence[str], seen: _Seen, merged: int, names: Sequence[str]) -> tuple[str, ...]:
    said = []
    if others := [each for each in visible if each != chosen]:
        said.append(f"The sheet {quoted(chosen)} was read, and {listed(map(quoted, others))} not.")
    if hidden := [
        count(number, noun)
        for number, noun in ((seen.hidden_rows, "hidden row"), (seen.hidden_columns, "hidden column"))
        if number
    ]:
        said.append(f"The sheet has {' and '.join(hidden)}; they were read like the others.")
    if merged:
        said.append(f"{count(merged, 'group')} of merged cells: the text of the first cell was read in all of them.")
    if seen.without_value:
        said.append(
            f"{count(seen.without_value, 'formula')} in the sheet have no saved result and were read as empty. Open "
            "the file in a spreadsheet program and save it."
        )
    if any(name.startswith("xl/externalLinks/") for name in names):
        said.append("The spreadsheet refers to other files; these were not opened.")
    if any(name.endswith("vbaProject.bin") for name in names):
        said.append("The spreadsheet has macros; none was run.")
    return tuple(said)


def _refuse_bomb(seen: dict[str, _Seen], name: str) -> None:
    for each in seen.values():
        if each.rows * each.columns > max(_HARMLESS_CELLS, _MOST_EMPTY_TIMES * each.cells):
            raise SourceUnreadable(
                f"{name} has a sheet of {each.rows:,} rows and {each.columns:,} columns with {each.cells:,} filled "
                "cells. Remove the cells that are far from the table, or save the table as CSV."
            )


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the part of the archive in which each sheet is."""
    targets = {
        each.get("Id"): posixpath.normpath(posixpath.join("/xl", each.get("Target", ""))).lstrip("/")
        for each in _described(archive, "xl/_rels/workbook.xml.rels")
    }
    sheets = _described(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
    return {each.get("name", ""): targets.get(each.get(f"{_LINKS}id"), "") for each in sheets}


def _percent_styles(archive: zipfile.ZipFile) -> frozenset[str]:
    """Return the numbers of the styles that show a number as a percent."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    styles = _described(archive, "xl/styles.xml")
    with_sign = {
        each.get("numFmtId") for each in styles.iter(f"{_MAIN}numFmt") if "%" in each.get("formatCode", "")
    } | {str(number) for number in _PERCENT_FORMATS}
    formats = styles.find(f"{_MAIN}cellXfs")
    return frozenset(str(at) for at, each in enumerate(formats or ()) if each.get("numFmtId") in with_sign)


def _described(archive: zipfile.ZipFile, part: str) -> ET.Element:
    if archive.getinfo(part).file_size > _MOST_DESCRIPTION_BYTES:
        raise ValueError(f"{part} is too large")
    return ET.fromstring(archive.read(part))  # noqa: S314 - expat limits the expansion of entities


def _look_at(archive: zipfile.ZipFile, part: str, percent_styles: frozenset[str]) -> _Seen:
    """Look through the cells of a sheet without its values."""
    seen = _Seen()
    state = {"formula": False, "value": False, "in value": False}

    def begin(tag: str, given: dict[str, str]) -> None:
        if tag == "c":
            state.update(formula=False, value=False)
            if (at := _CELL.fullmatch(given.get("r", ""))) is None:
                return
            row, column = int(at[2]), _column_number(at[1])
            seen.rows, seen.columns = max(seen.rows, row), max(seen.columns, column)
            if given.get("s") in percent_styles and given.get("t", "n") == "n":
                seen.percents.add((row - 1, column - 1))
        elif tag == "row":
            seen.hidden_rows += given.get("hidden") in ("1", "true")
        elif tag == "col":
            seen.hidden_columns += given.get("hidden") in ("1", "true")
        elif tag == "f":
            state["formula"] = True
        elif tag in ("v", "is"):
            state["in value"] = True

    def text(_: str) -> None:
        state["value"] = state["value"] or state["in value"]

    def end(tag: str) -> None:
        if tag in ("v", "is"):
            state["in value"] = False
        elif tag == "c":
            seen.cells += state["value"]
            seen.without_value += state["formula"] and not state["value"]

    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, given: begin(tag.rpartition(":")[2], given)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    parser.CharacterDataHandler = text
    with archive.open(part) as file:
        _parse(parser, file)
    return seen


def _parse(parser: expat.XMLParserType, file: IO[bytes]) -> None:
    while piece := file.read(2**20):
        parser.Parse(piece, False)
    parser.Parse(b"", True)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
