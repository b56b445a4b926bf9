"""Which locations a chart shows, and in which order: as somebody asks, and of very many the highest and the lowest.

A row each would make a picture of 40,000 pixels and a specification of megabytes, in which nobody finds anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import replace

from meantime.charts import labels, marks
from meantime.charts.caption import Caption
from meantime.charts.chart import Chart
from meantime.charts.figure import Order
from meantime.table import Cell, Table
from meantime.text import listed

_LOCATION = "location"
# As many rows as this are still read as a list, about three screens; lines and dots in rows of their own alike.
MOST_LOCATIONS = 100
# Of more, so many of each end: one screen together.
EACH_END = 25


def arranged(table: Table, caption: Caption, chart: Chart) -> tuple[Table, Caption]:
    """Return the rows to draw, in the order of the table unless the figure has another, and a caption that says which.

    The figure's ``limit`` keeps the first locations in its order, otherwise in that of the chart, with those that are
    highlighted and the reference. Without a limit, more than ``MOST_LOCATIONS`` are cut to the ends.

    Locations are ordered by the first of these columns that the table has; of several rows of a location, the last one
    with a value counts, which is the latest year. Those without a value are not drawn, unless chosen. A table of up to
    ``MOST_LOCATIONS``, or without such a column, is returned as it is. Equal values are ordered as in the table.
    """
    column = next((name for name in chart.ordered_by if marks.has_columns(table, name)), None)
    if column is None or not marks.has_columns(table, _LOCATION):
        return table, caption
    locations = table.column(_LOCATION)
    value_of: dict[Cell, float] = {}
    for location, value in zip(locations, table.column(column), strict=True):
        # The reference is often no place, but what contains them all.
        if isinstance(value, int | float) and location != caption.reference:
            value_of[location] = value
    figure = caption.figure
    limit = figure.limit or MOST_LOCATIONS
    if figure.order is not None:
        table = _in_order(table, figure.order, value_of | _reference_value(table, column, caption))
        locations = table.column(_LOCATION)
    if len(value_of) <= limit:
        return table, caption
    if figure.limit is None:
        highest = heapq.nlargest(EACH_END, value_of, key=value_of.__getitem__)
        lowest = heapq.nsmallest(EACH_END, value_of, key=value_of.__getitem__)
        ends, which = {*highest, *lowest}, f"The {EACH_END} highest and {EACH_END} lowest"
    else:
        ends, which = _first(value_of, limit, figure.order or chart.first)
    there = set(locations)
    more = [name for name in (*caption.highlight, caption.reference) if name in there and name not in ends]
    shown = f"{which} of {len(value_of):,} places"
    if more:
        shown += f", and {listed((labels.truncate(name, 60) for name in more if name), most=None)}"
    kept = {*ends, *more}
    rows = [index for index, location in enumerate(locations) if location in kept]
    return _rows(table, rows), replace(caption, shown=f"{shown}.")


def _first(value_of: Mapping[Cell, float], limit: int, order: Order | None) -> tuple[set[Cell], str]:
    """Return the first locations in an order, and what they are called."""
    match order:
        case Order.HIGHEST:
            return {*heapq.nlargest(limit, value_of, key=value_of.__getitem__)}, f"The {limit} highest"
        case Order.LOWEST:
            return {*heapq.nsmallest(limit, value_of, key=value_of.__getitem__)}, f"The {limit} lowest"
        case Order.NAME:
            return {*heapq.nsmallest(limit, value_of, key=_by_name)}, f"The first {limit} by name"
        case None:
            return {*list(value_of)[:limit]}, f"The first {limit}"


def _by_name(name: Cell) -> str:
    return str(name).casefold()


def _reference_value(table: Table, column: str, caption: Caption) -> dict[Cell, float]:
    rows = zip(table.column(_LOCATION), table.column(column), strict=True)
    return {name: value for name, value in rows if name == caption.reference and isinstance(value, int | float)}


def _in_order(table: Table, order: Order, value_of: Mapping[Cell, float]) -> Table:
    """Put rows in an order; those of a location stay in theirs, and locations without a value come last."""
    names = table.column(_LOCATION)
    sign = 1.0 if order is Order.LOWEST else -1.0

    def key(row: int) -> tuple[bool, float, str]:
        value = value_of.get(names[row])
        by_value = 0.0 if value is None or order is Order.NAME else sign * value
        return value is None and order is not Order.NAME, by_value, _by_name(names[row])

    return _rows(table, sorted(range(len(table)), key=key))


def _rows(table: Table, rows: Sequence[int]) -> Table:
    return replace(table, data=tuple([column[index] for index in rows] for column in table.data))
