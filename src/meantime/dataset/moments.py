"""Exact sums over groups of rows, and how they are added up.

Values are integers at a scale: 28.8 at scale 1 is 288. Sums of integers are exact, so the same rows give the same sums
whatever their order. Means are derived once, from exact sums, and rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
# int64 if every number fits, else Python integers of any size in an object array.
Exact = npt.NDArray[Any]

# Sums below this stay in int64: half of what fits, so that the sum of two such numbers cannot overflow either.
_SAFE = 2**62
# Codes are counted, in an array as long as the largest of them, unless most of that would be empty.
_MOST_SPREAD, _FEW = 4, 1_000
# Up to this number, every integer is a double.
_DOUBLE_EXACT = 2**53


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
        return Moments(**{name: getattr(self, name)[which] for name in _ARRAYS})

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
        return means_of(self.count[which], self.total[which], scale=scale)

    def narrowed(self) -> Moments:
        """Return the same sums in their canonical types, of which a part of canonical sums may need smaller ones."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return Moments(**{name: narrow(each) if each.dtype == object else each for name, each in arrays.items()})


# A table may have 100,000 questions, and each asks for these.
_ARRAYS = tuple(field.name for field in fields(Moments))


def means_of(count: Integers, total: Exact, *, scale: int) -> Doubles:
    """Return the means of groups from their counts and sums; see ``Moments.means``."""
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


def add_up(keys: Integers, moments: Moments) -> tuple[Integers, Moments]:
    """Add up groups with equal keys; return the distinct keys in ascending order, with the sums.

    >>> one = np.array([1, 1, 1])
    >>> keys, sums = add_up(np.array([[2], [1], [2]]), Moments(count=one, total=np.array([7, 8, 9]), squares=one,
    ...                     minimum=np.array([7, 8, 9]), maximum=np.array([7, 8, 9]), withheld=one))
    >>> keys.tolist(), sums.count.tolist(), sums.total.tolist(), sums.minimum.tolist()
    ([[1], [2]], [1, 2], [8, 16], [8, 7])
    """
    order, starts = grouping(keys)
    return keys[order[starts]], add_up_groups(moments, order, starts)


def exact(numbers: list[int]) -> Exact:
    """Return integers as an array: int64 if all fit with room to spare, else Python integers.

    >>> exact([1, 2]).dtype, exact([1, 2**80]).dtype
    (dtype('int64'), dtype('O'))
    """
    return narrow(np.array(numbers, dtype=object))


def narrow(numbers: Exact) -> Exact:
    """Return integers in their canonical type, which depends on nothing but the integers."""
    if numbers.dtype == object:
        is_safe = all(-_SAFE < number < _SAFE for number in numbers)
    else:
        is_safe = not len(numbers) or bool(numbers.min() > -_SAFE and numbers.max() < _SAFE)
    return numbers.astype(np.int64 if is_safe else object, copy=False)


def distinct(codes: Integers) -> tuple[Integers, Integers]:
    """Return the codes that there are, none below 0, and for each its place among them: ``np.unique`` without sorting.

    >>> [array.tolist() for array in distinct(np.array([7, 2, 7])) + distinct(np.array([10**15, 3]))]
    [[2, 7], [1, 0, 1], [3, 1000000000000000], [1, 0]]
    """
    if int(codes.max(initial=0)) > _MOST_SPREAD * len(codes) + _FEW:
        found, index = np.unique(codes, return_inverse=True)
        return found, index
    has_it = np.bincount(codes) > 0
    return np.flatnonzero(has_it), (np.cumsum(has_it) - 1)[codes]


def grouping(keys: Integers) -> tuple[Integers, Integers]:
    """Return the order that sorts the keys, equal ones as they come, and where each distinct key begins in it."""
    joined = _joined(keys)
    if joined is None:
        order = np.lexsort(keys.T[::-1]).astype(np.int64)
        ordered = keys[order]
        is_new = (ordered[1:] != ordered[:-1]).any(axis=1)
    else:
        # Sorted already is every marginal: its axes are the first ones of a cell's key.
        is_sorted = bool((joined[1:] >= joined[:-1]).all())
        order = np.arange(len(joined)) if is_sorted else np.argsort(joined, kind="stable").astype(np.int64)
        ordered = joined if is_sorted else joined[order]
        is_new = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(np.append(np.ones(min(len(keys), 1), dtype=bool), is_new)).astype(np.int64)


def _joined(keys: Integers) -> Integers | None:
    """Return keys of codes as one number each, which sorts in a fraction of the time; None if they do not fit.

    >>> _joined(np.array([[0, 5], [2, 4], [0, 4]])).tolist()
    [1, 4, 0]
    """
    joined = np.zeros(len(keys), dtype=np.int64)
    size = 1
    for axis in keys.T if len(keys) else ():
        least = int(axis.min())
        width = int(axis.max()) - least + 1
        size *= width
        if size >= _SAFE:
            return None
        joined *= width
        joined += axis - least
    return joined


def add_up_groups(moments: Moments, order: Integers, starts: Integers) -> Moments:
    """Add up groups that come in this order, of which one begins at each start."""
    return Moments(
        count=sums(moments.count, order, starts),
        total=sums(moments.total, order, starts),
        squares=sums(moments.squares, order, starts),
        minimum=_extremes(np.minimum, moments.minimum, moments.count, order, starts),
        maximum=_extremes(np.maximum, moments.maximum, moments.count, order, starts),
        withheld=sums(moments.withheld, order, starts),
    )


def sums(numbers: Exact, order: Integers, starts: Integers) -> Exact:
    """Add up integers that come in this order, from each start to the next."""
    numbers = numbers[order]
    if len(starts) == len(order):  # each is alone
        return narrow(numbers)
    if numbers.dtype != object and np.add.reduceat(np.abs(numbers.astype(np.float64)), starts).max() >= _SAFE:
        # Sums of halves fit for up to 2**30 numbers; only the totals, which are few, need Python integers.
        high = np.add.reduceat(numbers >> 31, starts)
        low = np.add.reduceat(numbers & (2**31 - 1), starts)
        return narrow(high.astype(object) * 2**31 + low)
    return narrow(np.add.reduceat(numbers, starts))


def _extremes(choose: np.ufunc, numbers: Exact, count: Integers, order: Integers, starts: Integers) -> Exact:
    if len(starts) == len(order):  # each is alone
        return narrow(numbers[order])
    extremes = np.zeros(len(starts), dtype=numbers.dtype)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    has_value = count[order] > 0
    if has_value.any():
        group, numbers = group[has_value], numbers[order][has_value]
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        extremes[group[first]] = choose.reduceat(numbers, first)
    return narrow(extremes)
