"""The rows that a line of a tally stands for, as the database has them now."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, tuple_

from meantime.dataset.database.connecting import TableReader, open_table
from meantime.dataset.table_address import parse_table_address
from meantime.errors import DataError, LoadFailed, TableNotReadable
from meantime.text import listed, quoted

# Without an index on its texts, a table is read from end to end. Whoever waits for an answer waits no longer.
_TIME_LIMIT_MS = 30_000


class TableRows(NamedTuple):
    """Rows of a table in a database."""

    columns: tuple[str, ...]
    rows: list[tuple[int, tuple[str, ...]]]  # the number of the line that it belongs to, and its texts
    now: list[int]  # of each line, how many rows there are


def find_table_rows(
    address: str, lines: Sequence[Mapping[str, str]], *, left_out: Sequence[str], limit: int
) -> TableRows:
    """Return the rows that have the texts of some lines of a tally, at most ``limit`` of them, and count all.

    ``left_out`` are the columns by which the tally was not counted.

    Raises:
        TableNotReadable: the database cannot be reached or takes too long, or the table has other columns now.
    """
    parsed = parse_table_address(address)
    if parsed is None:
        raise ValueError(f"not the address of a table: {address!r}")
    try:
        with open_table(parsed, threading.Event(), time_limit_ms=_TIME_LIMIT_MS) as reader:
            return _find(reader, lines, left_out, limit)
    except (DataError, LoadFailed) as error:
        raise TableNotReadable(error.reason).for_operator(error.operator_reason) from error


def _find(reader: TableReader, lines: Sequence[Mapping[str, str]], left_out: Sequence[str], limit: int) -> TableRows:
    counted = [name for name in reader.columns if name not in left_out]
    if unknown := [name for name in counted if lines and name not in lines[0]]:
        raise TableNotReadable(
            f"The rows of {reader.address.shown} cannot be looked up: it was counted in another form, without "
            f"{listed(map(quoted, unknown))}. If its columns have changed, reload the data set."
        )
    if not lines:
        return TableRows(reader.columns, [], [])
    keys = [tuple(line[name] for name in counted) for line in lines]
    texts = [reader.text(name).label(f"c{at}") for at, name in enumerate(reader.columns)]
    table = select(*texts).subquery("texts")
    by_key: list[Any] = [table.c[f"c{at}"] for at, name in enumerate(reader.columns) if name in counted]
    matching = tuple_(*by_key).in_(keys)
    counts = {
        tuple(key): number
        for *key, number in reader.connection.execute(select(*by_key, func.count()).where(matching).group_by(*by_key))
    }
    found = reader.connection.execute(select(*table.c).where(matching).order_by(*by_key, *table.c).limit(limit))
    numbers = {key: number for number, key in enumerate(keys)}
    places = [at for at, name in enumerate(reader.columns) if name in counted]
    rows = [(numbers[tuple(row[at] for at in places)], tuple(row)) for row in found]
    return TableRows(reader.columns, sorted(rows, key=lambda each: each[0]), [counts.get(key, 0) for key in keys])
