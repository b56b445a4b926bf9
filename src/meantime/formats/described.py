"""Rows that say what they are: for files that are opened without their document, and stacked on one another."""

from __future__ import annotations

from dataclasses import replace

from meantime.formats.document import Document
from meantime.table import Cell, Column, Kind


def described(document: Document) -> Document:
    """Return the document with columns for question, group, years and unit behind its own.

    Without them, nobody knows which file is which. A column that the result has already is not added; where the
    result does not say what it is about, as the classic statistics, nothing is.
    """
    table, about = document.table, document.table.about
    if about is None:
        return document
    unit = next((column.unit for column in table.columns if column.kind is Kind.NUMBER and column.unit), None)
    question = document.parameters.get("question")
    added: list[tuple[Column, Cell]] = [
        (_column("question", "the question, as in the file"), question if isinstance(question, str) else about.title),
        (_column("group", "the people that the numbers are about"), about.people or None),
        (_column("data_years", "the years of the data"), about.years or None),
        (_column("unit", "the unit of the first column that has one; the document has those of all"), unit),
    ]
    own = {column.name.lower() for column in table.columns}
    added = [(column, cell) for column, cell in added if column.name not in own]
    columns = (*table.columns, *(column for column, _ in added))
    data = (*table.data, *([cell] * len(table) for _, cell in added))
    return replace(document, table=replace(table, columns=columns, data=data))


def _column(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.TEXT, meaning=meaning)
