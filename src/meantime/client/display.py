"""A result for reading: as text, and as HTML in a notebook. Rounded and short; ``rows`` has everything.

The texts may come from anybody's file: none may act as a terminal command or as HTML.
"""

from __future__ import annotations

from html import escape
from itertools import islice

from meantime.formats.document import Document
from meantime.table import Kind, cell_format
from meantime.text import visible

# Enough for a first look at a result.
_ROWS_SHOWN = 10
# Fits a column in a notebook; questions are longer, and are in the parameters.
_CELL_CHARACTERS = 60
_TITLE_CHARACTERS = 200
_NOTE_CHARACTERS = 1000


def as_text(document: Document) -> str:
    """Return the first rows in aligned columns, with the request above and notes and warnings below."""
    lines = [names := [_clean(column.name) for column in document.table.columns], *_first_rows(document)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(names))]
    is_text = [column.kind is Kind.TEXT for column in document.table.columns]
    aligned = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([_title(document), "", *aligned, *_row_count(document), *_remarks(document)])


def as_html(document: Document) -> str:
    """Return the first rows as a table, with the request above and notes and warnings below."""
    columns = document.table.columns
    head = "".join(
        f'<th title="{escape(column.meaning)}">{escape(_heading(column.name, column.unit))}</th>' for column in columns
    )
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _first_rows(document))
    below = "".join(f"<p>{escape(line)}</p>" for line in [*_row_count(document), *_remarks(document)] if line)
    return (
        f"<div><p><strong>{escape(_title(document))}</strong></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{below}</div>"
    )


def _title(document: Document) -> str:
    parameters = ", ".join(
        f"{name} {value}" for name, value in document.parameters.items() if value not in (None, [], ())
    )
    return _clean(f"{document.statistic} of {document.dataset}: {parameters}", characters=_TITLE_CHARACTERS)


def _first_rows(document: Document) -> list[list[str]]:
    table = document.table
    writers = [cell_format(column, cells) for column, cells in zip(table.columns, table.data, strict=True)]
    return [
        [_clean(write(cell)) for write, cell in zip(writers, row, strict=True)]
        for row in islice(table.rows(), _ROWS_SHOWN)
    ]


def _row_count(document: Document) -> list[str]:
    more = len(document.table) - _ROWS_SHOWN
    return [f"and {more:,} more row{'s' if more > 1 else ''}"] if more > 0 else []


def _remarks(document: Document) -> list[str]:
    table = document.table
    remarks = [*table.findings, *table.notes, *(f"Warning: {warning}" for warning in table.warnings)]
    return ["", *(_clean(each, characters=_NOTE_CHARACTERS) for each in remarks)] if remarks else []


def _heading(name: str, unit: str | None) -> str:
    return f"{_clean(name)} ({_clean(unit)})" if unit else _clean(name)


def _clean(text: str, characters: int = _CELL_CHARACTERS) -> str:
    short = text if len(text) <= characters else text[: characters - 1] + "…"
    return visible(short)
