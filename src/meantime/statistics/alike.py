"""Which others each location of a ranking cannot be distinguished from: how many, and by name where they are few.

Lists of names grow with the square of the locations: those of 3,144 counties have 200 megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.selection import LeftOut
from meantime.statistics.cost import name_bytes
from meantime.statistics.methods.blocks import Check, unchecked
from meantime.statistics.methods.pairs import Pairs
from meantime.statistics.methods.rank_intervals import indistinguishable
from meantime.statistics.methods.studentized_range import critical
from meantime.statistics.parameters import LocationName
from meantime.table import Cell

# Of so many ranked locations every list is given: at most half a megabyte of names.
MOST_LISTED = 200

AlikeOf = Annotated[
    tuple[LocationName, ...],
    msgspec.Meta(
        max_length=MOST_LISTED,
        description="Locations for which to list the others that they cannot be distinguished from, where more than "
        f"{MOST_LISTED} are ranked. Up to {MOST_LISTED}, these are listed for every location.",
        examples=[["Ohio"]],
    ),
]

LISTED = (
    "with semicolons; if A is among those of B, B is among those of A; null where more than "
    f"{MOST_LISTED} locations are ranked and this one is not in alike_of"
)


def refuse_unranked(alike_of: Sequence[str], names: Sequence[str], left_out: Sequence[LeftOut]) -> None:
    """Refuse to list the others of a location that is not ranked.

    Raises:
        RequestInvalid: one of ``alike_of`` is not among the ranked ``names``.
    """
    ranked = set(names)
    for index, name in enumerate(alike_of):
        if name not in ranked:
            reason = next((f": it {each.reason}" for each in left_out if each.location == name), "")
            detail = f"{name} is not ranked{reason}. Remove it from alike_of."
            raise refusal(f"/alike_of/{index}", "absent", detail)


def lists(
    compared: Pairs, order: Integers, names: Sequence[str], alike_of: Sequence[str], *, check: Check = unchecked
) -> list[Cell]:
    """Return for each location, in an order of all, the others by name in this order; None where they are not listed.

    >>> from meantime.statistics.methods.differences import Estimates
    >>> from meantime.statistics.methods.pairs import pairs
    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> compared = pairs(Estimates(value=np.array([20.0, 30.0, 22.0]), se=np.ones(3), scale=Scale.LINEAR))
    >>> lists(compared, np.array([1, 2, 0]), ["Guam", "Ohio", "Utah"], ())
    ['', 'Guam', 'Utah']
    """
    rows = _listed(order, names, alike_of)
    others = dict(zip(rows.tolist(), indistinguishable(compared, rows, order, check=check), strict=True))
    named = [names[index] for index in order.tolist()]
    return ["; ".join([named[other] for other in others[row]]) if row in others else None for row in order.tolist()]


def note(ranked: int, alike_of: Sequence[str]) -> str:
    """Say which lists are not given, and how to get them; "" where all are."""
    if ranked <= MOST_LISTED:
        return ""
    counted = f"With {ranked:,} locations, those that each cannot be distinguished from are counted (alike), not listed"
    return (
        f"{counted}, except for the locations in alike_of."
        if alike_of
        else f"{counted}. To list them for some, name these in alike_of."
    )


def listed_bytes(value: Doubles, se: Doubles, names: Sequence[str], alike_of: Sequence[str]) -> int:
    """Return about how long the lists will be: their pairs that are closer than a normal difference could show."""
    every = np.arange(len(names))
    rows = _listed(every, names, alike_of)
    if not len(rows):
        return 0
    # Of many others every n-th, by value: as many are close as among all.
    others = np.argsort(value)[:: max(len(names) // MOST_LISTED, 1)]
    gap = np.abs(value[rows][:, None] - value[others])
    is_close = gap <= critical(0.95, len(names)) * np.hypot(se[rows][:, None], se[others])
    pairs = round(float(is_close.mean()) * len(rows) * len(names))
    return pairs * (name_bytes(names) + len("; "))


def _listed(order: Integers, names: Sequence[str], alike_of: Sequence[str]) -> Integers:
    """Return the locations whose others are listed, in this order."""
    if len(names) <= MOST_LISTED:
        return order
    chosen = set(alike_of)
    return np.array([index for index in order.tolist() if names[index] in chosen], dtype=np.int64)
