"""Labels made of several columns: a question and its response, a place and what contains it, two strata of one row.

Files differ in how many columns describe one thing. "Washington" is a county in many states, "Yes" a response to many
questions, and people who are "65 years or older" may also be "Female". A label contains everything that distinguishes
it, so that rows about different things never share a cell. Whatever groups or finds rows gets the SQL of a label here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb

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


def find_shared_name(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> str | None:
    """Return a location's name that several places share according to their ids; None if there is none.

    "1" and "01" count as the same id: spreadsheets drop leading zeros.
    """
    if "location_id" not in columns:
        return None
    name = label_sql("location", {role: column for role, column in columns.items() if role != "location_id"})
    number = f"nullif(ltrim(trim({columns['location_id']}), '0'), '')"
    shared = database.execute(
        f"SELECT {name} AS name FROM {rows} GROUP BY name HAVING min({number}) <> max({number}) ORDER BY name LIMIT 1"
    ).fetchone()
    return str(shared[0]) if shared else None


def refuse_ambiguous_labels(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> None:
    """Refuse rows in which two things would get the same label: "A - B" without a response, and "A" with "B".

    Raises:
        SourceUnreadable: there are such rows.
    """
    for axis, joined in JOINED.items():
        parts = _parts(axis, columns)
        if len(parts) < 2:
            continue
        # Each text with its length in front: so different parts never give the same text.
        unambiguous = ", ".join(
            f"CASE WHEN trim({part}) <> '' THEN length({part}) || ':' || {part} END" for part in parts
        )
        ambiguous = database.execute(
            f"SELECT name FROM (SELECT DISTINCT {label_sql(axis, columns)} AS name, concat({unambiguous}) AS parts "
            f"FROM {rows}) GROUP BY name HAVING count(*) > 1 ORDER BY name LIMIT 1"
        ).fetchone()
        if ambiguous:
            raise SourceUnreadable(
                f"Two different things would both be called {quoted(ambiguous[0])}: the {axis} is made of the columns "
                f"for {', '.join(role for role in joined.roles if role in columns)}, joined by "
                f"{quoted(joined.separator)}, and one of the columns already contains that text. Change it in the file."
            )


def _parts(axis: str, columns: Mapping[str, str]) -> list[str]:
    parts = [columns[role] for role in JOINED[axis].roles if role in columns]
    # A state that is contained in itself is just the state.
    return [parts[0], f"nullif({parts[1]}, {parts[0]})"] if axis == "location" and len(parts) > 1 else parts
