"""The list of statistics: a row here makes one public, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import classic
from meantime.statistics.classic import OfQuestion, OfState
from meantime.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A public statistic."""

    name: str
    parameters: type[msgspec.Struct]  # its type; the fields' names are the parameters' names
    compute: Callable[[Snapshot, Any, Work], Table]
    help: str  # one line: what it gives
    averages: str  # one line: what it really averages, and so what it is not
    method_version: int  # counts up when the same request over the same snapshot may give another result
    chart: str | None = None
    needs_polarity: bool = False  # whether it must be known which values are good


_ALL_ROWS = (
    "all rows of the question in each location as they come, over strata and years; not a rate of the population"
)
_ONE_STATE = "the location's rows as they come, over strata and years; not a rate of its population"
_RANKED = "the means of states_mean; states with other strata or years in the file are compared as if they had the same"

_ROWS = (
    Statistic(
        name="states_mean",
        parameters=OfQuestion,
        compute=classic.states_mean,
        help="mean by location, lowest first",
        averages=_ALL_ROWS,
        method_version=1,
    ),
    Statistic(
        name="state_mean",
        parameters=OfState,
        compute=classic.state_mean,
        help="mean of one location",
        averages=_ONE_STATE,
        method_version=1,
    ),
    Statistic(
        name="best5",
        parameters=OfQuestion,
        compute=classic.best5,
        help="the five best locations with their means, best first",
        averages=_RANKED,
        method_version=1,
        needs_polarity=True,
    ),
    Statistic(
        name="worst5",
        parameters=OfQuestion,
        compute=classic.worst5,
        help="the five worst locations with their means, worst first",
        averages=_RANKED,
        method_version=1,
        needs_polarity=True,
    ),
    Statistic(
        name="global_mean",
        parameters=OfQuestion,
        compute=classic.global_mean,
        help="one mean over everything",
        averages='all rows of the question, those of "National" too; a location with more rows counts more',
        method_version=1,
    ),
    Statistic(
        name="diff_from_mean",
        parameters=OfQuestion,
        compute=classic.diff_from_mean,
        help="global mean minus each location's mean, in the order of states_mean",
        averages="the means of global_mean and states_mean; positive where the location is below",
        method_version=1,
    ),
    Statistic(
        name="state_diff_from_mean",
        parameters=OfState,
        compute=classic.state_diff_from_mean,
        help="global mean minus one location's mean",
        averages="the means of global_mean and state_mean; positive where the location is below",
        method_version=1,
    ),
    Statistic(
        name="mean_by_category",
        parameters=OfQuestion,
        compute=classic.mean_by_category,
        help="mean by location, category and stratum, in the order of their names",
        averages="the rows of each group over years; rows without a category are in none",
        method_version=1,
    ),
    Statistic(
        name="state_mean_by_category",
        parameters=OfState,
        compute=classic.state_mean_by_category,
        help="mean by category and stratum of one location, in the order of their names",
        averages="the location's rows of each group over years; rows without a category are in none",
        method_version=1,
    ),
)

STATISTICS: Mapping[str, Statistic] = {row.name: row for row in _ROWS}
