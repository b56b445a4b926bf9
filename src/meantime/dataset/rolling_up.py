"""Groups of rows become the canonical cube of a table that fits in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import (
    ABSENT,
    AXES,
    Block,
    Cells,
    Cube,
    Labels,
    Outline,
    make_block,
    outline_of,
    question_totals,
)
from meantime.dataset.moments import Doubles, Integers, add_up_groups, grouping, sums


def roll_up(labels: Labels, cells: Cells, *, scale: int) -> Cube:
    """Make the canonical cube from groups of rows and labels in any order; groups with equal keys are merged.

    ``scale`` must be the smallest that holds every value: sums no longer show it.
    """
    labels, cells = _recode(labels, cells)
    merged = _merge_equal(cells)
    if len(merged) < len(cells):
        # Merging drops the footnotes of mixed cells, and some labels may then be unused.
        labels, merged = _recode(labels, merged)
    return cube_of(labels, merged, scale=scale)


def cube_of(labels: Labels, cells: Cells, *, scale: int) -> Cube:
    """Make the cube from labels and cells that are canonical already."""
    starts = np.searchsorted(cells.keys[:, 0], np.arange(len(labels.questions) + 1)).astype(np.int64)
    return Cube(
        labels=labels,
        scale=scale,
        starts=starts,
        by_question=question_totals(
            add_up_groups(cells.moments, np.arange(len(cells), dtype=np.int64), starts[:-1]), scale=scale
        ),
        location_cells=np.bincount(cells.keys[:, 1], minlength=len(labels.locations)).astype(np.int64),
        blocks=_InMemory(cells, starts, scale),
    )


def _cut(cells: Cells, start: int, stop: int) -> Cells:
    first, last = cells.withheld_cell.searchsorted([start, stop]).tolist()
    moments = cells.moments[start:stop]
    return Cells(
        keys=cells.keys[start:stop],
        moments=moments.narrowed(),
        low=cells.low[start:stop],
        high=cells.high[start:stop],
        sample_size=cells.sample_size[start:stop],
        footnote=cells.footnote[start:stop],
        copies=cells.copies[start:stop],
        withheld_cell=cells.withheld_cell[first:last] - start,
        withheld_reason=cells.withheld_reason[first:last],
        withheld_count=cells.withheld_count[first:last],
    )


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
        copies=cells.copies,
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
    order, starts = grouping(cells.keys)
    moments = add_up_groups(cells.moments, order, starts)
    first = order[starts]
    mixed = np.diff(np.append(starts, len(order))) > 1
    # index of every group among the merged ones
    merged = np.empty(len(order), dtype=np.int64)
    merged[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    pairs = np.stack([merged[cells.withheld_cell], cells.withheld_reason], axis=1)
    pair_order, pair_starts = grouping(pairs)
    return Cells(
        keys=cells.keys[first],
        moments=moments,
        low=_published(cells.low[first], mixed),
        high=_published(cells.high[first], mixed),
        sample_size=_published(cells.sample_size[first], mixed),
        footnote=np.where(mixed, ABSENT, cells.footnote[first]),
        copies=sums(cells.copies, order, starts),
        withheld_cell=pairs[pair_order[pair_starts], 0],
        withheld_reason=pairs[pair_order[pair_starts], 1],
        withheld_count=sums(cells.withheld_count, pair_order, pair_starts),
    )


def _published(numbers: Doubles, mixed: npt.NDArray[np.bool_]) -> Doubles:
    """Return the numbers of cells with a single row, in canonical form: minus zero is zero, and there is one NaN."""
    return np.where(mixed | np.isnan(numbers), np.nan, numbers + 0.0)


class _InMemory:
    """The blocks of cells that are all in memory, cut when they are first asked for."""

    def __init__(self, cells: Cells, starts: Integers, scale: int) -> None:
        self._cells, self._starts, self._scale = cells, starts, scale
        self._blocks: dict[int, Block] = {}
        self._outlines: dict[int, Outline] = {}

    def block(self, question: int) -> Block:
        if (known := self._blocks.get(question)) is None:
            start, stop = self._starts[question : question + 2].tolist()
            known = self._blocks[question] = make_block(_cut(self._cells, start, stop), start=start, scale=self._scale)
        return known

    def outline(self, question: int) -> Outline:
        if (known := self._outlines.get(question)) is None:
            known = self._outlines[question] = outline_of(self.block(question).cells)
        return known
