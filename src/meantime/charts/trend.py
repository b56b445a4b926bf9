"""The chart over years: lines with their bands. A year that is missing is a gap, never a line across it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.figure import MarkLabels
from meantime.charts.layout import HIGHLIGHT, Record, Spec, chart_spec, highlight_opacity, is_highlighted, tooltip
from meantime.charts.marks import MarkColumns
from meantime.table import Table
from meantime.text import amount

_NAMES = MarkColumns(value="estimate", low="low", high="high")
_PERIOD = "period"

# Up to this many lines have their own colors. With more, all are gray but those that a page chooses and highlights.
MAX_COLORED = 6
# The parameter with the locations that a page has chosen, in the order of their colors; set by the page.
_CHOSEN = "chosen"
# Space for the names at the ends of lines: "District of Columbia".
_NAMES_PIXELS = 118
# With values: "District of Columbia 25.3%".
_VALUES_PIXELS = 165
# Between two names at the ends.
_NAME_PIXELS = 14
# More bands cover each other: of more lines only the highlighted ones have theirs.
_MAX_BANDS = 3
_HEIGHT = 340
# Years need no title, so the source begins sooner.
_FOOT = 34


def trend(table: Table, caption: Caption) -> Spec:
    """Draw values over years, the reference dashed in ink, each line with its name at its end."""
    records = _records(table)
    _add_runs(records)
    unit = marks.column_unit(table, _NAMES.value)
    locations = list(dict.fromkeys(record["location"] for record in records))
    has_values = caption.figure.labels is MarkLabels.VALUES
    for record in records:
        record["end"] = f"{record['name']} {record['text']}" if has_values else record["name"]
    spec = chart_spec(
        caption,
        _layers(records, locations, caption, marks.axis_title("Estimate", unit)),
        records=records,
        height=_HEIGHT,
        description=_description(records, locations, unit),
        axis_pixels=_FOOT,
        nearest={"x": "year", "y": "value"},
    )
    # Several that are highlighted have colors of their own.
    several = [labels.printable(name) for name in caption.highlight[:MAX_COLORED]]
    spec["params"].append({"name": _CHOSEN, "value": several if len(several) > 1 else []})
    return spec


def _records(table: Table) -> list[Record]:
    """Return the records in the order of years; several years as one period are drawn in their middle."""
    records = marks.read_records(table, _NAMES)
    for record, period in zip(records, table.column(_PERIOD), strict=True):
        years = [int(year) for year in str(period).replace("-", " ").split() if year.isdigit()] or [0]
        record["year"] = sum(years) / len(years)
        record["period"] = labels.truncate(str(period), 30)
        record["tooltip"] = f"{record['period']}, {record['tooltip']}"
    return sorted(records, key=lambda record: (record["location"], record["year"]))


def _add_runs(records: list[Record]) -> None:
    """Number the runs of years without a gap. Two years are consecutive if no location has a year between them."""
    known = [record for record in records if record["value"] is not None]
    index_of = {year: index for index, year in enumerate(sorted({record["year"] for record in records}))}
    run, before = 0, (None, -2)
    last = {record["location"]: record for record in known}
    for record in known:
        record["is_last"] = last[record["location"]] is record
        record["name_at"] = record["value"]  # where its name stands
        position = (record["location"], index_of[record["year"]])
        if position != (before[0], before[1] + 1):
            run += 1
        record["run"] = run
        before = position
    records[:] = known


def _layers(records: Sequence[Record], locations: Sequence[str], caption: Caption, title: str) -> list[Spec]:
    years = sorted({record["year"] for record in records})
    x = {
        "field": "year",
        "type": "quantitative",
        "title": None,
        "scale": {
            "domain": [years[0] - 0.3, years[-1] + 0.1] if years else [0, 1],
            "range": [0, {"expr": f"width - {_pixels(caption)}"}],
            "nice": False,
            "zero": False,
        },
        "axis": {
            "format": "d",
            "grid": False,
            "tickMinStep": 1,
            "values": [year for year in years if year == int(year)],
            "labelOverlap": "greedy",
            "labelSeparation": 8,
        },
    }
    span = marks.axis_domain(records)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"domain": span, "nice": False, "zero": False},
        # Above the axis, and not beside it: nobody has to turn their head.
        "axis": {
            "tickCount": 7,
            "titleAngle": 0,
            "titleAnchor": "end",
            "titleAlign": "left",
            "titleBaseline": "bottom",
            "titleX": -30,
            "titleY": -8,
        },
    }
    run = {"detail": {"field": "run"}}
    if len(locations) > MAX_COLORED:
        return _many(x, {**y, "scale": _span_of_values(records), "title": title.partition(",")[0]}, caption)
    color, dash = _looks(locations, caption.reference)
    _spread_names(records, span)
    shared = {"opacity": highlight_opacity(), "tooltip": tooltip()}
    has_bands = str(len(locations) <= _MAX_BANDS).lower()
    band = {"condition": {"test": f"{HIGHLIGHT} === null ? {has_bands} : {is_highlighted()}", "value": 1}, "value": 0}
    return [
        {
            "mark": {"type": "area", "aria": False, "fillOpacity": 0.16, "tooltip": None},
            "encoding": {
                "x": x,
                "y": {**y, "field": "low"},
                "y2": {"field": "high"},
                "color": color,
                **run,
                "opacity": band,
            },
        },
        {
            "mark": {"type": "line", "strokeWidth": 2.2, "aria": False},
            "encoding": {"x": x, "y": y, "color": color, "strokeDash": dash, **run, "opacity": highlight_opacity()},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 46},
            "encoding": {"x": x, "y": y, "color": color, "description": tooltip(), **shared},
        },
        _names(x, y, "datum.is_last", color, _pixels(caption)),
    ]


def _pixels(caption: Caption) -> int:
    return _VALUES_PIXELS if caption.figure.labels is MarkLabels.VALUES else _NAMES_PIXELS


def _names(x: Spec, y: Spec, which: str, color: Spec, pixels: int) -> Spec:
    """Return the layer of names at the ends of lines."""
    mark = {"type": "text", "align": "left", "dx": 8, "limit": pixels - 10, "fontWeight": "bold", "aria": False}
    encoding = {"x": x, "y": {**y, "field": "name_at"}, "text": {"field": "end"}, "color": color, "tooltip": tooltip()}
    return {"transform": [{"filter": which}], "mark": mark, "encoding": {**encoding, "opacity": highlight_opacity()}}


def _spread_names(records: Sequence[Record], span: Sequence[float]) -> None:
    """Move names at the ends of lines apart where they would overlap."""
    gap = _NAME_PIXELS * (span[1] - span[0]) / _HEIGHT
    ends = sorted((record for record in records if record["is_last"]), key=lambda record: float(record["value"]))
    for below, above in pairwise(ends):
        above["name_at"] = max(above["name_at"], below["name_at"] + gap)


def _looks(locations: Sequence[str], reference: str | None) -> tuple[Spec, Spec]:
    """Return color and dashes by location: the reference has ink and dashes, the others hues and a line."""
    named = [name for name in locations if name != reference]
    order = [*named, reference] if reference in locations else named
    hues = [{"expr": f"series_{at}"} for at in range(len(named))] + [theme.color("ink")] * (len(order) - len(named))
    dashes = [[1, 0]] * len(named) + [[6, 4]] * (len(order) - len(named))
    shared = {"field": "location", "type": "nominal", "sort": order, "legend": None}
    return (
        {**shared, "scale": {"domain": order, "range": hues}},
        {**shared, "scale": {"domain": order, "range": dashes}},
    )


def _span_of_values(records: Sequence[Record]) -> Spec:
    span = marks.axis_domain([{"value": record["value"]} for record in records])
    return {"domain": span, "nice": False, "zero": False}


def _many(x: Spec, y: Spec, caption: Caption) -> list[Spec]:
    is_lit = is_highlighted()
    is_chosen = f"indexof({_CHOSEN}, datum.location) >= 0"
    is_reference = f"datum.location === {labels.vega_string(caption.reference)}"
    hues = [
        {"test": f"indexof({_CHOSEN}, datum.location) === {at}", "value": theme.color(f"series_{at}")}
        for at in range(MAX_COLORED)
    ]
    color = {
        "condition": [*hues, {"test": f"{is_lit} || {is_reference}", "value": theme.color("ink")}],
        "value": theme.color("muted"),
    }
    stands_out = f"{is_lit} || {is_chosen} || {is_reference}"
    width = {"condition": [{"test": is_lit, "value": 3.2}, {"test": stands_out, "value": 2.4}], "value": 1}
    opacity = {"condition": {"test": stands_out, "value": 1}, "value": 0.35}
    dash = {"condition": {"test": is_reference, "value": [6, 4]}, "value": [1, 0]}
    with_band = f"length({_CHOSEN}) === 1 ? datum.location === {_CHOSEN}[0] : {is_lit}"
    run = {"detail": [{"field": "run"}, {"field": "location"}]}
    point = {"x": x, "y": y, "color": color, "opacity": opacity, "description": tooltip(), "tooltip": tooltip()}
    return [
        {
            "transform": [{"filter": with_band}],
            "mark": {"type": "area", "aria": False, "fillOpacity": 0.16, "clip": True, "tooltip": None},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": color, **run},
        },
        {
            "mark": {"type": "line", "aria": False},
            "encoding": {
                "x": x,
                "y": y,
                **run,
                "stroke": color,
                "strokeWidth": width,
                "strokeDash": dash,
                "opacity": opacity,
            },
        },
        {"mark": {"type": "point", "size": 14, "filled": True}, "encoding": point},
        _names(x, y, f"datum.is_last && ({stands_out})", color, _pixels(caption)),
    ]


def _description(records: Sequence[Record], locations: Sequence[str], unit: str | None) -> str:
    if not records:
        return "No year has a value."
    ends = []
    for name in locations[:MAX_COLORED]:
        own = [record for record in records if record["location"] == name]
        first, last = own[0], own[-1]
        ends.append(
            f"{labels.truncate(name, 60)} from {amount(first['value'], unit)} in {first['period']} to "
            f"{amount(last['value'], unit)} in {last['period']}"
        )
    more = f"; and {len(locations) - len(ends)} more" if len(locations) > len(ends) else ""
    return f"Values over years with 95% CIs: {'; '.join(ends)}{more}. {marks.summary(list(records), unit)}"


CHARTS = (
    Chart(
        name="trend",
        draw=trend,
        ordered_by=("estimate",),
        meaning="a line with its name at its end for each location over the years; missing years are gaps",
    ),
)
