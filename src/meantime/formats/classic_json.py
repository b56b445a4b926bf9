"""Table to the JSON of ``data`` in the classic API.

The shape depends on the statistic, not on the table's columns alone: it is a contract with clients that were there
before. The order of the keys is part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from meantime.table import Table

Data = dict[str, Any]


def encode(statistic: str, table: Table, parameters: Mapping[str, Any]) -> bytes:
    """Write the table of one of the nine classic statistics, in its shape.

    >>> from meantime.dataset.samples import example
    >>> from meantime.statistics.families.classic import OfQuestion
    >>> from meantime.statistics.registry import STATISTICS
    >>> table = STATISTICS["states_mean"].answer(example.snapshot(), OfQuestion(question=example.BREAKFAST))
    >>> encode("states_mean", table, {"question": example.BREAKFAST})
    b'{"Avalon":21.0,"Borduria":21.0,"Cockaigne":31.55}'

    Raises:
        KeyError: the statistic is not one of the nine.
    """
    return msgspec.json.encode(_SHAPES[statistic](table, parameters))


def _means_by_location(table: Table, _parameters: Mapping[str, Any]) -> Data:
    return dict(zip(_texts(table, "location"), table.column("mean"), strict=True))


def _differences_by_location(table: Table, _parameters: Mapping[str, Any]) -> Data:
    return dict(zip(_texts(table, "location"), table.column("difference"), strict=True))


def _one_mean(table: Table, _parameters: Mapping[str, Any]) -> Data:
    [mean] = table.column("mean")
    return {"global_mean": mean}


def _means_by_group(table: Table, _parameters: Mapping[str, Any]) -> Data:
    groups = zip(table.column("location"), table.column("category"), table.column("stratum"), strict=True)
    # As Python prints the tuple: that is what clients read, with literal_eval or by eye.
    return {str(group): mean for group, mean in zip(groups, table.column("mean"), strict=True)}


def _means_by_group_of_state(table: Table, parameters: Mapping[str, Any]) -> Data:
    groups = zip(table.column("category"), table.column("stratum"), strict=True)
    # The state is there also when none of its rows has a category.
    return {parameters["state"]: {str(group): mean for group, mean in zip(groups, table.column("mean"), strict=True)}}


# How each statistic's data is made.
_SHAPES: Mapping[str, Callable[[Table, Mapping[str, Any]], Data]] = {
    "states_mean": _means_by_location,
    "state_mean": _means_by_location,
    "best5": _means_by_location,
    "worst5": _means_by_location,
    "global_mean": _one_mean,
    "diff_from_mean": _differences_by_location,
    "state_diff_from_mean": _differences_by_location,
    "mean_by_category": _means_by_group,
    "state_mean_by_category": _means_by_group_of_state,
}


def _texts(table: Table, name: str) -> list[str]:
    return [str(cell) for cell in table.column(name)]
