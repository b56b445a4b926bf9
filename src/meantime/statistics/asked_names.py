"""Names as people write them, put as the table has them: for the v1 API, the clients and the command line.

Parameters have other names (``location`` for ``locations``), a list of one is written without brackets, and names have
other spaces, any case, abbreviations (OH), or are some words of what is meant. The classic API takes names as they
are in the file. What is answered is the same request as with full names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from meantime.dataset.cube import Cube
from meantime.dataset.facts import geography
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import name_key
from meantime.errors import Problem
from meantime.statistics.parameters import Leaf, Names, fields, item_of
from meantime.text import listed, quoted

# The names of one thing, the usual one first. A statistic has one of them as its own.
_PLACES, _YEARS = ("locations", "location", "state"), ("years", "period")
_SAME = {"location": _PLACES, "locations": _PLACES, "years": _YEARS, "period": _YEARS}
# Words are looked for in every name, at 0.1 us each: 20 ms at most for a request.
_COMPARISONS = 200_000
# "oh" is Ohio's abbreviation; shorter words of a place's name are none.
_SHORTEST_WORD = 3
# More would be no list to choose from.
_LISTED = 20

# Pages say "women" where a table has "Female".
_SAME_STRATUM = (("female", "females", "women"), ("male", "males", "men"))

_LABELS = {
    Names.QUESTION: "questions",
    Names.LOCATION: "locations",
    Names.CATEGORY: "categories",
    Names.STRATUM: "strata",
}
_KNOWN: WeakKeyDictionary[Cube, dict[Names, _KnownNames]] = WeakKeyDictionary()


def own_name(parameters: type[msgspec.Struct], name: str) -> str:
    """Return what a statistic calls a parameter; what it does not know stays.

    >>> from meantime.statistics.registry import STATISTICS
    >>> ranking, summary = STATISTICS["ranking"].parameters, STATISTICS["summary"].parameters
    >>> own_name(ranking, "location"), own_name(ranking, "period"), own_name(summary, "years"), own_name(ranking, "at")
    ('locations', 'years', 'period', 'at')
    """
    known = parameters.__struct_fields__
    return next((each for each in (name, *_SAME.get(name, ())) if each in known), name)


def as_parameters(parameters: type[msgspec.Struct], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Name parameters as the statistic does, and make a list of what stands alone where one is wanted.

    Of two names for the same, the statistic's own stays, and the other one is left to be refused.
    """
    named: dict[str, Any] = {}
    for name, value in raw.items():
        own = own_name(parameters, name)
        named[name if own in raw else own] = value
    for field in fields(parameters):
        if field.name not in named:
            continue
        value = named[field.name]
        if field.name == "period" and isinstance(value, str):
            value = _spans(value)
        if field.name == "years" and isinstance(value, list):
            value = ",".join(map(str, value))
        if item_of(field.type) is not None and isinstance(value, str | int | float) and not isinstance(value, bool):
            value = [value]
        named[field.name] = value
    return named


def _spans(years: str) -> list[str]:
    """Write years as the spans that contain them.

    >>> _spans("2016, 2018..2020"), _spans("all")
    (['2016', '2018-2020'], [])
    """
    if years.strip().casefold() == "all":
        return []
    return [each.strip().replace("..", "-") for each in years.split(",")]


def as_in_table(
    snapshot: Snapshot, leaves: Sequence[Leaf], values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Write these names as the table does, where it has one that looks alike or that is meant.

    What is not found stays as it is; what several names fit is a problem.
    """
    written, problems = dict(values), []
    lookup = _Lookup(snapshot)
    for leaf in leaves:
        found = lookup.find(leaf)
        if len(found) > 1:
            problems.append(_ambiguous(leaf, found))
        elif found:
            _, field, *index = leaf.pointer.split("/")
            if index:
                at = int(index[0])
                written[field] = (*written[field][:at], found[0], *written[field][at + 1 :])
            else:
                written[field] = found[0]
    return written, problems


def alike(cube: Cube, names: Names, text: str) -> str | None:
    """Return the table's name that looks like this one, but may have other spaces or be composed in another way.

    >>> from meantime.dataset.samples import example
    >>> cube = example.snapshot().cube
    >>> alike(cube, Names.LOCATION, "Avalon "), alike(cube, Names.LOCATION, "avalon")
    ('Avalon', None)
    """
    return _known(cube, names).by_key.get(name_key(text))


class _Lookup:
    """Finds names of one request; looking for words ends after so many comparisons."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._cube = snapshot.cube
        self._comparisons_left = _COMPARISONS

    def find(self, leaf: Leaf) -> tuple[str, ...]:
        if leaf.names not in _LABELS:
            return ()
        known, key = _known(self._cube, leaf.names), name_key(leaf.text)
        if key in known.by_key:
            return (known.by_key[key],)
        folded = key.casefold()
        if not folded:
            return ()
        return (
            known.folded.get(folded) or known.by_other_name.get(folded) or self._with_words(leaf.names, folded, known)
        )

    def _with_words(self, names: Names, folded: str, known: _KnownNames) -> tuple[str, ...]:
        if names is Names.QUESTION:
            begin = ""
        elif names is Names.LOCATION and len(folded) >= _SHORTEST_WORD:
            begin = " "  # a word of a place's name is meant from its beginning
        else:
            return ()
        self._comparisons_left -= len(known.labels)
        if self._comparisons_left < 0:
            return ()
        words = [begin + word for word in folded.split()]
        return tuple(
            label for key, same in known.folded.items() if all(word in f" {key}" for word in words) for label in same
        )


class _KnownNames:
    """A table's names of one kind, by what people may write for them; each index is made when it is first needed."""

    def __init__(self, cube: Cube, names: Names) -> None:
        self.labels: tuple[str, ...] = getattr(cube.labels, _LABELS[names])
        self._names = names

    @cached_property
    def by_key(self) -> Mapping[str, str]:
        """The names by what they have in common with those that look alike."""
        # Of labels that look alike, as tables that were read long ago may have, the first.
        return {name_key(label): label for label in reversed(self.labels)}

    @cached_property
    def folded(self) -> Mapping[str, tuple[str, ...]]:
        """The names that are the same in small letters, by these."""
        folded: dict[str, tuple[str, ...]] = {}
        for label in self.labels:
            key = name_key(label).casefold()
            folded[key] = (*folded.get(key, ()), label)
        return folded

    @cached_property
    def by_other_name(self) -> Mapping[str, tuple[str, ...]]:
        """The locations that have an abbreviation and the strata that have other words, by these in small letters."""
        found: dict[str, tuple[str, ...]] = {}
        if self._names is Names.LOCATION:
            abbreviations = geography.for_locations(self.labels).abbreviations
            for label in self.labels:
                if label in abbreviations:
                    short = abbreviations[label].casefold()
                    found[short] = (*found.get(short, ()), label)
        if self._names is Names.STRATUM:
            for words in _SAME_STRATUM:
                same = tuple(label for word in words for label in self.folded.get(word, ()))
                found |= dict.fromkeys(words, same)
        return found


def _known(cube: Cube, names: Names) -> _KnownNames:
    of_cube = _KNOWN.setdefault(cube, {})
    if names not in of_cube:
        of_cube[names] = _KnownNames(cube, names)
    return of_cube[names]


def _ambiguous(leaf: Leaf, found: Sequence[str]) -> Problem:
    found = sorted(found)
    shown = listed(map(quoted, found), most=_LISTED)
    return Problem(
        pointer=leaf.pointer,
        code="ambiguous",
        detail=f"{quoted(leaf.text)} fits {len(found):,} names: {shown}. Use more words.",
        closest=tuple(found[:_LISTED]),
    )
