"""The chart of two questions: a dot for each location, with the intervals of both."""

from __future__ import annotations

from dataclasses import replace

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.table import Table

_FIRST = MarkColumns(value="estimate", low="low", high="high")
_SECOND = MarkColumns(value="other_estimate", low="other_low", high="other_high")
_HEIGHT = 460
# Names next to dots: with more of them they would overlap.
_MAX_NAMED = 20
_ECOLOGICAL = (
    "Of locations, not of people: it does not say that the same people have both, nor that one leads to the other."
)


def scatter(table: Table, caption: Caption) -> Spec:
    """Draw the first question across and the second up; a location that lacks one of them is left out."""
    records = _records(table)
    first, second = (_meaning(table, names) for names in (_FIRST, _SECOND))
    x = _axis(first, marks.axis_domain(records))
    y = _axis(
        second,
        marks.axis_domain([{"value": each["up"], "low": each["up_low"], "high": each["up_high"]} for each in records]),
    )
    y["field"] = "up"
    interval = {"type": "rule", "strokeWidth": 1, "color": theme.color("muted"), "opacity": 0.35, "aria": False}
    dot = {"type": "point", "filled": True, "size": 52, "color": theme.color("accent")}
    shared = {"opacity": highlight_opacity(), "tooltip": tooltip(), "description": tooltip()}
    layers: list[Spec] = [
        {"mark": interval, "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y}},
        {"mark": interval, "encoding": {"x": x, "y": {**y, "field": "up_low"}, "y2": {"field": "up_high"}}},
        {"mark": dot, "encoding": {"x": x, "y": y, **shared}},
    ]
    if len(records) <= _MAX_NAMED:
        name = {"type": "text", "align": "left", "dx": 7, "dy": -6, "aria": False}
        layers.append(
            {"mark": name, "encoding": {"x": x, "y": y, "text": {"field": "name"}, "opacity": highlight_opacity()}}
        )
    return chart_spec(
        replace(caption, subtitle=(*caption.subtitle, _ECOLOGICAL)),
        layers,
        records=records,
        height=_HEIGHT,
        description=f"{len(records)} locations by two questions, with 95% CIs. Across: {first}. Up: {second}.",
    )


def _records(table: Table) -> list[Record]:
    first, second = marks.read_records(table, _FIRST), marks.read_records(table, _SECOND)
    records = []
    for record, other in zip(first, second, strict=True):
        if record["value"] is None or other["value"] is None:
            continue
        up = {"up": other["value"], "up_low": other["low"], "up_high": other["high"]}
        records.append({**record, **up, "tooltip": f"{record['tooltip']}; {other['tooltip'].partition(': ')[2]}"})
    return records


def _axis(title: str, span: list[float]) -> Spec:
    scale = {"domain": span, "nice": False, "zero": False}
    # Cut with a sign that it was, also where a page is narrower than a picture.
    fits = {"tickCount": 7, "titleLimit": {"expr": "width"}}
    lines = labels.wrap([title], width=70, most=2)
    return {"field": "value", "type": "quantitative", "title": lines, "scale": scale, "axis": fits}


def _meaning(table: Table, names: MarkColumns) -> str:
    return next((column.meaning for column in table.columns if column.name == names.value), names.value)


CHARTS = (Chart(name="scatter", draw=scatter, meaning="a dot for each location by two questions, with both intervals"),)
