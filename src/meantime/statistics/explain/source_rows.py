"""The rows of the file that a number rests on, as a table: file, line and weight of each, and all that it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meantime.dataset import source_rows
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_rows import CellRow
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.statistics.cells.provenance import Provenance, Weighted, merged
from meantime.table import Cell, Column, Kind, Table
from meantime.text import count, quoted

# Columns that identify a row of an answer.
_KEYS = ("location", "category", "stratum", "period")

_OURS = (
    Column(name="file", kind=Kind.TEXT, meaning="name of the file"),
    Column(name="line", kind=Kind.INTEGER, meaning="physical line on which the row begins; the header is line 1"),
    Column(
        name="weight",
        kind=Kind.NUMBER,
        meaning="what the value is multiplied by; null where it counts nowhere, or where the number is no weighted sum",
    ),
    Column(name="used_as", kind=Kind.TEXT, meaning="what the row is in the number for"),
    Column(name="withheld", kind=Kind.TEXT, meaning="why the row has no value, as the file says it; null where it has"),
)
# Only where some of the cells have copies.
_COPY_OF = Column(
    name="copy_of",
    kind=Kind.TEXT,
    meaning="the first of the rows that this one is an exact copy of; null where it is the first or the only one",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the rows that a number rests on."""

    table: Table
    after: int | None  # where the next page starts; None: this is the last one


def row_asked(answer: Table, *, row: int | None, key: Sequence[str]) -> int | None:
    """Return the requested row of an answer: by its number from 0, or by its labels; None for the whole answer.

    The labels are those of location, category, stratum and period, as far as the answer has them, in their order; the
    first ones are enough where they tell. An answer of one row is that row.

    Raises:
        RequestInvalid: there is no such row.
    """
    if row is not None and key:
        raise _refused("/key", "contradiction", 'A row is named by "row" or by "key", not by both.')
    if row is None and not key:
        return 0 if len(answer) == 1 else None
    if row is None:
        return _row_of_key(answer, key)
    if row >= len(answer):
        raise _refused("/row", "range", f"The answer has {len(answer):,} rows, numbered from 0; there is no {row:,}.")
    return row


def row_of(answer: Table, index: int) -> dict[str, Cell]:
    """Return a row of an answer, by column."""
    return {column.name: cells[index] for column, cells in zip(answer.columns, answer.data, strict=True)}


def _row_of_key(answer: Table, key: Sequence[str]) -> int:
    names = [column.name for column in answer.columns if column.name in _KEYS]
    labels = list(zip(*(answer.column(name) for name in names), strict=True))
    wanted = tuple(key)
    for index, labels_of_row in enumerate(labels):
        if tuple("" if label is None else str(label) for label in labels_of_row)[: len(wanted)] == wanted:
            return index
    told = ", ".join(names) or "nothing: name it by its number"
    near = closest(wanted[0], sorted({str(labels_of_row[0]) for labels_of_row in labels if labels_of_row}))
    detail = f"The answer has no row {quoted(', '.join(wanted))}. {suggestion(near)}Its rows are named by {told}."
    raise _refused("/key", "unknown", detail, near)


def _refused(pointer: str, code: str, detail: str, near: tuple[str, ...] = ()) -> RequestInvalid:
    return RequestInvalid(detail, problems=(Problem(pointer=pointer, code=code, detail=detail, closest=near),))


def page(
    snapshot: Snapshot,
    provenance: Provenance,
    *,
    after: int | None,
    limit: int,
) -> Page:
    """Return some of the rows that a number rests on, in the file's order.

    Raises:
        SnapshotDamaged: the rows are not there, or cannot be read.
    """
    weighted = merged(provenance)
    # One more than is shown: whether there is another page is known by it.
    found = source_rows.find_rows(snapshot, weighted.cells, after=after, limit=limit + 1)
    shown = found[:limit]
    ours: tuple[Column, ...] = _OURS
    of_ours = _our_data(weighted, shown)
    if snapshot.cube.pick(weighted.cells).copies.any():
        ours = (*ours, _COPY_OF)
        of_ours.append([each.copy_of and f"{each.copy_of[0]}, line {each.copy_of[1]}" for each in shown])
    made = Table(
        columns=(*ours, *_of_file(snapshot)),
        data=(
            *of_ours,
            *([each.row.cells[name] for each in shown] for name in _kept_columns(snapshot)),
        ),
        notes=tuple(_notes(snapshot, weighted, provenance.number)),
    )
    return Page(table=made, after=shown[-1].position if len(found) > limit else None)


def _our_data(weighted: Weighted, shown: Sequence[CellRow]) -> list[list[Cell]]:
    indices = weighted.cells.searchsorted([each.cell for each in shown]).tolist()
    weights = weighted.weights.tolist()
    return [
        [each.row.file for each in shown],
        [each.row.line for each in shown],
        [
            None if each.withheld is not None or np.isnan(weights[index]) else weights[index] * times
            for each, index, times in zip(shown, indices, _times(weighted, shown), strict=True)
        ],
        [weighted.used_as[index] for index in indices],
        [each.withheld for each in shown],
    ]


def _times(weighted: Weighted, shown: Sequence[CellRow]) -> list[int]:
    """Return how often each row counts: where copies count once, the first of them does."""
    if weighted.counts_copies:
        return [each.times for each in shown]
    return [int(each.copy_of is None) for each in shown]


def _kept_columns(snapshot: Snapshot) -> list[str]:
    """Return the columns of the file; not those of a table in a database by which it was not counted."""
    return [name for name in snapshot.about.columns if name not in snapshot.about.left_out]


def _of_file(snapshot: Snapshot) -> list[Column]:
    """Describe the columns of the file; one that is called as one of ours, or as another but for case, is numbered."""
    roles = {column: role for role, column in snapshot.about.roles.items()}
    taken = {column.name for column in (*_OURS, _COPY_OF)}
    columns = []
    for number, name in enumerate(_kept_columns(snapshot), 1):
        told = name if name.lower() not in taken else f"{name} (column {number})"
        taken.add(told.lower())
        meaning = f"as in the file; taken for {roles[name]}" if name in roles else "as in the file"
        columns.append(Column(name=told, kind=Kind.TEXT, meaning=meaning))
    return columns


def _notes(snapshot: Snapshot, weighted: Weighted, number: str | None) -> list[str]:
    picked = snapshot.cube.pick(weighted.cells)
    rows = int(picked.rows.sum())
    withheld = rows - int(picked.count.sum())
    without = f", of which {withheld:,} {'has' if withheld == 1 else 'have'} no value" if withheld else ""
    told = [f"{count(rows, 'row')} of the file{without}."]
    if (column := snapshot.about.roles.get("row_count")) is not None:
        weight = "that of all of them" if weighted.counts_copies else "that of one of them, since they are copies"
        told.append(f"A line of the file counts as many rows as its {quoted(column)} says; its weight is {weight}.")
    elif copies := int(picked.copies.sum()):
        which = "1 of them is an exact copy of another" if copies == 1 else f"{copies:,} of them are exact copies"
        how = "each counts" if weighted.counts_copies else "equal rows count once, so a copy has the weight 0"
        told.append(f"{which}; {how}.")
    if number is not None:
        is_one = rows == 1 and weighted.weights[0] == 1
        how = "its value" if is_one else "the sum of weight times value over all of them"
        told.append(f"{number} is {how}, as published.")
    return told
