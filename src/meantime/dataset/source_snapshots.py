"""From a source to its open snapshot: the one it became before, if it has not changed, or else by reading it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from meantime.dataset.known_sources import KnownSources
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, label_of, source_identity
from meantime.dataset.snapshot import Snapshot
from meantime.errors import DataError, SnapshotDamaged

_log = structlog.get_logger("meantime")


class Ingestor(Protocol):
    """Reads sources: ``reading.ingestor.DataIngestor``."""

    @property
    def rejected_limit(self) -> float:
        """The share of rejected lines beyond which a file is refused."""

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Path:
        """Read a source into a snapshot and return the snapshot's folder in ``into``."""


# Has the files of a source here before they are read.
Fetch = Callable[[Source, Callable[[Progress], None], threading.Event], None]


class SourceSnapshots:
    """Finds or makes the snapshots of sources in a folder. Used by one thread."""

    def __init__(
        self, folder: Path, ingestor: Ingestor, open_folder: Callable[[Path], Snapshot], fetch: Fetch | None = None
    ) -> None:
        self._folder = folder
        self._ingestor = ingestor
        self._fetch = fetch
        self._open_folder = open_folder
        self._known = KnownSources(folder)
        self._made: dict[str, Path] = {}  # what each identity became, as far as that is certain

    def get(
        self,
        source: Source,
        *,
        damaged: Path | None = None,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> tuple[Path, Snapshot]:
        """Return the folder of a source's snapshot and the snapshot, opened. ``damaged`` is a folder not to be used.

        Raises:
            MeantimeError: the source cannot be read.
        """
        return self._get_known(source, damaged) or self._read(source, on_progress, cancelled)

    def require_unchanged(self, source: Source, folder: Path) -> None:
        """Raise if reading the source again would not give the snapshot in this folder.

        Raises:
            SnapshotDamaged: the source has changed since, or is gone.
        """
        with suppress(DataError):
            if self._made.get(self._identity(source)) == folder:
                return
        what = f"The stored copy of {label_of(source)} is damaged, and the file has changed since, or is gone."
        raise SnapshotDamaged(f"{what} Reload the data set to serve the new content.").for_operator(
            f"{what} Path: {source.path}. Reload the data set (SIGHUP) to serve the new content."
        )

    def _get_known(self, source: Source, damaged: Path | None) -> tuple[Path, Snapshot] | None:
        identity = self._identity(source)
        folder = self._known.folder_of(identity)
        if folder is None or folder == damaged:
            return None
        try:
            snapshot = self._open_folder(folder)
        except SnapshotDamaged as error:
            what = "a snapshot is damaged; its source is read again"
            _log.warning(what, dataset=source.name, reason=error.operator_reason)
            return None
        self._made[identity] = folder
        return folder, snapshot

    def _read(
        self, source: Source, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> tuple[Path, Snapshot]:
        if self._fetch:
            self._fetch(source, on_progress, cancelled)
        before = self._identity(source)
        folder = self._ingestor.ingest(source, self._folder, on_progress=on_progress, cancelled=cancelled)
        folder = self._folder / folder.name  # spelled as the catalog spells it
        snapshot = self._open_folder(folder)
        # If the source changed meanwhile, the snapshot may be of either version, and the next start reads it again. If
        # the source is gone, it was still read whole.
        with suppress(DataError):
            if self._identity(source) == before:
                self._made[before] = folder
                self._known.remember(before, folder)
        return folder, snapshot

    def _identity(self, source: Source) -> str:
        return source_identity(source, rejected_limit=self._ingestor.rejected_limit)
