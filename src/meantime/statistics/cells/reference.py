"""The reference of comparisons: a named location, or the only aggregate of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from meantime.dataset.facts import geography
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.locations import locations_of
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import REFERENCE, Provenance, of_both_sides, of_group
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import LeftOut, Selection
from meantime.table import Cell


class ReferencedEstimates(NamedTuple):
    """Estimates, one of which is the reference."""

    pooled: Pooled
    at: int  # position of the reference


def with_reference(snapshot: Snapshot, parameters: CellParameters, name: str | None) -> ReferencedEstimates:
    """Return the requested estimates, including the reference's.

    Raises:
        RequestInvalid: the request cannot be answered, or there is no such reference.
    """
    reference = name or _aggregate(snapshot, snapshot.cube.question_codes[parameters.question])
    if reference is None:
        detail = "The table has no single aggregate to compare with. Name a location of the data set as reference."
        raise refusal("/reference", "missing", detail)
    pooled = pool_periods(select(snapshot, parameters, also=reference))
    if reference not in pooled.groups.names:
        raise absent(reference, pooled.left_out)
    return ReferencedEstimates(pooled, pooled.groups.names.index(reference))


def beside(pooled: Pooled, name: str | None) -> Pooled | None:
    """Return the reference's one estimate, of the very years of the others, for who shows it and compares nothing.

    None where none is named, and the table has no one aggregate that has a value in these years.

    Raises:
        RequestInvalid: the one that is named has none.
    """
    reference = name or _aggregate(pooled.groups.snapshot, pooled.groups.question)
    if reference is None:
        return None
    try:
        line = pool_periods(_cells_of(reference, pooled.selection))
        if len(line):
            return line
        raise absent(reference, line.left_out)
    except RequestInvalid as invalid:
        if name is None:
            return None
        raise refusal("/reference", "absent", invalid.problems[0].detail) from invalid


def _cells_of(name: str, selection: Selection) -> Selection:
    """Return the cells of one location, from the selection if it is there."""
    if name in selection.asked_for:
        return selection[np.flatnonzero(np.array(selection.names) == name)]
    # As the others are: in their years, and on their scale.
    own = msgspec.structs.replace(
        selection.parameters, locations=(name,), years=selection.years_parameter, interval_scale=selection.scale
    )
    return select(selection.snapshot, own)


def absent(reference: str, left_out: Iterable[LeftOut]) -> RequestInvalid:
    """Return the error that a reference has no value, with the reasons of those that are left out."""
    reason = " and ".join(each.reason for each in left_out if each.location == reference) or "has no value"
    detail = f"The reference {reference} {reason}. Choose another reference or other years."
    return refusal("/reference", "absent", detail)


def difference_rests_on(pooled: Pooled, at: int, row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a difference rests on: the cells of the location, and, the other way, those of the reference."""
    name = pooled.groups.names[at]
    if row is None:
        return Provenance(number=None, parts=of_both_sides(pooled.selection, name))
    parts = (of_group(pooled, row), of_group(pooled, {"location": name}, REFERENCE, sign=-1.0))
    return Provenance(number="difference", parts=parts)


def _aggregate(snapshot: Snapshot, question: int) -> str | None:
    """Return the one location of a question that is the whole country; None where there is none, or several."""
    known = geography.for_locations(snapshot.cube.labels.locations)
    named = [name for name in locations_of(snapshot.cube, question) if known.is_country(name)]
    return named[0] if len(named) == 1 else None
