"""Names that look alike are one: spaces around and between words, and how accented letters are composed.

"Utah", " Utah" and "Utah" with a no-break space behind it name one place; "Åland" may be written with one character for
Å, or with A and a combining ring. Their *key* is the same. Letters and case are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from meantime.did_you_mean import ENDS, name_key


def shown_forms(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the form in which each name is shown, for the names that are shown in another than their own.

    Of the forms of one name, the most frequent is shown; of those that are equally frequent, one with single spaces,
    and then the first by order. Spaces at its ends are never shown.

    >>> shown_forms({"Utah": 2, "Utah ": 1, "Ohio": 1, "New  York": 1})
    {'Utah ': 'Utah'}
    >>> shown_forms({"New York": 1, "New  York": 1})
    {'New  York': 'New York'}
    """
    forms: dict[str, dict[str, int]] = {}
    for name, rows in counts.items():
        form = _trimmed(name)
        of_name = forms.setdefault(name_key(name), {})
        of_name[form] = of_name.get(form, 0) + rows
    best = {
        key: min(of_name, key=lambda form: (-of_name[form], " ".join(form.split()) != form, form))
        for key, of_name in forms.items()
    }
    return {name: shown for name in counts if (shown := best[name_key(name)]) != name}


def _trimmed(name: str) -> str:
    return name.strip(" ") if name.isascii() and name.isprintable() else name.strip(ENDS)
