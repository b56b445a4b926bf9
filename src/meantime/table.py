"""Table: named, typed columns with units and meanings. What every statistic returns and every format takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from meantime.text import column_format

Cell = str | float | int | None


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"  # double; None where there is none
    INTEGER = "integer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, what it holds, in which unit, and what it means."""

    name: str
    kind: Kind
    meaning: str  # one sentence
    unit: str | None = None  # "percent"; None for labels, counts and values of unknown unit


def cell_format(column: Column, cells: Sequence[Cell]) -> Callable[[Cell], str]:
    """Return how the cells of a column are written for people: see ``text.column_format``; nothing for None.

    >>> column = Column(name="mean", kind=Kind.NUMBER, meaning="", unit="percent")
    >>> [cell_format(column, [28.828, None])(cell) for cell in (28.828, None)]
    ['28.8', '']
    """
    if column.kind is Kind.TEXT:
        return lambda cell: "" if cell is None else str(cell)
    write = column_format(column.name, column.unit, cells)  # type: ignore[arg-type]
    return lambda cell: "" if cell is None else write(cell)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What the numbers of a table are about, in words for a heading."""

    topic: str  # the question without its people: "obesity"
    title: str  # with the group: "obesity among women"
    people: str  # "women"; "groups of Age" where there are several; "" without any
    years: str  # "2023", "2011–2023"; "" where the source has none
    later_years: str = (
        ""  # as in a request; the latest years of all locations, where those of the chosen ones are earlier
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns of equal length, in a stated order, with what a reader should know besides the numbers.

    Raises:
        ValueError: a column is missing or is longer than another (a bug in a statistic).
    """

    columns: tuple[Column, ...]
    data: tuple[Sequence[Cell], ...]  # one sequence a column
    notes: tuple[str, ...] = ()  # what the numbers are
    warnings: tuple[str, ...] = ()  # what they are not
    findings: tuple[str, ...] = ()  # what they say, in sentences made of tested statements only
    about: Heading | None = None  # None of the nine classic statistics, which average rows of any kind

    def __post_init__(self) -> None:
        if len(self.columns) != len(self.data):
            raise ValueError(f"there are {len(self.columns)} column descriptions for {len(self.data)} columns of data")
        if len({len(cells) for cells in self.data}) > 1:
            raise ValueError(f"columns differ in length: {[len(cells) for cells in self.data]}")

    def __len__(self) -> int:
        return len(self.data[0]) if self.data else 0

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Go through the rows in order."""
        return zip(*self.data, strict=True)

    def batches(self, rows: int) -> Iterator[tuple[Sequence[Cell], ...]]:
        """Go through the rows in order, so many at a time; each batch is one sequence a column, as ``data`` is.

        >>> column = Column(name="n", kind=Kind.INTEGER, meaning="")
        >>> list(Table(columns=(column,), data=([1, 2, 3],)).batches(2))
        [([1, 2],), ([3],)]
        """
        for start in range(0, len(self), rows):
            yield tuple(cells[start : start + rows] for cells in self.data)

    def column(self, name: str) -> Sequence[Cell]:
        """Return the cells of a column.

        Raises:
            KeyError: no column has this name.
        """
        for column, cells in zip(self.columns, self.data, strict=True):
            if column.name == name:
                return cells
        raise KeyError(name)
