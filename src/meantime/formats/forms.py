"""The forms that a result can be had in: a row here makes one, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from meantime.formats import arrow, csv_text, document, json_lines, markdown, parquet, xlsx
from meantime.formats.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to write a result."""

    suffix: str  # of its files, and its name in an address
    media_type: str
    name: str  # for people
    meaning: str  # one line: whom it is for, and what it keeps
    is_text: bool  # fit for a terminal, and worth compressing on its way
    pieces: Callable[[Document], Iterator[bytes]]  # lazily, so that a long table is never whole in memory

    @property
    def content_type(self) -> str:
        """The header of an answer: a text that does not say how it is encoded is taken for Latin-1 by some."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


_ROWS = (
    Form(
        suffix="json",
        media_type="application/json",
        name="JSON",
        meaning="everything: what was asked, of what, columns with units and meanings, rows, notes, warnings, citation",
        is_text=True,
        pieces=document.pieces,
    ),
    Form(
        suffix="csv",
        media_type="text/csv",
        name="CSV",
        meaning="the rows, for any program; cells that a spreadsheet would run as formulas are made harmless",
        is_text=True,
        pieces=csv_text.pieces,
    ),
    Form(
        suffix="tsv",
        media_type="text/tab-separated-values",
        name="TSV",
        meaning="as CSV, with tabs",
        is_text=True,
        pieces=csv_text.pieces_of_tsv,
    ),
    Form(
        suffix="jsonl",
        media_type="application/jsonl",
        name="JSON Lines",
        meaning="the rows, an object a line with every column, for streaming",
        is_text=True,
        pieces=json_lines.pieces,
    ),
    Form(
        suffix="parquet",
        media_type="application/vnd.apache.parquet",
        name="Parquet",
        meaning="typed columns in a small file, for DuckDB and data frames; everything else in its metadata",
        is_text=False,
        pieces=parquet.pieces,
    ),
    Form(
        suffix="arrow",
        media_type="application/vnd.apache.arrow.stream",
        name="Arrow stream",
        meaning="typed columns in batches, for data frames; everything else in its schema's metadata",
        is_text=False,
        pieces=arrow.pieces,
    ),
    Form(
        suffix="xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        name="XLSX",
        meaning="a sheet with the rows and one with everything else, for Excel and LibreOffice",
        is_text=False,
        pieces=xlsx.pieces,
    ),
    Form(
        suffix="md",
        media_type="text/markdown",
        name="Markdown",
        meaning="a table to paste, for people: numbers rounded; warnings, notes and citation below",
        is_text=True,
        pieces=markdown.pieces,
    ),
)

FORMS: Mapping[str, Form] = {row.suffix: row for row in _ROWS}  # in the order of preference
