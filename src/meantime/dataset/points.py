"""Where places lie: the points that rows name, for maps. No number depends on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

# "(44.85, -93.26)", latitude first, as the CDC's tables have had it; a word before it, such as an address, is let pass.
_PAIR = re.compile(r"\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*,\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII)
# "POINT (-93.26 44.85)", longitude first: well-known text, as newer exports of Socrata have it.
_WELL_KNOWN = re.compile(
    r"\s*POINT\s*\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s+([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII | re.IGNORECASE
)
# A point is short; what is told of one that is none should be, too.
_TOLD_CHARACTERS = 60
# Releases of one table round their points in their own ways, and differ in the tenth digit. A hundredth of a degree is
# a kilometre, which no map of a country shows.
_SAME_DEGREES = 0.01
# A place that is written in more ways than this is no place.
MOST_TEXTS = 16


class GeoPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """Where the locations of a table lie, as far as its rows say and agree."""

    of: dict[str, GeoPoint] = {}  # by location
    unknown: dict[str, str] = {}  # by location, why it has none

    @property
    def places(self) -> dict[str, tuple[float, float]]:
        """Latitude and longitude by location, for who draws them."""
        return {name: (point.latitude, point.longitude) for name, point in self.of.items()}


def parse_point(text: str) -> GeoPoint | None:
    """Read a point; None where the text is none, or it is not on the earth.

    >>> parse_point("(44.85, -93.26)")
    GeoPoint(latitude=44.85, longitude=-93.26)
    >>> parse_point("POINT (-93.26 44.85)") == parse_point("(44.85, -93.26)")
    True
    >>> parse_point("(144.79, 13.44)"), parse_point("Main Street")
    (None, None)
    """
    if (found := _WELL_KNOWN.match(text)) is not None:
        longitude, latitude = (float(number) for number in found.groups())
    elif (found := _PAIR.search(text)) is not None:
        latitude, longitude = (float(number) for number in found.groups())
    else:
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return GeoPoint(latitude=latitude, longitude=longitude)


def locate(named: Iterable[tuple[str, Sequence[str] | None]]) -> Points:
    """Tell where locations lie, from the different texts that the rows of each have for it; None: very many.

    Texts agree where they mean one place, however they are written and rounded; the least of them is taken.

    >>> utah, ohio = ["(39.36, -111.587)", "POINT (-111.58701 39.36)"], ["(40, -82)", "(41, -82)"]
    >>> found = locate([("Utah", utah), ("Ohio", ohio), ("Guam", ["far away"]), ("Iowa", None)])
    >>> found.of
    {'Utah': GeoPoint(latitude=39.36, longitude=-111.587)}
    >>> for location, reason in found.unknown.items():
    ...     print(f"{location}: {reason}")
    Ohio: its rows name several points
    Guam: 'far away' is no point
    Iowa: its rows name several points
    """
    of: dict[str, GeoPoint] = {}
    unknown: dict[str, str] = {}
    for location, texts in named:
        found = None if texts is None else _one(sorted(texts))
        if isinstance(found, GeoPoint):
            of[location] = found
        else:
            unknown[location] = found or "its rows name several points"
    return Points(of=of, unknown=unknown)


def _one(texts: Sequence[str]) -> GeoPoint | str | None:
    """Return the one point that texts mean, or what is wrong with one of them; None where they do not agree."""
    points = []
    for text in texts:
        if (point := parse_point(text)) is None:
            return f"{text[:_TOLD_CHARACTERS]!r} is no point"
        points.append(point)
    first, *others = points
    return first if all(_is_same(first, other) for other in others) else None


def _is_same(one: GeoPoint, other: GeoPoint) -> bool:
    apart = max(abs(one.latitude - other.latitude), abs(one.longitude - other.longitude))
    return apart <= _SAME_DEGREES
