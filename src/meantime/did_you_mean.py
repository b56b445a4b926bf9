"""Which name was meant: those that are most like one that does not exist.

It runs in the event loop of the web, so its work is bounded, whatever is sent and however many names there are.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence

from meantime.later import rapidfuzz
from meantime.text import listed, quoted

# Longer than any question of the CDC (246), so that a full question text is always compared in full.
_COMPARED_CHARACTERS = 300
# Names are compared with care (letters moved, words missing, words in another order) only so many at a time: 22 us each
# at worst, 4 ms for all. Of more, the nearest by plain edit distance on the first characters: 10 ms at worst.
_COMPARED_WITH_CARE = 200
_COMPARED_AT_ALL = 20_000
_COMPARED_CHARACTERS_OF_MANY = 100
# Similarity from which a name may be what was meant. "obesety" has 51 with the question about obesity, which is 60
# characters long; what has nothing to do with each other stays below 45.
_SIMILAR_FROM = 50
# More would be a list to read, not a hint.
_CLOSEST = 3

# Spaces, and what has no width: zero-width spaces and joiners, word joiner, byte order mark, soft hyphen. A joiner
# within a word of Persian, or within an emoji, has a meaning, so only those at the ends of a name are ignored.
ENDS = "".join(character for character in map(chr, range(0x3001)) if character.isspace()) + (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad"
)


def closest(name: str, among: Sequence[str]) -> tuple[str, ...]:
    """Return the up to three names that may have been meant, best first.

    Of more than 20,000 names, only those are compared that stand nearest by alphabet (if sorted, as labels are).

    >>> closest("uta", ["Iowa", "Utah", "Ohio"])
    ('Utah',)
    >>> closest("", ["Utah"])
    ()
    """
    name = name[:_COMPARED_CHARACTERS]
    if len(among) > _COMPARED_AT_ALL:
        stop = min(bisect_left(among, name) + _COMPARED_AT_ALL // 2, len(among))
        among = among[max(stop - _COMPARED_AT_ALL, 0) : stop]
    if len(among) > _COMPARED_WITH_CARE:
        among = _most_alike(name, among)
    matches = rapidfuzz.process.extract(
        name, among, scorer=rapidfuzz.fuzz.WRatio, processor=_comparable, limit=_CLOSEST, score_cutoff=_SIMILAR_FROM
    )
    return tuple(match for match, _, _ in matches)


def name_key(name: str) -> str:
    """Return what names that look alike have in common: the same letters, however they are composed, and words.

    >>> name_key(" Utah\u00a0") == name_key("Utah"), name_key("New  York"), name_key("A\u030aland") == "\u00c5land"
    (True, 'New York', True)
    """
    if name.isascii() and name.isprintable() and "  " not in name:
        return name.strip(" ")
    return unicodedata.normalize("NFC", " ".join(name.strip(ENDS).split()))


def suggestion(near: Sequence[str]) -> str:
    """Ask whether one of these names was meant, with a space after it; nothing where there is none.

    >>> suggestion(["Utah", "Ohio"]), suggestion([])
    ('Did you mean "Utah" or "Ohio"? ', '')
    """
    if not near:
        return ""
    return f"Did you mean {listed((quoted(name, _COMPARED_CHARACTERS) for name in near), conjunction='or')}? "


def hint(name: str, among: Sequence[str]) -> str:
    """Ask in parentheses, within a sentence, whether the closest name was meant; nothing where none is close.

    >>> hint("vlaue", ["value", "stratum"])
    ' (did you mean "value"?)'
    """
    question = suggestion(closest(name, among)[:1]).strip()
    return f" ({question[0].lower()}{question[1:]})" if question else ""


def _most_alike(name: str, among: Sequence[str]) -> list[str]:
    matches = rapidfuzz.process.extract(
        name[:_COMPARED_CHARACTERS_OF_MANY],
        among,
        scorer=rapidfuzz.fuzz.ratio,
        processor=lambda text: text[:_COMPARED_CHARACTERS_OF_MANY].casefold(),
        limit=_COMPARED_WITH_CARE,
    )
    return [match for match, _, _ in matches]


def _comparable(text: str) -> str:
    return text[:_COMPARED_CHARACTERS].casefold()
