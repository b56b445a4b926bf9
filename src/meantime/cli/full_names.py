"""Full names for the distinctive words of them that people type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meantime.cli.option_names import option
from meantime.did_you_mean import closest, find
from meantime.errors import RequestInvalid

# Parameters for which words of a location's name will do. Not `locations`: there a word may be a set of them.
_LOCATION_PARAMETERS = ("state", "location", "reference")
NAMED_BY_WORDS = ("question", *_LOCATION_PARAMETERS)
_NAMES_LISTED = 20


def with_full_names(raw: Mapping[str, Any], questions: Sequence[str], locations: Sequence[str]) -> dict[str, Any]:
    """Put full names where words of them were typed, one by one in a list.

    Raises:
        RequestInvalid: the words match none, or more than one; the message lists the closest.
    """
    full = dict(raw)
    for parameter, names in ({"question": questions} | dict.fromkeys(_LOCATION_PARAMETERS, locations)).items():
        words = raw.get(parameter)
        if isinstance(words, str):
            full[parameter] = _full_name(parameter, words, names)
        elif isinstance(words, list):
            full[parameter] = [_full_name(parameter, each, names) for each in words]
    return full


def _full_name(parameter: str, words: str, names: Sequence[str]) -> str:
    if not words.strip():
        return words  # it would match every name; the check refuses it
    matches = find(words, names)
    if len(matches) == 1:
        return matches[0]
    kind = "question" if parameter == "question" else "location"
    typed = f"{option(parameter)} {words!r}"
    if matches:
        raise RequestInvalid(f"{typed} matches {len(matches)} {kind}s. Use more words:{_listed(matches)}")
    if near := closest(words, names):
        raise RequestInvalid(f"{typed} matches no {kind}. The closest:{_listed(near)}")
    # Where none is close, what there is: somebody may have taken the table for another.
    raise RequestInvalid(f"{typed} matches no {kind}. There are:{_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f"\n  and {len(names) - _NAMES_LISTED:,} more" if len(names) > _NAMES_LISTED else ""
    return "".join(f"\n  {name}" for name in names[:_NAMES_LISTED]) + more
