"""Which data sets are served, how far each has come, and which snapshot answers a request.

One thread reads the sources, one after another in the given order, because reading takes memory, which is limited. A
source that has not changed since it was last read is not read again. Callbacks run outside all locks, in the thread
that reads.

Reloading. A data set that is being read again stays as it is until the new snapshot is open, and then changes in one
step: a caller gets either the old one or the new one. The old one can still be had by its fingerprint.

The gate opens when a data set is ready, or when its files are at fault: then the jobs that wait fail with the reason.
While reading fails for any other reason (memory, the disk), it stays shut, the jobs wait, and reading is tried again. A
gate that has opened stays open, even while a failed data set is read again: closing it would fail the jobs that were
let in.

Damage. When the rows of a snapshot that is served turn out to be damaged, its source is read again, if that has not
changed: the same content comes back under the same fingerprint. A source that has changed is not: its new content is
served only when somebody asks for a reload.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import msgspec
import structlog

from meantime import threads
from meantime.dataset.load_queue import Due, failed_future
from meantime.dataset.load_status import Loading, Ready, ReloadOutcome, Status
from meantime.dataset.older_snapshots import OlderSnapshots
from meantime.dataset.open_blocks import OpenBlocks
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, label_of
from meantime.dataset.served_datasets import ServedDatasets, not_ready
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import TEMPORARY
from meantime.dataset.source_downloads import SourceDownloads
from meantime.dataset.source_snapshots import Ingestor, Shelf, SourceSnapshots
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError, SettingInvalid
from meantime.model import Request
from meantime.threads import OnDeath

_log = structlog.get_logger("meantime")


class Catalog:
    """The data sets by name; the engine's ``Gate``. Every method may be called from any thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        folder: Path,
        ingestor: Ingestor,
        open_blocks: OpenBlocks | None = None,
        on_death: OnDeath,
        downloads: SourceDownloads | None = None,  # required for sources elsewhere
        shelf: Shelf | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        located = downloads.located(sources) if downloads else sources
        if not sources or len({source.name for source in sources}) < len(sources):
            raise ValueError(f"each data set needs a different name: {[source.name for source in sources]}")
        self._first_names = frozenset(source.name for source in sources)
        self._folder = folder
        self._downloads = downloads
        self._on_death = on_death
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._stop_reading = threading.Event()
        self._lock = threading.Lock()  # for everything below; never held while a file is read or a callback runs
        self._changed = threading.Condition(self._lock)  # there is more to read, or it is time to stop
        self._served = ServedDatasets(located, folder, monotonic_s)
        self._older = OlderSnapshots(folder, self._lock, open_blocks or OpenBlocks())
        self._snapshots = SourceSnapshots(folder, ingestor, self._open, downloads=downloads, shelf=shelf)
        self._change_callbacks: list[Callable[[str, Status], None]] = []
        self._open_callbacks: list[Callable[[str], None]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The data sets in order; those that were added come last."""
        return tuple(self._served.sources)

    def is_uploaded(self, name: str) -> bool:
        """Whether a data set was added later, and is not one that the server was started with."""
        return name not in self._first_names

    @property
    def default(self) -> str:
        """The first data set: the one of the classic API."""
        return next(iter(self._served.sources))

    def start(self) -> None:
        """Start to load in a separate thread, which then waits for reloads.

        Raises:
            SettingInvalid: the folder for snapshots cannot be created.
        """
        _make(self._folder)
        if self._downloads:
            self._downloads.remove_others(tuple(self._served.sources.values()))
        self._thread = threads.start("loader", self._load_all_due, on_death=self._on_death)

    def close(self) -> None:
        """Stop loading, and wait for that. Data sets not yet loaded stay as they are: their jobs wait on disk."""
        with self._lock:
            self._closing.set()
            self._stop_reading.set()
            self._changed.notify_all()
            pending = self._served.queue.clear()
        for future in pending:
            future.set_exception(_stopped())
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            self._served.repairs.give_up(_stopped())

    def reload(self, name: str) -> Future[ReloadOutcome]:
        """Read a data set again if its files have changed; return a future of the outcome.

        Reading begins after this call, so it sees every change made before. A call during a reload gets another reload
        after it, shared by all calls before that one begins. A reload that fails leaves the data set as it is, and the
        future fails with the reason: a DataError, LoadFailed, or LoadCancelled if the server stops.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        with self._lock:
            if not self._closing.is_set():
                self._changed.notify_all()
                return self._served.ask_to_reload(name)
        return failed_future(_stopped())

    def add(self, source: Source) -> None:
        """Serve one more source, which is read now.

        Raises:
            DatasetNameTaken: a data set of this name is served.
            LoadCancelled: the server is stopping.
        """
        with self._lock:
            if self._closing.is_set():
                raise _stopped()
            self._served.add(source)
            self._changed.notify_all()

    def remove(self, name: str) -> None:
        """Serve a data set no longer. Its jobs are kept; those that wait for it to be read fail.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        with self._lock:
            pending = self._served.remove(name)
            if self._served.reading == name:
                self._stop_reading.set()
            callbacks = tuple(self._open_callbacks)
        if pending is not None:
            pending.set_exception(not_ready(name, None, self.names))
        for opened in callbacks:
            opened(name)

    def statuses(self) -> dict[str, Status]:
        """Return how far each data set has come, in the order of ``names``."""
        with self._lock:
            return self._served.statuses

    def status(self, name: str) -> Status:
        """Return how far a data set has come.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        with self._lock:
            return self._served.status(name)

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the current snapshot of a data set, or the one with this fingerprint, from disk if necessary.

        With a fingerprint, the data set need not be loaded, nor be served any longer.

        Raises:
            DatasetNotReady: there is no current snapshot, and no fingerprint was given.
            SnapshotDamaged: the snapshot with this fingerprint is not on disk, or not sound.
        """
        with self._lock:
            statuses = self._served.statuses
            status = statuses.get(name)
            for each in (status,) if fingerprint is None else (status, *statuses.values()):
                if isinstance(each, Ready) and fingerprint in (None, each.snapshot.fingerprint):
                    return each.snapshot
        if fingerprint is None:
            raise not_ready(name, status, self.names)
        return self._older.get(fingerprint)

    def repair(self, fingerprint: str) -> Future[None] | None:
        """Return the future of the repair of a snapshot whose rows are damaged; None if none is under way.

        It fails with the reason if the source has changed or is gone, and with LoadCancelled if the server stops.
        """
        with self._lock:
            return self._served.repairs.under_way(fingerprint)

    def is_open(self, dataset: str) -> bool:
        """Whether jobs need not wait: it is or was ready, its files are at fault, or it is not served at all."""
        with self._lock:
            return self._served.is_open(dataset)

    def is_held(self, dataset: str) -> bool:
        """Whether jobs wait for a data set that could not be read, and that its files are not to blame for."""
        with self._lock:
            return self._served.is_held(dataset)

    def bind(self, request: Request) -> Request:
        """Return the request with the fingerprint of the snapshot that will answer it; an existing one is kept.

        Raises:
            DatasetNotReady: the data set is not loaded, failed to load, or is not served.
        """
        if request.fingerprint is not None:
            return request
        return msgspec.structs.replace(request, fingerprint=self.snapshot(request.dataset).fingerprint)

    def on_open(self, callback: Callable[[str], None]) -> None:
        """Call back with the name of each data set that becomes ready, or fails by its files' fault, from now on."""
        with self._lock:
            self._open_callbacks.append(callback)

    def on_change(self, callback: Callable[[str, Status], None]) -> None:
        """Call back with each new status, including progress; before ``on_open`` for the same change.

        A reload that begins to wait is not reported, because that would happen in the thread of the caller.
        """
        with self._lock:
            self._change_callbacks.append(callback)

    def sweep(self, kept: AbstractSet[str]) -> None:
        """Remove the snapshots on disk that are not current and not open, and whose fingerprint is not in ``kept``.

        Of current content, only the editions that are served stay: they stand in for the others. A replaced snapshot
        stays for an hour. Nothing is removed while a data set is being read: its snapshot may already be on disk
        without being current yet.
        """
        with self._lock:
            loading = (isinstance(status, Loading) for status in self._served.statuses.values())
            if self._served.reading is not None or any(loading):
                return
            # With the lock held, they are only renamed, so that nothing can have begun to open one.
            aside = self._served.folders.set_others_aside(kept | self._older.fingerprints)
        for folder in aside:
            _remove(folder)

    def _load_all_due(self) -> None:
        _remove_unfinished(self._folder)
        while (due := self._next_due()) is not None:
            try:
                outcome = self._load(due)
            except MeantimeError as error:
                due.outcome.set_exception(error)
            else:
                due.outcome.set_result(outcome)
                self._snapshots.share(self._stop_reading)

    def _next_due(self) -> Due | None:
        """Wait for the next source to read; None when it is time to stop."""
        with self._lock:
            while not self._closing.is_set():
                if (due := self._served.next_due()) is not None:
                    self._stop_reading = threading.Event()
                    return due
                self._changed.wait(self._served.queue.wait_s)
        return None

    def _load(self, due: Due) -> ReloadOutcome:
        """Read a source, and serve its snapshot.

        Raises:
            MeantimeError: it could not be read; the data set is unchanged, or has failed.
        """
        with self._lock:
            served, stop_reading = self._served, self._stop_reading
            source, before = served.sources.get(due.name), served.folders.of(due.name)
            damaged = before if before in served.repairs else None
        if source is None:
            raise not_ready(due.name, None, self.names)
        on_progress = partial(self._note_progress, source)
        try:
            if damaged is not None and not due.is_requested:
                self._snapshots.require_unchanged(source, damaged)
            if self._downloads and (due.is_requested or before is None):
                self._downloads.refresh(source, on_progress, stop_reading, must_be_newest=before is not None)
            folder, snapshot = self._snapshots.get(
                source, damaged=damaged, on_progress=on_progress, cancelled=stop_reading
            )
        except MeantimeError as error:
            self._settle(source, error)
            raise
        except Exception as error:
            failed = _bug_in_reading(source, error)
            self._settle(source, failed)
            raise failed from error
        self._settle(source, (folder, snapshot))
        if self._closing.is_set():
            raise _stopped()
        return ReloadOutcome.UNCHANGED if folder == before else ReloadOutcome.REPLACED

    def _note_damage(self, folder: Path) -> None:
        """Have the sources of a snapshot read again whose rows are damaged. Any thread may call this, repeatedly."""
        with self._lock:
            names = [] if self._closing.is_set() else self._served.begin_repair(folder)
            self._changed.notify_all()
        if names:
            _log.error("a snapshot is damaged; its file is read again", path=str(folder), datasets=names)

    def _open(self, folder: Path) -> Snapshot:
        """Open a snapshot, or return the one that another data set with the same content has opened."""
        with self._lock:
            served = self._served.ready(folder)
        return served or self._older.open_folder(folder, on_damage=lambda: self._note_damage(folder))

    def _note_progress(self, source: Source, progress: Progress) -> None:
        with self._lock:
            status = self._served.note_progress(source, progress)
        if status is not None:
            self._notify(source.name, status)

    def _settle(self, source: Source, outcome: tuple[Path, Snapshot] | MeantimeError) -> None:
        if self._closing.is_set():
            # Opening the gate now would start or fail jobs that should wait for the next start.
            return
        with self._lock:
            status, is_opened = self._served.settle(source, outcome)
            if isinstance(outcome, tuple):
                self._older.forget(outcome[1].fingerprint)
            callbacks = tuple(self._open_callbacks) if is_opened else ()
        if status is not None:
            self._notify(source.name, status)
        for opened in callbacks:
            opened(source.name)

    def _notify(self, name: str, status: Status) -> None:
        with self._lock:
            callbacks = tuple(self._change_callbacks)
        for changed in callbacks:
            changed(name, status)


def _remove_unfinished(folder: Path) -> None:
    """Remove what a crash has left: nothing else writes here, and loading has not begun."""
    for path in folder.iterdir():
        if path.name.startswith(TEMPORARY):
            _remove(path)


def _bug_in_reading(source: Source, error: Exception) -> LoadFailed:
    _log.error("reading failed because of a bug in Meantime", dataset=source.name, exc_info=error)
    return LoadFailed(
        f"{label_of(source)} could not be read because of a bug in Meantime ({type(error).__name__}). The details are "
        "in the server's log; please report them."
    )


def _stopped() -> LoadCancelled:
    return LoadCancelled("The server is stopping, so files are no longer read. The next start reads them.")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingInvalid(
            f"Snapshots cannot be stored in {folder}: {error.strerror}. Set another state_dir."
        ) from error
