"""On which cells of the table a number rests, and with which weights.

Every statistic says this of its answers, in a function ``rests_on`` beside the one that computes them: of one row of
the answer, or of all of it (None). From the cells it is a short way to the rows of the file (``dataset.cell_rows``).

Where a number is a weighted sum of published values, the weights say how it came about: weight times value, added up
over the rows of the file, is the number. That holds for means, for differences of means, for pooled estimates and for
slopes; what a rank is made of has no such weights, but the estimate that is ranked has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Doubles, Integers
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.selection import Selection
from meantime.table import Cell

# What cells are in a number for.
VALUE = "value"
REFERENCE = "reference"
OTHER = "other question"
EARLIER = "earlier"
LATER = "later"


class Part(NamedTuple):
    """Cells that have one role in a number."""

    used_as: str
    cells: Integers  # places in the cube's cells
    weights: Doubles  # what each row of the cell that has a value counts; NaN: the number is no weighted sum of them
    counts_copies: bool = False  # each of several copies of a row counts, as in a mean of rows; else the first does


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a number rests on."""

    number: str | None  # column of the answer that the weights add up to; None where none does
    parts: tuple[Part, ...]


class Weighted(NamedTuple):
    """Cells, each once, with their total weight and all their roles."""

    cells: Integers
    weights: Doubles
    used_as: tuple[str, ...]
    counts_copies: bool = False


def merged(provenance: Provenance) -> Weighted:
    """Add up the weights of each cell: one that is in a mean and in the overall mean has two.

    >>> value = Part("value", np.array([7, 4]), np.array([0.5, 0.5]))
    >>> reference = Part("reference", np.array([4]), np.array([-1.0]))
    >>> merged(Provenance(number="difference", parts=(value, reference)))
    Weighted(cells=array([4, 7]), weights=array([-0.5,  0.5]), used_as=('value, reference', 'value'), \
counts_copies=False)
    """
    weights: dict[int, float] = {}
    used_as: dict[int, list[str]] = {}
    for part in provenance.parts:
        for cell, weight in zip(part.cells.tolist(), part.weights.tolist(), strict=True):
            weights[cell] = weights.get(cell, 0.0) + weight
            if part.used_as not in (uses := used_as.setdefault(cell, [])):
                uses.append(part.used_as)
    cells = sorted(weights)
    return Weighted(
        cells=np.array(cells, dtype=np.int64),
        weights=np.array([weights[cell] for cell in cells], dtype=np.float64),
        used_as=tuple(", ".join(used_as[cell]) for cell in cells),
        # A statistic averages rows or takes published values; none does both.
        counts_copies=any(part.counts_copies for part in provenance.parts),
    )


# Means over rows


def cells_with(snapshot: Snapshot, question: str, **codes: int) -> Integers:
    """Return the cells of a question that have these codes: ``location=3, category=ABSENT``."""
    cube, code = snapshot.cube, snapshot.cube.question_codes[question]
    cells = cube.cells_of(code)
    keys = cube.block(code).cells.keys
    kept = np.ones(len(keys), dtype=bool)
    for axis, wanted in codes.items():
        kept &= keys[:, _PLACES[axis]] == wanted
    return np.flatnonzero(kept) + int(cells.start)


def code_of(snapshot: Snapshot, axis: str, label: Cell) -> int:
    """Return the code of a label as answers name it; nothing, or an empty text, is ABSENT."""
    if not label:
        return ABSENT
    labels: tuple[str, ...] = getattr(snapshot.cube.labels, AXES[axis])
    return labels.index(str(label))


def of_mean(snapshot: Snapshot, cells: Integers, used_as: str = VALUE, *, sign: float = 1.0) -> Part:
    """Return the part of a mean: each row with a value counts as much as any other."""
    count = int(snapshot.cube.pick(cells).count.sum())
    return Part(used_as, cells, np.full(len(cells), sign / count if count else np.nan), counts_copies=True)


def unweighted(cells: Integers, used_as: str = VALUE) -> Part:
    """Return cells without weights, for what is not one weighted sum."""
    return Part(used_as, cells, np.full(len(cells), np.nan))


_PLACES = {axis: index for index, axis in enumerate(AXES)}


# Pooled estimates


def of_estimates(pooled: Pooled, row: Mapping[str, Cell] | None) -> Provenance:
    """Return what the estimate of a row's location rests on: its cells of all periods, with the pooling weights.

    What most statistics of published estimates rest on, whatever else they have to say of them.

    >>> from meantime.dataset.samples import survey_example
    >>> from meantime.statistics.cells.cell_parameters import CellParameters
    >>> from meantime.statistics.cells.pooled import pool_periods
    >>> from meantime.statistics.cells.select import select
    >>> parameters = CellParameters(question=survey_example.SOUP, years="2018..2019")
    >>> pooled = pool_periods(select(survey_example.snapshot(), parameters))
    >>> [part] = of_estimates(pooled, {"location": "Dorado"}).parts
    >>> len(part.cells), part.weights
    (2, array([0.5, 0.5]))
    """
    if row is None:
        return Provenance(number=None, parts=(of_all(pooled.selection),))
    return Provenance(number="estimate", parts=(of_group(pooled, row),))


def of_group(pooled: Pooled, row: Mapping[str, Cell], used_as: str = VALUE, *, sign: float = 1.0) -> Part:
    """Return the part of the groups that a row is of: location, and category and stratum where it names them."""
    indices = groups_of(pooled.groups, row)
    cells, weights = pooled.groups.weighted_cells(indices, pooled.weights[indices])
    return Part(used_as, cells, sign * weights)


def of_all(selection: Selection, used_as: str = VALUE) -> Part:
    """Return every cell of a selection, including withheld ones and those of locations that are left out."""
    cells = selection.all_cells.ravel()
    return unweighted(cells[cells != ABSENT], used_as)


def of_both_sides(selection: Selection, reference: str | None) -> tuple[Part, ...]:
    """Return every cell of a selection, those of a reference as such."""
    is_reference = np.array([name == reference for name in selection.names], dtype=bool)
    sides = ((~is_reference, VALUE), (is_reference, REFERENCE))
    return tuple(of_all(selection[which], used_as) for which, used_as in sides if which.any())


def groups_of(of: Selection, row: Mapping[str, Cell]) -> list[int]:
    """Return the indices of the groups that a row describes."""
    named = zip(of.names, of.stratum_names, strict=True)
    labels = [dict(zip(_LABELS, (name, *pair), strict=True)) for name, pair in named]
    return [
        index
        for index, labels_of_group in enumerate(labels)
        if all(labels_of_group[label] == row[label] for label in _LABELS if label in row)
    ]


_LABELS = ("location", "category", "stratum")
