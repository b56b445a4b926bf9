"""The chart of the classic means: dots without intervals, since there are none, and the warning at the top."""

from __future__ import annotations

from dataclasses import replace

from meantime.charts import groups, marks, theme
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.layout import Spec, chart_spec
from meantime.charts.marks import MarkColumns
from meantime.table import Table

_MEAN, _DIFFERENCE, _STRATUM = "mean", "difference", "stratum"


def means(table: Table, caption: Caption) -> Spec:
    """Draw means by location, in the order of the table; by group where it has strata."""
    value = _DIFFERENCE if marks.has_columns(table, _DIFFERENCE) else _MEAN
    caption = replace(caption, subtitle=(*caption.notes, *caption.subtitle), notes=())
    if marks.has_columns(table, _STRATUM):
        return groups.drawn(table, caption, MarkColumns(value=value), "Mean of the rows")
    records = marks.read_records(table, MarkColumns(value=value))
    if not marks.has_columns(table, "location"):
        for record in records:
            record["location"] = record["name"] = "All rows"
    unit = marks.column_unit(table, value)
    difference = "Mean of all rows minus that of the location"
    title = difference if value == _DIFFERENCE else "Mean of the rows"
    span = marks.axis_domain(records, 0.0 if value == _DIFFERENCE else None)
    x = marks.value_encoding(f"{title} ({unit})" if unit else title, span)
    zero = marks.reference_line(x, "no difference", 0.0) if value == _DIFFERENCE else []
    return chart_spec(
        caption,
        [*zero, *marks.dots(x, marks.row_encoding()), *marks.value_labels(x, caption)],
        records=records,
        height=theme.ROW_PIXELS * max(len(records), 2),
        description=f"Means of rows without any interval; no rates of a population. {marks.summary(records, unit)}",
    )


CHARTS = (
    Chart(
        name="means",
        draw=means,
        ordered_by=("difference", "mean"),
        first=None,
        meaning="a dot for each mean, without intervals",
    ),
)
