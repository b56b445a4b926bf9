"""A selection while it is made: the cells of the question, and what is wrong with the request so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from meantime.dataset.cube import AXES, Integers, ValueType
from meantime.dataset.facts import geography
from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.selection import Booleans

# Columns of the keys of cells.
QUESTION, LOCATION, CATEGORY, STRATUM, VALUE_TYPE, PERIOD = range(len(AXES))
LABELS = tuple(AXES.values())


class Draft:
    """The cells of a question, of which each step keeps some; each step may find problems.

    Steps mark the cells that they keep with an array of booleans, one for each cell of the question.
    """

    def __init__(
        self, snapshot: Snapshot, parameters: CellParameters, *, by_stratum: bool = False, also: str | None = None
    ) -> None:
        self.snapshot, self.parameters, self.by_stratum, self.also = snapshot, parameters, by_stratum, also
        self.cube = snapshot.cube
        self.question = self.cube.question_codes[parameters.question]
        self.block = self.cube.block(self.question)
        self.start = self.block.start  # of the question's cells among all
        self.cells = self.block.cells
        self.keys = self.cells.keys
        self.has_value: Booleans = self.cells.moments.count > 0
        self.geography = geography.for_locations(self.cube.labels.locations)
        self.by_default = ""  # what was chosen because the request does not name it, in a sentence
        self.later_years = ""  # the latest period of all locations, where that of the chosen ones is an earlier one
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def refuse(self, pointer: str, code: str, detail: str, closest: tuple[str, ...] = ()) -> None:
        """Note a problem; further ones may follow."""
        self.problems.append(Problem(pointer=pointer, code=code, detail=detail, closest=closest))

    def every(self, *, kept: bool) -> Booleans:
        """Return marks that keep every cell, or none."""
        return np.full(len(self.keys), kept)

    def having(self, axis: int, codes: Integers | Sequence[int]) -> Booleans:
        """Mark the cells that have one of some codes on an axis."""
        # Looked up: codes are few, and to sort them would take longer. The last entry is that of ABSENT, -1.
        is_one = np.zeros(len(getattr(self.cube.labels, LABELS[axis])) + 1, dtype=np.bool_)
        is_one[codes] = True
        return is_one[self.keys[:, axis]]

    def unit_of(self, value_type: ValueType) -> str | None:
        """Return the unit of the question's values of a type."""
        return self.snapshot.about.questions[self.question].unit or value_type.unit or None
