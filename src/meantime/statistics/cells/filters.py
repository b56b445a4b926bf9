"""The cells of a question that filters by name let through."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cube, Integers
from meantime.statistics.parameters import period_of, period_text


class FilteredCells(NamedTuple):
    """The cells that the filters let through."""

    question: int  # its code
    codes: dict[str, Integers]  # that each filter lets through, by axis; an axis without a filter is not in it
    cells: Integers  # positions in the cube's cells


def filter_cells(
    cube: Cube, question: str, names: Mapping[str, Sequence[str]], periods: Sequence[str]
) -> FilteredCells:
    """Select the cells of a question that have one of the names, by axis, and lie within one of the periods.

    Nothing named on an axis lets everything through; "" stands for rows without a label.

    Raises:
        KeyError: the snapshot does not have the question, or a name.
    """
    code = cube.question_codes[question]
    codes = {axis: _codes_of_names(cube, axis, each) for axis, each in names.items() if each}
    if periods:
        codes["period"] = _codes_of_periods(cube, periods)
    cells = cube.cells_of(code)
    keys = cube.block(code).cells.keys
    kept = np.ones(len(keys), dtype=bool)
    for axis, wanted in codes.items():
        kept &= np.isin(keys[:, list(AXES).index(axis)], wanted)
    return FilteredCells(code, codes, np.flatnonzero(kept) + cells.start)


def label_texts(cube: Cube, axis: str) -> Sequence[str]:
    """Return the labels of an axis, as answers name them."""
    if axis == "period":
        return [period_text(period) for period in cube.labels.periods]
    texts: tuple[str, ...] = getattr(cube.labels, AXES[axis])
    return texts


def _codes_of_names(cube: Cube, axis: str, names: Sequence[str]) -> Integers:
    labels = getattr(cube.labels, AXES[axis])
    return np.array([_code(labels, name) if name else ABSENT for name in names], dtype=np.int64)


def _code(labels: Sequence[str], name: str) -> int:
    index = bisect_left(labels, name)
    if index == len(labels) or labels[index] != name:
        raise KeyError(name)
    return index


def _codes_of_periods(cube: Cube, periods: Sequence[str]) -> Integers:
    spans = [period_of(text) for text in periods]
    codes = [
        code
        for code, (first, last) in enumerate(cube.labels.periods)
        if any(span.first <= first and last <= span.last for span in spans)
    ]
    return np.array(codes, dtype=np.int64)
