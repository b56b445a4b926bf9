"""What a reader should know beside the numbers, in the same words in every table. Each is "" where it does not hold."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.methods.effective_size import effective_size
from meantime.text import listed, quoted

# From here on 95% intervals and 5% tests hold also where respondents have unequal weights (docs/validation.md).
_LEAST_RESPONDENTS = 400
_LEAST_ON_SMALLER_SIDE = 10


def synthetic(snapshot: Snapshot) -> str:
    """Say that the numbers are made up."""
    return "Synthetic data: the numbers are made up." if snapshot.about.synthetic else ""


def withheld(withheld_rows: int, rows: int) -> str:
    """Say how many of a question's rows have no value."""
    return f"Withheld rows, which count nowhere: {withheld_rows:,} of the question's {rows:,}." if withheld_rows else ""


def kinds_of_value(snapshot: Snapshot, question: int) -> str:
    """Name the value types of a question where it has several."""
    cube = snapshot.cube
    codes = cube.outline(question).value_types
    if len(codes) == 1:
        return ""
    kinds = (cube.labels.value_types[code] for code in codes)
    kinds_text = ", ".join(" in ".join(filter(None, kind)) or "unnamed" for kind in kinds)
    return f"Values of different kinds are averaged together: {kinds_text}."


def rows_of_a_cell(snapshot: Snapshot, question: int) -> str:
    """Say what tells the different rows of one cell apart, where a question has such cells."""
    columns, cube = snapshot.about.rows_differ_in, snapshot.cube
    moments, cells = cube.by_question.moments, cube.cells_of(question)
    rows = int(moments.count[question] + moments.withheld[question])
    if not columns or rows == cells.stop - cells.start:
        return ""
    if snapshot.about.copies and not (cube.block(question).cells.different > 1).any():
        return ""
    return (
        f"The {rows:,} rows of this question are in {cells.stop - cells.start:,} cells: rows about the same place, "
        f"group and year differ in {listed(map(quoted, columns))}, and are averaged together."
    )


def few_respondents(percent: Doubles, se: Doubles, respondents: Doubles) -> str:
    """Say how many percents rest on too few people for what intervals and tests promise.

    >>> percent, se = np.array([30.0, 30.0, 2.0]), np.array([2.0, 5.0, 0.7])
    >>> few_respondents(percent, se, np.array([900.0, 180.0, 900.0])).partition(" If")[0]
    '2 of 3 values are from fewer than 400 respondents, or from fewer than 10 on the smaller side (effective size).'
    >>> few_respondents(percent[:1], se[:1], np.array([np.nan]))
    ''
    """
    smaller = effective_size(percent, se) * np.minimum(percent, 100 - percent) / 100
    few = int(((respondents < _LEAST_RESPONDENTS) | (smaller < _LEAST_ON_SMALLER_SIDE))[np.isfinite(percent)].sum())
    if not few:
        return ""
    values = int(np.isfinite(percent).sum())
    verb = "is" if few == 1 else "are"
    return (
        f"{few:,} of {values:,} values {verb} from fewer than {_LEAST_RESPONDENTS} respondents, or from fewer than "
        f"{_LEAST_ON_SMALLER_SIDE} on the smaller side (effective size). If respondents have unequal weights, 95% "
        "confidence intervals then cover 90 to 95%, and a test at 5% finds a difference between equal values in up to "
        "7% of cases."
    )
