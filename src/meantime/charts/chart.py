"""What a chart is: a name, a function that draws it, and one line about it. Each chart's file ends with its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from meantime.charts.caption import Caption
from meantime.charts.figure import Order
from meantime.charts.layout import Spec
from meantime.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A way to draw a table."""

    name: str
    draw: Callable[[Table, Caption], Spec]  # raises NotAcceptable if there is nothing to draw, or too much
    meaning: str  # one line: what one sees
    ordered_by: tuple[str, ...] = ()  # the column that orders its locations; () draws all, in an order of its own
    first: Order | None = Order.HIGHEST  # which of them are first; None: as in the table
    needs_points: bool = False  # whether it is drawn by latitude and longitude, which the caption has
