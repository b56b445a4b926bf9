"""The query of a tally: which columns it groups by, and how often each combination of their texts occurs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal_column, select

from meantime.dataset.database.connecting import TableReader
from meantime.dataset.database.dialects import NOTHING
from meantime.dataset.reading.columns import could_have_roles
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.file_table import find_file_table
from meantime.errors import SourceEmpty

# As many as are looked at in a file, to see what its columns hold.
_SAMPLED_ROWS = 1_000


def counted_columns(
    reader: TableReader, description: Description, by_hand: Mapping[str, str], *, described_in: str
) -> tuple[str, ...]:
    """Return the columns that a tally has to group by, in the table's order.

    These are the columns that have a role by the table's first rows, and those that could have one by their names:
    the tally is read like a file, and whatever it shows of them may decide between two.

    Raises:
        SourceEmpty: the table has no rows.
        RolesMissing, HeaderRepeated, DescriptionInvalid: as for a file.
    """
    texts = [reader.text(name).label(f"c{at}") for at, name in enumerate(reader.columns)]
    rows = reader.connection.execute(select(*texts).limit(_SAMPLED_ROWS)).fetchall()
    if not rows:
        raise SourceEmpty(f"{reader.address.shown} has no rows.")
    table = find_file_table(
        reader.columns,
        labels=(),
        records=[tuple(row) for row in rows],
        description=description,
        by_hand=by_hand,
        title=description.title or reader.address.table,
        described_in=described_in,
    )
    arrangement = table.arrangement
    roles, named = set(table.roles.values()), could_have_roles(reader.columns)
    # A table that is turned has other columns than the database.
    first = zip(arrangement.columns, arrangement.fixed, strict=False)
    cells = [cell for name, cell in first if name in roles]
    cells += [cell for fields in arrangement.turned for cell in fields]
    used = {reader.columns[cell.column] for cell in cells if cell.column is not None}
    if arrangement.totals is not None:
        used.add(reader.columns[arrangement.totals])
    return tuple(name for name in reader.columns if name in used | named)


def tally_query(reader: TableReader, counted: Collection[str], *, is_tally: bool) -> Select[Any]:
    """Return the query of a tally: the texts of all columns, "" where a column is not counted, and the number of rows.

    Where columns are not counted, the last one is how many of these rows are different: rows that differ in such a
    column alone are no copies of each other. Of a table that is a tally already (``is_tally``), the rows come as they
    are.
    """
    labels = {name: f"c{at}" for at, name in enumerate(reader.columns)}
    left_out = [name for name in reader.columns if name not in counted]
    is_distinct = not left_out or reader.has_primary_key
    read = [name for name in reader.columns if name in counted or not is_distinct]
    texts = select(*(reader.text(name).label(labels[name]) for name in read)).subquery("texts")
    every = [texts.c[label] if name in counted else NOTHING.label(label) for name, label in labels.items()]
    if is_tally:
        return select(*every)
    counts = [func.count().label("row_count")]
    if left_out:
        others = [texts.c[labels[name]] for name in left_out if name in read]
        distinct = func.count() if is_distinct else func.count(_together(others).distinct())
        counts.append(distinct.label("distinct_rows"))
    return select(*every, *counts).group_by(*(texts.c[labels[name]] for name in read if name in counted))


def _together(texts: Sequence[ColumnElement[str]]) -> ColumnElement[str]:
    """Put texts together so that no others give the same: each after its length."""
    parts = [cast(func.length(text), String) + literal_column("':'") + text for text in texts]
    return functools.reduce(operator.add, parts)
