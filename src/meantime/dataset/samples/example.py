"""A table of nine rows, small enough to check by hand: the example of docstrings and docs/statistics/classic.md.

It has each peculiarity of real tables once: a tie, a withheld value, a location with only withheld values, a row
without a category, a question without polarity, and a question without any value.
"""

from __future__ import annotations

from typing import NamedTuple

from meantime.dataset.cube import Cube, Period, ValueType
from meantime.dataset.rolling_up import roll_up
from meantime.dataset.samples.made_table import RowKey, cells_of, coded, snapshot_of
from meantime.dataset.snapshot import QuestionMetadata, Snapshot

BREAKFAST = "Percent of adults who skip breakfast"
TEA = "Cups of tea a day"
NAPS = "Percent of adults who nap"


class ExampleRow(NamedTuple):
    """A row as in a file; "" is absent."""

    question: str
    location: str
    category: str
    stratum: str
    year: int
    tenths: int | None  # the value in tenths; None if withheld


ROWS = (
    ExampleRow(BREAKFAST, "Avalon", "Sex", "Female", 2020, 220),
    ExampleRow(BREAKFAST, "Avalon", "Sex", "Male", 2020, None),
    ExampleRow(BREAKFAST, "Avalon", "Total", "Total", 2020, 200),
    ExampleRow(BREAKFAST, "Borduria", "Total", "Total", 2020, 210),
    ExampleRow(BREAKFAST, "Cockaigne", "", "", 2020, 300),
    ExampleRow(BREAKFAST, "Cockaigne", "Total", "Total", 2021, 331),
    ExampleRow(BREAKFAST, "Dorado", "Total", "Total", 2020, None),
    ExampleRow(TEA, "Avalon", "Total", "Total", 2020, 32),
    ExampleRow(NAPS, "Avalon", "Total", "Total", 2020, None),
)


def snapshot() -> Snapshot:
    """Make the example's snapshot, in memory.

    >>> snapshot().cube.rows, snapshot().cube.withheld_by_reason()
    (9, {'~': 3})
    """
    return snapshot_of(
        _cube(),
        fingerprint="0" * 64,
        title="A worked example",
        file="example.csv",
        # In the order of the cube's codes: sorted by name.
        questions=(
            QuestionMetadata(text=TEA, unit="cups"),
            QuestionMetadata(text=NAPS, unit="percent", polarity="higher"),
            QuestionMetadata(text=BREAKFAST, unit="percent", polarity="lower"),
        ),
    )


def _cube() -> Cube:
    labels, keys = coded([_key(row) for row in ROWS], reasons=("~",))
    return roll_up(labels, cells_of(keys, [row.tenths for row in ROWS]), scale=1)


def _key(row: ExampleRow) -> RowKey:
    return RowKey(
        question=row.question,
        location=row.location,
        category=row.category or None,
        stratum=row.stratum or None,
        value_type=ValueType("", ""),
        period=Period(row.year, row.year),
    )
