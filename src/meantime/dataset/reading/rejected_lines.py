"""Why lines are rejected, where that says what is wrong with the file, and the error that refuses it."""

from __future__ import annotations

from collections.abc import Sequence

from meantime.dataset.snapshot import Rejected
from meantime.errors import TooManyRejected

# How the reason of a rejected row begins that has no year in the column of years.
UNREADABLE_YEAR = "the year cannot be read: "
# Why a row is rejected that has nothing where it should say what it is about.
INCOMPLETE = ("no question", "no location")


def too_many_rejected(how_many: str, examples: Sequence[Rejected]) -> TooManyRejected:
    """Return the error that refuses a file because of its rejected lines, with the first of them as examples."""
    lines = "; ".join(f"{each.file}, line {each.line}: {each.reason}" for each in examples[:3])
    if examples and all(each.reason.startswith(UNREADABLE_YEAR) for each in examples):
        cause = (
            "Meantime reads years such as 2020, 2019/20, 2013 - 15 and 31.12.2022. If another column has the years, "
            "name it: --column first_year=NAME --column last_year=NAME."
        )
    elif examples and all(each.reason in INCOMPLETE for each in examples):
        cause = (
            "These lines can be separated into columns, but do not say what they are about. If they add up others, or "
            "are notes, take them out of the file. If a name stands only in the first of its rows, write it in each."
        )
    else:
        cause = (
            "Most likely the file is written in another way than it seems: set delimiter or encoding in the TOML file "
            'next to it, as in delimiter = ";".'
        )
    return TooManyRejected(
        f"Too many lines cannot be read as rows: {how_many}. The first: {lines}. {cause} Otherwise correct the lines, "
        "or allow more of them with the setting rejected_limit."
    )
