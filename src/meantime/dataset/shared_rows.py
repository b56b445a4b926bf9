"""The rows of files that a cluster has read, found at the path that all machines share.

The snapshot has their tallies, which tell in which files the rows of a cell are. Such a file is staged when its rows
are first asked for, as reading it here would have done, and kept for a while: whoever looks at rows turns pages.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from meantime.dataset.reading.child_process import run_reader
from meantime.dataset.reading.cluster.shared_files import stage_task
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.source import file_state
from meantime.dataset.snapshot import SharedFiles, Snapshot
from meantime.errors import DataError, LoadFailed, SnapshotDamaged, StorePaused
from meantime.temporary_folders import temporary_folder

# Staged files that are kept for each snapshot. A page of rows takes one or two files, and the next page the same ones;
# each takes about as much disk as its file compressed.
_KEPT_FILES = 4


class SharedRows:
    """The staged files of a snapshot. Any thread may use it; one at a time reads rows."""

    def __init__(self, shared: SharedFiles) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._staged: OrderedDict[int, tuple[Path, ExitStack]] = OrderedDict()

    @contextmanager
    def opened(self, numbers: Sequence[int]) -> Iterator[Mapping[int, Path]]:
        """Yield the rows of the files with these numbers, as Parquet.

        Raises:
            SnapshotDamaged: the file has changed since it was read, or is gone.
            StorePaused: it cannot be read at the moment.
        """
        with self._lock:
            try:
                yield {number: self._open(number) for number in numbers}
            finally:
                while len(self._staged) > _KEPT_FILES:
                    _, (_, folder) = self._staged.popitem(last=False)
                    folder.close()

    def close(self) -> None:
        """Remove what is staged."""
        with self._lock:
            while self._staged:
                _, (_, folder) = self._staged.popitem()
                folder.close()

    def _open(self, number: int) -> Path:
        self._require_unchanged(number)
        if number not in self._staged:
            self._staged[number] = self._stage(number)
            self._require_unchanged(number)
        self._staged.move_to_end(number)
        return self._staged[number][0]

    def _stage(self, number: int) -> tuple[Path, ExitStack]:
        with ExitStack() as folder:
            task = stage_task(self._shared, number, folder.enter_context(temporary_folder()))
            source_bytes = self._shared.files[number].size_bytes
            watch = DiskWatch(Path(task.work), source=task.source, source_bytes=source_bytes, reserve_mb=0)
            try:
                path = run_reader(task, watch, lambda _: None, threading.Event())
            except DataError as error:
                raise self._gone(number) from error
            except LoadFailed as error:
                raise StorePaused(
                    f"The rows of {Path(task.path).name} cannot be read at the moment. Try again later."
                ).for_operator(
                    f"The rows of {task.path} cannot be read at the moment: {error.operator_reason}"
                ) from error
            kept = folder.pop_all()
        return path, kept

    def _require_unchanged(self, number: int) -> None:
        file = self._shared.files[number]
        state = file_state(Path(file.path))
        if state is None or state[:2] != (file.size_bytes, file.modified_ns):
            if number in self._staged:
                self._staged.pop(number)[1].close()
            raise self._gone(number)

    def _gone(self, number: int) -> SnapshotDamaged:
        path = Path(self._shared.files[number].path)
        what = "has changed since it was read, or is gone, so its rows cannot be shown. Reload the data set"
        return SnapshotDamaged(f"{path.name} {what}.").for_operator(f"{path} {what} (SIGHUP).")


# By snapshot, and gone with it: whoever asks for the next page should not wait for its file again.
_of_snapshots: weakref.WeakKeyDictionary[Snapshot, SharedRows] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def shared_rows(snapshot: Snapshot) -> SharedRows | None:
    """Return where the rows of a snapshot's files are found; None if the snapshot has the rows itself."""
    shared = snapshot.about.shared
    if shared is None:
        return None
    with _lock:
        if (rows := _of_snapshots.get(snapshot)) is None:
            rows = _of_snapshots[snapshot] = SharedRows(shared)
            weakref.finalize(snapshot, rows.close)
        return rows
