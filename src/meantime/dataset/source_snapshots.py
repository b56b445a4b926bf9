"""From a source to its open snapshot: the one it became before, if it has not changed, or else by reading it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from meantime.dataset.known_sources import KnownSources
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, label_of, source_identity
from meantime.dataset.shelf_identity import shelf_identity
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_downloads import SourceDownloads
from meantime.errors import DataError, LoadCancelled, SnapshotDamaged

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


class Shelf(Protocol):
    """Snapshots that several servers share: ``object_storage.shelf``. What goes wrong there is logged, and no error."""

    @property
    def with_paths(self) -> bool:
        """Whether the snapshots there name the paths of their sources."""

    def take(
        self, identity: str, into: Path, *, on_share: Callable[[float], None], cancelled: threading.Event
    ) -> Path | None:
        """Fetch the snapshot of a source, and return its folder in ``into``; None if there is none."""

    def put(self, identity: str, folder: Path, cancelled: threading.Event) -> None:
        """Put a snapshot there, unless there is one for this source."""

    def distrust(self, identity: str, reason: str) -> None:
        """Have what is there for a source replaced by what is put next."""


class _Seen(NamedTuple):
    """What a source was when it was looked at."""

    identity: str
    name: str | None  # on the shelf, if there is one; all files are read for it


class SourceSnapshots:
    """Finds or makes the snapshots of sources in a folder. Used by one thread."""

    def __init__(
        self,
        folder: Path,
        ingestor: Ingestor,
        open_folder: Callable[[Path], Snapshot],
        *,
        downloads: SourceDownloads | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._folder = folder
        self._ingestor = ingestor
        self._downloads = downloads
        self._shelf = shelf
        self._to_share: tuple[Source, str, Path] | None = None  # what was read last, by its name on the shelf
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
        if known := self._get_known(source, damaged):
            return known
        seen = self._look(source, cancelled)
        return self._take(source, seen, on_progress, cancelled) or self._read(source, seen, on_progress, cancelled)

    def share(self, cancelled: threading.Event) -> None:
        """Put what was read last on the shelf, if that is certainly what the source is."""
        if self._shelf is None or self._to_share is None:
            return
        (source, name, folder), self._to_share = self._to_share, None
        with suppress(LoadCancelled):
            # Whoever takes it relies on the name, so the source is looked at once more.
            if self._name_on_shelf(source, cancelled) == name:
                self._shelf.put(name, folder, cancelled)

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

    def _take(
        self, source: Source, seen: _Seen, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> tuple[Path, Snapshot] | None:
        if self._shelf is None or seen.name is None:
            return None
        folder = self._shelf.take(
            seen.name,
            self._folder,
            on_share=lambda share: on_progress(Progress("downloading", share, None)),
            cancelled=cancelled,
        )
        if folder is None:
            return None
        try:
            snapshot = self._open_folder(folder)
        except SnapshotDamaged as error:
            self._shelf.distrust(seen.name, error.operator_reason)
            return None
        self._remember(source, seen.identity, folder)
        return folder, snapshot

    def _read(
        self, source: Source, seen: _Seen, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> tuple[Path, Snapshot]:
        if self._downloads:
            self._downloads.fetch(source, on_progress, cancelled)
        if self._identity(source) != seen.identity:
            seen = self._look(source, cancelled)
        folder = self._ingestor.ingest(source, self._folder, on_progress=on_progress, cancelled=cancelled)
        folder = self._folder / folder.name  # spelled as the catalog spells it
        snapshot = self._open_folder(folder)
        if seen.name is not None:
            self._to_share = (source, seen.name, folder)
        self._remember(source, seen.identity, folder)
        return folder, snapshot

    def _remember(self, source: Source, identity: str, folder: Path) -> None:
        """Note what a source became, unless it has changed since it had this identity."""
        # If the source changed meanwhile, the snapshot may be of either version, and the next start reads it again. If
        # the source is gone, it was still read whole.
        with suppress(DataError):
            if self._identity(source) == identity:
                self._made[identity] = folder
                self._known.remember(identity, folder)

    def _look(self, source: Source, cancelled: threading.Event) -> _Seen:
        return _Seen(self._identity(source), self._name_on_shelf(source, cancelled))

    def _name_on_shelf(self, source: Source, cancelled: threading.Event) -> str | None:
        """Return the name by which others know a source too; None without a shelf, or if it cannot be read."""
        if self._shelf is None:
            return None
        with suppress(DataError, OSError):
            return shelf_identity(
                source,
                rejected_limit=self._ingestor.rejected_limit,
                with_paths=self._shelf.with_paths,
                cancelled=cancelled,
            )
        return None

    def _identity(self, source: Source) -> str:
        return source_identity(source, rejected_limit=self._ingestor.rejected_limit)
