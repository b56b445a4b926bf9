"""Dots with their intervals, a row each: what most charts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meantime.charts import labels, theme
from meantime.charts.caption import Caption
from meantime.charts.figure import MarkLabels
from meantime.charts.layout import Record, Spec, highlight_opacity, is_highlighted, tooltip
from meantime.table import Cell, Table
from meantime.text import amount, count

# As many rows are on the first screen of a page.
_SCREEN_ROWS = 25
# Space around the outermost interval, as a share of the width, so that it does not end on the axis.
_AIR = 0.04
# With more decimals, zeros would be all that one sees of a number in a legend.
_DECIMALS_AT_MOST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkColumns:
    """The names of the columns that dots are drawn from. Each chart defines its own."""

    value: str
    low: str | None = None
    high: str | None = None
    location: str = "location"
    flags: str | None = "flags"


def read_records(table: Table, names: MarkColumns) -> list[Record]:
    """Make a record of each row. A column that the table does not have counts as empty.

    Raises:
        KeyError: the table has no such value at all.
    """
    # Only the value must be there: a mean of everything has no location, a mean no interval.
    cells = {
        name: _column(table, getattr(names, name), is_required=name == "value")
        for name in ("location", "value", "low", "high", "flags")
    }
    unit = column_unit(table, names.value)
    records = []
    for location, value, low, high, flags in zip(*cells.values(), strict=True):
        name = labels.printable(str(location)) if location not in (None, "") else "(no name)"
        record = {"location": name, "name": name, "value": value, "low": low, "high": high, "is_flagged": bool(flags)}
        flagged = f"flagged: {flags}" if flags else ""
        record["tooltip"] = labels.mark_label(record, unit, labels.truncate(flagged))
        record["text"] = "" if value is None else amount(value, unit)
        records.append(record)
    return records


def column_unit(table: Table, name: str) -> str | None:
    """Return the unit of a column."""
    return next((column.unit for column in table.columns if column.name == name), None)


def has_columns(table: Table, *names: str) -> bool:
    """Whether a table has all of these columns."""
    return {*names} <= {column.name for column in table.columns}


def axis_title(what: str, unit: str | None) -> str:
    """Name an axis.

    >>> axis_title("Estimate", "percent"), axis_title("Mean", None)
    ('Percent, with 95% CI', 'Mean')
    """
    return f"{unit_title(unit)}, with 95% CI" if unit and what == "Estimate" else what


def unit_title(unit: str | None) -> str | None:
    """Write a unit as a title.

    >>> unit_title("percent"), unit_title(None)
    ('Percent', None)
    """
    return unit and f"{unit[:1].upper()}{labels.truncate(unit, 40)[1:]}"


def ramp_labels(least: float, most: float, places: int) -> Spec:
    """Return the labels of a legend of colors: its ends and its middle, with so many decimals.

    >>> ramp_labels(20.0, 30.0, 1)
    {'values': [20.0, 25.0, 30.0], 'format': ',.1f'}
    """
    values = list(dict.fromkeys((least, (least + most) / 2, most)))
    return {"values": values, "format": f",.{places}f" if places <= _DECIMALS_AT_MOST else ".1e"}


def axis_domain(records: Iterable[Record], *more: float | None) -> list[float]:
    """Return the span of all values and limits with a margin, not below 0 unless a value is.

    It need not start at 0: a dot is read by its position, not by its length, and differences should be visible.

    >>> axis_domain([{"value": 20.0, "low": 10.0, "high": 35.0}])
    [9.0, 36.0]
    """
    ends = [end for record in records for end in (record["value"], record.get("low"), record.get("high"))]
    known = [end for end in (*ends, *more) if end is not None]
    if not known:
        return [0.0, 1.0]
    least, most = min(known), max(known)
    air = _AIR * (most - least) or abs(most) * _AIR or 1.0
    return [max(0.0, least - air) if least >= 0 else least - air, most + air]


def row_encoding(field: str = "name", *, title: str | None = None, grid: bool = True) -> Spec:
    """Return the encoding of rows, in the order of the records."""
    axis: Spec = {"ticks": False, "domain": False, "grid": grid, "labelPadding": 8}
    axis["labelFontWeight"] = {"condition": {"test": is_highlighted("datum.value"), "value": "bold"}, "value": "normal"}
    return {"field": field, "type": "nominal", "sort": None, "title": title, "axis": axis}


def axis_side(rows: int) -> str:
    """Return where the axis of values is: above so many rows that its end would be off the first screen.

    >>> axis_side(20), axis_side(52)
    ('bottom', 'top')
    """
    return "top" if rows > _SCREEN_ROWS else "bottom"


def value_encoding(
    title: str, span: Sequence[float], *, until: str = "width", field: str = "value", side: str = "bottom"
) -> Spec:
    """Return the encoding of values, from the left edge to ``until``, with the axis on a side."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": list(span), "nice": False, "zero": False, "range": [0, {"expr": until}]},
        "axis": {
            "grid": True,
            "orient": side,
            "tickCount": {"expr": f"clamp(({until}) / 70, 2, 10)"},
            "titleLimit": {"expr": until},
        },
    }


def dots_with_intervals(x: Spec, y: Spec, *, also_lit: str = "false") -> list[Spec]:
    """Return the layers of dots with their intervals; ``alike`` says which stay lit with another location."""
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y}
    rule = {"type": "rule", "strokeWidth": 2.5, "color": theme.color("accent"), "aria": False}
    return [
        {"mark": rule, "encoding": {**ends, "opacity": highlight_opacity(also_lit), "tooltip": tooltip()}},
        *dots(x, y, also_lit=also_lit),
    ]


def dots(x: Spec, y: Spec, *, also_lit: str = "false") -> list[Spec]:
    """Return the layer of dots; those that are flagged are hollow."""
    accent = {"value": theme.color("accent")}
    fill = {"condition": {"test": "datum.is_flagged", "value": theme.color("paper")}, **accent}
    shared = {"opacity": highlight_opacity(also_lit), "description": tooltip(), "tooltip": tooltip()}
    mark = {"type": "point", "size": 42, "strokeWidth": 1.8}
    return [{"mark": mark, "encoding": {"x": x, "y": y, "stroke": accent, "fill": fill, **shared}}]


def value_labels(x: Spec, caption: Caption) -> list[Spec]:
    """Return the layer of values, each beside its interval, if the figure is to have them."""
    if caption.figure.labels is not MarkLabels.VALUES:
        return []
    right = {"x": {**x, "field": "right"}, "y": row_encoding()}
    return [
        {
            "transform": [
                {"filter": "isValid(datum.value)"},
                {"calculate": "isValid(datum.high) ? datum.high : datum.value", "as": "right"},
            ],
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 7, "aria": False},
            "encoding": {**right, "text": {"field": "text"}, "opacity": highlight_opacity(other_opacity=0.7)},
        }
    ]


def reference_line(
    x: Spec, name: str, value: float, low: Cell = None, high: Cell = None, *, unit: str | None = None
) -> list[Spec]:
    """Return the layers of a line over all rows, with the band of its interval, and its name opposite of the axis."""
    at = {"x": {**x, "datum": value, "field": None}}
    del at["x"]["field"]
    drawn: list[Spec] = []
    if low is not None and high is not None:
        band = {"type": "rect", "color": theme.color("band"), "aria": False}
        ends = {"x": {**at["x"], "datum": low}, "x2": {"datum": high}}
        drawn.append({"data": {"values": [{}]}, "mark": band, "encoding": ends})
    line = {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.3, "color": theme.color("ink")}
    is_below = x["axis"].get("orient") == "top"
    beside = {"baseline": "top", "dy": 4} if is_below else {"baseline": "bottom", "dy": -3}
    text = {"type": "text", "text": labels.truncate(name, 40), "align": "left", "dx": 4, **beside}
    mark = {"name": name, "value": value, "low": low, "high": high}
    description = {"description": {"value": labels.mark_label(mark, unit)}}
    return [
        *drawn,
        {"data": {"values": [{}]}, "mark": line, "encoding": {**at, **description}},
        {
            "data": {"values": [{}]},
            "mark": {**text, "aria": False},
            "encoding": {**at, "y": {"value": {"expr": "height"} if is_below else 0}},
        },
    ]


def summary(records: Sequence[Record], unit: str | None) -> str:
    """Say what a reader would see first: how many values, the lowest and highest, and how many are missing."""
    known = [record for record in records if record["value"] is not None]
    if not known:
        return f"{len(records)} rows, none with a value."
    least, most = min(known, key=_value), max(known, key=_value)
    missing = len(records) - len(known)
    flagged = sum(bool(record.get("is_flagged")) for record in known)
    parts = [
        count(len(known), "value"),
        f"from {labels.mark_label(least, unit)}",
        f"to {labels.mark_label(most, unit)}",
        f"{missing} without a value" if missing else "",
        f"{flagged} flagged as unreliable" if flagged else "",
    ]
    return f"{', '.join(filter(None, parts))}."


def _value(record: Record) -> float:
    return float(record["value"])


def _column(table: Table, name: str | None, *, is_required: bool = False) -> Sequence[Cell]:
    if name is None or not (is_required or has_columns(table, name)):
        return [None] * len(table)
    return table.column(name)
