"""The chart of ``disparity``: the groups of a category side by side, and beside them how far they are from one of them.

With several locations a row is a location, and the groups have their places in it; of one location each group is a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meantime.charts import dots, theme, words
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import Record, Spec, aloud, framed, lit
from meantime.errors import NotAcceptable
from meantime.table import Table
from meantime.text import amount

_ESTIMATES = Names(value="estimate", low="low", high="high")
_DIFFERENCES = Names(value="difference", low="difference_low", high="difference_high")
_STRATUM, _REFERENCE, _VERDICT = "stratum", "reference_stratum", "verdict"
_GAP = ("gap", "gap_corrected", "gap_low", "gap_high")

# What share of the width the estimates have; the differences have the rest behind a gap.
_UNTIL, _FROM = "width * 0.56", "width * 0.62"
# More shapes are not told apart.
MOST_GROUPS = 6
_SHAPES = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")
# Groups of a location lie this far apart, with this much between two locations.
_SPREAD_PIXELS, _BETWEEN_PIXELS = 8, 10
_CLEAR = ("better", "worse", "above", "below")
_HOW = "Filled: differs, also after adjusting for how many are tested. Hollow: no clear difference."


def disparity(table: Table, caption: Caption) -> Spec:
    """Draw estimates of groups, and their differences from the reference group.

    Raises:
        NotAcceptable: more groups than can be told apart, of several locations.
    """
    records = _records(table)
    groups = list(dict.fromkeys(record["group"] for record in records))
    locations = list(dict.fromkeys(record["location"] for record in records))
    is_one = len(locations) == 1
    if not is_one and len(groups) > MOST_GROUPS:
        raise NotAcceptable(
            f"The result has {len(groups)} groups of {len(locations)} locations, and this chart shows at most "
            f"{MOST_GROUPS} beside each other. Name one location, or one stratum."
        )
    row = theme.ROW_PIXELS if is_one else max(theme.ROW_PIXELS, _BETWEEN_PIXELS + _SPREAD_PIXELS * len(groups))
    for record in records:
        record["row"] = record["group"] if is_one else record["location"]
        place = 0.0 if is_one else groups.index(record["group"]) - (len(groups) - 1) / 2
        record["shift"] = row / 2 + place * _SPREAD_PIXELS
    against = words.short(str(table.column(_REFERENCE)[0]), 40) if records else ""
    # Of two, the difference says it.
    gap = _gap(table) if is_one and len(groups) > 2 else ""
    return framed(
        replace(caption, subtitle=tuple(filter(None, (*caption.subtitle, gap, _HOW)))),
        [{"layer": each} for each in _layers(records, table, groups, against, is_one=is_one)],
        records=records,
        height=row * max(len(groups) if is_one else len(locations), 2),
        description=_told(records, groups, against, gap, dots.unit_of(table, _ESTIMATES.value)),
        is_layered_apart=True,
    )


def _records(table: Table) -> list[Record]:
    estimates, differences = dots.records_of(table, _ESTIMATES), dots.records_of(table, _DIFFERENCES)
    said = zip(table.column(_STRATUM), table.column(_VERDICT), strict=True)
    unit = dots.unit_of(table, _DIFFERENCES.value)
    for record, other, (stratum, verdict) in zip(estimates, differences, said, strict=True):
        record["group"] = words.plain(str(stratum or "")) or "(all)"
        record |= {"apart": other["value"], "apart_low": other["low"], "apart_high": other["high"]}
        record["is_clear"] = verdict in _CLEAR
        difference = f", difference {words.value_of(other, unit)}" if other["value"] is not None else ""
        record["aloud"] = f"{words.short(record['group'])}, {record['aloud']}{difference}, {verdict}"
    return estimates


def _layers(
    records: Sequence[Record], table: Table, groups: Sequence[str], against: str, *, is_one: bool
) -> tuple[list[Spec], list[Spec]]:
    """Return the layers of the estimates, and those of the differences."""
    unit, apart_unit = (dots.unit_of(table, names.value) for names in (_ESTIMATES, _DIFFERENCES))
    x = dots.across(dots.axis_title("Estimate", unit), dots.domain(records), until=_UNTIL)
    apart = [{"value": each["apart"], "low": each["apart_low"], "high": each["apart_high"]} for each in records]
    title = f"Difference from {against}{f' ({apart_unit})' if apart_unit else ''}"
    far = dots.across(title, dots.domain(apart, 0.0), field="apart")
    far["scale"]["range"] = [{"expr": _FROM}, {"expr": "width"}]
    far["axis"] |= {
        "orient": "bottom",
        "tickCount": {"expr": "clamp(width * 0.38 / 70, 2, 6)"},
        "titleLimit": {"expr": "width * 0.4"},
    }
    y = {**dots.down("row"), "scale": {"paddingInner": 0, "paddingOuter": 0}}
    shared = {"y": y, "yOffset": {"field": "shift", "type": "quantitative", "scale": None}}
    shared |= _looks(groups, is_one=is_one)
    zero = dots.reference(far, "", 0.0)[:1]
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
    lines |= {"x": least, "x2": {"field": most["field"]}, "tooltip": aloud(), "opacity": lit()}
    there = [{"filter": f"isValid(datum.{x['field']})"}]
    points = {"x": x, **shared, **filling, "opacity": lit(), "tooltip": aloud(), "description": aloud()}
    return [
        {"transform": there, "mark": rule, "encoding": lines},
        {"transform": there, "mark": point, "encoding": points},
    ]


def _looks(groups: Sequence[str], *, is_one: bool) -> Spec:
    """Return how groups are told apart: by colour and shape where they share a row, else by the row."""
    if is_one:
        return {"stroke": {"value": theme.colour("accent")}, "fill": {"value": theme.colour("accent")}}
    by: Spec = {"field": "group", "type": "nominal", "sort": list(groups), "legend": {"title": None}}
    hues = {
        **by,
        "scale": {"domain": list(groups), "range": [theme.colour(f"series_{at}") for at in range(len(groups))]},
    }
    return {
        "stroke": hues,
        "fill": hues,
        "shape": {**by, "scale": {"domain": list(groups), "range": list(_SHAPES[: len(groups)])}},
    }


def _gap(table: Table) -> str:
    """Say how far the highest and the lowest of the groups of one location lie apart."""
    if not dots.has(table, *_GAP):
        return ""
    gap, corrected, low, high = (table.column(name)[0] for name in _GAP)
    if not isinstance(gap, float):
        return ""
    unit = dots.unit_of(table, _GAP[0])
    said = f"From the lowest to the highest group: {words.value_of({'value': gap, 'low': low, 'high': high}, unit)}"
    if isinstance(corrected, float):
        said += f"; {amount(corrected, unit)} after a part of what chance adds is taken off"
    return f"{said}."


def _told(records: Sequence[Record], groups: Sequence[str], against: str, gap: str, unit: str | None) -> str:
    clear = sum(record["is_clear"] for record in records)
    compared = sum(record["apart"] is not None for record in records)
    named = ", ".join(words.short(name, 60) for name in groups[:10])
    return (
        f"Groups side by side with 95% CIs: {named}. {clear} of {compared} differ from {against}. {gap} "
        f"{dots.told(list(records), unit)}"
    )
