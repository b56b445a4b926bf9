"""The first rows of a table as they were understood: each with the cell that it is in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cube
from meantime.dataset.facts.units import normalized_unit_sql
from meantime.dataset.reading.labels import JOINED, label_sql
from meantime.dataset.reading.staged_view import columns_by_role, parse_period
from meantime.dataset.reading.staging import sql_path
from meantime.dataset.reading.tally import row_count_sql
from meantime.dataset.row_query import query_database
from meantime.dataset.rows import SourceRows, line_sql
from meantime.dataset.snapshot import Snapshot


class FirstRow(NamedTuple):
    """A row of the first file, by its physical line, and the index of its cell among all."""

    line: int
    cell: int


def first_rows(snapshot: Snapshot, limit: int) -> list[FirstRow]:
    """Return the first rows of the first file, in its order.

    Raises:
        SnapshotDamaged: the rows are missing or cannot be read.
    """
    about = snapshot.about
    in_file = columns_by_role(about.columns, about.roles, about.plain)
    first, last = in_file.get("first_year"), in_file.get("last_year")
    labels = {
        **{axis: label_sql(axis, in_file) for axis in JOINED},
        "value_type": in_file.get("value_type", "''"),
        "unit": normalized_unit_sql(in_file.get("unit", "''")),
        "first": first or last or "''",
        "last": last or first or "''",
    }
    with SourceRows.of(snapshot).opened() as paths, query_database() as database:
        rows = f"read_parquet({sql_path(paths[0])}, file_row_number = true)"
        texts = ", ".join(f"coalesce({sql}, '') AS {name}" for name, sql in labels.items())
        found = database.execute(
            f"SELECT {line_sql(database, rows)} AS line, {texts} FROM {rows} WHERE {row_count_sql(in_file)} > 0 "
            f"ORDER BY file_row_number LIMIT {limit}"
        ).fetchall()
    return [FirstRow(at, _cell_of(snapshot.cube, dict(zip(labels, of_row, strict=True)))) for at, *of_row in found]


def _cell_of(cube: Cube, texts: dict[str, str]) -> int:
    labels, period = cube.labels, parse_period(texts["first"], texts["last"])
    values: dict[str, Any] = {
        **{axis: texts[axis] for axis in JOINED},
        "value_type": (texts["value_type"], texts["unit"]),
        "period": period or "",
    }
    key = [values[axis] and getattr(labels, name).index(values[axis]) for axis, name in AXES.items()]
    codes = [ABSENT if code == "" else code for code in key]
    block = cube.block(codes[0])
    [cell] = np.flatnonzero((block.cells.keys == codes).all(axis=1)).tolist()
    return int(cell) + block.start
