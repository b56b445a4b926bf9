"""Where places lie: the points that rows name, for maps. No number depends on them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

# "(44.85, -93.26)", latitude first, as the CDC's tables have had it; a word before it, such as an address, is let pass.
_PAIR = re.compile(r"\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*,\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII)
# "POINT (-93.26 44.85)", longitude first: well-known text, as newer exports of Socrata have it.
_WELL_KNOWN = re.compile(
    r"\s*POINT\s*\(\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s+([-+]?\d{1,3}(?:\.\d{1,20})?)\s*\)\s*$", re.ASCII | re.IGNORECASE
)
# A point is short; what is told of one that is none should be, too.
_TOLD_CHARACTERS = 60


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """Where the locations of a table lie, as far as its rows say and agree."""

    of: dict[str, Point] = {}  # by location
    unknown: dict[str, str] = {}  # by location, why it has none


def parse(text: str) -> Point | None:
    """Read a point; None where the text is none, or it is not on the earth.

    >>> parse("(44.85, -93.26)") == parse("POINT (-93.26 44.85)") == Point(latitude=44.85, longitude=-93.26)
    True
    >>> parse("(144.79, 13.44)"), parse("Main Street")
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
    return Point(latitude=latitude, longitude=longitude)


def gather(spans: Iterable[tuple[str, str, str]]) -> Points:
    """Tell where locations lie, from the least and the greatest text that the rows of each have for it.

    >>> gather([("Utah", "(39.3, -111.6)", "(39.3, -111.6)"), ("Ohio", "(40, -82)", "(41, -82)"), ("Guam", "?", "?")])
    ... # doctest: +NORMALIZE_WHITESPACE
    Points(of={'Utah': Point(latitude=39.3, longitude=-111.6)},
           unknown={'Ohio': 'its rows name several points', 'Guam': "'?' is no point"})
    """
    of: dict[str, Point] = {}
    unknown: dict[str, str] = {}
    for location, least, greatest in spans:
        point = parse(least)
        if least != greatest and (point is None or parse(greatest) != point):
            unknown[location] = "its rows name several points"
        elif point is None:
            unknown[location] = f"{least[:_TOLD_CHARACTERS]!r} is no point"
        else:
            of[location] = point
    return Points(of=of, unknown=unknown)
