"""Who publishes margins of error and limits of another level than 95%. Data, in ``publishers.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

import msgspec


class Publisher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A survey, and the level of its intervals."""

    name: str
    words: tuple[str, ...]  # in lower case; one of them in the name of a source is enough
    level: float
    source: str


class _Publishers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    publishers: tuple[Publisher, ...]


def publisher_of(source: str) -> Publisher | None:
    """Return the publisher that the source of a table names; None if it is not known.

    >>> publisher_of("2022 ACS 5-year estimates").level
    90.0
    >>> publisher_of("BRFSS") is None, publisher_of("Packs of cigarettes") is None
    (True, True)
    """
    words = " ".join(re.findall(r"[^\W_]+", source.casefold()))
    return next((each for each in _known() if any(f" {word} " in f" {words} " for word in each.words)), None)


@cache
def _known() -> tuple[Publisher, ...]:
    text = resources.files(__package__).joinpath("publishers.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Publishers).publishers
