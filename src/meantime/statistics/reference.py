"""What locations are compared with: a location that is named, or the one aggregate of the table."""

from __future__ import annotations

from meantime.dataset import geography
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.asked import Ground
from meantime.statistics.selection import Pooled, pooled, refusal, select


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
