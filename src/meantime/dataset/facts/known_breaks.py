"""Years in which a survey changed: values before and after are not comparable. Data, in ``known_breaks.toml``."""

from __future__ import annotations

from functools import cache, lru_cache

import msgspec

from meantime.dataset.facts.conversion import table_of_facts
from meantime.dataset.snapshot import Break


class _KnownBreak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    publisher: str  # as in publishers.toml
    year: int
    phrases: tuple[str, ...]  # in lower case; one of them in the text of a question is enough, whoever publishes it
    words: tuple[str, ...] = ()  # likewise, in a question of this publisher; empty: it has the break whatever its text
    reason: str
    source: str
    url: str


class _KnownBreaks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    breaks: tuple[_KnownBreak, ...]


@lru_cache(maxsize=1024)
def breaks_of(question: str, publisher: str = "") -> tuple[Break, ...]:
    """Return the known breaks of a question, the earliest first.

    Those of its publisher; where the table names none that is known, those that the question's own words show.

    >>> fruit = "Percent of adults who report consuming fruit less than one time daily"
    >>> [each.year for each in breaks_of(fruit)]
    [2011, 2017]
    >>> breaks_of(fruit, "National Health Interview Survey")
    ()
    >>> [each.year for each in breaks_of("Fair or poor health", "Behavioral Risk Factor Surveillance System")]
    [2011]
    """
    text = question.casefold()
    found = (
        Break(year=each.year, reason=each.reason, source=each.source)
        for each in _known()
        if _belongs(each, text, publisher)
    )
    return tuple(sorted(found, key=lambda each: each.year))


def _belongs(known: _KnownBreak, text: str, publisher: str) -> bool:
    if not publisher:
        return any(phrase in text for phrase in known.phrases)
    return known.publisher == publisher and (not known.words or any(word in text for word in known.words))


@cache
def _known() -> tuple[_KnownBreak, ...]:
    return table_of_facts("known_breaks.toml", _KnownBreaks).breaks
