"""A result as a chart: Vega-Lite, for browsers, notebooks, and everything that draws it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.extremes import MOST_LOCATIONS, arranged
from meantime.charts.figure import AS_IT_IS, Figure, Theme
from meantime.charts.layout import MAX_MARKS, too_many_rows_error
from meantime.charts.marks import has_columns
from meantime.charts.registry import CHARTS
from meantime.dataset.facts import geography
from meantime.errors import NotAcceptable
from meantime.formats import citation
from meantime.formats.document import Document, dumps
from meantime.formats.format import Format, Points
from meantime.table import Column, Table

if TYPE_CHECKING:
    from meantime.statistics.statistic import AnyStatistic

# A note as short as this says what the numbers are of (basis, years, reference), and stands above the chart. Longer
# ones say how they were made; they are in the result.
_NOTE_CHARACTERS = 64
_FROM_AGE = re.compile(r"\baged? (?:>= ?(\d+)|(\d+)(?: years)? and older)")


def pieces(
    document: Document,
    chart: str | None = None,
    figure: Figure = AS_IT_IS,
    points: Points = dict,
) -> Iterator[bytes]:
    """Write the specification of a chart.

    Raises:
        NotAcceptable: the result has no such chart; before the first piece.
    """
    yield dumps(specification(document, chart, figure, points))


def charts_of(statistic: str) -> tuple[str, ...]:
    """Return the names of the charts that a statistic's results have, the default first.

    >>> charts_of("states_mean")
    ('means', 'map', 'state_map')
    """
    row = _statistics().get(statistic)
    return () if row is None else row.charts


def specification(
    document: Document,
    chart: str | None = None,
    figure: Figure = AS_IT_IS,
    points: Points = dict,
) -> dict[str, Any]:
    """Return a chart of a result, the default one if none is named.

    Highlighted locations that the result does not have are ignored.

    Raises:
        NotAcceptable: it has no such chart, or nothing that could be drawn, or more than could be seen.
    """
    drawing = _chosen(document.statistic, chart)
    caption = _caption(document, figure, points, has_points=drawing.needs_points)
    try:
        spec = drawing.draw(*arranged(document.table, caption, drawing))
    except KeyError as error:
        raise _no_column(error) from error
    if figure.theme is Theme.LIGHT:
        return spec
    themes = spec["usermeta"]["themes"]
    return {**spec, "config": themes["dark"] if figure.theme is Theme.DARK else themes["light"] | {"background": None}}


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


def _caption(document: Document, figure: Figure, points: Points, *, has_points: bool) -> Caption:
    table = document.table
    locations = set(table.column("location")) if has_columns(table, "location") else set()
    asked = (figure.title, figure.subtitle, figure.note, figure.source)
    title, subtitle, note, source = (each if each is None else each.strip() for each in asked)
    return Caption(
        title=_title(document) if title is None else title,
        subtitle=_subtitle(document) if subtitle is None else (subtitle,),
        notes=table.warnings if note is None else (note,),
        source=(document.source or document.dataset) if source is None else source,
        citation=document.citation,
        is_synthetic=document.citation.startswith(citation.SYNTHETIC),
        reference=_reference(document),
        # A location that is not here must not dim the others.
        highlight=tuple(name for name in figure.highlight if name in locations),
        figure=figure,
        points=points() if has_points else {},
    )


def _title(document: Document) -> str:
    about = document.table.about
    if about is None:
        return str(document.parameters.get("question", document.statistic))
    return _capital(", ".join(filter(None, (about.title, about.years))))


def _subtitle(document: Document) -> tuple[str, ...]:
    """Return the main finding, and whom and when it is of: "Women aged 18+, 2023, 95% confidence intervals"."""
    table = document.table
    if table.about is None:
        short = " ".join(note for note in table.notes if len(note) <= _NOTE_CHARACTERS)
        return (*table.findings[:1], short)
    age = _FROM_AGE.search(str(document.parameters.get("question", "")))
    people = table.about.people
    if people and age:
        people += f" aged {age[1] or age[2]}+"
    has_intervals = any(column.name == "low" or column.name.endswith("_low") for column in table.columns)
    parts = (people, table.about.years, "95% confidence intervals" if has_intervals else "")
    return (*table.findings[:1], _capital(", ".join(filter(None, parts))))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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
