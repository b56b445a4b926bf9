"""From arrays to the table of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics import columns as shared
from meantime.statistics.cells.selection import LeftOut, Selection, left_out_warning
from meantime.statistics.methods.reliability import Flags, names
from meantime.table import Cell, Column, Heading, Kind, Table

# The columns that honest statistics share.
ESTIMATE = shared.number("estimate", "the estimate")
SE = shared.number("se", "its standard error; null where none is known")
LOW = shared.number("low", "lower limit of its 95% interval: as published for one period, computed for several")
HIGH = shared.number("high", "upper limit of its 95% interval")
RESPONDENTS = Column(
    name="respondents", kind=Kind.INTEGER, meaning="people asked, in all cells; null where not published"
)
FLAGS = Column(name="flags", kind=Kind.TEXT, meaning="why the estimate is unreliable; empty where no rule flags it")


def numbers(values: Doubles) -> list[Cell]:
    """Return doubles as cells: null where there is none.

    >>> numbers(np.array([1.5, np.nan]))
    [1.5, None]
    """
    cells: list[Cell] = values.tolist()
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        cells[index] = None
    return cells


def integers(values: Doubles | Integers) -> list[Cell]:
    """Return whole numbers as cells: null where there is none.

    >>> integers(np.array([1000.0, np.nan]))
    [1000, None]
    """
    return [
        int(value) if is_there else None
        for value, is_there in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)
    ]


def flag_texts(flags: Flags) -> list[Cell]:
    """Return flags in words."""
    texts = {bits: names(bits) for bits in set(flags.tolist())}
    return [texts[bits] for bits in flags.tolist()]


def table(
    of: Selection,
    columns: tuple[Column, ...],
    data: Iterable[Sequence[Cell]],
    *,
    left_out: Sequence[LeftOut],
    notes: Iterable[str] = (),
    warnings: Iterable[str] = (),
    findings: Iterable[str] = (),
) -> Table:
    """Put an answer together, with what its selection has to say; empty texts are dropped."""
    found = tuple(filter(None, findings))
    # Said where it is read first, and once.
    first = tuple(f"{sentence} {of.by_default}".rstrip() for sentence in found[:1])
    all_warnings = ("" if found else of.by_default, *of.warnings, left_out_warning(left_out), *warnings)
    return Table(
        columns=shared.of_question(columns, of.unit),
        data=tuple(data),
        notes=tuple(filter(None, (*of.notes, *notes))),
        warnings=tuple(filter(None, all_warnings)),
        findings=(*first, *found[1:]),
        about=heading_of(of),
    )


def heading_of(selection: Selection) -> Heading:
    """Return what the cells of a selection are about, in words for a heading."""
    return Heading(
        topic=selection.subject.title.topic,
        title=str(selection.subject),
        people=selection.people,
        years=selection.years,
        later_years=selection.later_years,
    )
