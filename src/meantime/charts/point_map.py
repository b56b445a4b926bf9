"""The map of places that are on no tile grid: a dot for each, colored by its value. There is no coastline."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from itertools import pairwise

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import (
    MAX_MARKS,
    Record,
    Spec,
    chart_spec,
    highlight_opacity,
    is_highlighted,
    no_rows_error,
    tooltip,
)
from meantime.charts.marks import MarkColumns
from meantime.errors import NotAcceptable
from meantime.table import Table
from meantime.text import amount, count, decimals

_NAMES = MarkColumns(value="estimate", low="low", high="high")
# As high as wide would not fit a screen; a country that is long is drawn smaller, not distorted.
_HEIGHT, _LEAST_HEIGHT = 460, 160
# Of a record: others are long, and there are thousands.
_DRAWN = ("location", "value", "tooltip", "latitude", "longitude")
# The width of an image, and the least width of a page.
_WIDTH, _NARROWEST = 900, 360
# Around the outermost points, of what they span.
_AIR = 0.06
# Of this many locations, dots of the usual size would hide each other.
_MANY = 300
_DOT = 110
# On a narrow page the places are closer together.
_SMALL_DOT = {"expr": "clamp(width * width / 36800, 4, 22)"}
# Of more locations than a chart has marks, squares show the middle value: so many across.
_SQUARES = 80
# A legend for the colors stands above; degrees need no title.
_FOOT = 20


def point_map(table: Table, caption: Caption) -> Spec:
    """Draw a dot for each location, darker where its value is higher; a degree is as long across as it is up.

    Very many locations are drawn in squares, each with the median of the values in it, and the chosen one as a dot.

    Raises:
        NotAcceptable: no location has a point that is known, or one has several values.
    """
    records = _with_positions(marks.read_records(table, _NAMES), caption)
    unit = marks.column_unit(table, _NAMES.value)
    summary = marks.summary(records, unit)
    is_many, chosen = len(records) > _MANY, [each for each in records if each["location"] in caption.highlight]
    in_squares = len(records) > MAX_MARKS
    if in_squares:
        caption = replace(caption, shown=f"{len(records):,} locations, in squares with the median of those within.")
        records = _squares(records, unit)
    known = [record["value"] for record in records if record["value"] is not None]
    least, most = min(known, default=0.0), max(known, default=1.0)
    color = {
        "field": "value",
        "type": "quantitative",
        "title": marks.unit_title(unit),
        "scale": {
            "domain": [least, most],
            "range": [theme.color("ramp_least"), theme.color("ramp_most")],
            "interpolate": "lab",
            "nice": False,
        },
        "legend": {
            "gradientLength": {"expr": "min(width * 0.6, 240)"},
            "gradientThickness": 10,
            **marks.ramp_labels(least, most, decimals(known, unit)),
        },
    }
    mark = {"type": "point", "size": _SMALL_DOT if is_many else _DOT, "strokeWidth": 1}
    mark["shape"] = "square" if in_squares else "circle"
    shared = {**_positions(records), "tooltip": tooltip(), "description": tooltip()}
    # Among thousands a dot that keeps its color is not found; a ring is.
    shared |= {} if is_many else {"opacity": highlight_opacity()}
    empty = {**mark, "strokeDash": [2, 2], "stroke": theme.color("muted"), "fill": theme.color("paper")}
    layers: list[Spec] = [
        {"transform": [{"filter": "!isValid(datum.value)"}], "mark": empty, "encoding": shared},
        {
            "transform": [{"filter": "isValid(datum.value)"}],
            "mark": {**mark, "stroke": theme.color("muted"), "strokeWidth": 0.4 if is_many else 1},
            "encoding": {**shared, "fill": color},
        },
    ]
    if is_many:
        ring = {"type": "point", "size": 180, "strokeWidth": 2.5, "stroke": theme.color("worse"), "filled": False}
        # Of squares only the one that was chosen when the chart was made is known.
        lit: Spec = {"data": {"values": chosen}} if in_squares else {}
        lit |= {"transform": [{"filter": is_highlighted()}]}
        layers.append({**lit, "mark": ring, "encoding": {**_positions(records), "tooltip": tooltip()}})
    high, wide, _ = _span(records)
    height = round(min(_HEIGHT, max(_LEAST_HEIGHT, _WIDTH * high / wide)))
    spec = chart_spec(
        caption,
        layers,
        records=[{name: record[name] for name in _DRAWN} for record in records],
        height=height,
        description=f"Values by place: a dot for each location. {summary}",
        axis_pixels=_FOOT,
    )
    # With less width than this is made for, reduce the height too.
    spec["usermeta"]["height_to_width"] = round(max(height / _WIDTH, _LEAST_HEIGHT / _NARROWEST), 3)
    return spec


def _squares(records: list[Record], unit: str | None) -> list[Record]:
    """Return a record for each square of the map that has a location."""
    _, wide, shrink = _span(records)
    across = wide / _SQUARES
    within: dict[tuple[int, int], list[Record]] = {}
    for record in records:
        at = (int(record["longitude"] * shrink // across), int(record["latitude"] // across))
        within.setdefault(at, []).append(record)
    squares = []
    for (east, north), own in within.items():
        known = [record["value"] for record in own if record["value"] is not None]
        value = statistics.median(known) if known else None
        middle = "no value" if value is None else f"median {amount(value, unit)}"
        position = {"longitude": (east + 0.5) * across / shrink, "latitude": (north + 0.5) * across}
        squares.append(
            {"location": "", "value": value, "tooltip": f"{count(len(own), 'location')}: {middle}", **position}
        )
    return squares


def _with_positions(records: list[Record], caption: Caption) -> list[Record]:
    """Return the records whose point is known. The others are only in the table."""
    if not records:
        raise no_rows_error()
    if len({record["location"] for record in records}) < len(records):
        raise NotAcceptable(
            "The result has several values for a location, and a dot has one color. Ask for one stratum and one period."
        )
    points = {labels.printable(name): point for name, point in caption.points.items()}
    placed = [
        {**record, "latitude": points[name][0], "longitude": points[name][1]}
        for record in records
        if (name := record["location"]) in points
    ]
    if placed:
        _join_at_dateline(placed)
    else:
        raise NotAcceptable(
            "No location of this result has a point that is known here, so there is no map of points. The server that "
            "has the data set knows those that its rows name, and GET /v1/datasets/{name} says why a location has none."
        )
    return placed


def _join_at_dateline(records: list[Record]) -> None:
    """Split the map at the widest empty longitude, so that Guam is west of Hawaii and not east of Africa."""
    around = sorted({record["longitude"] for record in records})
    gaps = [(after - before, after) for before, after in pairwise((*around, around[0] + 360))]
    first = max(gaps)[1]
    for record in records:
        record["longitude"] -= 360 if record["longitude"] >= first > around[0] else 0


def _span(records: list[Record]) -> tuple[float, float, float]:
    """Return how high and how wide the map is, in degrees of latitude, and how much shorter those of longitude are.

    East and west shrink by the cosine of the latitude: near the middle of the map this is what a map looks like.
    """
    latitudes, longitudes = ([record[of] for record in records] for of in ("latitude", "longitude"))
    shrink = max(math.cos(math.radians((min(latitudes) + max(latitudes)) / 2)), 0.05)
    high = (max(latitudes) - min(latitudes)) * (1 + 2 * _AIR) or 1.0
    wide = (max(longitudes) - min(longitudes)) * shrink * (1 + 2 * _AIR) or 1.0
    return high, wide, shrink


def _positions(records: list[Record]) -> Spec:
    """Return the encodings of longitude and latitude, with scales on which both are true to each other."""
    high, wide, shrink = _span(records)
    # Degrees of latitude for each pixel: as many as both directions need.
    each = f"max({high} / height, {wide} / width)"
    encodings = {}
    for axis, of, length, sign in (("x", "longitude", "width", shrink), ("y", "latitude", "height", -1.0)):
        ends = [end(record[of] for record in records) for end in (min, max)]
        middle = sum(ends) / 2
        domain = [ends[0] - 1.0, ends[1] + 1.0]
        pixels = [{"expr": f"{length} / 2 + ({end - middle}) * ({sign}) / {each}"} for end in domain]
        scale = {"domain": domain, "range": pixels, "nice": False, "zero": False}
        encodings[axis] = {"field": of, "type": "quantitative", "axis": None, "scale": scale}
    return encodings


CHARTS = (
    Chart(
        name="point_map",
        draw=point_map,
        meaning="a dot at each location, darker where the value is higher; for tables with coordinates",
        needs_points=True,
    ),
)
