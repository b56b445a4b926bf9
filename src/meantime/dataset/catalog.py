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
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import structlog

from meantime import threads
from meantime.dataset.load_queue import Due, LoadQueue, new_future
from meantime.dataset.load_status import WAITING, Failed, Loading, Ready, ReloadOutcome, Status
from meantime.dataset.older_snapshots import OlderSnapshots, set_aside_others
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, label_of
from meantime.dataset.repairs import Repairs
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import TEMPORARY, fingerprint_of, open_snapshot
from meantime.dataset.source_downloads import SourceDownloads
from meantime.dataset.source_snapshots import Ingestor, SourceSnapshots
from meantime.errors import DatasetNotReady, LoadCancelled, LoadFailed, MeantimeError, SettingInvalid
from meantime.model import Request
from meantime.threads import OnDeath

_log = structlog.get_logger("meantime")

# How long a replaced snapshot stays on disk. The job of a request that was bound to it may not be committed yet, and
# rows are read without any job, so nothing on disk names it. Six times as long as a job may work by default.
_REPLACED_KEPT_S = 3600.0


class Catalog:
    """The data sets by name; the engine's ``Gate``. Every method may be called from any thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        folder: Path,
        ingestor: Ingestor,
        on_death: OnDeath,
        downloads: SourceDownloads | None = None,  # required for sources on the web
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.names = tuple(source.name for source in sources)
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"each data set needs a different name: {self.names}")
        self._downloads = downloads
        self._sources = {each.name: each for each in (downloads.located(sources) if downloads else sources)}
        self._folder = folder
        self._on_death = on_death
        self._monotonic_s = monotonic_s
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()  # for everything below; never held while a file is read or a callback runs
        self._changed = threading.Condition(self._lock)  # there is more to read, or it is time to stop
        self._statuses: dict[str, Status] = {name: Loading(WAITING) for name in self.names}
        self._opened: set[str] = set()  # data sets whose gate has opened
        self._queue = LoadQueue(self.names, monotonic_s)
        self._is_reading = False
        self._folders: dict[str, Path] = {}  # of the data sets that are ready
        self._repairs = Repairs()
        self._replaced: dict[Path, float] = {}  # former current folders, and when they were replaced
        self._older = OlderSnapshots(folder, self._lock)
        self._snapshots = SourceSnapshots(folder, ingestor, self._open)
        self._change_callbacks: list[Callable[[str, Status], None]] = []
        self._open_callbacks: list[Callable[[str], None]] = []

    @property
    def default(self) -> str:
        """The first data set: the one of the classic API."""
        return self.names[0]

    def start(self) -> None:
        """Start to load in a separate thread, which then waits for reloads.

        Raises:
            SettingInvalid: the folder for snapshots cannot be created.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingInvalid(
                f"Snapshots cannot be stored in {self._folder}: {error.strerror}. Set another state_dir."
            ) from error
        if self._downloads:
            self._downloads.remove_others(tuple(self._sources.values()))
        self._thread = threads.start("loader", self._load_all_due, on_death=self._on_death)

    def close(self) -> None:
        """Stop loading, and wait for that. Data sets not yet loaded stay as they are: their jobs wait on disk."""
        with self._lock:
            self._closing.set()
            self._changed.notify_all()
            pending = self._queue.clear()
        for future in pending:
            future.set_exception(_stopped())
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            self._repairs.give_up(_stopped())

    def reload(self, name: str) -> Future[ReloadOutcome]:
        """Read a data set again if its files have changed; return a future of the outcome.

        Reading begins after this call, so it sees every change made before. A call during a reload gets another reload
        after it, shared by all calls before that one begins. A reload that fails leaves the data set as it is, and the
        future fails with the reason: a DataError, LoadFailed, or LoadCancelled if the server stops.

        Raises:
            KeyError: no data set of this name is served.
        """
        with self._lock:
            status = self._statuses[name]
            if not self._closing.is_set():
                self._changed.notify_all()
                if not isinstance(status, Loading) and status.reloading is None:
                    self._statuses[name] = replace(status, reloading=WAITING)
                return self._queue.add(name)
        future = new_future()
        future.set_exception(_stopped())
        return future

    def status(self, name: str) -> Status:
        """Return how far a data set has come.

        Raises:
            KeyError: no data set of this name is served.
        """
        with self._lock:
            return self._statuses[name]

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the current snapshot of a data set, or the one with this fingerprint, from disk if necessary.

        With a fingerprint, the data set need not be loaded, nor be served any longer.

        Raises:
            DatasetNotReady: there is no current snapshot, and no fingerprint was given.
            SnapshotDamaged: the snapshot with this fingerprint is not on disk, or not sound.
        """
        with self._lock:
            status = self._statuses.get(name)
            for each in (status,) if fingerprint is None else (status, *self._statuses.values()):
                if isinstance(each, Ready) and fingerprint in (None, each.snapshot.fingerprint):
                    return each.snapshot
        if fingerprint is None:
            raise _not_ready(name, status, self.names)
        return self._older.get(fingerprint)

    def repair(self, fingerprint: str) -> Future[None] | None:
        """Return the future of the repair of a snapshot whose rows are damaged; None if none is under way.

        It fails with the reason if the source has changed or is gone, and with LoadCancelled if the server stops.
        """
        with self._lock:
            return self._repairs.under_way(fingerprint)

    def is_open(self, dataset: str) -> bool:
        """Whether jobs need not wait: it is or was ready, its files are at fault, or it is not served at all."""
        with self._lock:
            return dataset in self._opened or dataset not in self._sources

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
            if self._is_reading or any(isinstance(status, Loading) for status in self._statuses.values()):
                return
            current = set(self._folders.values())
            since_s = self._monotonic_s() - _REPLACED_KEPT_S
            self._replaced = {folder: at_s for folder, at_s in self._replaced.items() if at_s > since_s}
            stay = (kept | self._older.fingerprints) - {fingerprint_of(folder.name) for folder in current}
            # With the lock held, they are only renamed, so that nothing can have begun to open one.
            aside = set_aside_others(self._folder, folders=current | self._replaced.keys(), fingerprints=stay)
        for folder in aside:
            _remove(folder)

    def _load_all_due(self) -> None:
        _remove_unfinished(self._folder)
        while (due := self._next_due()) is not None:
            try:
                outcome = self._load(self._sources[due.name], is_requested=due.is_requested)
            except MeantimeError as error:
                due.outcome.set_exception(error)
            else:
                due.outcome.set_result(outcome)

    def _next_due(self) -> Due | None:
        """Wait for the next source to read; None when it is time to stop."""
        with self._lock:
            while not self._closing.is_set():
                if (due := self._queue.pop()) is not None:
                    self._is_reading = True
                    return due
                self._changed.wait(self._queue.wait_s)
        return None

    def _load(self, source: Source, *, is_requested: bool) -> ReloadOutcome:
        """Read a source, and serve its snapshot.

        Raises:
            MeantimeError: it could not be read; the data set is unchanged, or has failed.
        """
        with self._lock:
            before = self._folders.get(source.name)
            damaged = before if before in self._repairs else None
        try:
            if damaged is not None and not is_requested:
                self._snapshots.require_unchanged(source, damaged)
            on_progress = partial(self._note_progress, source.name)
            if self._downloads and (is_requested or before is None):
                self._downloads.refresh(source, on_progress, self._closing, must_be_newest=before is not None)
            folder, snapshot = self._snapshots.get(
                source, damaged=damaged, on_progress=on_progress, cancelled=self._closing
            )
        except MeantimeError as error:
            self._note_failure(source.name, error)
            raise
        except Exception as error:
            failed = _bug_in_reading(source, error)
            self._note_failure(source.name, failed)
            raise failed from error
        self._settle(source.name, Ready(snapshot), folder)
        if self._closing.is_set():
            raise _stopped()
        return ReloadOutcome.UNCHANGED if folder == before else ReloadOutcome.REPLACED

    def _note_failure(self, name: str, error: MeantimeError) -> None:
        match self.status(name):
            case Ready(snapshot=snapshot):
                self._settle(name, Ready(snapshot, reload_error=error))
            case _:
                self._settle(name, Failed(error))

    def _note_damage(self, folder: Path) -> None:
        """Have the sources of a snapshot read again whose rows are damaged. Any thread may call this, repeatedly."""
        with self._lock:
            names = [name for name, served in self._folders.items() if served == folder]
            # Once for each damage: if the source has changed, only a reload or a restart can help.
            if not names or folder in self._repairs or self._closing.is_set():
                return
            self._repairs.begin(folder)
            for name in names:
                self._queue.add(name, is_requested=False)
            self._changed.notify_all()
        _log.error("the rows of a snapshot are damaged; its file is read again", path=str(folder), datasets=names)

    def _open(self, folder: Path) -> Snapshot:
        """Open a snapshot, or return the one that another data set with the same content has opened."""
        with self._lock:
            for name, other in self._folders.items():
                status = self._statuses[name]
                if other == folder and isinstance(status, Ready):
                    return status.snapshot
        return open_snapshot(folder, on_damage=lambda: self._note_damage(folder))

    def _note_progress(self, name: str, progress: Progress) -> None:
        with self._lock:
            before = self._statuses[name]
            status = Loading(progress) if isinstance(before, Loading) else replace(before, reloading=progress)
            self._statuses[name] = status
        self._notify(name, status)

    def _settle(self, name: str, status: Ready | Failed, folder: Path | None = None) -> None:
        if self._closing.is_set():
            # Opening the gate now would start or fail jobs that should wait for the next start.
            return
        with self._lock:
            is_decided = isinstance(status, Ready) or status.is_by_files
            is_opened = is_decided and name not in self._opened
            if is_decided:
                self._opened.add(name)
            self._is_reading = False
            if _is_tried_again(status, is_repair=self._folders.get(name) in self._repairs):
                self._queue.add_next_try(name)
            else:
                self._queue.cancel_next_try(name)
                self._repairs.end(self._folders.get(name), _error_of(status))
            if name in self._queue:
                status = replace(status, reloading=WAITING)
            if folder is not None and isinstance(status, Ready):
                self._make_current(name, folder, status.snapshot)
            self._statuses[name] = status
            callbacks = tuple(self._open_callbacks) if is_opened else ()
        self._notify(name, status)
        for opened in callbacks:
            opened(name)

    def _make_current(self, name: str, folder: Path, snapshot: Snapshot) -> None:
        """Note which folder is served; with the lock held, and the status follows before it is released."""
        before = self._folders.get(name)
        if before is not None and before != folder:
            self._replaced[before] = self._monotonic_s()
        self._folders[name] = folder
        self._replaced.pop(folder, None)
        self._older.forget(snapshot.fingerprint)

    def _notify(self, name: str, status: Status) -> None:
        with self._lock:
            callbacks = tuple(self._change_callbacks)
        for changed in callbacks:
            changed(name, status)


def _error_of(status: Ready | Failed) -> MeantimeError | None:
    return status.error if isinstance(status, Failed) else status.reload_error


def _is_tried_again(status: Ready | Failed, *, is_repair: bool) -> bool:
    """Whether the source is read again without being asked to, after the reading that led to this status."""
    if isinstance(status, Failed):
        return status.is_tried_again
    # A reload that failed has told whoever asked for it.
    return is_repair and isinstance(status.reload_error, LoadFailed)


def _not_ready(name: str, status: Status | None, names: Sequence[str]) -> DatasetNotReady:
    match status:
        case Failed():
            what = f"The data set {name!r} could not be loaded"
            return DatasetNotReady(f"{what}: {status.reason}").for_operator(f"{what}: {status.operator_reason}")
        case None:
            return DatasetNotReady(f"No data set {name!r} is served here. Available: {', '.join(names)}.")
        case _:
            return DatasetNotReady(f"The data set {name!r} is still loading. Try again when it is ready.")


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
