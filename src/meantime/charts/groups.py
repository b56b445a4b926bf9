"""The chart of groups: the strata of each category below each other, so that all of them share one axis."""

from __future__ import annotations

from collections.abc import Sequence

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.dataset.facts.titles import in_natural_order
from meantime.errors import NotAcceptable
from meantime.table import Table

_NAMES = MarkColumns(value="estimate", low="low", high="high")
_CATEGORY, _STRATUM = "category", "stratum"

# More dots in a row would hide each other, and more shapes are hard to distinguish.
MOST_LOCATIONS = 6
_SHAPES = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")
# Between what a row is and what is written; an invisible sign, which labels.printable takes out of names.
_BETWEEN = "\u2063"
# Pixels between the rows of two strata, and between two locations in a row.
_BAND_PIXELS, _SPREAD_PIXELS = 12, 8


def groups(table: Table, caption: Caption) -> Spec:
    """Draw estimates by stratum."""
    return drawn(table, caption, _NAMES, "Estimate")


def drawn(table: Table, caption: Caption, names: MarkColumns, what: str) -> Spec:
    """Draw any values by stratum.

    Raises:
        NotAcceptable: of too many locations.
    """
    records = marks.read_records(table, names)
    locations = list(dict.fromkeys(record["location"] for record in records))
    if len(locations) > MOST_LOCATIONS:
        raise NotAcceptable(
            f"The result has groups of {len(locations)} locations, and this chart shows at most {MOST_LOCATIONS} "
            "side by side. Name at most that many with locations."
        )
    unit = marks.column_unit(table, names.value)
    rows = _rows(records, table)
    x = marks.value_encoding(marks.axis_title(what, unit), marks.axis_domain(records))
    each = max(theme.ROW_PIXELS, _BAND_PIXELS + _SPREAD_PIXELS * len(locations))
    for record in records:
        offset = locations.index(record["location"]) - (len(locations) - 1) / 2
        record["shift"] = each / 2 + offset * _SPREAD_PIXELS
    y = {**marks.row_encoding("row"), "scale": {"domain": rows, "paddingInner": 0, "paddingOuter": 0}}
    label = f"split(datum.label, '{_BETWEEN}')[1]"
    heading = f"split(datum.label, '{_BETWEEN}')[1] === '' "
    y["axis"] = {
        **y["axis"],
        "labelExpr": f"{heading} ? split(datum.label, '{_BETWEEN}')[0] : {label}",
        "labelFontWeight": {
            "condition": {"test": heading.replace("datum.label", "datum.value"), "value": "bold"},
            "value": "normal",
        },
        "gridOpacity": {"condition": {"test": heading.replace("datum.label", "datum.value"), "value": 0}, "value": 1},
    }
    return chart_spec(
        caption,
        _layers(x, y, locations, is_sure=names.low is not None),
        records=records,
        height=each * len(rows),
        description=f"{what} by group{', with 95% CIs' if names.low else ''}, "
        f"for {', '.join(labels.truncate(name, 60) for name in locations)}. {marks.summary(records, unit)}",
    )


def _rows(records: Sequence[Record], table: Table) -> list[str]:
    """Give each record its row. Return all rows, those of a category after one with its name."""
    by_category: dict[str, dict[str, None]] = {}
    for record, category, stratum in zip(records, table.column(_CATEGORY), table.column(_STRATUM), strict=True):
        above, name = labels.printable(str(category or "")), labels.printable(str(stratum or "")) or "(all)"
        record["row"] = f"{above}{_BETWEEN}{name}"
        record["tooltip"] = f"{labels.truncate(above)}, {labels.truncate(name)}: {record['tooltip']}"
        by_category.setdefault(above, {})[record["row"]] = None
    rows = []
    for above, strata in by_category.items():
        start = f"{above}{_BETWEEN}"
        rows += [start, *(f"{start}{name}" for name in in_natural_order(row.removeprefix(start) for row in strata))]
    return rows


def _layers(x: Spec, y: Spec, locations: Sequence[str], *, is_sure: bool) -> list[Spec]:
    legend = {"title": None} if len(locations) > 1 else None
    by: Spec = {"field": "location", "type": "nominal", "sort": list(locations), "legend": legend}
    shape = {**by, "scale": {"domain": list(locations), "range": list(_SHAPES[: len(locations)])}}
    color = {**by, "scale": {"domain": list(locations)}}
    shift = {"field": "shift", "type": "quantitative", "scale": None}
    shared = {"y": y, "yOffset": shift, "tooltip": tooltip(), "description": tooltip(), "opacity": highlight_opacity()}
    points = {
        "mark": {"type": "point", "size": 52, "filled": True},
        "encoding": {"x": x, "color": color, "shape": shape, **shared},
    }
    if not is_sure:
        return [points]
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    rule = {
        "mark": {"type": "rule", "strokeWidth": 2.5, "aria": False},
        "encoding": {**ends, "color": color, **shared},
    }
    return [rule, points]


CHARTS = (
    Chart(name="groups", draw=groups, meaning="the groups of each category, a dot with its interval for each location"),
)
