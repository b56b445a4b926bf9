"""Which locations a request is about."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Cube, Integers
from meantime.did_you_mean import closest, suggestion
from meantime.statistics.cells.draft import Draft
from meantime.text import quoted


def locations_of(cube: Cube, question: int) -> list[str]:
    """Return the locations that a question has rows of, in the order of their names."""
    codes: list[int] = cube.block(question).by_location.keys[:, 1].tolist()
    return [cube.labels.locations[code] for code in codes]


def wanted_locations(draft: Draft) -> Integers:
    """Return the codes of the requested locations, in the order of the names."""
    named = _named(draft)
    return named if draft.also is None else np.union1d(named, draft.cube.location_codes[draft.also])


def _named(draft: Draft) -> Integers:
    names, labels = draft.parameters.locations, draft.cube.labels.locations
    if names == ("all",):
        return draft.block.by_location.keys[:, 1]
    if len(names) == 1 and names[0] in draft.geography.sets:
        members = set(draft.geography.sets[names[0]])
        return np.array([code for code, name in enumerate(labels) if name in members], dtype=np.int64)
    codes = draft.cube.location_codes
    for index, name in enumerate(names):
        if name not in codes:
            _refuse_unknown(draft, f"/locations/{index}", name)
    return np.array(sorted({codes[name] for name in names if name in codes}), dtype=np.int64)


def _refuse_unknown(draft: Draft, pointer: str, name: str) -> None:
    sets = ", ".join(f'"{each}"' for each in ("all", *draft.geography.sets))
    near = closest(name, draft.cube.labels.locations)
    detail = (
        f"The data set has no location {quoted(name)}. {suggestion(near)}One of these words can be used instead of "
        f"names: {sets}."
    )
    draft.refuse(pointer, "unknown", detail, near)
