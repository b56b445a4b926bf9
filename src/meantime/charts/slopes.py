"""The chart of ``sensitivity``: each location's ranks under every method, joined by a line."""

from __future__ import annotations

import heapq
from dataclasses import replace

from meantime.charts import labels, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import HIGHLIGHT, Record, Spec, chart_spec, is_highlighted, tooltip
from meantime.charts.ranking import rank_ticks
from meantime.table import Table
from meantime.text import listed

_LOCATION = "location"
# A column of ranks for each method; the rest of its name is that of the method.
_RANK = "rank_"
_ROW = 15
# What a name beside a line takes.
_NAME_PIXELS = 13
# A move by more ranks than this is one that a reader should see.
_FAR = 10
# Of more locations than this, those that move furthest are drawn, at most so high.
_MOST_LOCATIONS, _FURTHEST = 100, 25
_MOST_HEIGHT = 900


def slopes(table: Table, caption: Caption) -> Spec:
    """Draw ranks, best at the top; those that move far have color. Of very many locations, those that move furthest."""
    records = _records(table)
    caption, records = _furthest(records, caption)
    # What was asked for comes last, where the names stand: they are in its order.
    asked, *others = dict.fromkeys(record["method"] for record in records) or [""]
    methods = [*others, asked] if records else []
    worst = int(max((record["rank"] for record in records), default=1))
    height = min(_ROW * (worst + 1), _MOST_HEIGHT)
    _name_beside(records, methods, height / (worst + 1))
    x = {
        "field": "method",
        "type": "nominal",
        "sort": methods,
        "title": None,
        "scale": {"type": "point", "padding": 0.25},
        "axis": {
            "orient": "top",
            "labelAngle": 0,
            "labelLimit": 140,
            # A word a line: on a phone they would overlap side by side.
            "labelExpr": "split(datum.label, ' ')",
            "labelFontSize": 12,
            # Their first line stands this far above, the others below it. The room for them is reserved once, at the
            # first width: if this depended on the width, a chart that becomes narrow would cut them off.
            "labelPadding": 28,
            "domain": False,
            "ticks": False,
            "grid": True,
        },
    }
    y = {
        "field": "rank",
        "type": "quantitative",
        "title": "Rank",
        "scale": {"domain": [0.5, worst + 0.5], "reverse": True, "nice": False, "zero": False},
        "axis": {"values": rank_ticks(worst), "grid": False},
    }
    is_far = {"test": f"datum.moved >= {_FAR}", "value": theme.color("worse")}
    color = {"condition": [{"test": is_highlighted(), "value": theme.color("accent")}, is_far]}
    stroke = {**color, "value": theme.color("unclear")}
    opacity = {
        "condition": {
            "test": f"{HIGHLIGHT} === null ? datum.moved >= {_FAR} : {is_highlighted()}",
            "value": 1,
        },
        "value": 0.35,
    }
    name = {"type": "text", "aria": False}
    ends = {"x": x, "y": y, "text": {"field": "name"}, "opacity": opacity}
    spec = chart_spec(
        caption,
        [
            {
                "mark": {"type": "line", "strokeWidth": 1.6, "aria": False},
                "encoding": {"x": x, "y": y, "detail": {"field": "location"}, "stroke": stroke, "opacity": opacity},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 26},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": stroke,
                    "opacity": opacity,
                    "description": tooltip(),
                    "tooltip": tooltip(),
                },
            },
            {
                "transform": [{"filter": f"datum.method === {labels.vega_string(methods[-1])}"}] if methods else [],
                "mark": {**name, "align": "left", "dx": 8},
                "encoding": {
                    **ends,
                    "y": {**y, "field": "beside_at"},
                    "opacity": {"value": 1},
                    "text": {"field": "beside"},
                },
            },
        ],
        records=records,
        height=height,
        description=_description(records, methods),
        axis_pixels=14,
    )
    # For a page that is too narrow for the names of the methods side by side.
    spec["usermeta"]["can_turn_labels"] = True
    return spec


def _records(table: Table) -> list[Record]:
    methods = [column.name for column in table.columns if column.name.startswith(_RANK)]
    records: list[Record] = []
    for at, location in enumerate(table.column(_LOCATION)):
        ranks = {method: table.column(method)[at] for method in methods}
        known = [rank for rank in ranks.values() if isinstance(rank, int)]
        moved = max(known) - min(known) if known else 0
        for method, rank in ranks.items():
            if not isinstance(rank, int):
                continue
            name, how = labels.printable(str(location)), method.removeprefix(_RANK).replace("_", " ")
            tooltip = f"{labels.truncate(name)}: rank {rank} by {how}; moves {moved} places between methods"
            records.append(
                {"location": name, "name": name, "method": how, "rank": rank, "moved": moved, "tooltip": tooltip}
            )
    return records


def _furthest(records: list[Record], caption: Caption) -> tuple[Caption, list[Record]]:
    moved = {record["location"]: record["moved"] for record in records}
    if len(moved) <= _MOST_LOCATIONS:
        return caption, records
    kept = set(heapq.nlargest(_FURTHEST, moved, key=lambda name: moved[name]))
    shown = f"The {_FURTHEST} of {len(moved):,} places that move furthest"
    more = [name for name in caption.highlight if name in moved and name not in kept]
    if more:
        kept |= {*more}
        shown += f", and {listed((labels.truncate(name, 60) for name in more), most=None)}"
    return replace(caption, shown=f"{shown}."), [record for record in records if record["location"] in kept]


def _name_beside(records: list[Record], methods: list[str], pixels: float) -> None:
    """Give each line its name at its end, or below those of its rank, unless the name above it would cover it."""
    free, below = -1.0, 0
    last = [record for record in records if methods and record["method"] == methods[-1]]
    for record in sorted(last, key=lambda each: int(each["rank"])):
        record["beside_at"] = max(record["rank"], below)
        below = record["beside_at"] + 1
        at = record["beside_at"] * pixels
        record["beside"] = record["name"] if at >= free else ""
        free = at + _NAME_PIXELS if at >= free else free


def _description(records: list[Record], methods: list[str]) -> str:
    far = list(dict.fromkeys(record["name"] for record in records if record["moved"] >= _FAR))
    named = f": {', '.join(labels.truncate(name, 40) for name in far[:10])}" if far else ""
    return (
        f"Ranks of locations under {len(methods)} methods ({', '.join(methods)}). {len(far)} locations move by "
        f"{_FAR} places or more{named}."
    )


CHARTS = (Chart(name="slopes", draw=slopes, meaning="a line for each location through its ranks under every method"),)
