"""Who is told when a data set has come further, and when its gate opens."""

from __future__ import annotations

import threading
from collections.abc import Callable

from meantime.dataset.load_status import Status


class StatusListeners:
    """Callbacks, called in the order in which they were added. Any thread may use it; none is called under a lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on_change: list[Callable[[str, Status], None]] = []
        self._on_open: list[Callable[[str], None]] = []

    def on_change(self, callback: Callable[[str, Status], None]) -> None:
        """Call back with each new status."""
        with self._lock:
            self._on_change.append(callback)

    def on_open(self, callback: Callable[[str], None]) -> None:
        """Call back with the name of each data set whose gate opens."""
        with self._lock:
            self._on_open.append(callback)

    def tell(self, name: str, status: Status | None, *, is_opened: bool = False) -> None:
        """Tell of a new status, if there is one, and then of the gate that it opens."""
        with self._lock:
            changed, opened = tuple(self._on_change), tuple(self._on_open)
        if status is not None:
            for callback in changed:
                callback(name, status)
        if is_opened:
            for on_open in opened:
                on_open(name)
