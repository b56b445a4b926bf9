"""The chart of ``distribution``: every location's value as a dot on one line, stacked where they are close."""

from __future__ import annotations

from meantime.charts import dots, theme
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import Record, Spec, aloud, framed, lit
from meantime.table import Table

_NAMES = Names(value="estimate", low="low", high="high")
_OUTLIER = "outlier"

# Dots that share a bin are stacked. So many bins are as wide as a dot each where there is least room, 360 pixels.
_BINS = 30
_DOT_PIXELS = 13
_LEAST_HEIGHT = 90


def spread(table: Table, caption: Caption) -> Spec:
    """Draw how values are spread; outliers are diamonds with their names."""
    records = [record for record in dots.records_of(table, _NAMES) if record["value"] is not None]
    _mark_outliers(records, table)
    span = dots.domain([{"value": record["value"]} for record in records])
    # Names of outliers stand aslant above their dots.
    height = max(_LEAST_HEIGHT, _DOT_PIXELS * (_stack(records, span) + 5))
    unit = dots.unit_of(table, _NAMES.value)
    x = dots.across(f"Estimate ({unit})" if unit else "Estimate", span)
    y = {
        "field": "stacked",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, height / _DOT_PIXELS], "nice": False},
    }
    colour = {
        "condition": {"test": "datum.is_outlier", "value": theme.colour("worse")},
        "value": theme.colour("accent"),
    }
    shape = {"condition": {"test": "datum.is_outlier", "value": "diamond"}, "value": "circle"}
    shared = {"opacity": lit(), "tooltip": aloud(), "description": aloud()}
    name = {"type": "text", "align": "left", "angle": 315, "dx": 8, "dy": -4, "aria": False}
    outliers = [record for record in records if record["is_outlier"]]
    return framed(
        caption,
        [
            {
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {"x": x, "y": y, "color": colour, "shape": shape, **shared},
            },
            {
                "data": {"values": outliers},
                "mark": name,
                "encoding": {"x": x, "y": y, "text": {"field": "name"}},
            },
        ],
        records=records,
        height=height,
        description=f"How the values of the locations are spread. {dots.told(records, unit)} {len(outliers)} outliers.",
    )


def _mark_outliers(records: list[Record], table: Table) -> None:
    marked = table.column(_OUTLIER) if dots.has(table, _OUTLIER) else ()
    outliers = {str(name) for name, mark in zip(table.column(_NAMES.location), marked, strict=False) if mark}
    for record in records:
        record["is_outlier"] = record["location"] in outliers
        record["aloud"] += ", an outlier" if record["is_outlier"] else ""


def _stack(records: list[Record], span: list[float]) -> int:
    """Put each dot upon those of its bin, and return how many are in the fullest."""
    full: dict[int, int] = {}
    for record in sorted(records, key=lambda each: each["value"]):
        at = int(_BINS * (record["value"] - span[0]) / (span[1] - span[0]))
        full[at] = full.get(at, 0) + 1
        record["stacked"] = full[at] - 0.5
    return max(full.values(), default=0)
