"""A dot plot of every location's value on one line; dots that are close are stacked. Very many are bars instead."""

from __future__ import annotations

from dataclasses import replace

from meantime.charts import marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.table import Table
from meantime.text import amount, count

_NAMES = MarkColumns(value="estimate", low="low", high="high")
_OUTLIER = "outlier"

# Dots that share a bin are stacked. So many bins are as wide as a dot each where there is least room, 360 pixels.
_BINS = 30
_DOT_PIXELS = 13
_LEAST_HEIGHT = 90
# More dots than this would be stacked higher than a screen; bars count them. Then so many outliers of each side, the
# outermost, have names.
_MOST_DOTS, _MOST_NAMED = 400, 10
_BARS_HEIGHT = 260


def spread(table: Table, caption: Caption) -> Spec:
    """Draw how values are spread; outliers are diamonds with their names. Very many locations are counted in bars."""
    records = [record for record in marks.read_records(table, _NAMES) if record["value"] is not None]
    _mark_outliers(records, table)
    if len(records) > _MOST_DOTS:
        return _bars(records, table, caption)
    span = marks.axis_domain([{"value": record["value"]} for record in records])
    # The names of outliers are written slanted above their dots.
    height = max(_LEAST_HEIGHT, _DOT_PIXELS * (_stack(records, span) + 5))
    unit = marks.column_unit(table, _NAMES.value)
    x = marks.value_encoding(f"Estimate ({unit})" if unit else "Estimate", span)
    y = {
        "field": "stacked",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, height / _DOT_PIXELS], "nice": False},
    }
    color = {
        "condition": {"test": "datum.is_outlier", "value": theme.color("worse")},
        "value": theme.color("accent"),
    }
    shape = {"condition": {"test": "datum.is_outlier", "value": "diamond"}, "value": "circle"}
    shared = {"opacity": highlight_opacity(), "tooltip": tooltip(), "description": tooltip()}
    name = {"type": "text", "align": "left", "angle": 315, "dx": 8, "dy": -4, "aria": False}
    outliers = [record for record in records if record["is_outlier"]]
    return chart_spec(
        caption,
        [
            {
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {"x": x, "y": y, "color": color, "shape": shape, **shared},
            },
            {
                "data": {"values": outliers},
                "mark": name,
                "encoding": {"x": x, "y": y, "text": {"field": "name"}},
            },
        ],
        records=records,
        height=height,
        description=f"How the values of the locations are spread. {marks.summary(records, unit)} "
        f"{count(len(outliers), 'outlier')}.",
    )


def _bars(records: list[Record], table: Table, caption: Caption) -> Spec:
    span = marks.axis_domain([{"value": record["value"]} for record in records])
    unit = marks.column_unit(table, _NAMES.value)
    counts: dict[int, int] = {}
    for record in records:
        at = _bin_of(record["value"], span)
        counts[at] = counts.get(at, 0) + 1
    wide = (span[1] - span[0]) / _BINS
    bars = []
    for at, number in sorted(counts.items()):
        low, high = span[0] + at * wide, span[0] + (at + 1) * wide
        between = f"{amount(low, unit)} to {amount(high, unit)}"
        bars.append({"from": low, "to": high, "count": number, "tooltip": f"{between}: {count(number, 'location')}"})
    x = marks.value_encoding(f"Estimate ({unit})" if unit else "Estimate", span)
    y = {"field": "count", "type": "quantitative", "title": "Locations", "axis": {"tickCount": 5}, "stack": None}
    apart = sorted((record for record in records if record["is_outlier"]), key=lambda each: float(each["value"]))
    ends = apart if len(apart) <= 2 * _MOST_NAMED else [*apart[:_MOST_NAMED], *apart[-_MOST_NAMED:]]
    lit = [record for record in records if record["location"] in caption.highlight and record not in ends]
    named = {"data": {"values": [*ends, *lit]}}
    at_foot = {"x": x, "y": {"value": _BARS_HEIGHT - 6}}
    shared = {"tooltip": tooltip(), "description": tooltip()}
    outlying = f"; {count(len(apart), 'outlier')}" if apart else ""
    few = f", of which the {2 * _MOST_NAMED} outermost are marked" if len(apart) > len(ends) else ""
    return chart_spec(
        replace(caption, shown=f"{len(records):,} locations, counted in bars{outlying}{few}."),
        [
            {
                "mark": {"type": "bar", "color": theme.color("accent"), "binSpacing": 1},
                "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}, **shared},
            },
            {
                **named,
                "mark": {"type": "point", "filled": True, "size": 60, "shape": "diamond"},
                "encoding": {**at_foot, "color": {"value": theme.color("worse")}, **shared},
            },
        ],
        records=bars,
        height=_BARS_HEIGHT,
        description=f"How the values of the locations are spread. {marks.summary(records, unit)}",
    )


def _mark_outliers(records: list[Record], table: Table) -> None:
    marked = table.column(_OUTLIER) if marks.has_columns(table, _OUTLIER) else ()
    outliers = {str(name) for name, mark in zip(table.column(_NAMES.location), marked, strict=False) if mark}
    for record in records:
        record["is_outlier"] = record["location"] in outliers
        record["tooltip"] += ", an outlier" if record["is_outlier"] else ""


def _stack(records: list[Record], span: list[float]) -> int:
    """Put each dot upon those of its bin, and return how many are in the fullest."""
    full: dict[int, int] = {}
    for record in sorted(records, key=lambda each: each["value"]):
        at = _bin_of(record["value"], span)
        full[at] = full.get(at, 0) + 1
        record["stacked"] = full[at] - 0.5
    return max(full.values(), default=0)


def _bin_of(value: float, span: list[float]) -> int:
    return int(_BINS * (value - span[0]) / (span[1] - span[0]))


CHARTS = (
    Chart(
        name="spread",
        draw=spread,
        meaning="how the values of the locations are spread: a dot for each, outliers named",
    ),
)
