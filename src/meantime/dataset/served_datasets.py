"""The data sets that are served: how far each has come, which gate is open, and what is to be read next.

Only decides, in memory, under the catalog's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from meantime.dataset.current_folders import CurrentFolders
from meantime.dataset.load_queue import Due, LoadQueue
from meantime.dataset.load_status import WAITING, Failed, Loading, Ready, ReloadOutcome, Status
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.repairs import Repairs
from meantime.dataset.snapshot import Snapshot
from meantime.errors import DatasetNameTaken, DatasetNotReady, DatasetUnknown, LoadFailed, MeantimeError
from meantime.text import quoted


class ServedDatasets:
    """The data sets by name, in order; those that were added come last."""

    def __init__(self, sources: Iterable[Source], folder: Path, monotonic_s: Callable[[], float]) -> None:
        # The two are replaced, not changed: others may be going through them without the lock.
        self.sources = {each.name: each for each in sources}
        self.statuses: dict[str, Status] = dict.fromkeys(self.sources, Loading(WAITING))
        self.queue = LoadQueue(self.sources, monotonic_s)
        self.folders = CurrentFolders(folder, monotonic_s)
        self.repairs = Repairs()
        self.reading: str | None = None  # the data set that is being read
        self._opened: set[str] = set()  # data sets whose gate has opened

    def is_open(self, name: str) -> bool:
        """Whether jobs need not wait: it is or was ready, its files are at fault, or it is not served at all."""
        return name in self._opened or name not in self.sources

    def is_held(self, name: str) -> bool:
        """Whether jobs wait for a data set that could not be read, and that its files are not to blame for."""
        return not self.is_open(name) and isinstance(self.statuses.get(name), Failed)

    def status(self, name: str) -> Status:
        """Return how far a data set has come.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        if (status := self.statuses.get(name)) is None:
            raise DatasetUnknown(f"No data set named {quoted(name)} is served. GET /v1/datasets lists those that are.")
        return status

    def ready(self, folder: Path) -> Snapshot | None:
        """Return the snapshot that is served from a folder, if one is."""
        statuses = (self.statuses[name] for name in self.folders.names_of(folder))
        return next((status.snapshot for status in statuses if isinstance(status, Ready)), None)

    def add(self, source: Source) -> None:
        """Serve one more source, which is to be read.

        Raises:
            DatasetNameTaken: a data set of this name is served.
        """
        if source.name in self.sources:
            raise DatasetNameTaken(f"There is a data set {quoted(source.name)} already. Choose another name.")
        self.sources = {**self.sources, source.name: source}
        self.statuses = {**self.statuses, source.name: Loading(WAITING)}
        self.queue.add(source.name)

    def remove(self, name: str) -> Future[ReloadOutcome] | None:
        """Serve a data set no longer; return the future of those who wait for it to be read.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        self.status(name)  # raises if it is not served
        self.sources = {other: source for other, source in self.sources.items() if other != name}
        self.statuses = {other: status for other, status in self.statuses.items() if other != name}
        self._opened.discard(name)
        if (folder := self.folders.of(name)) is not None and self.folders.names_of(folder) == [name]:
            self.repairs.end(folder, not_ready(name, None, self.sources))
        self.folders.forget(name)
        return self.queue.remove(name)

    def ask_to_reload(self, name: str) -> Future[ReloadOutcome]:
        """Have a data set read again; return the future of the outcome.

        Raises:
            DatasetUnknown: no data set of this name is served.
        """
        status = self.status(name)
        if not isinstance(status, Loading) and status.reloading is None:
            self._set(name, replace(status, reloading=WAITING))
        return self.queue.add(name)

    def next_due(self) -> Due | None:
        """Return what is to be read next, which is being read from now on; None if nothing is."""
        if (due := self.queue.pop()) is not None:
            self.reading = due.name
        return due

    def begin_repair(self, folder: Path) -> list[str]:
        """Note that the rows in a folder are damaged; return the data sets that are read again for that."""
        names = self.folders.names_of(folder)
        # Once for each damage: if the source has changed, only a reload or a restart can help.
        if folder in self.repairs:
            return []
        if names:
            self.repairs.begin(folder)
        for name in names:
            self.queue.add(name, is_requested=False)
        return names

    def note_progress(self, source: Source, progress: Progress) -> Status | None:
        """Note how far reading has come; return the new status, or None if the source is not served any more."""
        if self.sources.get(source.name) is not source:
            return None
        before = self.statuses[source.name]
        status = Loading(progress) if isinstance(before, Loading) else replace(before, reloading=progress)
        self._set(source.name, status)
        return status

    def settle(self, source: Source, outcome: tuple[Path, Snapshot] | MeantimeError) -> tuple[Status | None, bool]:
        """Note what reading has led to: a snapshot in a folder, or an error.

        Returns the new status, None if the source is not served any more; and whether its gate has opened.
        """
        name = source.name
        self.reading = None
        if self.sources.get(name) is not source:
            return None, False
        status = self._status_after(name, outcome)
        is_decided = isinstance(status, Ready) or status.is_by_files
        is_opened = is_decided and name not in self._opened
        if is_decided:
            self._opened.add(name)
        if _is_tried_again(status, is_repair=self.folders.of(name) in self.repairs):
            self.queue.add_next_try(name)
        else:
            self.queue.cancel_next_try(name)
            self.repairs.end(self.folders.of(name), _error_of(status))
        if name in self.queue:
            status = replace(status, reloading=WAITING)
        if isinstance(outcome, tuple):
            self.folders.replace(name, outcome[0])
        self._set(name, status)
        return status, is_opened

    def _status_after(self, name: str, outcome: tuple[Path, Snapshot] | MeantimeError) -> Ready | Failed:
        if isinstance(outcome, tuple):
            return Ready(outcome[1])
        before = self.statuses[name]
        return Ready(before.snapshot, reload_error=outcome) if isinstance(before, Ready) else Failed(outcome)

    def _set(self, name: str, status: Status) -> None:
        self.statuses = {**self.statuses, name: status}


def not_ready(name: str, status: Status | None, names: Iterable[str]) -> DatasetNotReady:
    """Return the error for a data set that has no snapshot; ``status`` is None if it is not served."""
    match status:
        case Failed():
            what = f"The data set {name!r} could not be loaded"
            return DatasetNotReady(f"{what}: {status.reason}").for_operator(f"{what}: {status.operator_reason}")
        case None:
            return DatasetNotReady(f"No data set {name!r} is served here. Available: {', '.join(names)}.")
        case _:
            return DatasetNotReady(f"The data set {name!r} is still loading. Try again when it is ready.")


def _error_of(status: Ready | Failed) -> MeantimeError | None:
    return status.error if isinstance(status, Failed) else status.reload_error


def _is_tried_again(status: Ready | Failed, *, is_repair: bool) -> bool:
    """Whether the source is read again without being asked to, after the reading that led to this status."""
    if isinstance(status, Failed):
        return status.is_tried_again
    # A reload that failed has told whoever asked for it.
    return is_repair and isinstance(status.reload_error, LoadFailed)
