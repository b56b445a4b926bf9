"""The columns that the statistics share: a word means the same in every table."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from meantime.table import Column, Kind
from meantime.text import unit_a_year, unit_of_difference

# Units of columns in a row of the registry; in a table they are replaced by the question's own.
OF_QUESTION = "of the question"
# Two percentages differ by points.
OF_DIFFERENCE = "of the question; percentage points where that is percent"
OF_SLOPE = "of the question, a year; percentage points a year where that is percent"

LOCATION = Column(name="location", kind=Kind.TEXT, meaning="state, territory, or the whole country")
CATEGORY = Column(name="category", kind=Kind.TEXT, meaning="what the rows are broken down by")
STRATUM = Column(
    name="stratum", kind=Kind.TEXT, meaning="the group within the category; empty where the file names none"
)
PERIOD = Column(name="period", kind=Kind.TEXT, meaning="year of the rows, or first and last year")
COUNT = Column(name="count", kind=Kind.INTEGER, meaning="rows averaged")
WITHHELD = Column(name="withheld", kind=Kind.INTEGER, meaning="rows without a value, which count nowhere")


def number(name: str, meaning: str, *, unit: str | None = OF_QUESTION) -> Column:
    """Describe a column of doubles, by default in the unit of the question."""
    return Column(name=name, kind=Kind.NUMBER, unit=unit, meaning=meaning)


def relative(name: str, meaning: str) -> tuple[Column, Column, Column]:
    """Describe the columns of a relative difference and its interval."""
    return (
        number(name, meaning, unit="percent"),
        number(f"{name}_low", "lower limit of its 95% interval (MOVER on logarithms)", unit="percent"),
        number(f"{name}_high", "upper limit of its 95% interval", unit="percent"),
    )


@lru_cache(maxsize=256)
def of_question(columns: tuple[Column, ...], unit: str | None) -> tuple[Column, ...]:
    """Put the unit of the question, or of the type of value that was chosen, where columns leave that open."""
    units = {
        OF_QUESTION: unit,
        OF_DIFFERENCE: unit_of_difference(unit),
        OF_SLOPE: unit and unit_a_year(unit),
    }
    return tuple(replace(column, unit=units[column.unit]) if column.unit in units else column for column in columns)
