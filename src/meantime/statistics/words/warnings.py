"""What a reader should know beside the numbers, in the same words in every table. Each is "" where it does not hold."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import AXES
from meantime.dataset.snapshot import Snapshot

_VALUE_TYPE = list(AXES).index("value_type")


def synthetic(snapshot: Snapshot) -> str:
    """Say that the numbers are made up."""
    return "Synthetic data: the numbers are made up." if snapshot.about.synthetic else ""


def withheld(withheld_rows: int, rows: int) -> str:
    """Say how many of a question's rows have no value."""
    return f"Withheld rows, which count nowhere: {withheld_rows:,} of the question's {rows:,}." if withheld_rows else ""


def kinds_of_value(snapshot: Snapshot, question: int) -> str:
    """Name the value types of a question where it has several."""
    cube = snapshot.cube
    # Most tables have one value type, and their questions' cells, thousands of them, need not be looked at.
    if len(cube.labels.value_types) == 1:
        return ""
    codes = cube.cells.keys[int(cube.starts[question]) : int(cube.starts[question + 1]), _VALUE_TYPE]
    if codes.min() == codes.max():
        return ""
    kinds = (cube.labels.value_types[code] for code in np.unique(codes).tolist())
    kinds_text = ", ".join(" in ".join(filter(None, kind)) or "unnamed" for kind in kinds)
    return f"Values of different kinds are averaged together: {kinds_text}."
