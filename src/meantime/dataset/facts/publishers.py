"""Who publishes a table, as far as answers depend on it: the level of its intervals, and breaks of its survey.

Data, in ``publishers.toml``.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from meantime.dataset.facts.conversion import table_of_facts


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A survey, and the level of its intervals."""

    name: str
    words: tuple[str, ...]  # in lower case; one of them in the name of a source is enough
    level: float | None = None  # where it is another one than 95
    source: str


class _Publishers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    publishers: tuple[Publisher, ...]


def publisher_of(source: str) -> Publisher | None:
    """Return the publisher that the source of a table names; None if it is not known.

    >>> publisher_of("2022 ACS 5-year estimates").level
    90.0
    >>> publisher_of("BRFSS 2019").name
    'Behavioral Risk Factor Surveillance System'
    >>> publisher_of("Packs of cigarettes") is None
    True
    """
    words = " ".join(re.findall(r"[^\W_]+", source.casefold()))
    return next((each for each in _known() if any(f" {word} " in f" {words} " for word in each.words)), None)


@cache
def _known() -> tuple[Publisher, ...]:
    return table_of_facts("publishers.toml", _Publishers).publishers
