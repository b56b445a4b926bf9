"""Warnings about how the files of a data set were understood, for the people who will use its numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from meantime.dataset.cube import Labels
from meantime.dataset.facts.column_names import is_spelling_of, plain_name
from meantime.dataset.reading.columns import YEARS, other_candidates
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.evidence import Evidence
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.plain_names import differ_in_case
from meantime.dataset.reading.source import ENDINGS_IN_FOLDER, Source, ignored_files
from meantime.dataset.reading.staging import OpenedFile, StagedFile
from meantime.did_you_mean import hint
from meantime.text import is_utf8, listed, quoted

# One TOML may describe many files, each with some of its questions. So many missing ones are enough to see a typo.
_QUESTIONS_LISTED = 5
# Of files that have one encoding.
_FILES_LISTED = 3
# Of lines that are no rows, with their texts.
_LINES_LISTED = 4
# Of names that differ only in capital letters, and of others that are in doubt.
_NAMES_LISTED = 3
# Columns with the power of ten of a value, in SDMX and in the tables of Statistics Canada; and what stands for 1.
_MULTIPLIERS = ("unitmult", "unitmultiplier", "scalarfactor", "powercode")
_ONES = {"0", "units", "Units"}
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATE_OF_GROUP = re.compile(rf"[0-9]{{1,2}}-{_MONTHS}|{_MONTHS}-[0-9]{{2}}", re.IGNORECASE)


def form_warnings(opened: Sequence[OpenedFile], tables: Sequence[FileTable], staged: Sequence[StagedFile]) -> list[str]:
    """Say what was done to make a table of each file: lines that are no rows, columns that were turned or added."""
    said: list[str] = []
    for file, rows in zip(opened, staged, strict=True):
        said += file.said
        if above := file.text.above if file.text else ():
            which = "The line above the header was" if len(above) == 1 else f"{len(above)} lines above the header were"
            said.append(f"{which} not read in {file.name}: {listed(map(quoted, above), most=_LINES_LISTED)}.")
        if file.text and file.text.is_joined:
            said.append(f"The header of {file.name} has two lines; the names of both were read together.")
        if rows.notes:
            texts = listed((f"line {line}, {quoted(text)}" for line, text in rows.notes), most=_LINES_LISTED)
            is_one = len(rows.notes) == 1
            which = "One line is a note and no row" if is_one else f"{len(rows.notes)} lines are notes and no rows"
            said.append(f"{which} of the table in {file.name}: {texts}.")
        if file.text and file.text.leaves_out_empty:
            said.append(f"Rows of {file.name} leave out empty fields at their end; these were read as empty.")
    return said + list(dict.fromkeys(text for table in tables for text in table.arrangement.said))


def column_warnings(
    columns: Sequence[str], roles: Mapping[str, str], columns_by_hand: Mapping[str, str], evidence: Evidence
) -> list[str]:
    """Name the columns that would also fit a role."""
    return [
        f"Of the columns that fit the role {role}, {quoted(roles[role])} is used and {listed(map(quoted, names))} "
        f"{'is' if len(names) == 1 else 'are'} not. To use another one: --column {role}=NAME."
        for role, names in other_candidates(columns, roles, evidence).items()
        if role not in columns_by_hand
    ]


def year_warnings(columns: Sequence[str], roles: Mapping[str, str], evidence: Evidence) -> list[str]:
    """Offer the columns that may have the years, where none was taken."""
    if not evidence.rows or not set(YEARS).isdisjoint(roles):
        return []
    free = [name for name in columns if name not in roles.values() and not evidence.is_empty(name)]
    if years := [name for name in free if evidence.has_years(name)]:
        return [
            f"No column was taken for the years. {quoted(name)} has texts that can be read as years: --column "
            f"{shlex.quote(f'first_year={name}')}."
            for name in years[:1]
        ]
    return [
        f"No column was taken for the years. {quoted(name)} is called so, but its texts are no years, such as "
        f"{quoted(evidence.texts(name)[0])}. Write years or dates there, or name another column: --column "
        "first_year=NAME."
        for name in free
        if is_spelling_of("first_year", name)
    ][:1]


def multiplier_warnings(columns: Sequence[str], roles: Mapping[str, str], evidence: Evidence) -> list[str]:
    """Name a column that says in which power of ten a value is: numbers are read as they stand."""
    said = []
    for name in columns:
        factors = sorted(set(evidence.texts(name)) - _ONES)
        if plain_name(name) in _MULTIPLIERS and factors and name not in roles.values():
            shown = listed(map(quoted, factors), most=_NAMES_LISTED)
            differ = " They differ, so values cannot be compared." if len(set(evidence.texts(name))) > 1 else ""
            said.append(
                f"{quoted(name)} says that values are multiples ({shown}); they are read as they stand, and not "
                f"multiplied.{differ}"
            )
    return said[:1]


def date_warnings(labels: Labels) -> list[str]:
    """Name the groups that a spreadsheet has probably taken for dates: "5-12" becomes "12-May"."""
    if not (dates := [name for name in labels.strata if _DATE_OF_GROUP.fullmatch(name)]):
        return []
    shown = listed(map(quoted, dates), most=_NAMES_LISTED)
    return [
        f"A spreadsheet has probably made dates of the names of groups: {shown}. A range such as 5-12 becomes 12-May "
        "there. Correct them in the file."
    ]


def encoding_warnings(opened: Sequence[OpenedFile]) -> list[str]:
    """Name the files whose encoding is a guess, and say where those of one table differ."""
    encodings: dict[str, list[str]] = {}
    for file in opened:
        if file.text:
            encodings.setdefault("utf-8" if is_utf8(file.text.encoding) else file.text.encoding, []).append(file.name)
    differ = listed(f"{listed(map(quoted, names), most=_FILES_LISTED)} as {each}" for each, names in encodings.items())
    return [
        *(
            [f"The files of this table were read in several encodings: {differ}. Letters beyond ASCII may differ."]
            if len(encodings) > 1
            else []
        ),
        *_guessed_encodings(opened),
    ]


def _guessed_encodings(opened: Sequence[OpenedFile]) -> list[str]:
    return [
        f"{file.name} is not UTF-8; it was read as {file.text.encoding}, which is a guess. If letters look wrong, name "
        'the encoding in the TOML file next to the data: encoding = "..."'
        for file in opened
        if file.text and file.text.is_encoding_guessed
    ]


def shared_name_warnings(shared_name: str | None, roles: Mapping[str, str]) -> list[str]:
    """Explain why names of locations include their ids."""
    if shared_name is None:
        return []
    return [
        f"Several places are called {quoted(shared_name)}, so the name of every location includes its "
        f"{quoted(roles['location_id'])}."
    ]


def description_warnings(description: Description, questions: Sequence[str]) -> list[str]:
    """Name the questions that are described but not in the data."""
    in_data = set(questions)
    described = (*description.questions, *(text for each in description.breaks for text in each.questions))
    absent = [text for text in dict.fromkeys(described) if text not in in_data]
    if not absent:
        return []
    names = [quoted(text) + hint(text, questions) for text in absent[:_QUESTIONS_LISTED]]
    names += absent[_QUESTIONS_LISTED:]  # only counted
    return [
        "The TOML file next to the data describes questions that are not in the data: "
        f"{listed(names, most=_QUESTIONS_LISTED)}. Write a question with its full text."
    ]


def case_warnings(labels: Labels) -> list[str]:
    """Name the labels that differ from another only in capital letters: they may be one, or two."""
    said = []
    for axis, names in (
        ("questions", labels.questions),
        ("locations", labels.locations),
        ("categories", labels.categories),
        ("strata", labels.strata),
        ("value types", [kind.name for kind in dict.fromkeys(labels.value_types)]),
    ):
        if alike := differ_in_case(dict.fromkeys(names)):
            shown = listed((listed(map(quoted, each)) for each in alike), most=_NAMES_LISTED)
            said.append(
                f"Names of {axis} that differ only in capital letters are read as different ones: {shown}. If they are "
                "one, write ignore_case = true in the TOML file next to the data, or use --set ignore_case=true."
            )
    return said


def copy_warnings(copies: int, roles: Mapping[str, str]) -> list[str]:
    """Say how many rows are exact copies of another, which those of a tally are meant to be.

    >>> print(copy_warnings(1, {})[0])
    1 row is an exact copy of another. Statistics of published estimates count it once; the classic means and summary \
count every row. If rows were written twice by mistake, remove them.
    """
    if not copies or "row_count" in roles:
        return []
    which = "1 row is an exact copy" if copies == 1 else f"{copies:,} rows are exact copies"
    return [
        f"{which} of another. Statistics of published estimates count {'it' if copies == 1 else 'them'} once; the "
        "classic means and summary count every row. If rows were written twice by mistake, remove them."
    ]


def cluster_warnings(shared_cells: int) -> list[str]:
    """Say what is not looked for where a cluster has read the files: it would take all their columns."""
    if not shared_cells:
        return []
    subject = "1 cell has" if shared_cells == 1 else f"{shared_cells:,} cells have"
    return [
        f"{subject} several rows. Classic means are taken over them, and other statistics refuse them. What tells them "
        "apart was not looked for, because a cluster has read the files: read one of them without it to see."
    ]


def folder_warnings(source: Source) -> list[str]:
    """Name the files of a folder that were not read."""
    ignored = ignored_files(source)
    if not ignored:
        return []
    names = listed(map(quoted, ignored))
    return [
        f"{names} in the folder {'was' if len(ignored) == 1 else 'were'} not read. In a folder, only files "
        f"ending in {', '.join(ENDINGS_IN_FOLDER)} are read; use a quoted glob for others."
    ]
