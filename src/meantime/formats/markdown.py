"""Markdown: a table as GitHub has them, with findings, warnings and notes below. For people: numbers are rounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.formats.format import Format
from meantime.table import Cell, Column, Kind, cell_format

# Each of these has a meaning within a line, to GitHub or another renderer; after a backslash none has.
_MARKS = re.compile(r"[\\`*_{}\[\]<>#~|!$&^=]")
# These do where a line begins. A cell of a table never begins one.
_BEGINNINGS = re.compile(r"^(?:[-+:]|\d+(?=[.)]))")
# Shown as text, rather than obeyed by a terminal that prints the page.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")

_ROUNDED = "Numbers are rounded here; the other formats have them in full."


def pieces(document: Document) -> Iterator[bytes]:
    r"""Write a table, then its warnings, notes and citation. Nothing that a text holds is a mark, a tag or a link.

    >>> from meantime.table import Table
    >>> location = Column(name="location", kind=Kind.TEXT, meaning="")
    >>> mean = Column(name="mean", kind=Kind.NUMBER, meaning="", unit="percent")
    >>> table = Table(columns=(location, mean), data=(["Guam", "a|b\n<i>"], [28.828, None]), warnings=("Poor.",))
    >>> document = Document(statistic="s", parameters={}, dataset="d", fingerprint="f", method_version=1, table=table,
    ...                     citation="Cite me.")
    >>> print(b"".join(pieces(document)).decode(), end="")
    | location | mean (percent) |
    | --- | ---: |
    | Guam | 28.8 |
    | a\|b \<i\> |  |
    <BLANKLINE>
    > **Warning:** Poor.
    <BLANKLINE>
    Numbers are rounded here; the other formats have them in full.
    <BLANKLINE>
    Cite as: Cite me.
    """
    table = document.table
    kinds = [column.kind for column in table.columns]
    writers = [_writer(column, cells) for column, cells in zip(table.columns, table.data, strict=True)]
    yield _lines([_row(map(_heading, table.columns)), _row("---" if kind is Kind.TEXT else "---:" for kind in kinds)])
    for batch in table.batches(ROWS_A_PIECE):
        written = ([write(cell) for cell in cells] for write, cells in zip(writers, batch, strict=True))
        yield _lines(_row(row) for row in zip(*written, strict=True))
    yield _lines(_below(document))


def _below(document: Document) -> Iterator[str]:
    for finding in document.table.findings:
        yield f"\n{_paragraph(finding)}"
    for warning in document.table.warnings:
        yield f"\n> **Warning:** {_plain(warning)}"
    for note in document.table.notes:
        yield f"\n{_paragraph(note)}"
    if any(column.kind is Kind.NUMBER for column in document.table.columns):
        yield f"\n{_ROUNDED}"
    yield f"\nCite as: {_plain(document.citation)}"


def _heading(column: Column) -> str:
    return _plain(f"{column.name} ({column.unit})" if column.unit else column.name)


def _writer(column: Column, cells: Sequence[Cell]) -> Callable[[Cell], str]:
    write = cell_format(column, cells)
    return lambda cell: _plain(write(cell))


def _plain(text: str) -> str:
    # Markdown reads any run of spaces and line ends as one space; in a table, a line end would end the row.
    line = " ".join(text.split())
    return _MARKS.sub(r"\\\g<0>", _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", line))


def _paragraph(text: str) -> str:
    return _BEGINNINGS.sub(_with_backslash_before_mark, _plain(text))


def _with_backslash_before_mark(match: re.Match[str]) -> str:
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(lines: Iterator[str] | list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


FORMATS = (
    Format(
        position=80,
        suffix="md",
        media_type="text/markdown",
        name="Markdown",
        meaning="a table to paste, for people: numbers rounded; findings, warnings, notes and citation below",
        is_text=True,
        pieces=pieces,
    ),
)
