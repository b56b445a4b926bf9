"""The chart of ``estimate``: dots with their intervals; over years a trend, by stratum the groups."""

from __future__ import annotations

from meantime.charts import groups, marks, theme, trend
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Record, Spec, chart_spec
from meantime.charts.marks import MarkColumns
from meantime.table import Table

NAMES = MarkColumns(value="estimate", low="low", high="high")
PERIOD, STRATUM = "period", "stratum"


def estimates(table: Table, caption: Caption) -> Spec:
    """Draw estimates, highest first. The table is in the order of names, which shows nothing."""
    if marks.has_columns(table, STRATUM):
        return groups.groups(table, caption)
    if marks.has_columns(table, PERIOD):
        return trend.trend(table, caption)
    records = marks.read_records(table, NAMES)
    if caption.figure.order is None:
        records.sort(key=_highest_first)
    unit = marks.column_unit(table, NAMES.value)
    x = marks.value_encoding(marks.axis_title("Estimate", unit), marks.axis_domain(records))
    return chart_spec(
        caption,
        [
            *_reference(records, x, caption.reference),
            *marks.dots_with_intervals(x, marks.row_encoding()),
            *marks.value_labels(x, caption),
        ],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"Estimates with 95% CIs. {marks.summary(records, unit)}",
    )


def _highest_first(record: Record) -> tuple[bool, float, str]:
    value = record["value"]
    return value is None, 0.0 if value is None else -value, record["name"]


def _reference(records: list[Record], x: Spec, name: str | None) -> list[Spec]:
    row = next((each for each in records if each["location"] == name and each["value"] is not None), None)
    return marks.reference_line(x, row["name"], row["value"], row["low"], row["high"]) if row else []


CHARTS = (
    Chart(name="estimates", draw=estimates, ordered_by=("estimate",), meaning="a dot with its interval for each row"),
)
