"""Orders carried out by processes of this machine: a thread for each waits for its child process, and needs no Dask."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from meantime import threads
from meantime.dataset.reading.cluster.orders import TallyOrder, TallyReply
from meantime.dataset.reading.cluster.worker import carried_out


class LocalWorkers:
    """So many processes of this machine. They end with this process, and at the end of the block."""

    def __init__(self, processes: int, work: Path) -> None:
        self._processes = processes
        self._work = work
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what is running."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def tally(self, orders: Sequence[TallyOrder], into: Path) -> Iterator[tuple[int, TallyReply]]:
        """Yield the number of each order and its reply, as they come; the tally of order n is ``tally_path(into, n)``.

        Raises:
            LoadFailed: a thread that waits for a process has died, a bug.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[int, TallyReply] | BaseException] = queue.SimpleQueue()
        for number in range(len(orders)):
            waiting.put(number)

        def work() -> None:
            while not self._ended.is_set():
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                with carried_out(orders[number], self._work, worker="of this machine", cancelled=self._ended) as (
                    reply,
                    tally,
                ):
                    if tally is not None:
                        tally.rename(tally_path(into, number))
                done.put((number, reply))

        started = [
            threads.start(f"tally-{number}", work, on_death=lambda _role, error: done.put(error))
            for number in range(min(self._processes, len(orders)))
        ]
        self._threads += started
        for _ in orders:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome


def tally_path(into: Path, number: int) -> Path:
    """Return where the tally of the file with this number goes."""
    return into / f"{number:04}.tally.parquet"
