"""Table to the JSON of ``data`` in the classic API, and back as far as it goes.

The shape depends on the statistic, not on the table's columns alone: it is a contract with clients that were there
before. The order of the keys is part of it.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from meantime.errors import NotMeantime
from meantime.table import Cell, Column, Kind, Table

Data = dict[str, Any]


def encode(statistic: str, table: Table, parameters: Mapping[str, Any]) -> bytes:
    """Write the table of one of the nine classic statistics, in its shape.

    >>> from meantime.dataset import example
    >>> from meantime.model import Unwatched
    >>> from meantime.statistics.classic import OfQuestion, states_mean
    >>> table = states_mean(example.snapshot(), OfQuestion(question=example.BREAKFAST), Unwatched())
    >>> encode("states_mean", table, {"question": example.BREAKFAST})
    b'{"Avalon":21.0,"Borduria":21.0,"Cockaigne":31.55}'

    Raises:
        KeyError: the statistic is not one of the nine.
    """
    return msgspec.json.encode(_SHAPES[statistic][0](table, parameters))


def decode(statistic: str, data: Data) -> Table:
    """Read ``data`` into a table. Counts, units, notes and warnings are not in it, so the table has none.

    Raises:
        NotMeantime: the data has not the shape that it has for that statistic.
    """
    try:
        columns, rows = _SHAPES[statistic][1](data)
        cells = tuple(list(cells) for cells in zip(*rows, strict=True)) or tuple([] for _ in columns)
        _require_kinds(columns, cells)
        return Table(columns=columns, data=cells)
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise NotMeantime(
            f"What the server gave is no answer of {statistic} ({error!r}). Is it of another version?"
        ) from error


_Rows = tuple[tuple[Column, ...], list[tuple[Cell, ...]]]

_LOCATION = Column(name="location", kind=Kind.TEXT, meaning="state, territory, or the whole country")
_CATEGORY = Column(name="category", kind=Kind.TEXT, meaning="what the rows are broken down by")
_STRATUM = Column(name="stratum", kind=Kind.TEXT, meaning="the group within the category")
_MEAN = Column(name="mean", kind=Kind.NUMBER, meaning="mean of the rows")
_DIFFERENCE = Column(name="difference", kind=Kind.NUMBER, meaning="mean of all rows of the question minus this mean")


def _means_by_location(table: Table, _parameters: Mapping[str, Any]) -> Data:
    return dict(zip(_texts(table, "location"), table.column("mean"), strict=True))


def _read_means_by_location(data: Data) -> _Rows:
    return (_LOCATION, _MEAN), list(data.items())


def _differences_by_location(table: Table, _parameters: Mapping[str, Any]) -> Data:
    return dict(zip(_texts(table, "location"), table.column("difference"), strict=True))


def _read_differences_by_location(data: Data) -> _Rows:
    return (_LOCATION, _DIFFERENCE), list(data.items())


def _one_mean(table: Table, _parameters: Mapping[str, Any]) -> Data:
    [mean] = table.column("mean")
    return {"global_mean": mean}


def _read_one_mean(data: Data) -> _Rows:
    return (_MEAN,), [(data["global_mean"],)]


def _means_by_group(table: Table, _parameters: Mapping[str, Any]) -> Data:
    groups = zip(table.column("location"), table.column("category"), table.column("stratum"), strict=True)
    # As Python prints the tuple: that is what clients read, with literal_eval or by eye.
    return {str(group): mean for group, mean in zip(groups, table.column("mean"), strict=True)}


def _read_means_by_group(data: Data) -> _Rows:
    rows: list[tuple[Cell, ...]] = [(*_group(key, 3), mean) for key, mean in data.items()]
    return (_LOCATION, _CATEGORY, _STRATUM, _MEAN), rows


def _means_by_group_of_state(table: Table, parameters: Mapping[str, Any]) -> Data:
    groups = zip(table.column("category"), table.column("stratum"), strict=True)
    # The state is there also when none of its rows has a category.
    return {parameters["state"]: {str(group): mean for group, mean in zip(groups, table.column("mean"), strict=True)}}


def _read_means_by_group_of_state(data: Data) -> _Rows:
    rows: list[tuple[Cell, ...]] = [
        (state, *_group(key, 2), mean) for state, groups in data.items() for key, mean in groups.items()
    ]
    return (_LOCATION, _CATEGORY, _STRATUM, _MEAN), rows


# How each statistic's data is made, and read.
_SHAPES: Mapping[str, tuple[Callable[[Table, Mapping[str, Any]], Data], Callable[[Data], _Rows]]] = {
    "states_mean": (_means_by_location, _read_means_by_location),
    "state_mean": (_means_by_location, _read_means_by_location),
    "best5": (_means_by_location, _read_means_by_location),
    "worst5": (_means_by_location, _read_means_by_location),
    "global_mean": (_one_mean, _read_one_mean),
    "diff_from_mean": (_differences_by_location, _read_differences_by_location),
    "state_diff_from_mean": (_differences_by_location, _read_differences_by_location),
    "mean_by_category": (_means_by_group, _read_means_by_group),
    "state_mean_by_category": (_means_by_group_of_state, _read_means_by_group_of_state),
}


def _texts(table: Table, name: str) -> list[str]:
    return [str(cell) for cell in table.column(name)]


def _group(key: str, parts: int) -> tuple[str, ...]:
    group = literal_eval(key)
    if not (isinstance(group, tuple) and len(group) == parts):
        raise ValueError(f"{key!r} is no tuple of {parts}")
    return group


def _require_kinds(columns: tuple[Column, ...], cells: tuple[list[Cell], ...]) -> None:
    for column, column_cells in zip(columns, cells, strict=True):
        kind = str if column.kind is Kind.TEXT else int | float
        if not all(isinstance(cell, kind) for cell in column_cells):
            raise ValueError(f"{column.name} is not always a {column.kind}")
