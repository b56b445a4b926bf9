"""A result for the eye: as text, and as HTML in a notebook. Rounded, and short; the rows have everything.

Texts come from a file that somebody else may have written: nothing in them is a command to a terminal, or HTML.
"""

from __future__ import annotations

import re
from html import escape
from itertools import islice

from meantime.formats.document import Document
from meantime.table import Kind, cell_format

# A result is looked at in passing; a longer one is there to be worked with.
_ROWS_SHOWN = 10
# Fits a column of a notebook; questions are longer, and are in the parameters.
_CHARACTERS = 60
# Control characters: they could be commands to the terminal, or break a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def as_text(document: Document) -> str:
    """Lay the first rows out under their names, with what was asked above and what to beware of below."""
    lines = [names := [_line(column.name) for column in document.table.columns], *_shown(document)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    is_text = [column.kind is Kind.TEXT for column in document.table.columns]
    laid_out = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([_title(document), "", *laid_out, *_rest(document), *_beside(document)])


def as_html(document: Document) -> str:
    """Write the first rows as a table, with what was asked above and what to beware of below."""
    columns = document.table.columns
    head = "".join(
        f'<th title="{escape(column.meaning)}">{escape(_named(column.name, column.unit))}</th>' for column in columns
    )
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in _shown(document))
    below = "".join(f"<p>{escape(line)}</p>" for line in [*_rest(document), *_beside(document)] if line)
    return (
        f"<div><p><strong>{escape(_title(document))}</strong></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{below}</div>"
    )


def _title(document: Document) -> str:
    asked = ", ".join(f"{name} {value}" for name, value in document.parameters.items() if value not in (None, [], ()))
    return _line(f"{document.statistic} of {document.dataset}: {asked}", characters=200)


def _shown(document: Document) -> list[list[str]]:
    table = document.table
    writers = [cell_format(column, cells) for column, cells in zip(table.columns, table.data, strict=True)]
    return [
        [_line(write(cell)) for write, cell in zip(writers, row, strict=True)]
        for row in islice(table.rows(), _ROWS_SHOWN)
    ]


def _rest(document: Document) -> list[str]:
    more = len(document.table) - _ROWS_SHOWN
    return [f"and {more:,} more rows"] if more > 0 else []


def _beside(document: Document) -> list[str]:
    table = document.table
    said = [*table.findings, *table.notes, *(f"Warning: {warning}" for warning in table.warnings)]
    return ["", *(_line(each, characters=1000) for each in said)] if said else []


def _named(name: str, unit: str | None) -> str:
    return f"{_line(name)} ({_line(unit)})" if unit else _line(name)


def _line(text: str, characters: int = _CHARACTERS) -> str:
    short = text if len(text) <= characters else text[: characters - 1] + "…"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", short)
