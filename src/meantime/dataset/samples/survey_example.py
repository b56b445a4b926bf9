"""A survey of five locations over five years, with limits and respondents: the worked example of survey statistics.

It is small enough to check by hand, and has each peculiarity once: a tie, a withheld year, a location without the last
year, two sexes and the total, and a value of 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from meantime.dataset.cube import Cube, Period, ValueType
from meantime.dataset.rolling_up import roll_up
from meantime.dataset.samples.made_table import RowKey, cells_of, coded, snapshot_of
from meantime.dataset.snapshot import QuestionMetadata, Snapshot

SOUP = "Percent of adults who eat soup at breakfast"
SINGING = "Percent of adults who sing in the morning"


class SurveyRow(NamedTuple):
    """A row as in a file; numbers are in tenths of a percent, None is withheld."""

    question: str
    location: str
    stratum: str  # "Total", or a sex
    year: int
    value: int | None
    low: int
    high: int
    respondents: int


_YEARS = (2016, 2017, 2018, 2019, 2020)
# By location: the totals of soup by year. Limits are about 2 points away, a little less below than above.
_SOUP: dict[str, tuple[int | None, ...]] = {
    "Avalon": (200, 203, 211, 209, 218),
    "Borduria": (260, 262, 259, 266, 262),
    "Cockaigne": (300, 301, None, 310, 318),
    "Dorado": (258, 261, 266, 259, 262),
    "Erewhon": (240, 229, 236, 241),
}
_SINGING = {"Avalon": 400, "Borduria": 312, "Cockaigne": 250, "Dorado": 301, "Erewhon": 0}


def rows() -> tuple[SurveyRow, ...]:
    """Return all rows."""
    totals = [
        SurveyRow(SOUP, location, "Total", year, value, *_limits(value), 1000)
        for location, values in _SOUP.items()
        for year, value in zip(_YEARS, values, strict=False)
    ]
    sexes = [
        SurveyRow(SOUP, location, sex, 2019, value, *_limits(value), 500)
        for location, values in (("Avalon", (180, 238)), ("Borduria", (270, 262)))
        for sex, value in zip(("Female", "Male"), values, strict=True)
    ]
    singing = [
        SurveyRow(SINGING, location, "Total", 2019, value, *_limits(value), 1000)
        for location, value in _SINGING.items()
    ]
    return (*totals, *sexes, *singing)


def snapshot() -> Snapshot:
    """Make the example's snapshot, in memory.

    >>> snapshot().cube.rows, snapshot().cube.withheld_by_reason()
    (33, {'~': 1})
    """
    return snapshot_of(
        _cube(rows()),
        fingerprint="1" * 64,
        title="A worked example of a survey",
        file="survey.csv",
        questions=(
            QuestionMetadata(text=SOUP, unit="percent", polarity="lower"),
            QuestionMetadata(text=SINGING, unit="percent", polarity="higher"),
        ),
    )


def _limits(value: int | None) -> tuple[int, int]:
    return (0, 0) if value is None else (max(value - 19, 0), value + 21)


def _cube(table: tuple[SurveyRow, ...]) -> Cube:
    def published(numbers: Iterable[float]) -> list[float]:
        return [math.nan if row.value is None else number for row, number in zip(table, numbers, strict=True)]

    labels, keys = coded([_key(row) for row in table], reasons=("~",))
    cells = cells_of(
        keys,
        [row.value for row in table],
        low=published(row.low / 10 for row in table),
        high=published(row.high / 10 for row in table),
        sample_size=published(row.respondents for row in table),
    )
    return roll_up(labels, cells, scale=1)


def _key(row: SurveyRow) -> RowKey:
    return RowKey(
        question=row.question,
        location=row.location,
        category="Total" if row.stratum == "Total" else "Sex",
        stratum=row.stratum,
        value_type=ValueType("Value", "percent"),
        period=Period(row.year, row.year),
    )
