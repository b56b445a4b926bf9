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
from meantime.text import is_utf8, listed, quoted

# One TOML may describe many files, each with some of its questions. So many missing ones are enough to see a typo.
_QUESTIONS_LISTED = 5
# Of files that have one encoding.
_FILES_LISTED = 3
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
