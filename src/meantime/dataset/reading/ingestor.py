"""DataIngestor reads a source into a snapshot, in a separate process that it watches (``child_process``).

Temporary files are in one folder, ``.reading-...``, which is removed with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from meantime.dataset.reading.child_process import run_reader
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, data_files, file_state
from meantime.dataset.reading.source_reader import ReadingTask
from meantime.dataset.reading.work_folder import work_folder

# The rows of files of this size are kept after their cells. Smaller ones are read whole within a second or two.
ROWS_BEHIND_BYTES = 64 * 2**20
# For a command that ends with its answer.
NEVER_BEHIND = 2**63 - 1


class DataIngestor:
    """Reads sources, each in a separate process. Several threads may use it at a time."""

    def __init__(
        self, *, memory_mb: int, rejected_limit: float, reserve_mb: int = 0, rows_behind_bytes: int = NEVER_BEHIND
    ) -> None:
        self._memory_mb = memory_mb
        self._rejected_limit = rejected_limit
        self._reserve_mb = reserve_mb
        self._rows_behind_bytes = rows_behind_bytes

    @property
    def rejected_limit(self) -> float:
        """The share of rejected lines beyond which a file is refused."""
        return self._rejected_limit

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_cells: Callable[[Path], None] = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Read a source and return the folder of its snapshot in ``into``. Blocks until it is done.

        ``on_cells`` gets the folder as soon as its cells can answer, if its rows are kept after them.

        Raises:
            DataError: the files cannot become a data set, or changed while they were read.
            LoadFailed: the process ended without a result or needed too much memory, or the disk is full.
            LoadCancelled: ``cancelled`` was set; nothing was kept.
        """
        return self._run(source, into.absolute(), "", on_progress, on_cells, cancelled)

    def keep_rows(
        self,
        source: Source,
        folder: Path,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Add its rows to a snapshot whose cells are there, and return its folder; raises as ``ingest``.

        The source must be as it was when the cells were made. The folder is another one if the same content with the
        same rows is there already.
        """
        folder = folder.absolute()
        return self._run(source, folder.parent, folder.name, on_progress, lambda _: None, cancelled)

    def _run(
        self,
        source: Source,
        into: Path,
        rows_of: str,
        on_progress: Callable[[Progress], None],
        on_cells: Callable[[Path], None],
        cancelled: threading.Event | None,
    ) -> Path:
        source_bytes = sum(state[0] for path in data_files(source) if (state := file_state(path)))
        with work_folder(into) as work:
            task = ReadingTask(
                source=source,
                into=str(into),
                work=str(work),
                memory_mb=self._memory_mb,
                rejected_limit=self._rejected_limit,
                rows_behind_bytes=self._rows_behind_bytes,
                rows_of=rows_of,
            )
            watch = DiskWatch(work, source=source, source_bytes=source_bytes, reserve_mb=self._reserve_mb)
            return run_reader(task, watch, on_progress, cancelled or threading.Event(), on_cells=on_cells)
