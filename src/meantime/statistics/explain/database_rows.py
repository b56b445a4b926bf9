"""The rows that a number rests on, as the database of the table has them now, with a flag where they have changed."""

from __future__ import annotations

import numpy as np

from meantime.dataset import source_rows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem, RequestInvalid
from meantime.statistics.cells.provenance import Provenance, merged
from meantime.statistics.explain.source_rows import Page
from meantime.table import Cell, Column, Kind, Table
from meantime.text import count

# Lines of the tally on a page: each is a condition of the query. And rows that they stand for.
_LINES, _ROWS = 100, 1_000

_OURS = (
    Column(name="line", kind=Kind.INTEGER, meaning="line of the tally that counted the row, from 1"),
    Column(name="counted", kind=Kind.INTEGER, meaning="how many such rows there were when the table was counted"),
    Column(name="now", kind=Kind.INTEGER, meaning="how many there are now; 0: the line stands for rows that are gone"),
    Column(
        name="weight",
        kind=Kind.NUMBER,
        meaning="what the value of the row is multiplied by; null where it counts nowhere, or where copies count once",
    ),
)


def database_page(snapshot: Snapshot, provenance: Provenance, *, after: int | None, limit: int) -> Page:
    """Return the rows of the table for some of the lines that a number rests on.

    A line without rows now is there once, with the texts by which it was counted.

    Raises:
        RequestInvalid: the data set is no table in a database.
        TableNotReadable: the database cannot be asked now.
        SnapshotDamaged: the lines are not there, or cannot be read.
    """
    about = snapshot.about
    if not about.table:
        detail = "This data set is no table in a database: leave out in_database."
        raise RequestInvalid(detail, problems=(Problem(pointer="/in_database", code="unknown", detail=detail),))
    # SQLAlchemy is an extra.
    from meantime.dataset.database.row_lookup import find_table_rows

    weighted = merged(provenance)
    most = min(limit, _LINES)
    found = source_rows.find_rows(snapshot, weighted.cells, after=after, limit=most + 1)
    lines = found[:most]
    table = find_table_rows(about.table, [each.row.cells for each in lines], left_out=about.left_out, limit=_ROWS)
    weights = weighted.weights[weighted.cells.searchsorted([each.cell for each in lines])].tolist()
    gone = [
        (number, tuple(lines[number].row.cells.get(name, "") for name in table.columns))
        for number, now in enumerate(table.now)
        if not now
    ]
    weighed: set[int] = set()  # lines of which a row has been listed
    data: list[list[Cell]] = [[] for _ in range(len(_OURS) + len(table.columns))]
    for number, texts in sorted([*table.rows, *gone], key=lambda each: each[0]):
        line, now = lines[number], table.now[number]
        counts = weighted.counts_copies or (number not in weighed and line.copy_of is None)
        weighed.add(number)
        has_weight = now and counts and line.withheld is None and not np.isnan(weights[number])
        ours = (line.row.line, line.times, now, weights[number] if has_weight else None)
        for column, cell in zip(data, (*ours, *texts), strict=True):
            column.append(cell)
    changed = sum(now != line.times for now, line in zip(table.now, lines, strict=True))
    notes = [f"Rows of the table that these lines stand for, now: {sum(table.now):,}; {len(table.rows):,} are listed."]
    if changed:
        notes.append(
            f"The table has changed since it was counted: {count(changed, 'line')} of {len(lines):,} had another "
            "number of rows then. Reload the data set to count it again."
        )
    taken = {column.name for column in _OURS}
    named = [name if name not in taken else f"{name} (column {at})" for at, name in enumerate(table.columns, 1)]
    columns = [Column(name=name, kind=Kind.TEXT, meaning="as in the table") for name in named]
    made = Table(columns=(*_OURS, *columns), data=tuple(data), notes=tuple(notes))
    return Page(table=made, after=lines[-1].position if len(found) > most else None)
