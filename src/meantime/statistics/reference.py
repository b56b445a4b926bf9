"""What locations are compared with: a location that is named, or the one aggregate of the table."""

from __future__ import annotations

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.asked import Ground
from meantime.statistics.selection import Pooled, Selection, pooled, refusal, select


def with_reference(snapshot: Snapshot, asked: Ground, name: str | None) -> tuple[Pooled, int]:
    """Return the estimates that are asked for, the reference's among them, and its place.

    Raises:
        RequestInvalid: the request cannot be answered, or there is no such reference.
    """
    chosen = select(snapshot, asked, also=name)
    reference = name or _aggregate(chosen)
    found = pooled(chosen)
    if reference in found.of.names:
        return found, found.of.names.index(reference)
    reason = next((each.reason for each in found.left_out if each.location == reference), "no row")
    detail = f"The reference {reference} is not there: {reason}. Name another, or other years."
    raise refusal("/reference", "absent", detail)


def _aggregate(chosen: Selection) -> str:
    named = [name for name, is_sum in zip(chosen.names, chosen.is_aggregate.tolist(), strict=True) if is_sum]
    if len(named) != 1:
        detail = (
            "There is no one aggregate to compare with, so the reference must be named: a location of the data set."
        )
        raise refusal("/reference", "missing", detail)
    return named[0]
