"""The list of charts: a row here makes one public, for the statistics that name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meantime.charts import (
    comparison,
    disparity,
    estimates,
    groups,
    means,
    point_map,
    ranking,
    scatter,
    slopes,
    spread,
    tiles,
    trend,
)
from meantime.charts.caption import Caption
from meantime.charts.frame import Spec
from meantime.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A way to draw a table."""

    name: str
    draw: Callable[[Table, Caption], Spec]  # raises NotAcceptable where there is nothing to draw, or too much
    meaning: str  # one line: what one sees


_ROWS = (
    Chart(
        name="ranking",
        draw=ranking.ranking,
        meaning="a dot with its interval for each location, best first, and beside it the ranks that it may have",
    ),
    Chart(name="estimates", draw=estimates.estimates, meaning="a dot with its interval for each row"),
    Chart(
        name="trend",
        draw=trend.trend,
        meaning="a line with its band for each location over the years; years that are missing are gaps",
    ),
    Chart(
        name="groups",
        draw=groups.groups,
        meaning="the strata of each category below each other, a dot with its interval for each location",
    ),
    Chart(
        name="disparity",
        draw=disparity.disparity,
        meaning="the groups of a category side by side for each location, and how far each is from the reference group",
    ),
    Chart(
        name="comparison",
        draw=comparison.comparison,
        meaning="the difference, change or slope of each location with its interval; the verdict by shape and colour",
    ),
    Chart(
        name="map", draw=tiles.values, meaning="a tile for each state and territory, darker where the value is higher"
    ),
    Chart(
        name="point_map",
        draw=point_map.point_map,
        meaning="a dot where each location lies, darker where the value is higher; of tables whose rows name points",
    ),
    Chart(
        name="verdict_map",
        draw=tiles.verdicts,
        meaning="a tile for each state and territory, with the verdict against the reference",
    ),
    Chart(
        name="scatter",
        draw=scatter.scatter,
        meaning="a dot for each location by two questions, with both intervals",
    ),
    Chart(name="slopes", draw=slopes.slopes, meaning="a line for each location through its ranks under every method"),
    Chart(
        name="spread", draw=spread.spread, meaning="how the locations' values are spread, a dot each, outliers named"
    ),
    Chart(name="means", draw=means.means, meaning="a dot for each mean, without intervals, since there are none"),
)

CHARTS: Mapping[str, Chart] = {row.name: row for row in _ROWS}
