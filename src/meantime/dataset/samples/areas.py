"""Counties and tracts of the synthetic table: made-up names, codes and points inside the real states.

Nothing here is a list of real places. Codes have the form of the Census Bureau's (FIPS): two digits of the state, three
of the county, six of the tract, so the code of a place begins with that of what it lies in.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.dataset.samples.scheme import SampleLocation, SampleQuestion, Scheme

AreaLevel = Literal["county", "tract"]

# Points of a state's counties stay within this share of the way to the next state's point, and within so many degrees.
_REACH, _MOST_DEGREES = 0.55, 2.5
# Consecutive points of a spiral with this angle between them are spread evenly over a disc (Vogel 1979).
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
# Consecutive counties of a state are this far apart in the list of all names: prime to its length, so none comes twice.
_NAME_STEP = 11


class Areas(NamedTuple):
    """A scheme of counties or tracts, and how they differ from states."""

    scheme: Scheme
    parents: tuple[npt.NDArray[np.int64], ...]  # of each place: the index of its state; for tracts, of its county first
    sd_points: float  # standard deviation between places, in percentage points
    respondents: int  # median of a place and a year


class _County(NamedTuple):
    place: SampleLocation
    state: int
    degrees: float  # how far its tracts are from its point at most


def most_places(level: AreaLevel) -> int:
    """Return how many places a level can have, without the country."""
    places: int = _table()["levels"][level]["places"]
    return places


def load_areas(level: AreaLevel, places: int) -> Areas:
    """Return this many places of a level and the country.

    Places come in turns: the first county of every state, the second of every state, and so on; likewise tracts of
    counties. So a few places are spread over the whole country.
    """
    table, states = _table(), Scheme.load()
    counties = _counties()
    if level == "county":
        chosen = [county.place for county in counties[:places]]
        parents: tuple[list[int], ...] = ([county.state for county in counties[:places]],)
    else:
        at = [index % len(counties) for index in range(places)]
        chosen = [_tract(counties[county], index // len(counties)) for index, county in enumerate(at)]
        parents = (at, [counties[county].state for county in at])
    asked = [*states.questions, *(SampleQuestion(**question) for question in table["questions"])]
    first: list[str] = table["first_questions"]
    asked.sort(key=lambda question: first.index(question.id) if question.id in first else len(first))
    scheme = states._replace(
        questions=asked,
        locations=[*chosen, states.locations[-1]],
        topics={**states.topics, **table["topics"]},
    )
    own = table["levels"][level]
    return Areas(
        scheme, tuple(np.array(each, dtype=np.int64) for each in parents), own["sd_points"], own["respondents"]
    )


@cache
def _table() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("areas.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _counties() -> Sequence[_County]:
    states = [location for location in Scheme.load().surveyed if location.kind == "state"]
    degrees = _degrees(states)
    names = _names()
    by_turn = []
    for index, (state, number) in enumerate(zip(states, _shared_out(most_places("county"), degrees), strict=True)):
        # Codes follow the order of the names, and are odd, as real ones.
        own = sorted(names[(index * number + turn) * _NAME_STEP % len(names)] for turn in range(number))
        for turn, name in enumerate(own):
            county = state._replace(
                name=f"{name} County, {state.name}",
                id=f"{state.id:02d}{2 * turn + 1:03d}",
                kind="county",
                point=_on_spiral(state, turn, number, degrees[index]),
                respondents=0,
            )
            by_turn.append((turn, index, _County(county, index, 0.6 * degrees[index] / math.sqrt(number))))
    return [county for _, _, county in sorted(by_turn, key=lambda each: each[:2])]


def _tract(county: _County, turn: int) -> SampleLocation:
    number = turn + 101
    each_county = math.ceil(most_places("tract") / most_places("county"))
    return county.place._replace(
        name=f"Tract {number}, {county.place.name}",
        id=f"{county.place.id}{number * 100:06d}",
        kind="tract",
        point=_on_spiral(county.place, turn, each_county, county.degrees),
    )


def _names() -> list[str]:
    parts = _table()["names"]
    return [first + last for first in parts["first"] for last in parts["last"]]


def _degrees(states: Sequence[SampleLocation]) -> list[float]:
    """Return how far from a state's point its counties may be, so that those of neighbors stay apart."""
    points = np.array([state.point for state in states])
    apart = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    nearest: list[float] = apart.min(axis=1).tolist()
    return [min(_REACH * each, _MOST_DEGREES) for each in nearest]


def _shared_out(number: int, sizes: Sequence[float]) -> list[int]:
    """Share a number out in proportion to sizes, in whole numbers that add up to it."""
    bounds = np.rint(np.cumsum([0.0, *sizes]) / sum(sizes) * number)
    shares: list[int] = np.diff(bounds).astype(int).tolist()
    return shares


def _on_spiral(middle: SampleLocation, turn: int, number: int, degrees: float) -> tuple[float, float]:
    latitude, longitude = middle.point or (0.0, 0.0)
    radius, angle = degrees * math.sqrt((turn + 0.5) / number), turn * _GOLDEN_ANGLE
    wide = math.cos(math.radians(latitude))
    return (round(latitude + radius * math.sin(angle), 4), round(longitude + radius * math.cos(angle) / wide, 4))
