"""Outlines of places, for maps. Data, in ``shapes/*.json``; the README there says where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from meantime.dataset.facts.conversion import converted


class PlaceShape(msgspec.Struct, frozen=True, kw_only=True):
    """The outline of a place, in the pixels of its map."""

    shape: dict[str, Any]  # a geometry of GeoJSON
    label: tuple[float, float]
    has_label: bool  # whether there is room for one
    inset: tuple[float, float, float, float] | None = None  # the box around it, if it is not at its place


class Atlas(msgspec.Struct, frozen=True, kw_only=True):
    """The outlines of one country."""

    name: str
    source: str
    width: int
    height: int
    places: dict[str, PlaceShape]  # by the name in files


def for_locations(locations: Sequence[str]) -> Atlas | None:
    """Return the outlines that contain at least half of these locations; None if there are none.

    >>> for_locations(("National", "Ohio", "Utah")).places["Guam"].inset is None
    False
    >>> for_locations(("Avalon", "Borduria", "Georgia")) is None
    True
    """
    return next(
        (each for each in _all() if 0 < len(locations) <= 2 * sum(name in each.places for name in locations)), None
    )


@cache
def _all() -> tuple[Atlas, ...]:
    folder = resources.files(__package__).joinpath("shapes")
    files = [file for file in folder.iterdir() if file.name.endswith(".json")]
    return tuple(converted(msgspec.json.decode(file.read_bytes()), Atlas) for file in files)
