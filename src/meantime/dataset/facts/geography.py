"""What is known of places: which locations contain others, which are states, and how many people live there.

It is data, in ``geographies/*.toml``; no code names a place. A table has a geography if that contains at least half of
its locations: "Georgia" alone is both a state and a country. A place of which it only knows what it lies in, such as
the county "Cache, Utah", counts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec

from meantime.dataset.facts.conversion import converted, tables_in


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """How many people live in each location."""

    year: int
    source: str
    counts: dict[str, int]


class Aggregate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A location that is made of others."""

    names: tuple[str, ...]  # that files give it
    members: str  # names of sets or abbreviations, with spaces between them; "" where it is no sum, as a median
    source: str  # who says so
    is_country: bool = False  # the whole country, which the others are compared with unless another is named


class Geography(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The places of one country; empty where nothing is known."""

    name: str = ""
    sets: dict[str, tuple[str, ...]] = {}  # "states": names as in the file
    abbreviations: dict[str, str] = {}
    population: Population | None = None
    aggregates: dict[str, Aggregate] = {}  # by each of their names

    def is_aggregate(self, name: str) -> bool:
        """Whether a location is made of others, or is the median of others, which no place is.

        >>> states = for_locations(("Utah", "Ohio", "West"))
        >>> [states.is_aggregate(name) for name in ("National", "West", "HHS Region 8", "Utah")]
        [True, True, True, False]
        >>> NOWHERE.is_aggregate("All counties (median)"), NOWHERE.is_aggregate("West")
        (True, False)
        >>> [NOWHERE.is_aggregate(name) for name in ("World", "TOTAL", "National Estimate", "Worldwide Ltd")]
        [True, True, True, False]
        """
        return name in self.aggregates or _MEDIAN in name.casefold() or _is_whole(name)

    def is_country(self, name: str) -> bool:
        """Whether a location is the whole country, or whatever else a table calls all of its places together."""
        return self.aggregates[name].is_country if name in self.aggregates else _is_whole(name)

    def contains(self, name: str) -> bool:
        """Whether a location is one of the country's, or lies in one of them.

        >>> states = for_locations(("Utah", "Ohio"))
        >>> [states.contains(name) for name in ("Utah", "National", "Tract 3, Cache County, Utah", "Utah, Avalon")]
        [True, True, True, False]
        """
        own = self.abbreviations
        return name in own or name in self.aggregates or _without_id(name).rpartition(", ")[2] in own

    def members(self, aggregate: str) -> tuple[str, ...]:
        """Return the locations that an aggregate contains; none if it is not an aggregate, or no sum.

        >>> for_locations(("Utah", "National")).members("National")[:2]
        ('Alabama', 'Alaska')
        >>> for_locations(("Utah", "National")).members("HHS Region 10")
        ('Alaska', 'Idaho', 'Oregon', 'Washington')
        """
        if aggregate not in self.aggregates:
            return ()
        names = {short: name for name, short in self.abbreviations.items()}
        words = self.aggregates[aggregate].members.split()
        return tuple(name for word in words for name in self.sets.get(word) or (names[word],))

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


# What a table calls the median of its places, as the BRFSS does: "All States and DC (median) **".
_MEDIAN = "(median)"
# What tables of any country call all of their places together; in lower case.
_WHOLE = frozenset(
    {
        *("world", "global", "national", "nation", "nationwide", "country", "national estimate", "national average"),
        *("national total", "total", "overall", "all", "grand total", "state total", "statewide", "all places"),
        *("all areas", "all locations", "all states", "all counties", "all regions", "all districts", "all countries"),
    }
)
# Two letters are also the code of another country: CA is Canada, DE is Germany. Of so many states, they are states.
_FEWEST_CODES = 5
# The geography of tables whose places are unknown.
NOWHERE = Geography()


@lru_cache(maxsize=64)
def for_locations(locations: tuple[str, ...]) -> Geography:
    """Return the geography that contains at least half of these locations.

    The names of regions are those of many countries: they mean this one's only in a table that has one of its states.
    Without states, regions are the locations of the table and no aggregates.

    >>> for_locations(("National", "Ohio", "Utah")).name
    'United States'
    >>> for_locations(("Avalon", "Borduria", "Georgia")) == NOWHERE
    True
    >>> for_locations(("North", "South", "West")) == NOWHERE
    True
    >>> for_locations(("Cache, Utah", "Adams, Ohio", "United States")).is_country("United States")
    True
    >>> for_locations(("AK", "AL", "AR", "AZ", "CA", "US")).members("US")[:3]
    ('AL', 'AK', 'AZ')
    >>> for_locations(("AL", "CA", "DE", "Avalon")) == for_locations(("CA", "DE", "US")) == NOWHERE
    True
    >>> counties = ("Adams, OH", "Allen, OH", "Ashland, OH", "Cache, UT", "Rich, UT", "United States, US")
    >>> for_locations(counties).is_country("United States, US")
    True
    """
    for known, with_codes in _all():
        # In a table that adds ids to names, or what a place lies in, the country has one too.
        longer = {name: known.aggregates.get(_short_name(name, known)) for name in locations}
        own = known.aggregates | {name: each for name, each in longer.items() if each is not None}
        geography = msgspec.structs.replace(known, aggregates=own) if len(own) > len(known.aggregates) else known
        coded = msgspec.structs.replace(with_codes, aggregates=own)
        # Most often the first place is no code, and no more are looked at.
        if (
            all(coded.contains(name) or _is_whole(name) for name in locations)
            and sum(name not in own and not _is_whole(name) for name in locations) >= _FEWEST_CODES
        ):
            return coded
        if not 0 < len(locations) <= 2 * sum(map(geography.contains, locations)):
            continue
        if any(name not in geography.aggregates and geography.contains(name) for name in locations):
            return geography
        if any(name in geography.aggregates and geography.is_country(name) for name in locations):
            countries = {name: each for name, each in geography.aggregates.items() if each.is_country}
            return msgspec.structs.replace(geography, aggregates=countries)
    return NOWHERE


def _is_whole(name: str) -> bool:
    return name.strip().casefold() in _WHOLE


def _with_codes(known: Geography) -> Geography:
    """Return a geography whose places have their codes for names, as in a table that has nothing else."""
    code = known.abbreviations
    population = known.population
    if population is not None:
        counts = {code[name]: people for name, people in population.counts.items()}
        population = msgspec.structs.replace(population, counts=counts)
    return msgspec.structs.replace(
        known,
        sets={word: tuple(code[name] for name in names) for word, names in known.sets.items()},
        abbreviations={each: each for each in code.values()},
        population=population,
    )


def _short_name(name: str, known: Geography) -> str:
    """Return a name without its id, and without a second name of the country: "United States, US"."""
    name = _without_id(name)
    first, _, within = name.rpartition(", ")
    return first if first and within in known.aggregates else name


def _without_id(name: str) -> str:
    """Return a name without the id that a table with several places of one name adds.

    >>> _without_id("Franklin, Virginia (51067)"), _without_id("All States and DC (median) **")
    ('Franklin, Virginia', 'All States and DC (median) **')
    """
    return name.rpartition(" (")[0] if name.endswith(")") and " (" in name else name


@cache
def _all() -> tuple[tuple[Geography, Geography], ...]:
    """Return what is known of each country, with names and with codes for names."""
    return tuple((known, _with_codes(known)) for known in map(_read, tables_in("geographies")))


def _read(content: dict[str, Any]) -> Geography:
    aggregates = {name: each for each in content["aggregates"] for name in each["names"]}
    return converted(content | {"aggregates": aggregates}, Geography)
