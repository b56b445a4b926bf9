"""What the file of a result is called: what it is about, where, when, and what was computed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from meantime.table import Heading

# File systems allow 255 bytes; people read fewer.
_PART_CHARACTERS = 60
# More places than these are too many for a name.
_PLACES_NAMED = 2


def stem_of(
    about: Heading | None, *, statistic: str, parameters: Mapping[str, Any], dataset: str, fingerprint: str | None
) -> str:
    """Return a name without suffix, in characters that every file system and header allows.

    >>> about = Heading(topic="obesity", title="obesity among women", people="women", years="2011\u20132023")
    >>> stem_of(about, statistic="trend", parameters={"locations": ["Ohio"]}, dataset="d", fingerprint=None)
    'obesity-women-ohio-2011-2023-trend'

    A result that does not say what it is about is named for its data set:

    >>> stem_of(None, statistic="states_mean", parameters={}, dataset="Ernährung 2011/16", fingerprint="9f2c53a1" * 8)
    'states_mean-Ernahrung-2011-16-9f2c53a1'
    >>> stem_of(None, statistic="states_mean", parameters={}, dataset="../..", fingerprint=None)
    'states_mean'
    """
    topic = "" if about is None else _slug(about.topic).lower()
    if about is None or not topic:
        return "-".join(part for part in (statistic, _slug(dataset), (fingerprint or "")[:8]) if part)
    words = (topic, about.people, *_places(parameters.get("locations") or ()), about.years)
    return "-".join(part for part in (*(_slug(each).lower() for each in words), statistic) if part)


def _places(locations: Sequence[str]) -> Sequence[str]:
    return locations if len(locations) <= _PLACES_NAMED and list(locations) != ["all"] else ()


def _slug(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("\u2013", "-"))
    ascii_only = "".join(each for each in letters if not unicodedata.combining(each))
    return re.sub(r"[^A-Za-z0-9_.]+", "-", ascii_only)[:_PART_CHARACTERS].strip(".-")
