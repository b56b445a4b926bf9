"""What is found once for a question, from all its cells: the scale of its limits, and to what it was rounded.

And whether there is anything to look for in the cells of a request: most questions have no problems and no footnotes.

Never from the cells of a request: the standard error of a cell must not depend on who else is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import ABSENT, Doubles
from meantime.dataset.plausibility import all_plausible
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.draft import VALUE_TYPE
from meantime.statistics.methods.standard_errors import Scale, fitting_scale

# Values with more decimals than this were not rounded to be read, and their rounding moves nothing.
_MOST_DECIMALS = 6


class Published(NamedTuple):
    """How the values and limits of a question were published."""

    scale: Scale  # on which its limits are symmetrical
    step: float  # to which values and limits are rounded: 0.1 where they have one decimal
    is_plausible: bool  # no cell has a problem, whichever others it is looked at with
    has_footnotes: bool  # some cell with a value has one


def published(snapshot: Snapshot, question: int, value_type: int, *, is_percent: bool) -> Published:
    """Return how the cells of a question and a type of value were published; found once, and kept with the cube."""
    kept, key = snapshot.cube.published, (question, value_type, is_percent)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _found(snapshot, question, value_type, is_percent=is_percent)
    return found


def _found(snapshot: Snapshot, question: int, value_type: int, *, is_percent: bool) -> Published:
    cube = snapshot.cube
    block = cube.block(question)
    cells = block.cells
    is_published = (cells.moments.count > 0) & (cells.different == 1)
    which = np.flatnonzero((cells.keys[:, VALUE_TYPE] == value_type) & is_published)
    value = cells.moments.means(cube.scale, which)
    low, high = cells.low[which], cells.high[which]
    places = max(_decimals(each) for each in (value, low, high))
    return Published(
        scale=fitting_scale(value, low, high, is_percent=is_percent),
        step=10.0**-places,
        is_plausible=all_plausible(cube, snapshot.about.questions, which + block.start),
        has_footnotes=bool((cells.footnote[which] != ABSENT).any()),
    )


def _decimals(numbers: Doubles) -> int:
    """Return how many decimals numbers have; 0 where there are none.

    >>> _decimals(np.array([30.0, 28.1, np.nan])), _decimals(np.array([150.0])), _decimals(np.array([1 / 3]))
    (1, 0, 6)
    """
    finite = numbers[np.isfinite(numbers)]
    for places in range(_MOST_DECIMALS):
        scaled = finite * 10.0**places
        if (np.abs(scaled - np.rint(scaled)) <= 1e-9 + 1e-14 * np.abs(scaled)).all():
            return places
    return _MOST_DECIMALS
