"""A fixed number of threads that take tasks and run them, each one at a time. Knows nothing of jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from meantime import threads

Task = Callable[[], None]
# Blocks until there is something to do. None is the sentinel: the thread that gets it ends.
Take = Callable[[], Task | None]


class ThreadPool:
    """Threads ``worker-1`` to ``worker-N``.

    A task that raises ends its thread, and ``on_death`` is called. The code that makes tasks catches what may go wrong
    in them; so whatever gets here is a bug, and must not pass in silence.
    """

    def __init__(self, *, size: int, take: Take, on_death: threads.OnDeath) -> None:
        self.size = size
        self._take = take
        self._on_death = on_death
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start all threads."""
        self._threads = [
            threads.start(f"worker-{number}", self._run, on_death=self._on_death) for number in range(1, self.size + 1)
        ]

    def join(self, wait_s: float | None = None) -> int:
        """Wait for all threads to end, together no longer than this, and return how many still run.

        They end only when ``take`` gives them the sentinel.
        """
        deadline = None if wait_s is None else time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (task := self._take()) is not None:
            task()
