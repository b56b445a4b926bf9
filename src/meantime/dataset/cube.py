"""The table rolled up to cells: exact sums by key, question by question.

Values are integers at the cube's scale: 28.8 at scale 1 is 288. Sums of integers are exact, so the same rows give the
same cube whatever their order, and whichever threads or engine added them. Means are derived once, from exact sums, and
rounded once.

A cube is canonical: labels are sorted and all of them are used, cells are sorted by key, the scale is the smallest that
holds every value, and an array has Python integers only where int64 is too small. Two cubes of the same rows are equal
array by array and type by type.

The cells of a question are a block. A cube knows its labels and an outline of each question; blocks are opened when
they are asked for, so a table may have more cells than fit in memory. A cell is named by its index among all cells of
the table, which are in the order of their keys.

Threads share cubes, so their arrays are read-only. Cubes have no ``==``, because comparing arrays gives no single truth
value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

# Whoever has a cube has these from here too.
from meantime.dataset.moments import Doubles as Doubles
from meantime.dataset.moments import Exact as Exact
from meantime.dataset.moments import Integers as Integers
from meantime.dataset.moments import Moments as Moments
from meantime.dataset.moments import add_up as add_up
from meantime.dataset.moments import add_up_groups, distinct, grouping, means_of
from meantime.dataset.moments import exact as exact

P = TypeVar("P", "Cells", "Marginal")
A = TypeVar("A", bound=npt.NDArray[Any])

# The code of a label that a row does not have: a row without a category, without a period.
ABSENT = -1
# Of up to so many cells, Python counts sooner than NumPy: a table may have 100,000 questions of a few cells.
FEW = 64


class ValueType(NamedTuple):
    """What kind of number a value is: "Crude Prevalence" in "%". A cell never mixes several of them."""

    name: str  # "" if the file has no such column
    unit: str  # "" likewise


class Period(NamedTuple):
    """First and last year of a row."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What the codes of a cube mean: a code is the index in the tuple. Sorted, none unused."""

    questions: tuple[str, ...]
    value_types: tuple[ValueType, ...]
    locations: tuple[str, ...]
    categories: tuple[str, ...]
    strata: tuple[str, ...]
    periods: tuple[Period, ...]
    reasons: tuple[str, ...]  # why values are withheld
    footnotes: tuple[str, ...]


# The axes of a cell's key, in the order by which cells are sorted, and the labels of their codes.
AXES: Mapping[str, str] = {
    "question": "questions",
    "location": "locations",
    "category": "categories",
    "stratum": "strata",
    "value_type": "value_types",
    "period": "periods",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Groups of rows by full key; for a cell of a single row, also its published limits, sample size and footnote.

    A row that is an exact copy of another counts in the moments, as every row does, and is the same row for everything
    else. ``low``, ``high``, ``sample_size`` and ``footnote`` are NaN (footnote: ABSENT) if the row has none, or if the
    cell is mixed, which means that it has several different rows.
    """

    keys: Integers  # (cells, axes), in the order of AXES
    moments: Moments
    low: Doubles
    high: Doubles
    sample_size: Doubles
    footnote: Integers
    copies: Integers  # rows that are exact copies of another row of the cell
    # Why values are withheld, with an entry for each cell and reason: index of the cell, code of the reason, rows.
    withheld_cell: Integers
    withheld_reason: Integers
    withheld_count: Integers

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Integers:
        """How many rows of the file each cell has, including withheld ones and copies."""
        return self.moments.count + self.moments.withheld

    @property
    def different(self) -> Integers:
        """How many different rows each cell has; one with several is mixed, and nothing says which is the estimate."""
        return self.rows - self.copies


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marginal:
    """Cells added up over the other axes, so that a statistic reads no more entries than its result has.

    Sorted by key.
    """

    axes: tuple[str, ...]
    keys: Integers  # (entries, axes)
    moments: Moments
    mean: Doubles  # NaN where there is no value


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """The cells of one question. ``withheld_cell`` counts from the first of them."""

    start: int  # index of the first cell among all of the cube
    scale: int
    cells: Cells

    @cached_property
    def by_location(self) -> Marginal:
        """The cells added up by location."""
        return _marginal(("question", "location"), self.cells, self.scale)

    @cached_property
    def by_stratum(self) -> Marginal:
        """The cells added up by location, category and stratum; ABSENT for rows without a category."""
        return _marginal(("question", "location", "category", "stratum"), self.cells, self.scale)

    @property
    def size_bytes(self) -> int:
        """How much memory the block takes, marginals included; they share what is the same."""
        parts = (self.cells, self.by_location, self.by_stratum)
        own = {id(array): array.nbytes for part in parts for array in _arrays_of(part) if array.base is None}
        return sum(own.values())


class Group(NamedTuple):
    """A category and a stratum of it, as codes, and how many cells of a question are of it."""

    category: int
    stratum: int
    cells: int
    with_value: int  # cells that have a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is known of a question without opening its block. Codes are in ascending order, and may be ABSENT."""

    periods: tuple[int, ...]
    value_types: tuple[int, ...]
    groups: tuple[Group, ...]
    reasons: tuple[tuple[int, int], ...]  # why rows are withheld, and how many
    # In how many locations its rarest kind of cell has a value; 0 where none has. Cells of a kind have group, type of
    # value and period in common.
    fewest_locations: int


class Blocks(Protocol):
    """Where a cube has its cells: in memory or on disk."""

    def block(self, question: int) -> Block:
        """Return the cells of a question."""

    def outline(self, question: int) -> Outline:
        """Return what is known of a question without its cells."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube:
    """The whole table, rolled up."""

    labels: Labels
    scale: int  # digits after the decimal point in which values are counted
    starts: Integers  # where each question's cells begin, and the end of the last
    by_question: Marginal
    location_cells: Integers  # how many cells each location has
    blocks: Blocks
    # What was found out about a question and a type of value from all of its cells, so that it is done once.
    published: dict[tuple[int, int, bool], Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def rows(self) -> int:
        """Rows of the file that are in the cube."""
        return int(self.by_question.moments.count.sum() + self.by_question.moments.withheld.sum())

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        return int(self.starts[-1])

    @cached_property
    def question_codes(self) -> Mapping[str, int]:
        """The code of each question."""
        return {name: code for code, name in enumerate(self.labels.questions)}

    @cached_property
    def location_codes(self) -> Mapping[str, int]:
        """The code of each location."""
        return {name: code for code, name in enumerate(self.labels.locations)}

    def cells_of(self, question: int) -> slice:
        """Return where a question's cells are among all. Opens nothing."""
        return slice(int(self.starts[question]), int(self.starts[question + 1]))

    def block(self, question: int) -> Block:
        """Return the cells of a question, opened if they are not.

        Raises:
            SnapshotDamaged: they are on disk, and are not what was written.
            StorePaused: the machine cannot read them at the moment.
        """
        return self.blocks.block(question)

    def outline(self, question: int) -> Outline:
        """Return what is known of a question without its cells. Opens nothing."""
        return self.blocks.outline(question)

    def pick(self, cells: Integers) -> Picked:
        """Return some cells by their indices, of one question or of several; opens those questions."""
        return Picked(self, cells)

    @cached_property
    def most_cells(self) -> int:
        """How many cells the question has that has most of them; 0 without questions."""
        return int(np.diff(self.starts).max(initial=0))

    def withheld_by_reason(self) -> dict[str, int]:
        """Count the withheld rows by reason, most frequent first, then by name."""
        counts = dict.fromkeys(range(len(self.labels.reasons)), 0)
        for question in range(len(self.labels.questions)):
            for reason, rows in self.outline(question).reasons:
                counts[reason] += rows
        pairs = zip(self.labels.reasons, counts.values(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


class Picked:
    """Some cells of a cube, in a given order. Each array is gathered when it is asked for."""

    def __init__(self, cube: Cube, cells: Integers) -> None:
        self._cube = cube
        question = _only_question(cube.starts, cells)
        if question is not None:  # most often; then there is nothing to sort out
            block = cube.block(question)
            self._parts = [(block, cells - block.start)]
            return
        questions = np.searchsorted(cube.starts, cells, side="right") - 1
        self._order: Integers | None = None  # of the pieces, where it is not that of the cells
        if (questions[1:] < questions[:-1]).any():
            self._order = np.argsort(questions, kind="stable")
            cells, questions = cells[self._order], questions[self._order]
        distinct, starts = np.unique(questions, return_index=True)
        blocks = map(cube.block, distinct.tolist())
        of_question = np.split(cells, starts)[1:]
        self._parts = [(block, own - block.start) for block, own in zip(blocks, of_question, strict=True)]

    def _gather(self, array: Callable[[Cells], A], empty: A) -> A:
        pieces = [array(block.cells)[own] for block, own in self._parts]
        if len(pieces) == 1:  # most often; the cells are in their order
            return cast(A, pieces[0])
        joined = np.concatenate([empty, *pieces])
        if self._order is None:
            return cast(A, joined)
        gathered = np.empty_like(joined)
        gathered[self._order] = joined
        return cast(A, gathered)

    @cached_property
    def keys(self) -> Integers:
        """The key of each cell."""
        return self._gather(lambda cells: cells.keys, np.empty((0, len(AXES)), dtype=np.int64))

    @cached_property
    def moments(self) -> Moments:
        """The sums of each cell."""
        return Moments(
            **{
                each.name: self._gather(
                    lambda cells, name=each.name: getattr(cells.moments, name),  # type: ignore[misc]
                    np.empty(0, dtype=np.int64),
                )
                for each in fields(Moments)
            }
        )

    @property
    def count(self) -> Integers:
        """How many rows of each cell have a value."""
        return self._gather(lambda cells: cells.moments.count, np.empty(0, dtype=np.int64))

    @property
    def means(self) -> Doubles:
        """The mean of each cell, rounded once; NaN where it has no value."""
        total = self._gather(lambda cells: cells.moments.total, np.empty(0, dtype=np.int64))
        return means_of(self.count, total, scale=self._cube.scale)

    @property
    def rows(self) -> Integers:
        """How many rows each cell has, including withheld ones."""
        return self.count + self._gather(lambda cells: cells.moments.withheld, np.empty(0, dtype=np.int64))

    @property
    def copies(self) -> Integers:
        """How many rows of each cell are exact copies of another."""
        return self._gather(lambda cells: cells.copies, np.empty(0, dtype=np.int64))

    @property
    def low(self) -> Doubles:
        """The published lower limit of each cell; NaN where there is none."""
        return self._gather(lambda cells: cells.low, np.empty(0))

    @property
    def high(self) -> Doubles:
        """The published upper limit of each cell; NaN where there is none."""
        return self._gather(lambda cells: cells.high, np.empty(0))

    @property
    def sample_size(self) -> Doubles:
        """The published sample size of each cell; NaN where there is none."""
        return self._gather(lambda cells: cells.sample_size, np.empty(0))

    @property
    def footnote(self) -> Integers:
        """The code of the published footnote of each cell; ABSENT where there is none."""
        return self._gather(lambda cells: cells.footnote, np.empty(0, dtype=np.int64))


def _only_question(starts: Integers, cells: Integers) -> int | None:
    """Return the question that all cells are of; None if there are several, or no cells."""
    if not len(cells):
        return None
    question = int(np.searchsorted(starts, cells.min(), side="right")) - 1
    return question if cells.max() < starts[question + 1] else None


def question_totals(moments: Moments, *, scale: int) -> Marginal:
    """Make the marginal by question from the sums of each question, in the order of their codes."""
    keys = np.arange(len(moments), dtype=np.int64).reshape(-1, 1)
    return _read_only(Marginal(axes=("question",), keys=keys, moments=moments, mean=moments.means(scale)))


def make_block(cells: Cells, *, start: int, scale: int) -> Block:
    """Make the block of a question from its cells, which threads may share from now on."""
    return Block(start=start, scale=scale, cells=_read_only(cells))


def outline_of(cells: Cells) -> Outline:
    """Return the outline of the cells of a question."""
    kinds = _kinds(cells)
    groups: dict[tuple[int, int], list[int]] = {}
    for kind, every, with_value in kinds:
        of_group = groups.setdefault((kind[0], kind[1]), [0, 0])
        of_group[0] += every
        of_group[1] += with_value
    reasons: Counter[int] = Counter()
    for reason, rows in zip(cells.withheld_reason.tolist(), cells.withheld_count.tolist(), strict=True):
        reasons[reason] += rows
    return Outline(
        fewest_locations=min((with_value for _, _, with_value in kinds if with_value), default=0),
        periods=tuple(sorted({kind[3] for kind, _, _ in kinds})),
        value_types=tuple(sorted({kind[2] for kind, _, _ in kinds})),
        groups=tuple([Group(*codes, *numbers) for codes, numbers in sorted(groups.items())]),
        reasons=tuple(sorted(reasons.items())),
    )


def _kinds(cells: Cells) -> list[tuple[tuple[int, ...], int, int]]:
    """Return each kind of cell with how many there are and how many of them have a value.

    A kind is the codes of category, stratum, type of value and period.
    """
    has_value, keys = cells.moments.count > 0, cells.keys[:, 2:]
    if len(cells) <= FEW:
        of_all = Counter(map(tuple, keys.tolist()))
        of_some = Counter(map(tuple, keys[has_value].tolist()))
        return [(kind, number, of_some[kind]) for kind, number in of_all.items()]
    # Each kind as one number, which sorts much sooner than rows of four.
    widths = (keys.max(axis=0) - ABSENT + 1).tolist()
    joined = np.zeros(len(cells), dtype=np.int64)
    for codes, width in zip(keys.T, widths, strict=True):
        joined = joined * width + (codes - ABSENT)
    found, at = distinct(joined)
    numbers, with_value = np.bincount(at), np.bincount(at[has_value], minlength=len(found))
    kinds = []
    for width in reversed(widths):
        kinds.append((found % width + ABSENT).tolist())
        found = found // width
    return list(zip(zip(*reversed(kinds), strict=True), numbers.tolist(), with_value.tolist(), strict=True))


def _read_only(part: P) -> P:
    for array in _arrays_of(part):
        array.setflags(write=False)
    return part


def _arrays_of(part: Cells | Marginal) -> Iterator[npt.NDArray[Any]]:
    for arrays in (part, part.moments):
        for each in fields(arrays):
            if isinstance(array := getattr(arrays, each.name), np.ndarray):
                yield array


def _marginal(axes: tuple[str, ...], cells: Cells, scale: int) -> Marginal:
    # The axes are the first ones of a cell's key, so the cells are in the order of the marginal.
    keys = cells.keys[:, : len(axes)]
    order, starts = grouping(keys)
    is_same = len(starts) == len(cells)
    moments = cells.moments if is_same else add_up_groups(cells.moments, order, starts)
    return _read_only(
        Marginal(axes=axes, keys=keys if is_same else keys[starts], moments=moments, mean=moments.means(scale))
    )
