"""The chart of ``estimate``: dots with their intervals; over years a trend, by stratum the groups."""

from __future__ import annotations

from meantime.charts import dots, groups, theme, trend
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import Record, Spec, framed
from meantime.table import Table

NAMES = Names(value="estimate", low="low", high="high")
PERIOD, STRATUM = "period", "stratum"


def estimates(table: Table, caption: Caption) -> Spec:
    """Draw estimates, highest first: the order of the table is that of the names, which says nothing."""
    if dots.has(table, STRATUM):
        return groups.groups(table, caption)
    if dots.has(table, PERIOD):
        return trend.trend(table, caption)
    records = sorted(dots.records_of(table, NAMES), key=_highest_first)
    unit = dots.unit_of(table, NAMES.value)
    x = dots.across(dots.axis_title("Estimate", unit), dots.domain(records))
    return framed(
        caption,
        [*_reference(records, x, caption.reference), *dots.intervals(x, dots.down())],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"Estimates with 95% CIs. {dots.told(records, unit)}",
    )


def _highest_first(record: Record) -> tuple[bool, float, str]:
    value = record["value"]
    return value is None, 0.0 if value is None else -value, record["name"]


def _reference(records: list[Record], x: Spec, name: str | None) -> list[Spec]:
    found = next((each for each in records if each["location"] == name and each["value"] is not None), None)
    return dots.reference(x, found["name"], found["value"], found["low"], found["high"]) if found else []
