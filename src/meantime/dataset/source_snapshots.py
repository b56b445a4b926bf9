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
        on_cells: Callable[[Path], None],
        cancelled: threading.Event,
    ) -> Path:
        """Read a source into a snapshot and return its folder in ``into``; ``on_cells`` gets it if rows follow."""

    def keep_rows(
        self, source: Source, folder: Path, *, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> Path:
        """Add its rows to a snapshot that has only its cells, and return the folder that has both."""


class SourceSnapshots:
    """Finds or makes the snapshots of sources in a folder. Used by one thread."""

    def __init__(self, folder: Path, ingestor: Ingestor, open_folder: Callable[[Path], Snapshot]) -> None:
        self._folder = folder
        self._ingestor = ingestor
        self._open_folder = open_folder
        self._known = KnownSources(folder)
        self._made: dict[str, Path] = {}  # what each identity became, as far as that is certain

    def get(
        self,
        source: Source,
        *,
        damaged: Path | None = None,
        on_progress: Callable[[Progress], None],
        on_cells: Callable[[Path, Snapshot], None],
        cancelled: threading.Event,
    ) -> tuple[Path, Snapshot]:
        """Return the folder of a source's snapshot and the snapshot, opened. ``damaged`` is a folder not to be used.

        ``on_cells`` gets both as soon as the snapshot can answer, if its rows are kept after that.

        Raises:
            MeantimeError: the source cannot be read.
        """
        known = self._get_known(source, damaged)
        if known is not None and not known[1].rows_pending:
            return known
        try:
            if known is not None:
                # The last process was ended before it had kept the rows.
                on_cells(*known)
                before, folder = self._identity(source), known[0]
                folder = self._ingestor.keep_rows(source, folder, on_progress=on_progress, cancelled=cancelled)
                return self._opened(source, folder, before)
        except SnapshotDamaged as error:
            _warn_of_damage(source, error)
        return self._read(source, on_progress, on_cells, cancelled)

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
            _warn_of_damage(source, error)
            return None
        self._made[identity] = folder
        return folder, snapshot

    def _read(
        self,
        source: Source,
        on_progress: Callable[[Progress], None],
        on_cells: Callable[[Path, Snapshot], None],
        cancelled: threading.Event,
    ) -> tuple[Path, Snapshot]:
        before = self._identity(source)
        folder = self._ingestor.ingest(
            source,
            self._folder,
            on_progress=on_progress,
            on_cells=lambda cells: on_cells(*self._opened(source, cells, before)),
            cancelled=cancelled,
        )
        return self._opened(source, folder, before)

    def _opened(self, source: Source, folder: Path, before: str) -> tuple[Path, Snapshot]:
        """Open what a source became that had this identity, and remember it."""
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


def _warn_of_damage(source: Source, error: SnapshotDamaged) -> None:
    what = "a snapshot is damaged; its source is read again"
    _log.warning(what, dataset=source.name, reason=error.operator_reason)
