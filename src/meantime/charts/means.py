"""The chart of the classic means: dots without intervals, since there are none, and the warning at the top."""

from __future__ import annotations

from dataclasses import replace

from meantime.charts import dots, groups, theme
from meantime.charts.caption import Caption
from meantime.charts.dots import Names
from meantime.charts.frame import Spec, framed
from meantime.table import Table

_MEAN, _DIFFERENCE, _STRATUM = "mean", "difference", "stratum"


def means(table: Table, caption: Caption) -> Spec:
    """Draw means by location, in the order of the table; by group where it has strata."""
    value = _DIFFERENCE if dots.has(table, _DIFFERENCE) else _MEAN
    caption = replace(caption, subtitle=(*caption.beware, *caption.subtitle), beware=())
    if dots.has(table, _STRATUM):
        return groups.drawn(table, caption, Names(value=value), "Mean of the rows")
    records = dots.records_of(table, Names(value=value))
    if not dots.has(table, "location"):
        for record in records:
            record["location"] = record["name"] = "All rows"
    unit = dots.unit_of(table, value)
    difference = "Mean of all rows minus that of the location"
    title = difference if value == _DIFFERENCE else "Mean of the rows"
    span = dots.domain(records, 0.0 if value == _DIFFERENCE else None)
    x = dots.across(f"{title} ({unit})" if unit else title, span)
    zero = dots.reference(x, "no difference", 0.0) if value == _DIFFERENCE else []
    return framed(
        caption,
        [*zero, *dots.points(x, dots.down())],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"Means of rows without any interval; no rates of a population. {dots.told(records, unit)}",
    )
