"""Which data sets are served, how far each has come, and which snapshot answers a request.

One thread reads the sources, one after another in the order given, since reading takes memory and there is a limit to
that. A source that was read before and has not changed is not read again: ``sources.json`` remembers which snapshot
it became. Callbacks are called outside of every lock, in the thread that reads.

Reloading. A data set that is asked to be read again goes on as it is until the new snapshot is open, and then changes
in one step: whoever asks gets the old one or the new one, whole. Whoever was told the old one's fingerprint still gets
that, by it. A gate that has opened stays open, also while a data set that failed is read again: to close it would be to
fail the jobs that were let in.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from meantime import threads
from meantime.dataset.reading.ingestor import Progress
from meantime.dataset.reading.source import Source, source_identity
from meantime.dataset.snapshot import TEMPORARY, Snapshot, fingerprint_of, open_snapshot, set_aside, sync
from meantime.errors import (
    DataError,
    DatasetNotReady,
    LoadCancelled,
    LoadFailed,
    MeantimeError,
    SettingInvalid,
    SnapshotDamaged,
)
from meantime.model import Request
from meantime.threads import OnDeath

_log = structlog.get_logger("meantime")

# How many snapshots that are no longer current stay open, for the jobs that name them: one takes 0.13 MB per thousand
# cells in memory, so some 25 MB for the CDC's table, and opening it again a tenth of a second.
_OLDER_KEPT_OPEN = 4
# For how long a snapshot that was replaced stays on disk, whoever names it: a request that was bound to it may not be
# committed yet, so that no job names it, and whoever reads its rows without a job is named nowhere. Six times as long
# as a job may work by default.
_REPLACED_KEPT_S = 3600.0


# Has not been begun: others are read first.
WAITING = Progress(phase="waiting", share=0.0, rows=None)


@dataclass(frozen=True, slots=True)
class Loading:
    """Being read, or waiting for its turn."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Ready:
    """Loaded."""

    snapshot: Snapshot
    reloading: Progress | None = None  # of a reload that is under way, or waits for its turn
    reload_error: MeantimeError | None = None  # why the last reload failed: the snapshot is older than the files


@dataclass(frozen=True, slots=True)
class Failed:
    """Could not be loaded, and will not be before it is reloaded or the server started anew."""

    error: MeantimeError
    reloading: Progress | None = None


Status = Loading | Ready | Failed


def progress_of(status: Status) -> Progress | None:
    """Return how far the reading is that is under way or waits for its turn; None where nothing is to be read."""
    return status.progress if isinstance(status, Loading) else status.reloading


class ReloadOutcome(StrEnum):
    """What reading a source again has come to."""

    REPLACED = "replaced"  # another snapshot is served from now on
    UNCHANGED = "unchanged"  # the files are as they were, or were written anew with the same in them


class Ingestor(Protocol):
    """What reads a source: ``ingest.DataIngestor``."""

    @property
    def rejected_limit(self) -> float:
        """Share of rejected lines beyond which a file is refused."""

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Path:
        """Read a source into a snapshot and return the snapshot's folder in ``into``."""


class Catalog:
    """The data sets by name. A ``Gate`` for the engine; every method may be called in any thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        folder: Path,
        ingestor: Ingestor,
        on_death: OnDeath,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.names = tuple(source.name for source in sources)
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"data sets need names, each its own: {self.names}")
        self._sources = {source.name: source for source in sources}
        self._folder = folder
        self._register = _Register(folder)
        self._ingestor = ingestor
        self._on_death = on_death
        self._monotonic_s = monotonic_s
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()  # for all below; never held while a file is read or a callback runs
        self._changed = threading.Condition(self._lock)  # there is more to read, or the end has come
        self._statuses: dict[str, Status] = {name: Loading(WAITING) for name in self.names}
        # What is to be read, in this order, and who waits for it. What is being read is not in it any more: a file that
        # changes meanwhile, and is asked to be read again, is read once more.
        self._due: OrderedDict[str, Future[ReloadOutcome]] = OrderedDict((name, _waited_for()) for name in self.names)
        self._is_reading = False
        self._folders: dict[str, Path] = {}  # of the data sets that are ready
        self._replaced: dict[Path, float] = {}  # folders that were current, and since when they are not
        self._older: OrderedDict[str, Future[Snapshot]] = OrderedDict()  # by fingerprint; asked for last comes last
        self._when_changed: list[Callable[[str, Status], None]] = []
        self._when_opened: list[Callable[[str], None]] = []

    @property
    def default(self) -> str:
        """The first data set: the one that the classic API asks."""
        return self.names[0]

    def start(self) -> None:
        """Start to load, in a thread of its own, which then waits for what is to be reloaded.

        Raises:
            SettingInvalid: the folder for snapshots cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingInvalid(
                f"Snapshots cannot be kept in {self._folder}: {error.strerror}. Set another state_dir."
            ) from error
        self._thread = threads.start("loader", self._load_what_is_due, on_death=self._on_death)

    def close(self) -> None:
        """Stop loading and wait until that has ended. What was not loaded stays as it is: its jobs wait on disk."""
        with self._lock:
            self._closing.set()
            self._changed.notify_all()
            left = tuple(self._due.values())
            self._due.clear()
        for waited_for in left:
            waited_for.set_exception(_stopped())
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def reload(self, name: str) -> Future[ReloadOutcome]:
        """Have a data set read again where its files have changed; return what that will have come to.

        Reading begins after this call, so that it sees whatever was changed before it: whoever asks while one reload
        is under way gets another one behind it, which all share that ask before it begins. One that fails leaves the
        data set as it is, and the future fails with the reason: a DataError, LoadFailed, or LoadCancelled where the
        server stops.

        Raises:
            KeyError: no data set of this name is served.
        """
        with self._lock:
            status = self._statuses[name]
            if (due := self._due.get(name)) is not None:
                return due
            asked = _waited_for()
            is_closed = self._closing.is_set()
            if not is_closed:
                self._due[name] = asked
                self._changed.notify_all()
                if not isinstance(status, Loading) and status.reloading is None:
                    self._statuses[name] = replace(status, reloading=WAITING)
        if is_closed:
            asked.set_exception(_stopped())
        return asked

    def status(self, name: str) -> Status:
        """Say how far a data set has come.

        Raises:
            KeyError: no data set of this name is served.
        """
        with self._lock:
            return self._statuses[name]

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the current snapshot of a data set, or the one with this fingerprint, from disk if need be.

        With a fingerprint it does not matter whether the data set is loaded or still served.

        Raises:
            DatasetNotReady: there is no current snapshot, and no fingerprint is given.
            SnapshotDamaged: the snapshot with this fingerprint is not on disk, or not sound.
        """
        with self._lock:
            status = self._statuses.get(name)
            for each in (status,) if fingerprint is None else (status, *self._statuses.values()):
                if isinstance(each, Ready) and fingerprint in (None, each.snapshot.fingerprint):
                    return each.snapshot
        if fingerprint is None:
            raise _not_ready(name, status, self.names)
        return self._older_one(fingerprint)

    def is_open(self, dataset: str) -> bool:
        """Whether a data set is decided: ready, failed, or not served, which ``bind`` will refuse."""
        with self._lock:
            return not isinstance(self._statuses.get(dataset), Loading)

    def bind(self, request: Request) -> Request:
        """Return the request with the fingerprint of the snapshot that will answer it; one that has one keeps it.

        Raises:
            DatasetNotReady: the data set is not loaded, failed to load, or is not served.
        """
        if request.fingerprint is not None:
            return request
        return msgspec.structs.replace(request, fingerprint=self.snapshot(request.dataset).fingerprint)

    def on_open(self, callback: Callable[[str], None]) -> None:
        """Call back with the name of each data set that becomes ready or failed from now on."""
        with self._lock:
            self._when_opened.append(callback)

    def on_change(self, callback: Callable[[str, Status], None]) -> None:
        """Call back with each status from now on, progress included; before ``on_open`` is called for the same.

        But that a reload waits for its turn is not called back: that would be in the thread of who asks for it.
        """
        with self._lock:
            self._when_changed.append(callback)

    def sweep(self, kept: AbstractSet[str]) -> None:
        """Remove the snapshots on disk that are not current, not open, and whose fingerprint is not in ``kept``.

        Of a content that is current only the editions that are served stay: they answer for the others. One that was
        replaced stays for an hour. Removes nothing while a data set is loading or being read again: its snapshot may be
        on disk already and not be current yet.
        """
        with self._lock:
            if self._is_reading or any(isinstance(status, Loading) for status in self._statuses.values()):
                return
            current = set(self._folders.values())
            since_s = self._monotonic_s() - _REPLACED_KEPT_S
            self._replaced = {folder: at_s for folder, at_s in self._replaced.items() if at_s > since_s}
            stay = (kept | self._older.keys()) - {fingerprint_of(folder.name) for folder in current}
            doomed = [
                folder
                for folder in self._on_disk()
                if folder not in current | self._replaced.keys() and fingerprint_of(folder.name) not in stay
            ]
            aside = []
            try:
                # Under the lock they are only put out of sight, so that nobody can have begun to open one.
                for folder in doomed:
                    aside.append(set_aside(folder))
            except OSError as error:
                _log.warning("old snapshots stay until the next start", reason=str(error), path=str(self._folder))
        for folder in aside:
            _remove(folder)

    def _load_what_is_due(self) -> None:
        for path in self._folder.iterdir():
            # Left by a crash: nobody else writes here, and we have not begun.
            if path.name.startswith(TEMPORARY):
                _remove(path)
        while (due := self._next_due()) is not None:
            source, waited_for = due
            try:
                change = self._load(source)
            except MeantimeError as error:
                waited_for.set_exception(error)
            else:
                waited_for.set_result(change)

    def _next_due(self) -> tuple[Source, Future[ReloadOutcome]] | None:
        """Wait for what is to be read next; None where nothing is to be read any more."""
        with self._lock:
            self._changed.wait_for(lambda: self._due or self._closing.is_set())
            if self._closing.is_set():
                return None
            name, waited_for = self._due.popitem(last=False)
            self._is_reading = True
        return self._sources[name], waited_for

    def _load(self, source: Source) -> ReloadOutcome:
        """Read a source, and serve what it has become.

        Raises:
            MeantimeError: it could not be read; the data set is as it was, or has failed.
        """
        try:
            folder, snapshot = self._known(source) or self._read(source)
        except MeantimeError as error:
            self._note_failure(source.name, error)
            raise
        except Exception as error:
            _log.exception("reading failed by a bug of ours", dataset=source.name)
            what = f"{source.path} could not be read, by an error of ours ({type(error).__name__}); the log has it."
            failed = LoadFailed(what)
            self._note_failure(source.name, failed)
            raise failed from error
        with self._lock:
            is_unchanged = self._folders.get(source.name) == folder
        self._decide(source.name, Ready(snapshot), folder)
        if self._closing.is_set():
            raise _stopped()
        return ReloadOutcome.UNCHANGED if is_unchanged else ReloadOutcome.REPLACED

    def _note_failure(self, name: str, error: MeantimeError) -> None:
        match self.status(name):
            case Ready(snapshot=snapshot):
                self._decide(name, Ready(snapshot, reload_error=error))
            case _:
                self._decide(name, Failed(error))

    def _known(self, source: Source) -> tuple[Path, Snapshot] | None:
        """Return the snapshot that the source became when it was read before, if it has not changed since."""
        folder = self._register.folder_of(self._identity(source))
        if folder is None:
            return None
        try:
            return folder, self._open(folder)
        except SnapshotDamaged as error:
            _log.warning("a damaged snapshot; its source is read anew", dataset=source.name, reason=error.reason)
            return None

    def _read(self, source: Source) -> tuple[Path, Snapshot]:
        before = self._identity(source)
        folder = self._ingestor.ingest(
            source,
            self._folder,
            on_progress=lambda progress: self._note_progress(source.name, progress),
            cancelled=self._closing,
        )
        folder = self._folder / folder.name  # in the one spelling in which sweep will find it
        snapshot = self._open(folder)
        # If it was changed meanwhile, the snapshot may be of either version, and only the next start can tell. If it is
        # gone, it was still read whole.
        with suppress(DataError):
            if self._identity(source) == before:
                self._register.remember(before, folder)
        return folder, snapshot

    def _identity(self, source: Source) -> str:
        return source_identity(source, rejected_limit=self._ingestor.rejected_limit)

    def _open(self, folder: Path) -> Snapshot:
        """Open a snapshot, or share it with another data set of the same content."""
        with self._lock:
            for name, other in self._folders.items():
                status = self._statuses[name]
                if other == folder and isinstance(status, Ready):
                    return status.snapshot
        return open_snapshot(folder)

    def _note_progress(self, name: str, progress: Progress) -> None:
        match self.status(name):
            case Loading():
                self._set(name, Loading(progress))
            case decided:
                self._set(name, replace(decided, reloading=progress))

    def _decide(self, name: str, status: Ready | Failed, folder: Path | None = None) -> None:
        if self._closing.is_set():
            # To open the gate now would start jobs that are to wait for the next start, or fail them.
            return
        with self._lock:
            is_opened = isinstance(self._statuses[name], Loading)
            self._is_reading = False
            if name in self._due:
                status = replace(status, reloading=WAITING)
            if folder is not None and isinstance(status, Ready):
                self._make_current(name, folder, status.snapshot)
            self._statuses[name] = status
            callbacks = tuple(self._when_opened) if is_opened else ()
        self._tell(name, status)
        for opened in callbacks:
            opened(name)

    def _make_current(self, name: str, folder: Path, snapshot: Snapshot) -> None:
        """Note whose folder is served, with the lock held; its status follows under the same one."""
        before = self._folders.get(name)
        if before is not None and before != folder:
            self._replaced[before] = self._monotonic_s()
        self._folders[name] = folder
        self._replaced.pop(folder, None)
        self._older.pop(snapshot.fingerprint, None)

    def _set(self, name: str, status: Status) -> None:
        with self._lock:
            self._statuses[name] = status
        self._tell(name, status)

    def _tell(self, name: str, status: Status) -> None:
        with self._lock:
            callbacks = tuple(self._when_changed)
        for changed in callbacks:
            changed(name, status)

    def _older_one(self, fingerprint: str) -> Snapshot:
        """Return a snapshot that is not current; opened once, however many threads ask for it."""
        with self._lock:
            opened = self._older.get(fingerprint)
            is_first = opened is None
            if opened is None:
                opened = self._older[fingerprint] = Future()
            self._older.move_to_end(fingerprint)
            while len(self._older) > _OLDER_KEPT_OPEN:
                self._older.popitem(last=False)
        if is_first:
            try:
                opened.set_result(self._open_any(fingerprint))
            except BaseException as error:
                # Whoever waits for this must hear of it; whoever asks later tries again.
                with self._lock:
                    self._older.pop(fingerprint, None)
                opened.set_exception(error)
                raise
        return opened.result()

    def _open_any(self, fingerprint: str) -> Snapshot:
        """Open an edition of a content: any that is sound, since all give the same numbers."""
        trouble = SnapshotDamaged(
            f"The snapshot {fingerprint} is not in {self._folder} any more. A lost result that was made from it cannot "
            "be made again; ask anew, of the data as it is now."
        )
        for folder in self._on_disk():
            if fingerprint_of(folder.name) == fingerprint:
                try:
                    return open_snapshot(folder)
                except SnapshotDamaged as error:
                    trouble = error
        raise trouble

    def _on_disk(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if fingerprint_of(path.name))


class _Register:
    """``sources.json``: which snapshot each source became, by the source's identity. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "sources.json"

    def folder_of(self, source_identity: str) -> Path | None:
        name = self._read().get(source_identity)
        # It may have been swept: a file that is put back as it was is read again.
        return self._folder / name if name is not None and (self._folder / name).is_dir() else None

    def remember(self, source_identity: str, folder: Path) -> None:
        """Remember for the next start. Failing to is no failure: the source is then read anew."""
        # Without those that were swept; so it does not grow for ever.
        known = {key: name for key, name in self._read().items() if (self._folder / name).is_dir()}
        known[source_identity] = folder.name
        part = self._folder / f"{TEMPORARY}sources.json"
        try:
            part.write_bytes(msgspec.json.format(msgspec.json.encode(known, order="sorted")))
            sync(part)
            part.replace(self._path)
            sync(self._folder)
        except OSError as error:
            _log.warning("the next start will read the source anew", reason=str(error), path=str(self._path))

    def _read(self) -> dict[str, str]:
        try:
            known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            # Absent before the first source was read; harmed, it costs reading the sources again.
            return {}
        return {source_identity: name for source_identity, name in known.items() if fingerprint_of(name)}


def _not_ready(name: str, status: Status | None, names: Sequence[str]) -> DatasetNotReady:
    match status:
        case Failed(error):
            return DatasetNotReady(f"The data set {name!r} could not be loaded: {error.reason}")
        case None:
            return DatasetNotReady(f"No data set {name!r} is served here. There are: {', '.join(names)}.")
        case _:
            return DatasetNotReady(f"The data set {name!r} is still being loaded; ask again when it is ready.")


def _waited_for() -> Future[ReloadOutcome]:
    """Make a future that nobody can cancel: others wait for it too, and the loader would stumble over it."""
    future: Future[ReloadOutcome] = Future()
    future.set_running_or_notify_cancel()
    return future


def _stopped() -> LoadCancelled:
    return LoadCancelled("The server stops, so nothing is read any more; the next start does that.")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
