"""Names that look alike are one: spaces around and between words, and how accented letters are composed.

"Utah", " Utah" and "Utah" with a no-break space behind it name one place; "Åland" may be written with one character for
Å, or with A and a combining ring. Their *key* is the same. Letters and case are never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

# No width at all: zero-width space, joiner and non-joiner, word joiner, byte order mark, soft hyphen. A joiner between
# letters of Persian or between parts of an emoji has a meaning, so only those at the ends are ignored.
_NO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_SPACES = re.compile(r"\s+")


def key_of(name: str) -> str:
    """Return what names that look alike have in common.

    >>> key_of(" Utah\u00a0") == key_of("Utah"), key_of("New  York"), key_of("A\u030aland") == "\u00c5land"
    (True, 'New York', True)
    """
    if name.isascii() and name.isprintable() and "  " not in name:
        return name.strip(" ")
    return unicodedata.normalize("NFC", _SPACES.sub(" ", name)).strip(" " + _NO_WIDTH)


def shown_forms(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the form in which each name is shown, for the names that are shown in another than their own.

    Of the forms of one name, the most frequent is shown, and the first by order of those that are equally frequent.
    Spaces at its ends are never shown, and a no-break space is shown as a space.

    >>> shown_forms({"Utah": 2, "Utah ": 1, "Ohio": 1, "New  York": 1})
    {'Utah ': 'Utah'}
    """
    forms: dict[str, dict[str, int]] = {}
    for name, rows in counts.items():
        form = _trimmed(name)
        of_name = forms.setdefault(key_of(name), {})
        of_name[form] = of_name.get(form, 0) + rows
    best = {key: min(of_name, key=lambda form: (-of_name[form], form)) for key, of_name in forms.items()}
    return {name: shown for name in counts if (shown := best[key_of(name)]) != name}


def by_key(names: Iterable[str]) -> dict[str, str]:
    """Return names by their keys; of several with the same key, the first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(key_of(name), name)
    return found


def _trimmed(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name.strip(" ")
    return re.sub(r"\s", " ", name).strip(" " + _NO_WIDTH)
