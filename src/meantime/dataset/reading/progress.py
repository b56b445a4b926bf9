"""How far reading has come: phases, a bar that moves evenly, and DuckDB's own progress."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from meantime import threads
from meantime.later import duckdb

# Where each phase ends, as a share of the whole; measured, so that the bar moves evenly.
SNIFFED, STAGED, ROLLED_UP = 0.1, 0.8, 0.95
# Of the time for a file that the tolerant reader copies first, the share of copying. DuckDB then reads the copy.
_SHARE_OF_COPY = 0.75
_SECONDS_BETWEEN_UPDATES = 0.2


class Progress(msgspec.Struct, frozen=True):
    """How far reading has come."""

    phase: str  # waiting, looking, reading, rolling up, writing: part of the API's documents
    share: float  # of the whole, from 0 to 1
    rows: int | None  # read so far, if known


class StagingProgress:
    """How far the staging of all files has come, by their sizes in bytes."""

    def __init__(self, sizes: Sequence[int], on_progress: Callable[[Progress], None]) -> None:
        self._sizes = sizes
        self._on_progress = on_progress
        self._file = 0
        self._rows = 0
        self._copied = 0
        self.report(0.0)

    def add_copied(self, bytes_read: int) -> None:
        """Note how many more bytes of the current file the tolerant reader has copied."""
        self._copied += bytes_read
        self.report(0.0)

    def report(self, share_of_query: float) -> None:
        """Report progress, given how far DuckDB has read the current file."""
        size = self._sizes[self._file]
        copied = _SHARE_OF_COPY * self._copied / size
        done = sum(self._sizes[: self._file]) + size * (copied + (1 - copied) * share_of_query)
        share = SNIFFED + (STAGED - SNIFFED) * min(done / sum(self._sizes), 1)
        self._on_progress(Progress("reading", share, self._rows or None))

    def next_file(self, rows: int) -> None:
        """Go on to the next file, after this one gave ``rows`` rows."""
        self._rows += rows
        self._copied = 0
        if self._file + 1 < len(self._sizes):
            self._file += 1


@contextmanager
def query_progress(database: duckdb.DuckDBPyConnection, report: Callable[[float], object]) -> Iterator[None]:
    """While the block runs, report the share that DuckDB has done, from a separate thread."""
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(_SECONDS_BETWEEN_UPDATES):
            percent = database.query_progress()
            if percent > 0:
                report(percent / 100)

    # A progress bar that stands still is no reason to stop reading.
    thread = threads.start("reading-progress", watch, on_death=lambda _role, _error: None)
    try:
        yield
    finally:
        is_done.set()
        thread.join()
