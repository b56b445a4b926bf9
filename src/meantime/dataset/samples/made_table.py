"""A table made in memory, row by row: what worked examples are made of, and tables of tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cells, Cube, Labels, Moments, Period, ValueType, exact
from meantime.dataset.snapshot import About, QuestionMetadata, Snapshot


class RowKey(NamedTuple):
    """The labels of a row, in the order of ``cube.AXES``; None where it has none."""

    question: str
    location: str
    category: str | None
    stratum: str | None
    value_type: ValueType
    period: Period | None


def coded(
    rows: Sequence[RowKey], *, reasons: tuple[str, ...] = (), footnotes: tuple[str, ...] = ()
) -> tuple[Labels, list[list[int]]]:
    """Return the labels of rows, in the order in which they come, and the key of each row as ``cells_of`` takes it."""
    codes: dict[str, dict[Any, int]] = {name: {} for name in AXES.values()}
    keys = [
        [
            ABSENT if label is None else known.setdefault(label, len(known))
            for known, label in zip(codes.values(), row, strict=True)
        ]
        for row in rows
    ]
    labels = {name: tuple(known) for name, known in codes.items()}
    return Labels(**labels, reasons=reasons, footnotes=footnotes), keys


def cells_of(
    keys: Sequence[Sequence[int]],
    values: Sequence[int | None],
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    sample_size: Sequence[float] | None = None,
    footnotes: Sequence[int] | None = None,
    reasons: Sequence[int] | None = None,
) -> Cells:
    """Make a cell of each row, in any order; ``rolling_up.roll_up`` brings rows of the same cell together.

    ``keys`` are codes in the order of ``cube.AXES``; ``values`` whole numbers at the table's scale, None if withheld.
    ``reasons`` are those of the withheld rows alone, in their order: without them all have the first. Limits, sample
    sizes and footnotes are unknown unless given.
    """
    numbers = [value or 0 for value in values]
    count = np.array([value is not None for value in values], dtype=np.int64)
    withheld = np.flatnonzero(count == 0).astype(np.int64)
    unknown = [np.nan] * len(values)
    return Cells(
        keys=np.array(keys, dtype=np.int64).reshape(len(values), 6),
        moments=Moments(
            count=count,
            total=exact(numbers),
            squares=exact([number * number for number in numbers]),
            minimum=exact(numbers),
            maximum=exact(numbers),
            withheld=1 - count,
        ),
        low=np.array(unknown if low is None else low, dtype=np.float64),
        high=np.array(unknown if high is None else high, dtype=np.float64),
        sample_size=np.array(unknown if sample_size is None else sample_size, dtype=np.float64),
        footnote=np.array([ABSENT] * len(values) if footnotes is None else footnotes, dtype=np.int64),
        copies=np.zeros(len(values), dtype=np.int64),
        withheld_cell=withheld,
        withheld_reason=np.array([0] * len(withheld) if reasons is None else reasons, dtype=np.int64),
        withheld_count=np.ones(len(withheld), dtype=np.int64),
    )


def snapshot_of(
    cube: Cube, *, fingerprint: str, title: str, file: str, questions: tuple[QuestionMetadata, ...]
) -> Snapshot:
    """Make a snapshot of a cube, in memory, as if it had been read from a file; the fingerprint is made up."""
    return Snapshot(
        fingerprint=fingerprint,
        cube=cube,
        about=About(
            title=title,
            synthetic=False,
            roles={"question": "Question", "location": "LocationDesc", "value": "Data_Value"},
            columns=("Question", "LocationDesc", "Data_Value"),
            questions=questions,
            rows=cube.rows,
            rejected_total=0,
            rejected=(),
            files=(file,),
            encoding="utf-8",
            delimiter=",",
            decimal_mark=".",
            copies=0,
        ),
    )
