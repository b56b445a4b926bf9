"""Tables in databases, read as a server reads them, but in the process of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from meantime.dataset.reading.source import parse_source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.dataset.source_downloads import SourceDownloads
from tests.support.table_files import read_source_into


def read_table(
    address: str,
    folder: Path,
    *,
    columns: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    limit_mb: int = 64,
    cancelled: threading.Event | None = None,
    must_be_newest: bool = True,
    on_progress: Callable[[object], None] = lambda _: None,
) -> Snapshot:
    """Count a table, read the tally into a snapshot in a folder, and open that."""
    downloads = SourceDownloads(folder / "downloads", limit_mb=limit_mb)
    [source] = downloads.located([parse_source(address, columns, settings)])
    downloads.refresh(source, on_progress, cancelled or threading.Event(), must_be_newest=must_be_newest)
    return open_snapshot(read_source_into(source, folder))
