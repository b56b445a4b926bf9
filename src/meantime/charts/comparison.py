"""Differences, changes or slopes with their intervals, and what the test says about each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from meantime.charts import labels, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec, highlight_opacity, tooltip
from meantime.charts.marks import MarkColumns
from meantime.table import Table
from meantime.text import amount, years

_REFERENCE, _TARGET, VERDICT = "reference", "target", "verdict"
# Rows may be of questions instead of locations.
_QUESTION = "question"
# Of a trend.
_SEGMENT = ("first_year", "last_year")


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestedColumns:
    """What is tested, by the columns that it has."""

    names: MarkColumns
    title: str  # of the axis
    zero: str  # what the line at 0 is


_KINDS = (
    _TestedColumns(
        names=MarkColumns(value="difference", low="difference_low", high="difference_high"),
        title="Difference from {against}",
        zero="{against}",
    ),
    _TestedColumns(
        names=MarkColumns(value="change", low="change_low", high="change_high"),
        title="Change between the years",
        zero="no change",
    ),
    _TestedColumns(
        names=MarkColumns(value="slope", low="slope_low", high="slope_high"), title="Change a year", zero="no change"
    ),
)

# What each verdict looks like: a color, and a shape that says the same.
VERDICT_STYLES = {
    "better": ("better", "circle"),
    "worse": ("worse", "square"),
    "above": ("above", "triangle-up"),
    "below": ("below", "triangle-down"),
    "risen": ("above", "triangle-up"),
    "fallen": ("below", "triangle-down"),
    "rising": ("above", "triangle-up"),
    "falling": ("below", "triangle-down"),
    "similar": ("muted", "diamond"),
    "no clear difference": ("unclear", "circle"),
    "no clear change": ("unclear", "circle"),
    "no clear trend": ("unclear", "circle"),
    "too few years": ("unclear", "cross"),
    "not tested": ("unclear", "cross"),
}
_READING_NOTE = (
    "Each interval is for one comparison. Verdicts are adjusted for the number of comparisons, so one can be unclear "
    "although its interval does not cross the line."
)


def comparison(table: Table, caption: Caption) -> Spec:
    """Draw what is tested, largest first, and a line at 0, which it is tested against.

    Raises:
        KeyError: nothing in the table is tested.
    """
    tested = next((kind for kind in _KINDS if marks.has_columns(table, kind.names.value)), _KINDS[0])
    records = marks.read_records(table, tested.names)
    add_verdicts(records, table)
    if marks.has_columns(table, _QUESTION):
        for record, question in zip(records, table.column(_QUESTION), strict=True):
            record["name"] = labels.truncate(str(question), 90)
    _name_segments(records, table)
    if caption.figure.order is None:
        records.sort(key=_largest_first)
    unit = marks.column_unit(table, tested.names.value)
    line, title = (text.format(against=reference_name(table)) for text in (tested.zero, tested.title))
    axis = f"{title}{f' ({unit})' if unit else ''}, with 95% CI"
    x = marks.value_encoding(axis, marks.axis_domain(records, 0.0), side=marks.axis_side(len(records)))
    return chart_spec(
        replace(caption, notes=(_READING_NOTE, *caption.notes)) if caption.figure.note is None else caption,
        [*marks.reference_line(x, line, 0.0), *_verdicts(x, records), *marks.value_labels(x, caption)],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"{title}, with 95% CIs: {verdict_counts(records)}. {marks.summary(records, unit)}",
        nearest={"y": "name"},
    )


def add_verdicts(records: list[Record], table: Table) -> None:
    """Give each record its verdict."""
    for record, verdict in zip(records, table.column(VERDICT), strict=True):
        # A verdict that only another version knows looks like none.
        record["verdict"] = str(verdict) if verdict in VERDICT_STYLES else "not tested"
        record["tooltip"] += f", {verdict}"


def _name_segments(records: list[Record], table: Table) -> None:
    """Give each stretch of a location, from one break to the next, its own row."""
    names = [record["name"] for record in records]
    if len(set(names)) == len(names) or not marks.has_columns(table, *_SEGMENT):
        return
    ends = zip(*(table.column(name) for name in _SEGMENT), strict=True)
    for record, (first, last) in zip(records, ends, strict=True):
        segment = "no year" if first is None else years(first, last)
        record["name"] += f", {segment}"
        record["tooltip"] = f"{segment}, {record['tooltip']}"


def reference_name(table: Table) -> str:
    """Name what the rows are compared with."""
    if not len(table):
        return ""
    if marks.has_columns(table, _TARGET):
        target = table.column(_TARGET)[0]
        return f"the target of {amount(target, marks.column_unit(table, _TARGET))}" if isinstance(target, float) else ""
    return labels.truncate(str(table.column(_REFERENCE)[0]), 60) if marks.has_columns(table, _REFERENCE) else ""


def present_verdicts(records: list[Record]) -> list[str]:
    """Return the verdicts that there are."""
    there = {record.get("verdict") for record in records}
    return [name for name in VERDICT_STYLES if name in there]


def verdict_counts(records: list[Record]) -> str:
    """Say how many verdicts of each kind there are."""
    return ", ".join(
        f"{sum(each.get('verdict') == name for each in records)} {name}" for name in present_verdicts(records)
    )


def _look(records: list[Record]) -> tuple[Spec, Spec, Spec]:
    """Return the encodings of line, filling and shape by verdict, for the verdicts that there are."""
    there = present_verdicts(records)
    lines = [theme.color(VERDICT_STYLES[name][0]) for name in there]
    # No difference was detected, so the mark is not filled.
    fillings = [
        theme.color("paper" if VERDICT_STYLES[name][0] == "unclear" else VERDICT_STYLES[name][0]) for name in there
    ]
    shapes = [VERDICT_STYLES[name][1] for name in there]
    shared = {"field": "verdict", "type": "nominal", "sort": there, "legend": {"title": None}}
    line, filling, shape = ({**shared, "scale": {"domain": there, "range": each}} for each in (lines, fillings, shapes))
    return line, filling, shape


def _verdicts(x: Spec, records: list[Record]) -> list[Spec]:
    line, filling, shape = _look(records)
    y = marks.row_encoding()
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    shared = {"stroke": line, "opacity": highlight_opacity(), "tooltip": tooltip(), "y": y}
    rule = {"type": "rule", "strokeWidth": 2.5, "aria": False}
    point = {"type": "point", "size": 60, "strokeWidth": 1.8}
    return [
        {"mark": rule, "encoding": {**ends, **shared}},
        {"mark": point, "encoding": {"x": x, "shape": shape, "fill": filling, "description": tooltip(), **shared}},
    ]


def _largest_first(record: Record) -> tuple[bool, float, str]:
    value = record["value"]
    return value is None, 0.0 if value is None else -value, record["name"]


CHARTS = (
    Chart(
        name="comparison",
        draw=comparison,
        ordered_by=("difference", "change", "slope"),
        meaning="the difference, change or slope of each location with its interval; shape and color show the result",
    ),
)
