"""Names that look alike are one: spaces around and between words, and how accented letters are composed.

"Utah", " Utah" and "Utah" with a no-break space behind it name one place; "Åland" may be written with one character for
Å, or with A and a combining ring. Their *key* is the same. "UTAH" and "Utah" are one name if people say so, with
``ignore_case``; otherwise a warning names both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meantime.did_you_mean import ENDS, name_key


def shown_forms(counts: Mapping[str, int], *, ignore_case: bool = False) -> dict[str, str]:
    """Return the form in which each name is shown, for the names that are shown in another than their own.

    Of the forms of one name, the most frequent is shown; of those that are equally frequent, one with single spaces,
    one that is not all capitals, and then the first by order. Spaces at its ends are never shown.

    >>> shown_forms({"Utah": 2, "Utah ": 1, "Ohio": 1, "New  York": 1})
    {'Utah ': 'Utah'}
    >>> shown_forms({"New York": 1, "New  York": 1})
    {'New  York': 'New York'}
    >>> shown_forms({"UTAH": 1, "Utah": 2}, ignore_case=True)
    {'UTAH': 'Utah'}
    """

    def key_of(name: str) -> str:
        return name_key(name).casefold() if ignore_case else name_key(name)

    forms: dict[str, dict[str, int]] = {}
    for name, rows in counts.items():
        form = _trimmed(name)
        of_name = forms.setdefault(key_of(name), {})
        of_name[form] = of_name.get(form, 0) + rows
    best = {
        key: min(of_name, key=lambda form: (-of_name[form], " ".join(form.split()) != form, form.isupper(), form))
        for key, of_name in forms.items()
    }
    return {name: shown for name in counts if (shown := best[key_of(name)]) != name}


def differ_in_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the names that differ from another only in capital letters, those of one key together.

    >>> differ_in_case(["UTAH", "Ohio", "Utah"])
    [('UTAH', 'Utah')]
    """
    of_key: dict[str, list[str]] = {}
    for name in names:
        of_key.setdefault(name.casefold(), []).append(name)
    return [tuple(alike) for alike in of_key.values() if len(alike) > 1]


def _trimmed(name: str) -> str:
    return name.strip(" ") if name.isascii() and name.isprintable() else name.strip(ENDS)
