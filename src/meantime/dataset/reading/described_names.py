"""Names of columns and questions as people write them in TOML and options, put as the table has them.

They may have other case, other spaces, and letters that are composed in another way. A name that fits several of the
table's stays as written, as does one that fits none: whoever looks it up says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from meantime.dataset.reading.description import Description
from meantime.did_you_mean import name_key


def as_in_table(written: str, among: Iterable[str]) -> str:
    """Return the only one of some names that looks like a written one, but for its case; else the written one.

    >>> as_in_table("area  name", ["Area Name", "Value"]), as_in_table("rate", ["Rate", "RATE"])
    ('Area Name', 'rate')
    """
    names = set(among)
    if written in names:
        return written
    key = _key(written)
    alike = [name for name in names if _key(name) == key]
    return alike[0] if len(alike) == 1 else written


def with_columns_of(roles: Mapping[str, str], columns: Iterable[str]) -> dict[str, str]:
    """Return the columns of roles, named as a table has them."""
    names = set(columns)
    return {role: as_in_table(column, names) for role, column in roles.items()}


def with_questions_of(description: Description, questions: Iterable[str]) -> Description:
    """Return a description whose questions are named as the table has them."""
    written = [*description.questions, *(text for each in description.breaks for text in each.questions)]
    texts = set(questions)
    if texts.issuperset(written):
        return description
    named = {text: as_in_table(text, texts) for text in written}
    return msgspec.structs.replace(
        description,
        # What is written letter for letter comes before what only looks like it.
        questions={named[text]: facts for text, facts in description.questions.items()}
        | {text: facts for text, facts in description.questions.items() if text in texts},
        breaks=tuple(
            msgspec.structs.replace(each, questions=tuple(named[text] for text in each.questions))
            for each in description.breaks
        ),
    )


def _key(name: str) -> str:
    return name_key(name).casefold()
