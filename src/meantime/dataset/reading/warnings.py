"""Warnings about how the files of a data set were understood, for the people who will use its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meantime.dataset.reading.columns import other_candidates
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.evidence import Evidence
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.source import ENDINGS_IN_FOLDER, Source, ignored_files
from meantime.dataset.reading.staging import OpenedFile, StagedFile
from meantime.did_you_mean import hint
from meantime.text import listed, quoted

# One TOML may describe many files, each with some of its questions. So many missing ones are enough to see a typo.
_QUESTIONS_LISTED = 5
# Of lines that are no rows, with their texts.
_LINES_LISTED = 4


def form_warnings(opened: Sequence[OpenedFile], tables: Sequence[FileTable], staged: Sequence[StagedFile]) -> list[str]:
    """Say what was done to make a table of each file: lines that are no rows, columns that were turned or added."""
    said: list[str] = []
    for file, rows in zip(opened, staged, strict=True):
        said += file.said
        if above := file.text.above if file.text else ():
            which = "The line above the header was" if len(above) == 1 else f"{len(above)} lines above the header were"
            said.append(f"{which} not read in {file.name}: {listed(map(quoted, above), most=_LINES_LISTED)}.")
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


def encoding_warnings(opened: Sequence[OpenedFile]) -> list[str]:
    """Name the files whose encoding is a guess."""
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
