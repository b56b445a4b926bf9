"""Labels of several columns: a question and a response to it, a place and what it lies in, two strata of one row.

Files differ in how many columns tell one thing. "Washington" is a county in many states, "Yes" an answer to many
questions, and who is "65 years or older" may be "Female" too. A label has all that tells it from others, so that rows
of two things never meet in one cell. Whoever groups rows, or looks for them, asks here for a label's SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb

from meantime.errors import SourceUnreadable
from meantime.text import quoted


class JoinedColumns(NamedTuple):
    """The roles whose texts make a label, and what stands between them; an empty one is left out."""

    roles: tuple[str, ...]
    between: str


JOINED: Mapping[str, JoinedColumns] = {
    "question": JoinedColumns(("question", "response"), " - "),
    "location": JoinedColumns(("location", "location_within"), ", "),
    "category": JoinedColumns(("category", "category_2", "category_3"), "; "),
    "stratum": JoinedColumns(("stratum", "stratum_2", "stratum_3"), "; "),
}


def label_sql(axis: str, columns: Mapping[str, str]) -> str:
    """Return the SQL of a label, from that of the columns by role; the empty text where there are none.

    >>> label_sql("category", {"category": "c4"})
    'c4'
    >>> label_sql("category", {"category": "c4", "category_2": "c6"})
    "concat_ws('; ', CASE WHEN trim(c4) <> '' THEN c4 END, CASE WHEN trim(c6) <> '' THEN c6 END)"
    """
    parts = _parts(axis, columns)
    if len(parts) > 1:
        given = ", ".join(f"CASE WHEN trim({part}) <> '' THEN {part} END" for part in parts)
        text = f"concat_ws('{JOINED[axis].between}', {given})"
    else:
        # As it stands in the file, its spaces too.
        text = parts[0] if parts else "''"
    if axis == "location" and "location_id" in columns:
        number = columns["location_id"]
        text = f"({text} || CASE WHEN trim({number}) <> '' THEN ' (' || {number} || ')' ELSE '' END)"
    return text


def find_shared_name(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> str | None:
    """Return a label that several places share, as the column ``location_id`` tells them apart; None without any.

    "1" and "01" are the same id: spreadsheets take the zeros away.
    """
    name = label_sql("location", {role: column for role, column in columns.items() if role != "location_id"})
    number = f"nullif(ltrim(trim({columns['location_id']}), '0'), '')"
    found = database.execute(
        f"SELECT {name} AS name FROM {rows} GROUP BY name HAVING min({number}) <> max({number}) ORDER BY name LIMIT 1"
    ).fetchone()
    return str(found[0]) if found else None


def refuse_ambiguous_labels(database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> None:
    """Refuse rows of which two things would have one label: "A - B" and nothing, "A" and "B".

    Raises:
        SourceUnreadable: there are some.
    """
    for axis, joined in JOINED.items():
        parts = _parts(axis, columns)
        if len(parts) < 2:
            continue
        # Each with its length before it: so no two different rows of parts read the same.
        told = ", ".join(f"CASE WHEN trim({part}) <> '' THEN length({part}) || ':' || {part} END" for part in parts)
        found = database.execute(
            f"SELECT name FROM (SELECT DISTINCT {label_sql(axis, columns)} AS name, concat({told}) AS parts "
            f"FROM {rows}) GROUP BY name HAVING count(*) > 1 ORDER BY name LIMIT 1"
        ).fetchone()
        if found:
            raise SourceUnreadable(
                f"Two things would both be called {quoted(found[0])}: the {axis} is told by the columns of the roles "
                f"{', '.join(role for role in joined.roles if role in columns)}, joined by {quoted(joined.between)}, "
                "and one of them has that text in it. Change the text in the file."
            )


def _parts(axis: str, columns: Mapping[str, str]) -> list[str]:
    parts = [columns[role] for role in JOINED[axis].roles if role in columns]
    # A state in the state itself is the state.
    return [parts[0], f"nullif({parts[1]}, {parts[0]})"] if axis == "location" and len(parts) > 1 else parts
