"""What an opened file is as a table: how it is turned, which column has which role, and what is the same for all rows.

This is decided from the header, a sample of the rows and what people wrote, before any row is staged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from meantime.dataset.facts.column_names import find_form, says_what_is_measured
from meantime.dataset.reading.arrangement import TOTAL, Arrangement, free_name
from meantime.dataset.reading.columns import NAMES, REQUIRED, YEARS, assign_roles, recognize, refuse_repeated
from meantime.dataset.reading.described_names import as_in_table, with_columns_of
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.evidence import Evidence
from meantime.dataset.reading.layouts import find_layout
from meantime.dataset.reading.missing_roles import explain_missing
from meantime.errors import RolesMissing
from meantime.text import quoted

# What a row is about, apart from its question.
_KEY = (*YEARS, *(role for role in NAMES if role != "question"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """The table that a file becomes."""

    arrangement: Arrangement
    roles: Mapping[str, str]
    evidence: Evidence

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table: those of the file, unless it was turned."""
        return self.arrangement.columns


def find_file_table(
    columns: Sequence[str],
    *,
    labels: Sequence[str],
    records: Sequence[Sequence[str]],
    description: Description,
    by_hand: Mapping[str, str],
    title: str,
    described_in: str,
    known: Mapping[str, str] | None = None,
) -> FileTable:
    """Return the form of a table.

    ``known`` are roles that the file itself names, as JSON-stat does. ``title`` is the question where neither its
    columns nor people say one. ``described_in`` is the name of the file in which people describe the table.

    Raises:
        HeaderRepeated: two columns have the same name.
        RolesMissing: a required role has no column, and nobody said what it is for all rows.
        DescriptionInvalid: the description names a role or column that does not exist.
    """
    refuse_repeated(columns)
    by_hand = with_columns_of(by_hand, columns)
    wide = {role: [as_in_table(name, columns) for name in names] for role, names in description.wide.items()}
    # Of a table that is turned, people may name the columns that it has then.
    of_file = {role: column for role, column in by_hand.items() if column in columns}
    arrangement = find_layout(columns, labels=labels, records=records, by_hand=of_file, wide=wide)
    arrangement = replace(arrangement, roles={**(known or {}), **arrangement.roles})
    arrangement = _with_declared(arrangement, description)
    arrangement = _without_totals(arrangement, records)
    evidence = arrangement.evidence(records)
    arrangement = _with_known(arrangement, evidence, by_hand, title)
    evidence = arrangement.evidence(records)
    recognized = _roles(arrangement, by_hand, evidence)
    # One that needs only a value is refused for that alone.
    is_one_question = "question" not in recognized and not _may_be_several_questions(arrangement, recognized, evidence)
    required = [role for role in REQUIRED if role != "question" or not is_one_question]
    try:
        set_by_now = {**arrangement.roles, **by_hand}
        roles = assign_roles(arrangement.columns, set_by_now, evidence, required=required)
    except RolesMissing as error:
        raise explain_missing(error, arrangement.columns, recognized, evidence, described_in=described_in) from None
    return FileTable(arrangement=arrangement, roles=roles, evidence=evidence)


def _roles(arrangement: Arrangement, by_hand: Mapping[str, str], evidence: Evidence) -> dict[str, str]:
    set_by_now = {**arrangement.roles, **by_hand}
    return recognize(arrangement.columns, set_by_now, evidence) | set_by_now


def _with_declared(arrangement: Arrangement, description: Description) -> Arrangement:
    """Add what people said of all rows: it comes before any column."""
    for role, text in (("question", description.question), ("location", description.location)):
        if text:
            name = free_name(role.capitalize(), arrangement.columns)
            arrangement = arrangement.with_constant(role, name, text)
    return arrangement


def _without_totals(arrangement: Arrangement, records: Sequence[Sequence[str]]) -> Arrangement:
    """Leave out the rows that a publisher marks as totals of others."""
    form = find_form(arrangement.columns)
    if form is None or form.totals is None or arrangement.turned:
        return arrangement
    at = next((at for at, name in enumerate(arrangement.columns) if name == form.totals), None)
    if at is None or not any(record[at] == TOTAL for record in records):
        return arrangement
    said = f'Rows that add up others ("{TOTAL}" in {quoted(form.totals)}) were not read.'
    return replace(arrangement, totals=at, said=(*arrangement.said, said))


def _with_known(arrangement: Arrangement, evidence: Evidence, by_hand: Mapping[str, str], title: str) -> Arrangement:
    """Add what is known of all rows without anybody saying it, where no column does."""
    roles = _roles(arrangement, by_hand, evidence)
    form = find_form(arrangement.columns)
    if form and form.level:
        arrangement = replace(arrangement, level=form.level)
    if "location" not in roles and form and form.location:
        said = (
            f"The table has no column of places. It has the form of {form.name}, so its numbers are of "
            f'{form.location}. If that is wrong: --set location="...".'
        )
        name = free_name("Location", arrangement.columns)
        arrangement = arrangement.with_constant("location", name, form.location, said)
        roles["location"] = name
    if "question" in roles or _may_be_several_questions(arrangement, roles, evidence):
        return arrangement
    if "value" not in roles:
        return arrangement
    name = free_name("Question", arrangement.columns)
    value = roles["value"]
    text = value.strip() if says_what_is_measured(value) else title
    of_what = "its values' column" if text == value.strip() else "the table"
    said = (
        f"The table has no column of questions, so its question is the name of {of_what}: {quoted(text)}. To change "
        'it: --set question="...".'
    )
    return arrangement.with_constant("question", name, text, said)


def _may_be_several_questions(arrangement: Arrangement, roles: Mapping[str, str], evidence: Evidence) -> bool:
    """Whether rows of one place, year and group differ in a text that has no role: it may be the question.

    So may a topic, and where only it says what a number is about, people have to say so.
    """
    key = [roles[role] for role in _KEY if role in roles]
    free = (name for name in arrangement.columns if name not in roles.values())
    return "topic" in roles or any(
        evidence.share_of_numbers(name) < 0.5 and evidence.differs_within(key, name) for name in free
    )
