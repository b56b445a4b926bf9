"""A table of nine rows, small enough to check by hand: the example of docstrings and docs/statistics/classic.md.

It has each peculiarity of real tables once: a tie, a withheld value, a location with only withheld values, a row
without a category, a question without polarity, and a question without any value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, Cells, Cube, Labels, Moments, Period, ValueType, exact, roll_up
from meantime.dataset.snapshot import About, QuestionMetadata, Snapshot

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
    return Snapshot(
        fingerprint="0" * 64,  # no real fingerprint
        cube=_cube(),
        about=About(
            title="A worked example",
            synthetic=False,
            roles={"question": "Question", "location": "LocationDesc", "value": "Data_Value"},
            columns=("Question", "LocationDesc", "Data_Value"),
            # In the order of the cube's codes: sorted by name.
            questions=(
                QuestionMetadata(text=TEA, unit="cups"),
                QuestionMetadata(text=NAPS, unit="percent", polarity="higher"),
                QuestionMetadata(text=BREAKFAST, unit="percent", polarity="lower"),
            ),
            rows=len(ROWS),
            rejected_total=0,
            rejected=(),
            files=("example.csv",),
            encoding="utf-8",
            delimiter=",",
            decimal_mark=".",
        ),
    )


def _cube() -> Cube:
    labels = Labels(
        questions=tuple({row.question for row in ROWS}),
        value_types=(ValueType("", ""),),
        locations=tuple({row.location for row in ROWS}),
        categories=tuple({row.category for row in ROWS if row.category}),
        strata=tuple({row.stratum for row in ROWS if row.stratum}),
        periods=tuple({Period(row.year, row.year) for row in ROWS}),
        reasons=("~",),
        footnotes=(),
    )
    values = [row.tenths or 0 for row in ROWS]
    count = np.array([row.tenths is not None for row in ROWS], dtype=np.int64)
    unknown = np.full(len(ROWS), np.nan)
    withheld = np.flatnonzero(count == 0).astype(np.int64)
    cells = Cells(
        keys=np.array([_key(row, labels) for row in ROWS], dtype=np.int64),
        moments=Moments(
            count=count,
            total=exact(values),
            squares=exact([value * value for value in values]),
            minimum=exact(values),
            maximum=exact(values),
            withheld=1 - count,
        ),
        low=unknown,
        high=unknown,
        sample_size=unknown,
        footnote=np.full(len(ROWS), ABSENT, dtype=np.int64),
        withheld_cell=withheld,
        withheld_reason=np.zeros(len(withheld), dtype=np.int64),
        withheld_count=np.ones(len(withheld), dtype=np.int64),
    )
    return roll_up(labels, cells, scale=1)


def _key(row: ExampleRow, labels: Labels) -> list[int]:
    return [
        labels.questions.index(row.question),
        labels.locations.index(row.location),
        labels.categories.index(row.category) if row.category else ABSENT,
        labels.strata.index(row.stratum) if row.stratum else ABSENT,
        0,
        labels.periods.index(Period(row.year, row.year)),
    ]
