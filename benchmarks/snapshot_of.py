"""A table read in this process, for benchmarks without a server."""

from __future__ import annotations

from pathlib import Path

from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot


def snapshot_of(path: Path, folder: Path) -> Snapshot:
    """Read a file into a snapshot below a folder, and open it."""
    into, work = folder / "snapshots", folder / "work"
    into.mkdir(parents=True)
    work.mkdir()
    source = Source(name="benchmark", path=str(path), columns={})
    task = ReadingTask(source=source, into=str(into), work=str(work), memory_mb=512, rejected_limit=0.0)
    return open_snapshot(read_source(task, lambda _: None))
