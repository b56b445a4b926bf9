"""A file read by the command itself, without a server."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from meantime.cli.load_progress import LoadLines, load_bars
from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Status
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.source_downloads import SourceDownloads
from meantime.errors import LoadCancelled
from meantime.log.capture import plain_stderr
from meantime.settings import Settings


@contextmanager
def loaded_catalog(source: Source, settings: Settings, kept: Path | None = None) -> Iterator[Catalog]:
    """A catalog with one data set, read now: into a folder to keep, or into one that goes away afterwards.

    Raises:
        MeantimeError: the file cannot become a data set.
    """
    decided = threading.Event()
    with (
        plain_stderr(),
        nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="meantime-") as folder,
        load_bars() as show,
    ):
        catalog = Catalog(
            [source],
            folder=Path(folder),
            ingestor=DataIngestor(memory_mb=settings.load_memory_mb, rejected_limit=settings.rejected_limit),
            on_death=lambda _role, _error: decided.set(),
            downloads=SourceDownloads(Path(folder) / "downloads", limit_mb=settings.download_limit_mb),
        )
        # SIGTERM as Ctrl-C: the folder and the reading process must not outlive us.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        catalog.on_change(show or LoadLines())

        def note_failure(_name: str, status: Status) -> None:
            # Nobody waits here for a trouble to pass.
            if isinstance(status, Failed):
                decided.set()

        catalog.on_change(note_failure)
        catalog.on_open(lambda _name: decided.set())
        try:
            catalog.start()
            try:
                decided.wait()
            except KeyboardInterrupt:
                raise LoadCancelled("Reading was cancelled; nothing was kept.") from None
            status = catalog.status(source.name)
            if isinstance(status, Failed):
                raise status.error
            yield catalog
        finally:
            catalog.close()
            signal.signal(signal.SIGTERM, before)
