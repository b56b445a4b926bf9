"""Full names for the distinctive words of them that people type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meantime.did_you_mean import closest, find
from meantime.errors import RequestInvalid

# Parameters for which words of a location's name will do. Not `locations`: there a word may be a set of them.
_LOCATION_PARAMETERS = ("state", "location", "reference")
NAMED_BY_WORDS = ("question", *_LOCATION_PARAMETERS)
_NAMES_LISTED = 20


def with_full_names(raw: Mapping[str, Any], questions: Sequence[str], locations: Sequence[str]) -> dict[str, Any]:
    """Put full names where words of them were typed, one by one in a list.

    Raises:
        RequestInvalid: the words fit none, or more than one; the message lists the closest.
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
    matches = find(words, names)
    if len(matches) == 1 or words == "":
        return matches[0] if matches else words
    # Where nothing is like it, what there is: somebody who asks for a word of another table sees that.
    near = matches or closest(words, names) or tuple(names)
    listed = "".join(f"\n  {name}" for name in near[:_NAMES_LISTED])
    why = "fits more than one" if matches else "fits none"
    which = f" {'Those' if matches else 'The closest'} are:{listed}" if near else ""
    raise RequestInvalid(f"The {parameter} {words!r} {why}.{which}")
