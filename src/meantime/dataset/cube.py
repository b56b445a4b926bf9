"""The table rolled up to cells: exact sums by key, with marginals.

Values are integers at the cube's scale: 28.8 at scale 1 is 288. Sums of integers are exact, so the same rows give the
same cube whatever their order, and whichever threads or engine added them. Means are derived once, from exact sums, and
rounded once.

A cube is canonical: labels are sorted and all of them are used, cells are sorted by key, the scale is the smallest that
holds every value, and an array has Python integers only where int64 is too small. Two cubes of the same rows are equal
array by array and type by type.

Threads share cubes, so their arrays are read-only. Cubes have no ``==``, because comparing arrays gives no single truth
value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
# int64 if every number fits, else Python integers of any size in an object array.
Exact = npt.NDArray[Any]

# Sums below this stay in int64: half of what fits, so that the sum of two such numbers cannot overflow either.
_SAFE = 2**62
# Up to this number, every integer is a double.
_DOUBLE_EXACT = 2**53

# The code of a label that a row does not have: a row without a category, without a period.
ABSENT = -1


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
class Moments:
    """Exact sums over groups of rows; every array has an entry for each group. Withheld rows are only counted."""

    count: Integers  # rows with a value
    total: Exact  # sum of x
    squares: Exact  # sum of x squared
    minimum: Exact  # 0 if count is 0
    maximum: Exact
    withheld: Integers  # rows without a value

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, which: Any) -> Moments:
        return Moments(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def means(self, scale: int, which: Any = slice(None)) -> Doubles:
        """Return the mean of each group, or of some, rounded once; NaN if it has no value.

        >>> one = np.array([1])
        >>> Moments(count=np.array([3]), total=np.array([100]), squares=one, minimum=one, maximum=one,
        ...         withheld=one).means(scale=1)
        array([3.33333333])

        Raises:
            OverflowError: a mean is too large for a double. Reading accepts only values that are doubles, so this
                does not happen with tables that were read.
        """
        count, total = self.count[which], self.total[which]
        means = np.full(len(count), np.nan)
        filled = np.flatnonzero(count)
        count, total = count[filled], total[filled]
        if total.dtype != object and len(filled) and scale <= 15:
            divisor = count.astype(np.float64) * 10.0**scale
            if max(divisor.max(), np.abs(total).max()) < _DOUBLE_EXACT:
                # Both numbers are exact as doubles, so the division rounds once.
                means[filled] = total / divisor
                return means
        # Division of Python integers rounds once, whatever their size.
        means[filled] = [int(t) / (int(c) * 10**scale) for t, c in zip(total.tolist(), count.tolist(), strict=True)]
        return means


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Groups of rows by full key; for a cell of a single row, also its published limits, sample size and footnote.

    ``low``, ``high``, ``sample_size`` and ``footnote`` are NaN (footnote: ABSENT) if the row has none, or if the cell
    is mixed, which means that it has several rows. A row of a tally that stands for several equal ones keeps them.
    """

    keys: Integers  # (cells, axes), in the order of AXES
    moments: Moments
    low: Doubles
    high: Doubles
    sample_size: Doubles
    footnote: Integers
    # Why values are withheld, with an entry for each cell and reason: index of the cell, code of the reason, rows.
    withheld_cell: Integers
    withheld_reason: Integers
    withheld_count: Integers

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Integers:
        """How many rows of the file each cell has, including withheld ones; a cell with more than one is mixed."""
        return self.moments.count + self.moments.withheld


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marginal:
    """Cells added up over the other axes, so that a statistic reads no more entries than its result has.

    Sorted by key; the entries of question q are ``starts[q]:starts[q + 1]``.
    """

    axes: tuple[str, ...]
    keys: Integers  # (entries, axes)
    moments: Moments
    mean: Doubles  # NaN where there is no value
    starts: Integers

    def of(self, question: int) -> slice:
        """Return the slice of a question's entries."""
        return slice(int(self.starts[question]), int(self.starts[question + 1]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube:
    """The whole table, rolled up."""

    labels: Labels
    scale: int  # digits after the decimal point in which values are counted
    cells: Cells
    by_question: Marginal
    by_location: Marginal  # question x location
    by_stratum: Marginal  # question x location x category x stratum; ABSENT for rows without a category
    # What was found out about a question and a type of value from all of its cells, so that it is done once.
    published: dict[tuple[int, int, bool], Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def rows(self) -> int:
        """Rows of the file that are in the cube."""
        return int(self.cells.rows.sum())

    @cached_property
    def question_codes(self) -> Mapping[str, int]:
        """The code of each question."""
        return {name: code for code, name in enumerate(self.labels.questions)}

    @cached_property
    def location_codes(self) -> Mapping[str, int]:
        """The code of each location."""
        return {name: code for code, name in enumerate(self.labels.locations)}

    @cached_property
    def starts(self) -> Integers:
        """Where each question's cells begin, and the end of the last: one entry more than there are questions."""
        return _starts(self.cells.keys[:, 0], len(self.labels.questions))

    @cached_property
    def fewest_locations(self) -> Integers:
        """Of each question, in how many locations its rarest kind of cell has a value; 0 where none has.

        Cells of a kind have group, type of value and period in common. Of 1.5 million cells this takes 0.1 s.
        """
        with_value = self.cells.keys[self.cells.moments.count > 0]
        kind = np.zeros(len(with_value), dtype=np.int64)
        # As one number each. It may wrap around and is still another one for another kind, but for a rare accident.
        for axis, codes in zip(AXES.values(), with_value.T, strict=True):
            if axis != "locations":
                kind = kind * (len(getattr(self.labels, axis)) + 1) + codes + 1
        _, first, counts = np.unique(kind, return_index=True, return_counts=True)
        fewest = np.full(len(self.labels.questions), len(self.labels.locations) + 1, dtype=np.int64)
        np.minimum.at(fewest, with_value[first, 0], counts)
        return np.where(fewest <= len(self.labels.locations), fewest, 0)

    def cells_of(self, question: int) -> slice:
        """Return the slice of a question's cells."""
        return slice(int(self.starts[question]), int(self.starts[question + 1]))

    @cached_property
    def most_cells(self) -> int:
        """How many cells the question has that has most of them; 0 without questions."""
        return int(np.diff(self.starts).max(initial=0))

    def withheld_by_reason(self) -> dict[str, int]:
        """Count the withheld rows by reason, most frequent first, then by name."""
        counts = np.zeros(len(self.labels.reasons), dtype=np.int64)
        np.add.at(counts, self.cells.withheld_reason, self.cells.withheld_count)
        pairs = zip(self.labels.reasons, counts.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def roll_up(labels: Labels, cells: Cells, *, scale: int) -> Cube:
    """Make the canonical cube from groups of rows and labels in any order; groups with equal keys are merged.

    ``scale`` must be the smallest that holds every value: sums no longer show it.
    """
    labels, cells = _recode(labels, cells)
    # Merging drops the footnotes of mixed cells, and some labels may then be unused.
    labels, cells = _recode(labels, _merge_equal(cells))
    return with_marginals(labels, cells, scale=scale)


def with_marginals(labels: Labels, cells: Cells, *, scale: int) -> Cube:
    """Make the cube from labels and cells that are canonical already, such as those of another cube."""
    questions = len(labels.questions)
    cube = Cube(
        labels=labels,
        scale=scale,
        cells=cells,
        by_question=_marginal(("question",), cells, scale, questions),
        by_location=_marginal(("question", "location"), cells, scale, questions),
        by_stratum=_marginal(("question", "location", "category", "stratum"), cells, scale, questions),
    )
    for part in (cube.cells, cube.by_question, cube.by_location, cube.by_stratum):
        _forbid_writing(part)
        _forbid_writing(part.moments)
    return cube


def add_up(keys: Integers, moments: Moments) -> tuple[Integers, Moments]:
    """Add up groups with equal keys; return the distinct keys in ascending order, with the sums.

    >>> one = np.array([1, 1, 1])
    >>> keys, sums = add_up(np.array([[2], [1], [2]]), Moments(count=one, total=np.array([7, 8, 9]), squares=one,
    ...                     minimum=np.array([7, 8, 9]), maximum=np.array([7, 8, 9]), withheld=one))
    >>> keys.tolist(), sums.count.tolist(), sums.total.tolist(), sums.minimum.tolist()
    ([[1], [2]], [1, 2], [8, 16], [8, 7])
    """
    order, starts = _grouping(keys)
    return keys[order[starts]], _add_up(moments, order, starts)


def exact(numbers: list[int]) -> Exact:
    """Return integers as an array: int64 if all fit with room to spare, else Python integers.

    >>> exact([1, 2]).dtype, exact([1, 2**80]).dtype
    (dtype('int64'), dtype('O'))
    """
    return _narrow(np.array(numbers, dtype=object))


def _narrow(numbers: Exact) -> Exact:
    """Return integers in their canonical type, which depends on nothing but the integers."""
    if numbers.dtype == object:
        is_safe = all(-_SAFE < number < _SAFE for number in numbers)
    else:
        is_safe = not len(numbers) or bool(numbers.min() > -_SAFE and numbers.max() < _SAFE)
    return numbers.astype(np.int64 if is_safe else object, copy=False)


def _forbid_writing(arrays: Cells | Marginal | Moments) -> None:
    for each in fields(arrays):
        if isinstance(array := getattr(arrays, each.name), np.ndarray):
            array.setflags(write=False)


def _starts(questions: Integers, number: int) -> Integers:
    return np.searchsorted(questions, np.arange(number + 1)).astype(np.int64)


def _recode(labels: Labels, cells: Cells) -> tuple[Labels, Cells]:
    """Sort the labels, drop unused and repeated ones, and rewrite the codes."""
    keys = cells.keys.copy()
    recoded_labels: dict[str, tuple[Any, ...]] = {}
    for axis, (_, name) in enumerate(AXES.items()):
        recoded_labels[name], keys[:, axis] = _recode_axis(getattr(labels, name), keys[:, axis])
    recoded_labels["reasons"], reasons = _recode_axis(labels.reasons, cells.withheld_reason)
    recoded_labels["footnotes"], footnotes = _recode_axis(labels.footnotes, cells.footnote)
    recoded = Cells(
        keys=keys,
        moments=cells.moments,
        low=cells.low,
        high=cells.high,
        sample_size=cells.sample_size,
        footnote=footnotes,
        withheld_cell=cells.withheld_cell,
        withheld_reason=reasons,
        withheld_count=cells.withheld_count,
    )
    return Labels(**recoded_labels), recoded


def _recode_axis(labels: tuple[Any, ...], codes: Integers) -> tuple[tuple[Any, ...], Integers]:
    # Counting, not sorting: there are few labels, and there may be millions of codes.
    used = np.flatnonzero(np.bincount(codes[codes != ABSENT], minlength=len(labels))).tolist()
    kept = sorted({labels[code] for code in used})
    code_of = {label: code for code, label in enumerate(kept)}
    # One more entry, at the end, which the code -1 (ABSENT) indexes.
    new = np.full(len(labels) + 1, ABSENT, dtype=np.int64)
    for code in used:
        new[code] = code_of[labels[code]]
    return tuple(kept), new[codes]


def _merge_equal(cells: Cells) -> Cells:
    order, starts = _grouping(cells.keys)
    moments = _add_up(cells.moments, order, starts)
    first = order[starts]
    mixed = np.diff(np.append(starts, len(order))) > 1
    # index of every group among the merged ones
    merged = np.empty(len(order), dtype=np.int64)
    merged[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    pairs = np.stack([merged[cells.withheld_cell], cells.withheld_reason], axis=1)
    pair_order, pair_starts = _grouping(pairs)
    return Cells(
        keys=cells.keys[first],
        moments=moments,
        low=_published(cells.low[first], mixed),
        high=_published(cells.high[first], mixed),
        sample_size=_published(cells.sample_size[first], mixed),
        footnote=np.where(mixed, ABSENT, cells.footnote[first]),
        withheld_cell=pairs[pair_order[pair_starts], 0],
        withheld_reason=pairs[pair_order[pair_starts], 1],
        withheld_count=_sums(cells.withheld_count, pair_order, pair_starts),
    )


def _published(numbers: Doubles, mixed: npt.NDArray[np.bool_]) -> Doubles:
    """Return the numbers of cells with a single row, in canonical form: minus zero is zero, and there is one NaN."""
    return np.where(mixed | np.isnan(numbers), np.nan, numbers + 0.0)


def _marginal(axes: tuple[str, ...], cells: Cells, scale: int, questions: int) -> Marginal:
    columns = [list(AXES).index(axis) for axis in axes]
    keys = cells.keys[:, columns]
    order, starts = _grouping(keys)
    keys = keys[order[starts]]
    moments = _add_up(cells.moments, order, starts)
    return Marginal(
        axes=axes,
        keys=keys,
        moments=moments,
        mean=moments.means(scale),
        starts=_starts(keys[:, 0], questions),
    )


def _grouping(keys: Integers) -> tuple[Integers, Integers]:
    """Return the order that sorts the keys, and where each distinct key begins in it."""
    order = np.arange(len(keys)) if _is_sorted(keys) else np.lexsort(keys.T[::-1]).astype(np.int64)
    ordered = keys[order]
    is_new = np.ones(len(ordered), dtype=bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return order, np.flatnonzero(is_new).astype(np.int64)


def _is_sorted(keys: Integers) -> bool:
    """Whether the keys are sorted already, as for every marginal: its axes are the first ones of a cell's key."""
    undecided = np.ones(max(len(keys) - 1, 0), dtype=bool)
    for axis in keys.T:
        step = np.diff(axis)
        if (step[undecided] < 0).any():
            return False
        undecided &= step == 0
    return True


def _add_up(moments: Moments, order: Integers, starts: Integers) -> Moments:
    return Moments(
        count=_sums(moments.count, order, starts),
        total=_sums(moments.total, order, starts),
        squares=_sums(moments.squares, order, starts),
        minimum=_extremes(np.minimum, moments.minimum, moments.count, order, starts),
        maximum=_extremes(np.maximum, moments.maximum, moments.count, order, starts),
        withheld=_sums(moments.withheld, order, starts),
    )


def _sums(numbers: Exact, order: Integers, starts: Integers) -> Exact:
    if not len(starts):
        return _narrow(numbers[:0])
    numbers = numbers[order]
    if numbers.dtype != object and np.add.reduceat(np.abs(numbers.astype(np.float64)), starts).max() >= _SAFE:
        # Sums of halves fit for up to 2**30 numbers; only the totals, which are few, need Python integers.
        high = np.add.reduceat(numbers >> 31, starts)
        low = np.add.reduceat(numbers & (2**31 - 1), starts)
        return _narrow(high.astype(object) * 2**31 + low)
    return _narrow(np.add.reduceat(numbers, starts))


def _extremes(choose: np.ufunc, numbers: Exact, count: Integers, order: Integers, starts: Integers) -> Exact:
    extremes = np.zeros(len(starts), dtype=numbers.dtype)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    has_value = count[order] > 0
    if has_value.any():
        group, numbers = group[has_value], numbers[order][has_value]
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        extremes[group[first]] = choose.reduceat(numbers, first)
    return _narrow(extremes)
