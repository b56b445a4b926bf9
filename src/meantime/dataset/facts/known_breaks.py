"""Years in which a survey changed: values before and after are not comparable. Data, in ``known_breaks.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec


class KnownBreak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a survey, and the publication that states it."""

    year: int  # the first year with the change
    phrases: tuple[str, ...]  # in lower case; one of them in the text of a question is enough
    change: str
    source: str
    url: str


class _KnownBreaks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    breaks: tuple[KnownBreak, ...]


@cache
def breaks_of(question: str) -> tuple[KnownBreak, ...]:
    """Return the known breaks of a question, the earliest first.

    >>> [each.year for each in breaks_of("Percent of adults who report consuming fruit less than one time daily")]
    [2011, 2017]
    >>> breaks_of("Percent of students in grades 9-12 who have obesity")
    ()
    """
    text = question.casefold()
    found = (each for each in _known() if any(phrase in text for phrase in each.phrases))
    return tuple(sorted(found, key=lambda each: each.year))


@cache
def _known() -> tuple[KnownBreak, ...]:
    text = resources.files(__package__).joinpath("known_breaks.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _KnownBreaks).breaks
