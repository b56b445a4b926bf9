"""What a server has, as it describes it."""

from __future__ import annotations

from typing import Any

import msgspec


class Years(msgspec.Struct, frozen=True, kw_only=True):
    """A first and a last year."""

    first: int
    last: int


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator that can be asked about."""

    text: str
    topic: str
    unit: str | None
    polarity: str | None  # whether a low or a high value is good; None where nobody has said
    years: Years | None  # from the first that it was asked in to the last
    rows: int
    withheld: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place."""

    name: str
    point: Point | None = None  # where it lies, where all its rows that say so agree; a server may be older


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A way to divide people, and what they are divided into."""

    name: str
    strata: tuple[str, ...]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why files could not be read."""

    code: str
    reason: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A data set in the list of all."""

    name: str
    is_default: bool


class Datasets(msgspec.Struct, frozen=True, kw_only=True):
    """The list of data sets."""

    datasets: tuple[Named, ...]


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A data set. What its files would have to tell is None until they have been read."""

    name: str
    is_default: bool  # whether it is asked where no data set is named
    status: str  # loading, ready or failed
    failure: Trouble | None  # why the last reading failed
    title: str | None
    fingerprint: str | None  # names the content: equal for equal content
    synthetic: bool | None  # made up by a program: no number in it is about the real world
    rows: int | None  # withheld ones included
    withheld: int | None
    withheld_by_reason: dict[str, int] | None
    rejected: int | None  # lines that could not be read as a row
    roles: dict[str, str] | None  # what each column that is used was taken for
    questions: tuple[Question, ...] | None
    locations: tuple[Location, ...] | None
    categories: tuple[Category, ...] | None
    periods: tuple[Years, ...] | None
    citation: str | None  # how to name it elsewhere
    warnings: tuple[str, ...] | None  # what a reader should know of how the files were understood

    def __repr__(self) -> str:
        if self.rows is None:
            return f"<Dataset {self.name}: {self.status}>"
        return (
            f"<Dataset {self.name}: {self.rows:,} rows, {len(self.questions or ()):,} questions, "
            f"{len(self.locations or ()):,} locations{', SYNTHETIC' if self.synthetic else ''}>"
        )


class StatisticInShort(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic in the list of all."""

    name: str
    help: str  # what it gives
    estimates: str  # what its numbers are an estimate of, and so what they are not


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """The list of statistics."""

    statistics: tuple[StatisticInShort, ...]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of an answer."""

    name: str
    kind: str
    unit: str | None
    meaning: str


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """How a statistic may be asked."""

    parameters: dict[str, Any]


class Statistic(StatisticInShort, frozen=True, kw_only=True):
    """A statistic: what it takes, gives and means."""

    parameters: dict[str, Any]  # JSON Schema of what it is asked with
    columns: tuple[Column, ...]  # of the answer to what is asked with defaults
    method_version: int  # counts up when the same question of the same data may have another answer
    example: Example


class ExplanationStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the rows of the file to the number."""

    text: str
    formula: str | None
    numbers: dict[str, float]


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that compute the number again from the file."""

    python: str
    r: str
    computes: tuple[str, ...]
    leaves_out: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a row of a result came about."""

    title: str
    row: int
    values: dict[str, str | int | float | None]
    number: str | None  # the column that the weights of its rows add up to
    steps: tuple[ExplanationStep, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    sources: tuple[str, ...]
    programs: Programs

    def __str__(self) -> str:
        """Return the title and the steps, one below the other."""
        steps = (step.text if step.formula is None else f"{step.text}\n    {step.formula}" for step in self.steps)
        return "\n".join((self.title, *steps))
