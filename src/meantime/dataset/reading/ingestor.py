"""DataIngestor reads a source into a snapshot, in a separate process that it watches (``child_process``).

Temporary files are in one folder, ``.reading-...``, which is removed with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from meantime.dataset.reading.child_process import run_reader
from meantime.dataset.reading.cluster.address import Cluster
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, data_files, file_state
from meantime.dataset.reading.source_reader import ReadingTask
from meantime.dataset.reading.work_folder import work_folder


class DataIngestor:
    """Reads sources, each in a separate process. Several threads may use it at a time."""

    def __init__(
        self, *, memory_mb: int, rejected_limit: float, reserve_mb: int = 0, cluster: Cluster | None = None
    ) -> None:
        self._memory_mb = memory_mb
        self._rejected_limit = rejected_limit
        self._reserve_mb = reserve_mb
        self._cluster = cluster

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
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Read a source and return the folder of its snapshot in ``into``. Blocks until it is done.

        Raises:
            DataError: the files cannot become a data set, or changed while they were read.
            LoadFailed: the process ended without a result or needed too much memory, or the disk is full.
            LoadCancelled: ``cancelled`` was set; nothing was kept.
        """
        into = into.absolute()
        source_bytes = sum(state[0] for path in data_files(source) if (state := file_state(path)))
        with work_folder(into) as work:
            task = ReadingTask(
                source=source,
                into=str(into),
                work=str(work),
                memory_mb=self._memory_mb,
                rejected_limit=self._rejected_limit,
                cluster=None if _is_only_here(source, into) else self._cluster,
                reserve_mb=self._reserve_mb,
            )
            watch = DiskWatch(work, source=source, source_bytes=source_bytes, reserve_mb=self._reserve_mb)
            return run_reader(task, watch, on_progress, cancelled or threading.Event())


def _is_only_here(source: Source, into: Path) -> bool:
    """Whether workers elsewhere cannot have the file: it was downloaded or uploaded, or is the built-in sample."""
    return bool(source.address) or Path(source.path).absolute().is_relative_to(into.parent)
