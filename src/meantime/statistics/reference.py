"""What locations are compared with: a location that is named, or the one aggregate of the table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meantime.dataset import geography
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.statistics.asked import Ground
from meantime.statistics.parameters import period_text
from meantime.statistics.provenance import REFERENCE, Provenance, of_both_sides, of_group
from meantime.statistics.selection import Pooled, pooled, refusal, select
from meantime.table import Cell


def with_reference(snapshot: Snapshot, asked: Ground, name: str | None) -> tuple[Pooled, int]:
    """Return the estimates that are asked for, the reference's among them, and its place.

    Raises:
        RequestInvalid: the request cannot be answered, or there is no such reference.
    """
    reference = name or _aggregate(snapshot, asked.question)
    if reference is None:
        detail = (
            "There is no one aggregate to compare with, so the reference must be named: a location of the data set."
        )
        raise refusal("/reference", "missing", detail)
    found = pooled(select(snapshot, asked, also=reference))
    if reference not in found.of.names:
        raise _absent(reference, found)
    return found, found.of.names.index(reference)


def beside(found: Pooled, asked: Ground, name: str | None) -> Pooled | None:
    """Return the reference's one estimate, of the very years of the others, for who shows it and compares nothing.

    None where none is named, and the table has no one aggregate that has a value in these years.

    Raises:
        RequestInvalid: the one that is named has none.
    """
    snapshot = found.of.snapshot
    reference = name or _aggregate(snapshot, asked.question)
    if reference is None:
        return None
    years = ",".join(period_text(period) for period in found.of.periods if period is not None)
    own = msgspec.structs.replace(asked, locations=(reference,), years=years or "latest", interval_scale=found.of.scale)
    try:
        line = pooled(select(snapshot, own))
        if len(line):
            return line
        raise _absent(reference, line)
    except RequestInvalid as invalid:
        if name is None:
            return None
        raise refusal("/reference", "absent", invalid.problems[0].detail) from invalid


def _absent(reference: str, found: Pooled) -> RequestInvalid:
    reason = next((each.reason for each in found.left_out if each.location == reference), "no row")
    detail = f"The reference {reference} is not there: {reason}. Name another, or other years."
    return refusal("/reference", "absent", detail)


def difference_rests_on(
    snapshot: Snapshot, asked: Ground, reference: str | None, row: Mapping[str, Cell] | None
) -> Provenance:
    """Say what a difference rests on: the cells of the location, and, the other way, those of the reference."""
    found, at = with_reference(snapshot, asked, reference)
    name = found.of.names[at]
    if row is None:
        return Provenance(number=None, parts=of_both_sides(select(snapshot, asked, also=name), name))
    parts = (of_group(found, row), of_group(found, {"location": name}, REFERENCE, sign=-1.0))
    return Provenance(number="difference", parts=parts)


def _aggregate(snapshot: Snapshot, question: str) -> str | None:
    """Return the one location of a question that is the sum of others; None where there is none, or several."""
    cube = snapshot.cube
    entries = cube.by_location.of(cube.question_codes[question])
    codes: list[int] = cube.by_location.keys[entries, 1].tolist()
    names = [cube.labels.locations[code] for code in codes]
    aggregates = geography.of(cube.labels.locations).aggregates
    named: list[str] = [name for name in names if name in aggregates]
    return named[0] if len(named) == 1 else None
