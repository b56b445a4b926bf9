"""How the columns of a file become those of a table with a row for each number.

Most files are such tables, and nothing is done. Others have a column for each year, pack several columns into one, or
leave out what is the same for all rows. Their rows keep the line numbers of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from meantime.dataset.reading.evidence import Evidence
from meantime.dataset.reading.values import SPACES

# Marks a row that adds up others.
TOTAL = "Total"


class Cell(NamedTuple):
    """Where a field of the table comes from: a column of the file, a piece of it, or a text that all rows have."""

    column: int | None = None  # position in the file; None for a text
    text: str = ""
    piece: int | None = None  # of fields that are separated by commas within the column
    is_label: bool = False  # the column has "code: name", and the name is meant

    def of(self, record: Sequence[str]) -> str:
        """Return the field of a record."""
        if self.column is None:
            return self.text
        text = record[self.column]
        if self.piece is not None:
            return [*text.split(","), *[""] * (self.piece + 1)][self.piece].strip(" ")
        return text.partition(":")[2].lstrip(" ") if self.is_label and ":" in text else text

    def sql(self) -> str:
        """Return the field as SQL, over the columns c0, c1, ... of a staged file.

        >>> Cell(2).sql(), Cell(text="it's").sql()
        ('c2', "'it''s'")
        """
        if self.column is None:
            return "'" + self.text.replace("'", "''") + "'"
        column = f"c{self.column}"
        if self.piece is not None:
            return f"trim(split_part({column}, ',', {self.piece + 1}))"
        if self.is_label:
            name = f"ltrim(substr({column}, strpos({column}, ':') + 1))"
            return f"CASE WHEN contains({column}, ':') THEN {name} ELSE {column} END"
        return column


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The columns of a table, and where their fields come from."""

    columns: tuple[str, ...]
    fixed: tuple[Cell, ...]  # for the first columns, the same for each number of a row
    # For the other columns: the fields of each number of a row. Empty for a file that has a row for each number.
    turned: tuple[tuple[Cell, ...], ...] = ()
    totals: int | None = None  # the column of the file in which "Total" marks rows that add up others
    roles: Mapping[str, str] = field(default_factory=dict)  # that the form of the table shows
    level: float | None = None  # of its intervals, where its publisher is known to use another one than 95
    said: tuple[str, ...] = ()  # what was done, for people

    @property
    def constants(self) -> dict[str, str]:
        """The columns that have the same text in all rows, with that text."""
        return {
            name: cell.text
            for name, cell in zip(self.columns, self.fixed, strict=False)  # those that are turned come after
            if cell.column is None
        }

    @property
    def is_as_in_file(self) -> bool:
        """Whether the table is the file."""
        return (
            not self.turned and self.totals is None and self.fixed == tuple(Cell(at) for at in range(len(self.columns)))
        )

    def with_constant(self, role: str, name: str, text: str, said: str = "") -> Arrangement:
        """Add a column that has the same text in all rows; ``said`` tells people about it."""
        roles = {**self.roles, role: name}
        at = len(self.fixed)
        columns = (*self.columns[:at], name, *self.columns[at:])
        said_now = (*self.said, said) if said else self.said
        return replace(self, columns=columns, fixed=(*self.fixed, Cell(text=text)), roles=roles, said=said_now)

    def rows(self, records: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the rows of the table that some records of the file become."""
        if self.is_as_in_file:
            return [list(record) for record in records]
        rows = []
        for record in records:
            if self.totals is not None and record[self.totals].strip(SPACES) == TOTAL:
                continue
            fixed = [cell.of(record) for cell in self.fixed]
            if not self.turned:
                rows.append(fixed)
            for fields in self.turned:
                if any(cell.of(record).strip(SPACES) for cell in fields if cell.column is not None):
                    rows.append([*fixed, *(cell.of(record) for cell in fields)])
        return rows

    def evidence(self, records: Sequence[Sequence[str]]) -> Evidence:
        """Return what these records show of the columns of the table."""
        return Evidence(self.columns, self.rows(records))

    def sql(self, source: str, line: str) -> str:
        """Return the query of the table's rows over those of the staged file, in its order, with their lines.

        An empty field of a table that was turned is no row: there, each row has a field for all years.
        """
        fixed = [f"{cell.sql()} AS c{at}" for at, cell in enumerate(self.fixed)]
        if not self.turned:
            where = "" if self.totals is None else f" WHERE trim(c{self.totals}) <> '{TOTAL}'"
            return f"SELECT {', '.join(fixed)}, {line} AS line FROM {source}{where}"
        structs = ", ".join(
            f"struct_pack({', '.join(f'f{at} := {cell.sql()}' for at, cell in enumerate(fields))})"
            for fields in self.turned
        )
        numbers = [at for at, cell in enumerate(self.turned[0]) if cell.column is not None]
        first = len(self.fixed)
        inner = f"SELECT {', '.join([*fixed, f'{line} AS line', f'unnest([{structs}]) AS field'])} FROM {source}"
        outer = [f"c{at}" for at in range(first)] + [
            f"field.f{at} AS c{first + at}" for at in range(len(self.turned[0]))
        ]
        is_there = " OR ".join(f"trim(field.f{at}) <> ''" for at in numbers)
        return f"SELECT {', '.join(outer)}, line FROM ({inner}) WHERE {is_there}"


def as_in_file(columns: Sequence[str]) -> Arrangement:
    """Return the arrangement of a file that has a row for each number."""
    return Arrangement(columns=tuple(columns), fixed=tuple(Cell(at) for at in range(len(columns))))


def free_name(name: str, taken: Sequence[str], mark: str = "added") -> str:
    """Return the name, with a mark if a column of the table has it.

    >>> free_name("Value", ["Year"]), free_name("Value", ["Value"]), free_name("Value", ["Value"], "turned")
    ('Value', 'Value (added)', 'Value (turned)')
    """
    while name in taken:
        name += f" ({mark})"
    return name
