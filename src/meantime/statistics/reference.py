"""What locations are compared with: a location that is named, or the one aggregate of the table."""

from __future__ import annotations

from collections.abc import Mapping

from meantime.dataset import geography
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.asked import Ground
from meantime.statistics.provenance import REFERENCE, Provenance, of_both_sides, of_group
from meantime.statistics.selection import Pooled, pooled, refusal, select
from meantime.table import Cell


def with_reference(snapshot: Snapshot, asked: Ground, name: str | None) -> tuple[Pooled, int]:
    """Return the estimates that are asked for, the reference's among them, and its place.

    Raises:
        RequestInvalid: the request cannot be answered, or there is no such reference.
    """
    reference = name or _aggregate(snapshot, asked.question)
    found = pooled(select(snapshot, asked, also=reference))
    if reference in found.of.names:
        return found, found.of.names.index(reference)
    reason = next((each.reason for each in found.left_out if each.location == reference), "no row")
    detail = f"The reference {reference} is not there: {reason}. Name another, or other years."
    raise refusal("/reference", "absent", detail)


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


def _aggregate(snapshot: Snapshot, question: str) -> str:
    cube = snapshot.cube
    entries = cube.by_location.of(cube.question_codes[question])
    codes: list[int] = cube.by_location.keys[entries, 1].tolist()
    names = [cube.labels.locations[code] for code in codes]
    aggregates = geography.of(cube.labels.locations).aggregates
    named: list[str] = [name for name in names if name in aggregates]
    if len(named) != 1:
        detail = (
            "There is no one aggregate to compare with, so the reference must be named: a location of the data set."
        )
        raise refusal("/reference", "missing", detail)
    return named[0]
