"""Snapshots whose rows turned out to be damaged while they were served, and whether they have been made again."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from meantime.dataset.snapshot_folder import fingerprint_of
from meantime.errors import MeantimeError


class Repairs:
    """The damaged folders, each with the future of its repair. Guarded by the catalog's lock.

    A repair that has failed is kept, so that the same damage is not repaired over and over.
    """

    def __init__(self) -> None:
        self._by_folder: dict[Path, Future[None]] = {}

    def __contains__(self, folder: Path | None) -> bool:
        return folder in self._by_folder

    def begin(self, folder: Path) -> None:
        """Note that a folder is damaged."""
        repair: Future[None] = Future()
        repair.set_running_or_notify_cancel()
        self._by_folder[folder] = repair

    def under_way(self, fingerprint: str) -> Future[None] | None:
        """Return the future of the repair of a snapshot, if there is one."""
        for folder, repair in self._by_folder.items():
            if fingerprint_of(folder.name) == fingerprint and not repair.done():
                return repair
        return None

    def end(self, folder: Path | None, error: MeantimeError | None) -> None:
        """Note how the repair of a folder ended, if there is one, and tell those who wait."""
        if folder is None or (repair := self._by_folder.get(folder)) is None:
            return
        if error is None:
            del self._by_folder[folder]
        if repair.done():
            return
        if error is None:
            repair.set_result(None)
        else:
            repair.set_exception(error)

    def give_up(self, error: MeantimeError) -> None:
        """End all repairs with an error."""
        for folder in list(self._by_folder):
            self.end(folder, error)
