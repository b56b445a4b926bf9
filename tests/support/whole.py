"""All cells of a small cube at once: a server opens them question by question, and never all."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from meantime.dataset.cube import Cells, Cube, Marginal, make_block
from meantime.dataset.moments import Moments, narrow
from meantime.dataset.samples.made_table import cells_of


@dataclass(frozen=True, kw_only=True)
class Whole:
    """The cells and marginals of all questions, one after the other."""

    cells: Cells
    by_location: Marginal
    by_stratum: Marginal


def whole(cube: Cube) -> Whole:
    """Join the blocks of a cube."""
    blocks = [cube.block(code) for code in range(len(cube.labels.questions))]
    blocks = blocks or [make_block(cells_of([], []), start=0, scale=0)]
    every = [each.cells for each in blocks]
    own = {field.name: [getattr(each, field.name) for each in every] for field in fields(Cells)}
    own["withheld_cell"] = [each.cells.withheld_cell + each.start for each in blocks]
    moments = _moments([each.moments for each in every])
    return Whole(
        cells=Cells(
            moments=moments, **{name: np.concatenate(parts) for name, parts in own.items() if name != "moments"}
        ),
        by_location=_marginal([each.by_location for each in blocks]),
        by_stratum=_marginal([each.by_stratum for each in blocks]),
    )


def _marginal(parts: list[Marginal]) -> Marginal:
    return Marginal(
        axes=parts[0].axes,
        keys=np.concatenate([each.keys for each in parts]),
        moments=_moments([each.moments for each in parts]),
        mean=np.concatenate([each.mean for each in parts]),
    )


def _moments(parts: list[Moments]) -> Moments:
    joined: dict[str, Any] = {
        field.name: narrow(np.concatenate([getattr(each, field.name) for each in parts])) for field in fields(Moments)
    }
    return Moments(**joined)
