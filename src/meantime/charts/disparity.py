"""The chart of ``disparity``: the groups of a category, and how far each is from one of them.

With several locations a row is a location, and the groups have their places in it; with one location each group is a
row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.dataset.facts.titles import in_natural_order
from meantime.errors import NotAcceptable
from meantime.table import Table
from meantime.text import amount

_ESTIMATES = MarkColumns(value="estimate", low="low", high="high")
_DIFFERENCES = MarkColumns(value="difference", low="difference_low", high="difference_high")
_STRATUM, _REFERENCE, _VERDICT = "stratum", "reference_stratum", "verdict"
_GAP = ("gap", "gap_corrected", "gap_low", "gap_high")

# The share of the width for the estimates; the differences have the rest, after a gap.
_UNTIL, _FROM = "width * 0.56", "width * 0.62"
# More shapes than this are hard to distinguish.
MAX_GROUPS = 6
_SHAPES = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")
# Pixels between the groups of a location, and between two locations.
_SPREAD_PIXELS, _BETWEEN_PIXELS = 8, 10
_CLEAR = ("better", "worse", "above", "below")
_HOW = "Filled: differs, also after adjusting for how many are tested. Hollow: no clear difference."


def disparity(table: Table, caption: Caption) -> Spec:
    """Draw estimates of groups, and their differences from the reference group.

    Raises:
        NotAcceptable: several locations, with more groups than can be distinguished.
    """
    records = _records(table)
    groups = in_natural_order(dict.fromkeys(record["group"] for record in records))
    locations = list(dict.fromkeys(record["location"] for record in records))
    place, order = ({name: at for at, name in enumerate(names)} for names in (locations, groups))
    records.sort(key=lambda record: (place[record["location"]], order[record["group"]]))
    is_one = len(locations) == 1
    if not is_one and len(groups) > MAX_GROUPS:
        raise NotAcceptable(
            f"The result has {len(groups)} groups of {len(locations)} locations, and this chart shows at most "
            f"{MAX_GROUPS} side by side. Name one location, or one stratum."
        )
    row = theme.ROW_PIXELS if is_one else max(theme.ROW_PIXELS, _BETWEEN_PIXELS + _SPREAD_PIXELS * len(groups))
    for record in records:
        record["row"] = record["group"] if is_one else record["location"]
        offset = 0.0 if is_one else groups.index(record["group"]) - (len(groups) - 1) / 2
        record["shift"] = row / 2 + offset * _SPREAD_PIXELS
    against = labels.truncate(str(table.column(_REFERENCE)[0]), 40) if records else ""
    # With two groups, the difference says it.
    gap = _gap(table) if is_one and len(groups) > 2 else ""
    return chart_spec(
        replace(caption, subtitle=tuple(filter(None, (*caption.subtitle, gap, _HOW)))),
        [{"layer": each} for each in _layers(records, table, groups, against, is_one=is_one)],
        records=records,
        height=row * max(len(groups) if is_one else len(locations), 2),
        description=_description(records, groups, against, gap, marks.column_unit(table, _ESTIMATES.value)),
        has_separate_x_axes=True,
        nearest={"y": "row"},
    )


def _records(table: Table) -> list[Record]:
    estimates, differences = marks.read_records(table, _ESTIMATES), marks.read_records(table, _DIFFERENCES)
    verdicts = zip(table.column(_STRATUM), table.column(_VERDICT), strict=True)
    unit = marks.column_unit(table, _DIFFERENCES.value)
    for record, other, (stratum, verdict) in zip(estimates, differences, verdicts, strict=True):
        record["group"] = labels.printable(str(stratum or "")) or "(all)"
        record |= {"apart": other["value"], "apart_low": other["low"], "apart_high": other["high"]}
        record["is_clear"] = verdict in _CLEAR
        difference = f", difference {labels.value_label(other, unit)}" if other["value"] is not None else ""
        record["tooltip"] = f"{labels.truncate(record['group'])}, {record['tooltip']}{difference}, {verdict}"
    return estimates


def _layers(
    records: Sequence[Record], table: Table, groups: Sequence[str], against: str, *, is_one: bool
) -> tuple[list[Spec], list[Spec]]:
    """Return the layers of the estimates, and those of the differences."""
    # Places are as high as two rows of dots.
    side = "bottom" if is_one else marks.axis_side(2 * len({record["location"] for record in records}))
    unit, apart_unit = (marks.column_unit(table, names.value) for names in (_ESTIMATES, _DIFFERENCES))
    x = marks.value_encoding(marks.axis_title("Estimate", unit), marks.axis_domain(records), until=_UNTIL, side=side)
    apart = [{"value": each["apart"], "low": each["apart_low"], "high": each["apart_high"]} for each in records]
    far = marks.value_encoding(f"Difference from {against}", marks.axis_domain(apart, 0.0), field="apart", side=side)
    if apart_unit:
        # On a line of its own: beside the other the axis is too short for both.
        far["title"] = [far["title"], f"({apart_unit})"]
    far["scale"]["range"] = [{"expr": _FROM}, {"expr": "width"}]
    far["axis"] |= {
        "tickCount": {"expr": "clamp(width * 0.38 / 70, 2, 6)"},
        "titleLimit": {"expr": "width * 0.4"},
    }
    y = {**marks.row_encoding("row"), "scale": {"paddingInner": 0, "paddingOuter": 0}}
    shared = {"y": y, "yOffset": {"field": "shift", "type": "quantitative", "scale": None}}
    shared |= _looks(groups, is_one=is_one)
    zero = marks.reference_line(far, "", 0.0)[:1]
    hollow = {"condition": {"test": "datum.is_clear", "value": 1}, "value": 0}
    return (
        _dots(x, ("low", "high"), shared, {"fillOpacity": {"value": 1}}),
        [*zero, *_dots(far, ("apart_low", "apart_high"), shared, {"fillOpacity": hollow})],
    )


def _dots(x: Spec, ends: tuple[str, str], shared: Spec, filling: Spec) -> list[Spec]:
    rule = {"type": "rule", "strokeWidth": 2.2, "aria": False}
    point = {"type": "point", "size": 46, "strokeWidth": 1.8}
    least, most = ({**x, "field": field} for field in ends)
    lines = {name: each for name, each in shared.items() if name not in ("shape", "fill")}
    lines |= {"x": least, "x2": {"field": most["field"]}, "tooltip": tooltip(), "opacity": highlight_opacity()}
    there = [{"filter": f"isValid(datum.{x['field']})"}]
    points = {
        "x": x,
        **shared,
        **filling,
        "opacity": highlight_opacity(),
        "tooltip": tooltip(),
        "description": tooltip(),
    }
    return [
        {"transform": there, "mark": rule, "encoding": lines},
        {"transform": there, "mark": point, "encoding": points},
    ]


def _looks(groups: Sequence[str], *, is_one: bool) -> Spec:
    """Return how groups are distinguished: by color and shape if they share a row, otherwise by the row."""
    if is_one:
        return {"stroke": {"value": theme.color("accent")}, "fill": {"value": theme.color("accent")}}
    by: Spec = {"field": "group", "type": "nominal", "sort": list(groups), "legend": {"title": None}}
    hues = {
        **by,
        "scale": {"domain": list(groups), "range": [theme.color(f"series_{at}") for at in range(len(groups))]},
    }
    return {
        "stroke": hues,
        "fill": hues,
        "shape": {**by, "scale": {"domain": list(groups), "range": list(_SHAPES[: len(groups)])}},
    }


def _gap(table: Table) -> str:
    """Say how much the highest and the lowest group of one location differ."""
    if not marks.has_columns(table, *_GAP):
        return ""
    gap, corrected, low, high = (table.column(name)[0] for name in _GAP)
    if not isinstance(gap, float):
        return ""
    unit = marks.column_unit(table, _GAP[0])
    sentence = (
        f"From the lowest to the highest group: {labels.value_label({'value': gap, 'low': low, 'high': high}, unit)}"
    )
    if isinstance(corrected, float):
        sentence += f"; {amount(corrected, unit)} after a partial correction for picking the extremes"
    return f"{sentence}."


def _description(records: Sequence[Record], groups: Sequence[str], against: str, gap: str, unit: str | None) -> str:
    clear = sum(record["is_clear"] for record in records)
    compared = sum(record["apart"] is not None for record in records)
    named = ", ".join(labels.truncate(name, 60) for name in groups[:10])
    return (
        f"Groups side by side with 95% CIs: {named}. {clear} of {compared} differ from {against}. {gap} "
        f"{marks.summary(list(records), unit)}"
    )


CHARTS = (
    Chart(
        name="disparity",
        draw=disparity,
        ordered_by=("difference",),
        meaning="the groups of a category side by side for each location, and how far each is from the reference group",
    ),
)
