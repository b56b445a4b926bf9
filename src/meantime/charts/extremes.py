"""Which locations a chart shows of very many: the highest, the lowest, the chosen one and the reference.

A row each would make a picture of 40,000 pixels and a specification of megabytes, in which nobody finds anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from meantime.charts import labels, marks
from meantime.charts.caption import Caption
from meantime.table import Cell, Table
from meantime.text import listed

_LOCATION = "location"
# As many rows as this are still read as a list, about three screens; lines and dots in rows of their own alike.
MOST_LOCATIONS = 100
# Of more, so many of each end: one screen together.
EACH_END = 25


def shortened(table: Table, caption: Caption, ordered_by: Sequence[str]) -> tuple[Table, Caption]:
    """Return the rows to draw, in the order of the table, and a caption that says which they are.

    Locations are ordered by the first of these columns that the table has; of several rows of a location, the last one
    with a value counts, which is the latest year. Those without a value are not drawn, unless chosen. A table of up to
    ``MOST_LOCATIONS``, or without such a column, is returned as it is. Equal values are ordered as in the table.
    """
    column = next((name for name in ordered_by if marks.has_columns(table, name)), None)
    if column is None or not marks.has_columns(table, _LOCATION):
        return table, caption
    locations = table.column(_LOCATION)
    value_of: dict[Cell, float] = {}
    for location, value in zip(locations, table.column(column), strict=True):
        # The reference is often no place, but what contains them all.
        if isinstance(value, int | float) and location != caption.reference:
            value_of[location] = value
    if len(value_of) <= MOST_LOCATIONS:
        return table, caption
    highest = heapq.nlargest(EACH_END, value_of, key=value_of.__getitem__)
    lowest = heapq.nsmallest(EACH_END, value_of, key=value_of.__getitem__)
    ends = {*highest, *lowest}
    there = set(locations)
    more = [name for name in (caption.highlight, caption.reference) if name in there and name not in ends]
    shown = f"The {EACH_END} highest and {EACH_END} lowest of {len(value_of):,} places"
    if more:
        shown += f", and {listed((labels.truncate(name, 60) for name in more if name), most=None)}"
    kept = {*ends, *more}
    rows = [index for index, location in enumerate(locations) if location in kept]
    data = tuple([column[index] for index in rows] for column in table.data)
    return replace(table, data=data), replace(caption, shown=f"{shown}.")
