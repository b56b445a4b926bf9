"""What is known of places: which locations contain others, which are states, and how many people live there.

It is data, in ``geographies/*.toml``; no code names a place. A table has a geography if that contains at least half of
its locations: "Georgia" alone is both a state and a country.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources

import msgspec


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """How many people live in each location."""

    year: int
    source: str
    counts: dict[str, int]


class Geography(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one country; empty where nothing is known."""

    name: str = ""
    sets: dict[str, tuple[str, ...]] = {}  # "states": names as in the file
    aggregates: dict[str, str] = {}  # a location that contains others -> the set of those
    abbreviations: dict[str, str] = {}
    population: Population | None = None

    def members(self, aggregate: str) -> tuple[str, ...]:
        """Return the locations that an aggregate contains; none if it is not an aggregate.

        >>> for_locations(("Utah", "National")).members("National")[:2]
        ('Alabama', 'Alaska')
        """
        return self.sets[self.aggregates[aggregate]] if aggregate in self.aggregates else ()

    def shares(self, names: Sequence[str]) -> dict[str, float]:
        """Return each location's share of the people who live in all of these; empty if one is unknown.

        >>> {name: round(share, 3) for name, share in for_locations(("Utah", "Ohio")).shares(("Utah", "Ohio")).items()}
        {'Utah': 0.217, 'Ohio': 0.783}
        >>> for_locations(("Utah", "Ohio")).shares(("Utah", "Guam"))
        {}
        """
        counts = {} if self.population is None else self.population.counts
        if not all(name in counts for name in names):
            return {}
        total = sum(counts[name] for name in names)
        return {name: counts[name] / total for name in names}


# The geography of tables whose places are unknown.
NOWHERE = Geography()


@lru_cache(maxsize=64)
def for_locations(locations: tuple[str, ...]) -> Geography:
    """Return the geography that contains at least half of these locations.

    >>> for_locations(("National", "Ohio", "Utah")).name
    'United States'
    >>> for_locations(("Avalon", "Borduria", "Georgia")) == NOWHERE
    True
    """
    for geography in _all():
        known = sum(name in geography.abbreviations or name in geography.aggregates for name in locations)
        if 0 < len(locations) <= 2 * known:
            return geography
    return NOWHERE


@cache
def _all() -> tuple[Geography, ...]:
    folder = resources.files(__package__).joinpath("geographies")
    tables = (file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".toml"))
    return tuple(msgspec.convert(tomllib.loads(text), Geography) for text in tables)
