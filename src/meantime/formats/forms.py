"""The forms that a result can be had in: a row here makes one, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from meantime.formats import csv_text, document, json_lines, markdown, pictures, vegalite
from meantime.formats.document import Document
from meantime.formats.vegalite import Places

# The chart that is drawn by where locations lie.
_OF_POINTS = "point_map"


class Draw(Protocol):
    """Writes one of the charts of a result, the usual one if none is named."""

    def __call__(
        self, document: Document, chart: str | None = None, *, places: Places | None = None
    ) -> Iterator[bytes]:
        """Write it piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to write a result."""

    suffix: str  # of its files, and its name in an address
    media_type: str
    name: str  # for people
    meaning: str  # one line: whom it is for, and what it keeps
    is_text: bool  # fit for a terminal, and worth compressing on its way
    pieces: Callable[[Document], Iterator[bytes]]  # lazily, so that a long table is never whole in memory
    draw: Draw | None = None  # of a form that is a chart: only results that have one come so
    chart: str | None = None  # which one it shows; None: the usual one of the result
    is_slow: bool = False  # takes a second, in a process of its own, however short the result is

    @property
    def content_type(self) -> str:
        """The header of an answer: a text that does not say how it is encoded is taken for Latin-1 by some."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type

    def showing(self, chart: str | None) -> Form:
        """Return the form that shows another chart than the usual one; of one that shows none, itself."""
        return (
            self
            if chart is None or self.draw is None
            else replace(self, pieces=partial(self.draw, chart=chart), chart=chart)
        )

    def over(self, places: Callable[[], Places]) -> Form:
        """Return the form whose chart knows where locations lie, if it is one that asks for that; else itself."""
        if self.draw is None or self.chart != _OF_POINTS:
            return self
        draw = self.draw
        return replace(self, pieces=lambda document: draw(document, _OF_POINTS, places=places()))


# Whoever writes none of these does not wait for DuckDB, nanoarrow and XlsxWriter, which take longer to import than all
# that is needed to ask a server. A server imports them before it listens (meantime.assembly).


def _parquet(document: Document) -> Iterator[bytes]:
    from meantime.formats import parquet

    return parquet.pieces(document)


def _arrow(document: Document) -> Iterator[bytes]:
    from meantime.formats import arrow

    return arrow.pieces(document)


def _xlsx(document: Document) -> Iterator[bytes]:
    from meantime.formats import xlsx

    return xlsx.pieces(document)


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
        pieces=_parquet,
    ),
    Form(
        suffix="arrow",
        media_type="application/vnd.apache.arrow.stream",
        name="Arrow stream",
        meaning="typed columns in batches, for data frames; everything else in its schema's metadata",
        is_text=False,
        pieces=_arrow,
    ),
    Form(
        suffix="xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        name="XLSX",
        meaning="a sheet with the rows and one with everything else, for Excel and LibreOffice",
        is_text=False,
        pieces=_xlsx,
    ),
    Form(
        suffix="md",
        media_type="text/markdown",
        name="Markdown",
        meaning="a table to paste, for people: numbers rounded; warnings, notes and citation below",
        is_text=True,
        pieces=markdown.pieces,
    ),
    Form(
        suffix="vl.json",
        media_type="application/vnd.vegalite.v6+json",
        name="Vega-Lite",
        meaning="the chart as a specification with its data, for browsers and notebooks, in light and dark",
        is_text=True,
        pieces=vegalite.pieces,
        draw=vegalite.pieces,
    ),
    Form(
        suffix="svg",
        media_type="image/svg+xml",
        name="SVG",
        meaning="the chart as a drawing that can be enlarged, with title, basis, source and citation in it",
        is_text=True,
        pieces=pictures.svg_pieces,
        draw=pictures.svg_pieces,
        is_slow=True,
    ),
    Form(
        suffix="png",
        media_type="image/png",
        name="PNG",
        meaning="the same as a picture of 1,800 pixels, for slides and where SVG is not taken",
        is_text=False,
        pieces=pictures.png_pieces,
        draw=pictures.png_pieces,
        is_slow=True,
    ),
)

FORMS: Mapping[str, Form] = {row.suffix: row for row in _ROWS}  # in the order of preference


def forms_of(statistic: str) -> Mapping[str, Form]:
    """Return the forms that a statistic's results come in: those that are charts, only if it has one.

    >>> "png" in forms_of("states_mean"), "png" in forms_of("summary")
    (True, False)
    """
    return FORMS if vegalite.charts_of(statistic) else {key: form for key, form in FORMS.items() if form.draw is None}
