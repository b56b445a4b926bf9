"""Labels made of several columns: a question and its response, a place and what contains it, two strata of one row.

Files differ in how many columns describe one thing. "Washington" is a county in many states, "Yes" a response to many
questions, and people who are "65 years or older" may also be "Female". A label contains everything that distinguishes
it, so that rows about different things never share a cell. Whatever groups or finds rows gets the SQL of a label here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from meantime.errors import SourceUnreadable
from meantime.text import quoted


class JoinedColumns(NamedTuple):
    """The roles whose texts make a label, and the separator between them; empty texts are left out."""

    roles: tuple[str, ...]
    separator: str


# The separators are part of the labels, and so of every fingerprint.
JOINED: Mapping[str, JoinedColumns] = {
    "question": JoinedColumns(("question", "response"), " - "),
    "location": JoinedColumns(("location", "location_within"), ", "),
    "category": JoinedColumns(("category", "category_2", "category_3"), "; "),
    "stratum": JoinedColumns(("stratum", "stratum_2", "stratum_3"), "; "),
}


def label_sql(axis: str, columns: Mapping[str, str]) -> str:
    """Return the SQL of a label, given the SQL of the columns by role; the empty text if it has no column.

    >>> label_sql("category", {"category": "c4"})
    'c4'
    >>> label_sql("category", {"category": "c4", "category_2": "c6"})
    "concat_ws('; ', CASE WHEN trim(c4) <> '' THEN c4 END, CASE WHEN trim(c6) <> '' THEN c6 END)"
    """
    parts = _parts(axis, columns)
    if len(parts) > 1:
        texts = ", ".join(f"CASE WHEN trim({part}) <> '' THEN {part} END" for part in parts)
        label = f"concat_ws('{JOINED[axis].separator}', {texts})"
    else:
        # As written in the file, including its spaces.
        label = parts[0] if parts else "''"
    if axis == "location" and "location_id" in columns:
        number = columns["location_id"]
        label = f"({label} || CASE WHEN trim({number}) <> '' THEN ' (' || {number} || ')' ELSE '' END)"
    return label


def parts_sql(axis: str, columns: Mapping[str, str]) -> str:
    """Return the SQL of what a label is made of: different parts never give the same text, as labels may.

    >>> parts_sql("question", {"question": "c1"})
    "''"
    """
    parts = _parts(axis, columns)
    if len(parts) < 2:
        return "''"
    # Each text with its length in front.
    texts = ", ".join(f"CASE WHEN trim({part}) <> '' THEN length({part}) || ':' || {part} END" for part in parts)
    return f"concat({texts})"


def label_roles(axis: str, roles: Collection[str]) -> tuple[str, ...]:
    """Return the roles that make the labels of an axis in a file with these roles.

    >>> label_roles("stratum", ["question", "stratum_2", "stratum"])
    ('stratum', 'stratum_2')
    """
    return tuple(role for role in JOINED[axis].roles if role in roles)


def place_label(name: str, number: str) -> str:
    """Return the label of a place with its id, as ``label_sql`` does.

    >>> place_label("Washington, Utah", "53"), place_label("Utah", " ")
    ('Washington, Utah (53)', 'Utah')
    """
    return f"{name} ({number})" if number.strip(" ") else name


def is_shared_name(numbers: Iterable[str]) -> bool:
    """Whether places with these ids are several places.

    "1" and "01" count as the same id: spreadsheets drop leading zeros.

    >>> is_shared_name(["1", "01", ""]), is_shared_name(["1", "10"])
    (False, True)
    """
    return len({text for number in numbers if (text := number.strip(" ").lstrip("0"))}) > 1


def ambiguous_label(axis: str, label: str, roles: Collection[str]) -> SourceUnreadable:
    """Return the error about two things that would get the same label: "A - B" without a response, and "A" with "B"."""
    return SourceUnreadable(
        f"Two different things would both be called {quoted(label)}: the {axis} is made of the columns for "
        f"{', '.join(label_roles(axis, roles))}, joined by {quoted(JOINED[axis].separator)}, and one of the columns "
        "already contains that text. Change it in the file."
    )


def _parts(axis: str, columns: Mapping[str, str]) -> list[str]:
    parts = [columns[role] for role in JOINED[axis].roles if role in columns]
    # A state that is contained in itself is just the state.
    return [parts[0], f"nullif({parts[1]}, {parts[0]})"] if axis == "location" and len(parts) > 1 else parts
