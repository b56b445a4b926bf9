"""Which entries of a marginal of the cube a request is about: as many as its answer has rows, and never a row.

Entries are sorted by key: question, location, and so on, each by the code of its name.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from meantime.dataset.cube import Integers, Marginal
from meantime.dataset.snapshot import Snapshot


def entries_with_value(snapshot: Snapshot, marginal: Marginal, question: str, location: str | None = None) -> Integers:
    """Return the entries of a question, or of one of its locations, that have a value.

    Raises:
        KeyError: the snapshot does not have the question or the location.
    """
    entries = marginal.of(snapshot.cube.question_codes[question])
    if location is not None:
        entries = _of_location(marginal, entries, snapshot.cube.location_codes[location])
    with_value: Integers = np.flatnonzero(marginal.moments.count[entries]) + entries.start
    return with_value


def _of_location(marginal: Marginal, of_question: slice, code: int) -> slice:
    entries = range(of_question.start, of_question.stop)

    def location_at(entry: int) -> int:
        return int(marginal.keys[entry, 1])

    # By hand and not np.searchsorted, which would first copy the column of all locations.
    first = bisect_left(entries, code, key=location_at)
    stop = bisect_left(entries, code + 1, lo=first, key=location_at)
    return slice(of_question.start + first, of_question.start + stop)
