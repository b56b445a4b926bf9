"""What was prepared from a snapshot when a job was accepted, for whoever works on that job soon."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

# Twice what may wait on a busy server: of a small answer, such as one of the classic API, each takes up to 2 kB, which
# is what a waiting job takes anyway. Checking a request again takes a third of the work on a small job.
_MOST = 20_000
# Selected cells take about 100 bytes each, so at most 200 MB: a question about 72,000 places in 13 years has 900,000.
_MOST_CELLS = 2_000_000


class Handover:
    """Keeps what was prepared until it is taken, once; the oldest goes if there is too much. Any thread may use it.

    Whoever does not find it prepares it again: after a restart, on another host, or behind many others.
    """

    def __init__(self, *, most: int = _MOST, most_cells: int = _MOST_CELLS) -> None:
        self._most = most
        self._most_cells = most_cells
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, list[tuple[object, int]]] = OrderedDict()
        self._number = 0
        self._cells = 0

    def keep(self, key: Hashable, prepared: object, *, cells: int) -> None:
        """Keep something, for which so many cells were searched, beside what has the same key."""
        with self._lock:
            self._kept.setdefault(key, []).append((prepared, cells))
            self._number += 1
            self._cells += cells
            while self._number > self._most or self._cells > self._most_cells:
                self._take(next(iter(self._kept)))

    def take(self, key: Hashable) -> object | None:
        """Take something out; None if there is nothing with this key."""
        with self._lock:
            return self._take(key) if key in self._kept else None

    def _take(self, key: Hashable) -> object:
        some = self._kept[key]
        prepared, cells = some.pop()
        if not some:
            del self._kept[key]
        self._number -= 1
        self._cells -= cells
        return prepared
