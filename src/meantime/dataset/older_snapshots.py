"""Snapshots that are no longer current but that jobs still name: opened on demand, a few kept open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from pathlib import Path

import structlog

from meantime.dataset.open_blocks import OpenBlocks
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import fingerprint_of, open_snapshot, set_aside
from meantime.errors import SnapshotDamaged

_log = structlog.get_logger("meantime")

# How many stay open. Of today's format one takes its labels, since its cells are opened by question; of format 1 it has
# all its cells, 0.13 MB per thousand, so 25 MB for the CDC's table. Opening it again takes a tenth of a second.
_KEPT_OPEN = 4


def snapshot_folders(folder: Path) -> list[Path]:
    """Return the folders of all snapshots in a folder, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if fingerprint_of(path.name))


def set_aside_others(folder: Path, *, folders: AbstractSet[Path], fingerprints: AbstractSet[str | None]) -> list[Path]:
    """Move all snapshots out of the way but these folders and these fingerprints; return what is now to be removed."""
    aside = []
    try:
        for each in snapshot_folders(folder):
            if each not in folders and fingerprint_of(each.name) not in fingerprints:
                aside.append(set_aside(each))
    except OSError as error:
        _log.warning("old snapshots are kept until the next start", reason=str(error), path=str(folder))
    return aside


class OlderSnapshots:
    """Opens snapshots by fingerprint.

    It shares a lock with the code that removes folders, so that a folder is never removed while it is being opened.
    """

    def __init__(self, folder: Path, lock: threading.Lock, open_blocks: OpenBlocks) -> None:
        self._folder = folder
        self._lock = lock
        self._blocks = open_blocks
        self._opened: OrderedDict[str, Future[Snapshot]] = OrderedDict()  # by fingerprint; last used comes last

    @property
    def fingerprints(self) -> set[str]:
        """Those that are open or being opened. To be called with the lock held."""
        return set(self._opened)

    def forget(self, fingerprint: str) -> None:
        """Do not keep this one open any longer. To be called with the lock held."""
        self._opened.pop(fingerprint, None)

    def get(self, fingerprint: str) -> Snapshot:
        """Return a snapshot, opened only once however many threads ask for it. Any thread may call this.

        Raises:
            SnapshotDamaged: it is not on disk, or not sound.
        """
        with self._lock:
            opened = self._opened.get(fingerprint)
            is_first = opened is None
            if opened is None:
                opened = self._opened[fingerprint] = Future()
            self._opened.move_to_end(fingerprint)
            while len(self._opened) > _KEPT_OPEN:
                self._opened.popitem(last=False)
        if is_first:
            try:
                opened.set_result(self._open(fingerprint))
            except BaseException as error:
                # Threads that wait get the error; later ones try again.
                with self._lock:
                    self.forget(fingerprint)
                opened.set_exception(error)
                raise
        return opened.result()

    def open_folder(self, folder: Path, *, on_damage: Callable[[], None] = lambda: None) -> Snapshot:
        """Open a snapshot that is current, or one that is not; all share what is open of their cells."""
        return open_snapshot(folder, on_damage=on_damage, open_blocks=self._blocks)

    def _open(self, fingerprint: str) -> Snapshot:
        """Open a sound edition of this content: all editions give the same numbers."""
        failure = SnapshotDamaged(
            f"The snapshot {fingerprint} is no longer kept, so a lost result of it cannot be computed again. Send the "
            "request again for the data as they are now."
        ).for_operator(f"The snapshot {fingerprint} is no longer in {self._folder}.")
        for folder in snapshot_folders(self._folder):
            if fingerprint_of(folder.name) == fingerprint:
                try:
                    return self.open_folder(folder)
                except SnapshotDamaged as error:
                    failure = error
        raise failure
