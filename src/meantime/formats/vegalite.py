"""A result as a chart: Vega-Lite, for browsers, notebooks, and everything that draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.extremes import MOST_LOCATIONS, shortened
from meantime.charts.layout import MAX_MARKS, too_many_rows_error
from meantime.charts.marks import has_columns
from meantime.charts.registry import CHARTS
from meantime.dataset.facts import geography
from meantime.errors import NotAcceptable
from meantime.formats import citation
from meantime.formats.document import Document, dumps
from meantime.formats.format import Coordinates, Format
from meantime.table import Column, Table

if TYPE_CHECKING:
    from meantime.statistics.statistic import AnyStatistic

# A note as short as this says what the numbers are of (basis, years, reference), and stands above the chart. Longer
# ones say how they were made; they are in the result.
_NOTE_CHARACTERS = 64
_FINGERPRINT_CHARACTERS = 16


def pieces(
    document: Document,
    chart: str | None = None,
    *,
    highlight: str | None = None,
    points: Coordinates | None = None,
) -> Iterator[bytes]:
    """Write the specification of a chart.

    Raises:
        NotAcceptable: the result has no such chart; before the first piece.
    """
    yield dumps(specification(document, chart, highlight=highlight, points=points))


def charts_of(statistic: str) -> tuple[str, ...]:
    """Return the names of the charts that a statistic's results have, the default first.

    >>> charts_of("states_mean")
    ('means', 'map')
    """
    row = _statistics().get(statistic)
    return () if row is None else row.charts


def specification(
    document: Document,
    chart: str | None = None,
    *,
    highlight: str | None = None,
    points: Coordinates | None = None,
) -> dict[str, Any]:
    """Return a chart of a result, the default one if none is named.

    ``highlight`` is a location that is highlighted at first, and shown even where there are too many to show all.

    Raises:
        NotAcceptable: it has no such chart, or nothing that could be drawn, or more than could be seen.
    """
    drawing = _chosen(document.statistic, chart)
    locations = document.table.column("location") if has_columns(document.table, "location") else ()
    # A location that is not here must not dim the others.
    caption = _caption(document, highlight if highlight in locations else None, points or {})
    try:
        return drawing.draw(*shortened(document.table, caption, drawing.ordered_by))
    except KeyError as error:
        raise _no_column(error) from error


def check_columns(statistic: str, columns: Sequence[Column], chart: str | None = None) -> None:
    """Check, before there is a result, that a chart can be drawn from the columns that it will have.

    Raises:
        NotAcceptable: it has no such chart, or lacks a column that this one needs.
    """
    table = Table(columns=tuple(columns), data=tuple([] for _ in columns))
    drawing = _chosen(statistic, chart)
    try:
        drawing.draw(table, Caption(title=""))
    except NotAcceptable:
        return  # it has no rows
    except KeyError as error:
        raise _no_column(error) from error


def check_rows(rows: int, locations: int) -> None:
    """Check, before there is a result, that a chart has a mark for each of its rows, of so many locations at most.

    Of very many locations a chart shows some, or counts them, so only the result itself can tell.

    Raises:
        NotAcceptable: it has too many.
    """
    if rows > MAX_MARKS and locations <= MOST_LOCATIONS:
        raise too_many_rows_error(rows)


def _chosen(statistic: str, chart: str | None) -> Chart:
    charts = charts_of(statistic)
    if not charts:
        raise no_chart(statistic)
    if chart is not None and chart not in charts:
        raise NotAcceptable(f"Results of {statistic} have no such chart; they have {', '.join(charts)}.")
    return CHARTS[chart or charts[0]]


def _no_column(missing: KeyError) -> NotAcceptable:
    return NotAcceptable(
        f"This result has no column {missing}, which its chart is drawn from. The request was for another of its "
        "tables, or another version made it. Send the request again, or use the table."
    )


def no_chart(statistic: str) -> NotAcceptable:
    """Return the error that says that a statistic has no chart."""
    drawn = ", ".join(name for name, row in _statistics().items() if row.charts)
    return NotAcceptable(f"Results of {statistic} have no chart. Take the table, or ask a statistic that has: {drawn}.")


def _statistics() -> Mapping[str, AnyStatistic]:
    # Imported only when a chart is needed: the statistics import numpy, which most clients do not need.
    from meantime.statistics.registry import STATISTICS

    return STATISTICS


def _caption(document: Document, highlight: str | None, points: Coordinates) -> Caption:
    parameters = document.parameters
    table = document.table
    short = " ".join(note for note in table.notes if len(note) <= _NOTE_CHARACTERS)
    return Caption(
        title=str(parameters.get("question", document.statistic)),
        subtitle=(*table.findings[:1], short),
        warnings=table.warnings,
        source=(
            *((f"Source: {document.source}.",) if document.source else ()),
            f"Data set {document.dataset!r}, fingerprint {document.fingerprint[:_FINGERPRINT_CHARACTERS]}.",
            f"Cite as: {document.citation}",
        ),
        is_synthetic=document.citation.startswith(citation.SYNTHETIC),
        reference=_reference(document),
        highlight=highlight,
        points=points,
    )


def _reference(document: Document) -> str | None:
    """Return what the other locations are compared with: the request's reference, otherwise the aggregate."""
    if isinstance(reference := document.parameters.get("reference"), str):
        return reference
    columns = [column.name for column in document.table.columns]
    if "location" not in columns:
        return None
    locations = tuple(sorted({str(name) for name in document.table.column("location")}))
    return next(filter(geography.for_locations(locations).is_country, locations), None)


FORMATS = (
    Format(
        position=90,
        suffix="vl.json",
        media_type="application/vnd.vegalite.v6+json",
        name="Vega-Lite",
        meaning="the chart as a specification with its data, for browsers and notebooks, in light and dark",
        is_text=True,
        pieces=pieces,
        draw=pieces,
    ),
)
