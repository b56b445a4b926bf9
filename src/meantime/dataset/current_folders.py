"""Which folder the snapshot of each data set is in, and which folders were replaced a short time ago."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from meantime.dataset.older_snapshots import set_aside_others
from meantime.dataset.snapshot_folder import fingerprint_of

# How long a replaced snapshot stays on disk. The job of a request that was bound to it may not be committed yet, and
# rows are read without any job, so nothing on disk names it. Six times as long as a job may work by default.
_REPLACED_KEPT_S = 3600.0


class CurrentFolders:
    """The folders by data set. Guarded by the catalog's lock."""

    def __init__(self, folder: Path, monotonic_s: Callable[[], float]) -> None:
        self._folder = folder
        self._monotonic_s = monotonic_s
        self._current: dict[str, Path] = {}
        self._replaced: dict[Path, float] = {}  # former current folders, and when they were replaced

    def of(self, name: str) -> Path | None:
        """Return the folder of a data set; None if it has none yet."""
        return self._current.get(name)

    def names_of(self, folder: Path) -> list[str]:
        """Return the data sets that are served from a folder."""
        return [name for name, served in self._current.items() if served == folder]

    def replace(self, name: str, folder: Path) -> None:
        """Note which folder is served from now on."""
        if self._current.get(name) != folder:
            self.forget(name)
        self._current[name] = folder
        self._replaced.pop(folder, None)

    def forget(self, name: str) -> None:
        """Note that a data set is not served from its folder any more."""
        if (before := self._current.pop(name, None)) is not None:
            self._replaced[before] = self._monotonic_s()

    def set_others_aside(self, kept: AbstractSet[str]) -> list[Path]:
        """Rename the folders that nothing needs, and return what is to be removed.

        Needed are current folders, those that were replaced within the last hour, and those with a fingerprint in
        ``kept``. Of current content, the folders that are served are enough.
        """
        current = set(self._current.values())
        since_s = self._monotonic_s() - _REPLACED_KEPT_S
        self._replaced = {folder: at_s for folder, at_s in self._replaced.items() if at_s > since_s}
        fingerprints = kept - {fingerprint_of(folder.name) for folder in current}
        return set_aside_others(self._folder, folders=current | self._replaced.keys(), fingerprints=fingerprints)
