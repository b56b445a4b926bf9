"""Which entries of a marginal of the cube a request is about: as many as its answer has rows, and never a row.

Entries are sorted by key: location, and so on, each by the code of its name.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from meantime.dataset.cube import Cube, Integers, Marginal


def entries_with_value(cube: Cube, marginal: Marginal, location: str | None = None) -> Integers:
    """Return the entries of a question's marginal, or of one of its locations, that have a value.

    Raises:
        KeyError: the snapshot does not have the location.
    """
    entries = slice(0, len(marginal.keys))
    if location is not None:
        entries = _of_location(marginal, cube.location_codes[location])
    with_value: Integers = np.flatnonzero(marginal.moments.count[entries]) + entries.start
    return with_value


def _of_location(marginal: Marginal, code: int) -> slice:
    entries = range(len(marginal.keys))

    def location_at(entry: int) -> int:
        return int(marginal.keys[entry, 1])

    # By hand and not np.searchsorted, which would first copy the column of all locations.
    first = bisect_left(entries, code, key=location_at)
    stop = bisect_left(entries, code + 1, lo=first, key=location_at)
    return slice(first, stop)
