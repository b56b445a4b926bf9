"""What to do about a table in which a required role has no column: the line to paste, from what its rows show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from meantime.dataset.facts.column_names import is_id_name, says_what_is_measured
from meantime.dataset.reading.evidence import Evidence
from meantime.errors import RolesMissing
from meantime.text import listed, quoted

# How many columns are offered: as many as people compare.
_OFFERED = 8
# "Jan", "January 2020", "2020 Q1", "Q1".
_MONTH = re.compile(
    r"(?:\d{2,4}\W?)?"
    r"(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?|q(?:uarter)? ?[1-4])"
    r"(?:\W?\d{2,4})?",
    re.ASCII | re.I,
)
_FEWEST_MONTHS = 2


def explain_missing(
    error: RolesMissing, columns: Sequence[str], roles: Mapping[str, str], evidence: Evidence, *, described_in: str
) -> RolesMissing:
    """Add to the error what the rows of the table offer for the roles that are missing.

    ``described_in`` is the name of the file in which people describe the table.
    """
    offers = []
    used = set(roles.values())
    free = [name for name in columns if name not in used and name.strip() and not evidence.is_empty(name)]
    numbers = [name for name in free if _holds_values(name, evidence)]
    texts = [name for name in free if evidence.share_of_numbers(name) < 0.5]
    if "value" in error.roles and evidence.rows:
        offers += _value_offers(numbers, described_in)
    if "location" in error.roles:
        offers.append('If the whole table is of one place, say which: --set location="United States".')
    if "question" in error.roles:
        likely = f" Most likely the questions are in {quoted(roles['topic'])}." if "topic" in roles else ""
        offers.append(f'If the whole table is about one question, say which: --set question="...".{likely}')
    if texts and not {"location", "question"}.isdisjoint(error.roles):
        offers.append(f"The columns of text without a role are {_names(texts)}.")
    if not offers:
        return error
    return RolesMissing(" ".join([error.reason, *offers]), roles=error.roles, columns=error.columns)


def _holds_values(column: str, evidence: Evidence) -> bool:
    """Whether a column has numbers that may be values: no ids and no years."""
    return evidence.share_of_numbers(column) > 0.5 and not is_id_name(column) and not evidence.has_years(column)


def _value_offers(numbers: Sequence[str], described_in: str) -> list[str]:
    if not numbers:
        return []
    if len(numbers) == 1:
        return [f'The only column of numbers without a role is {quoted(numbers[0])}: --column value="{numbers[0]}".']
    measures = [name for name in numbers if says_what_is_measured(name)]
    listing = ", ".join(f'"{name}"' for name in measures[:_OFFERED])
    offer = (
        f"The columns of numbers without a role are {_names(numbers)}. If one of them is the value, name it: "
        "--column value=NAME. "
    )
    wide = f"the table is wide: write in {described_in} the lines [wide] and"
    if sum(_MONTH.fullmatch(name.strip()) is not None for name in numbers) >= _FEWEST_MONTHS:
        return [
            f"{offer}If they are parts of a year, {wide} stratum = [{listing}]. They become groups, since a period of "
            "Meantime is one or more whole years."
        ]
    return [
        f"{offer}If each is a question of its own, {wide} question = [{listing}]. If each is a group of people, write "
        "stratum instead of question."
    ]


def _names(names: Sequence[str]) -> str:
    return listed(map(quoted, names), most=_OFFERED)
