"""Markdown: a table as GitHub has them, with what to know of it below. For people: numbers are rounded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.table import Cell, Column, Kind

# Every one of them means something within a line, to GitHub or another; after a backslash none does.
_MARKS = re.compile(r"[\\`*_{}\[\]<>#~|!$&^=]")
# These do where a line begins. A cell of a table never begins one.
_BEGINNINGS = re.compile(r"^(?:[-+:]|\d+(?=[.)]))")
# To be seen, rather than obeyed by a terminal that the page is shown in.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")

_ROUNDED = "Numbers are rounded here to be read; the other forms have them in full."


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
    | Guam | 28.83 |
    | a\|b \<i\> |  |
    <BLANKLINE>
    > **Beware:** Poor.
    <BLANKLINE>
    Numbers are rounded here to be read; the other forms have them in full.
    <BLANKLINE>
    Cite as: Cite me.
    """
    table = document.table
    kinds = [column.kind for column in table.columns]
    yield _lines([_row(map(_heading, table.columns)), _row("---" if kind is Kind.TEXT else "---:" for kind in kinds)])
    for batch in table.batches(ROWS_A_PIECE):
        yield _lines(_row(map(_shown, row)) for row in zip(*batch, strict=True))
    yield _lines(_below(document))


def _below(document: Document) -> Iterator[str]:
    for finding in document.table.findings:
        yield f"\n{_paragraph(finding)}"
    for warning in document.table.warnings:
        yield f"\n> **Beware:** {_plain(warning)}"
    for note in document.table.notes:
        yield f"\n{_paragraph(note)}"
    if any(column.kind is Kind.NUMBER for column in document.table.columns):
        yield f"\n{_ROUNDED}"
    yield f"\nCite as: {_plain(document.citation)}"


def _heading(column: Column) -> str:
    return _plain(f"{column.name} ({column.unit})" if column.unit else column.name)


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return _plain(cell)
        case float():
            return rounded(cell)
        case _:
            return str(cell)


def rounded(number: float) -> str:
    """Round for people: two decimals, and never fewer than three digits that say something.

    >>> [rounded(number) for number in (28.828, 0.0, -0.25, 0.004216, 1e-9, 1e300)]
    ['28.83', '0.00', '-0.25', '0.00422', '1e-09', '1e+300']
    """
    if number == 0 or 0.1 <= abs(number) < 1e15:
        return f"{number:.2f}"
    return f"{number:.3g}"


def _plain(text: str) -> str:
    # Spaces and line ends in a row are one space to whoever reads Markdown; in a table, a line end would end the row.
    line = " ".join(text.split())
    return _MARKS.sub(r"\\\g<0>", _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", line))


def _paragraph(text: str) -> str:
    return _BEGINNINGS.sub(_with_backslash_before_mark, _plain(text))


def _with_backslash_before_mark(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(lines: Iterator[str] | list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
