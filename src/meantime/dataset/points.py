"""Where locations are: points in the rows, for maps. No number depends on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

# "(44.85, -93.26)", latitude first, as in older exports of the CDC's tables; text before it (an address) is ignored.
_PAIR = re.compile(r"\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*,\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII)
# "POINT (-93.26 44.85)", longitude first: well-known text, as newer exports of Socrata have it.
_WELL_KNOWN = re.compile(
    r"\s*POINT\s*\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s+([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII | re.IGNORECASE
)
# How much of a text that is not a point is quoted.
_QUOTED_CHARACTERS = 60
# Releases of one table round their points differently, and differ in the tenth digit. A hundredth of a degree is about
# a kilometer, which no map of a country shows.
_SAME_DEGREES = 0.01
# A location with more distinct texts than this has no single point.
MOST_TEXTS = 16


class GeoPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point on the earth, in degrees."""

    latitude: float
    longitude: float


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """Where the locations of a table are, as far as its rows agree. Part of the manifest on disk."""

    of: dict[str, GeoPoint] = {}  # by location
    unknown: dict[str, str] = {}  # by location: why it has no point

    @property
    def coordinates(self) -> dict[str, tuple[float, float]]:
        """Latitude and longitude by location, for drawing."""
        return {name: (point.latitude, point.longitude) for name, point in self.of.items()}


def parse_point(text: str) -> GeoPoint | None:
    """Parse a point; None if the text is not a point, or not one on the earth.

    >>> parse_point("(44.85, -93.26)")
    GeoPoint(latitude=44.85, longitude=-93.26)
    >>> parse_point("POINT (-93.26 44.85)") == parse_point("(44.85, -93.26)")
    True
    >>> parse_point("(144.79, 13.44)"), parse_point("Main Street")
    (None, None)
    """
    if (match := _WELL_KNOWN.match(text)) is not None:
        longitude, latitude = (float(number) for number in match.groups())
    elif (match := _PAIR.search(text)) is not None:
        latitude, longitude = (float(number) for number in match.groups())
    else:
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return GeoPoint(latitude=latitude, longitude=longitude)


def locate(texts_by_location: Iterable[tuple[str, Sequence[str] | None]]) -> Points:
    """Return where locations are, from the distinct texts in the rows of each (None if there are very many).

    Texts agree if they mean the same point, however they are written and rounded; the first of them is used.

    >>> utah, ohio = ["(39.36, -111.587)", "POINT (-111.58701 39.36)"], ["(40, -82)", "(41, -82)"]
    >>> points = locate([("Utah", utah), ("Ohio", ohio), ("Guam", ["far away"]), ("Iowa", None)])
    >>> points.of
    {'Utah': GeoPoint(latitude=39.36, longitude=-111.587)}
    >>> for location, reason in points.unknown.items():
    ...     print(f"{location}: {reason}")
    Ohio: its rows have several points
    Guam: 'far away' is not a point
    Iowa: its rows have several points
    """
    of: dict[str, GeoPoint] = {}
    unknown: dict[str, str] = {}
    for location, texts in texts_by_location:
        point = None if texts is None else _common_point(sorted(texts))
        if isinstance(point, GeoPoint):
            of[location] = point
        else:
            unknown[location] = point or "its rows have several points"
    return Points(of=of, unknown=unknown)


def _common_point(texts: Sequence[str]) -> GeoPoint | str | None:
    """Return the point that all texts mean, or what is wrong with one of them; None if they disagree."""
    points = []
    for text in texts:
        if (point := parse_point(text)) is None:
            return f"{text[:_QUOTED_CHARACTERS]!r} is not a point"
        points.append(point)
    first, *others = points
    return first if all(_is_same(first, other) for other in others) else None


def _is_same(one: GeoPoint, other: GeoPoint) -> bool:
    distance = max(abs(one.latitude - other.latitude), abs(one.longitude - other.longitude))
    return distance <= _SAME_DEGREES
