"""Snapshots of the files that commands were asked about, kept in the user's cache so that none is read twice.

Each file, and each way of reading it, has a folder with one snapshot, of the file as it was last read. Several
processes may use the cache: who reads a file holds its folder alone, who computes from the snapshot shares it, and only
a folder that nobody holds is removed. What cannot be kept is no error.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from meantime.dataset.known_sources import KnownSources
from meantime.dataset.reading.source import Source, data_files, description_path, file_state, source_identity
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import LoadFailed, LoadMemoryTooSmall, SnapshotDamaged
from meantime.settings import Settings

T = TypeVar("T")

# A snapshot takes about a tenth of its CSV file: this is room for a hundred files of a million rows. The least recently
# used go first.
MOST_BYTES = 4 * 10**9
# A file that was written to within this time may be written to again without a later time of modification: file systems
# count in steps of up to two seconds. So what was read of it is not kept.
_SETTLED_S = 2.0
# Within the folder that is held: what is read into a folder holds that one by itself.
_READ = "read"


def cache_folder() -> Path:
    """Return the folder for snapshots in the user's cache: by XDG_CACHE_HOME, or where the system keeps caches."""
    usual = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser()
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # By the XDG Base Directory Specification, a relative path is to be ignored.
    return (named if named.is_absolute() else usual) / "meantime" / "snapshots"


def compute_from(source: Source, settings: Settings, compute: Callable[[Snapshot], T], *, cached: bool) -> T:
    """Return what is computed from the snapshot of a source.

    ``cached``: the snapshot is that of an earlier reading if the file has not changed since, and is kept otherwise. A
    table on the web is read anew each time.

    Raises:
        MeantimeError: the file cannot become a data set, or what ``compute`` raises.
    """
    if not cached or source.address:
        return _compute_anew(source, settings, compute)
    cache = SnapshotCache(cache_folder(), rejected_limit=settings.rejected_limit)
    with suppress(SnapshotDamaged), cache.known(source) as snapshot:
        if snapshot is not None:
            return compute(snapshot)
    try:
        with cache.place(source) as folder:
            return _compute_anew(source, settings, compute, folder)
    except LoadMemoryTooSmall:
        raise
    except LoadFailed:
        # A cache on a full disk, for instance, is no reason not to read.
        return _compute_anew(source, settings, compute)


def _compute_anew(source: Source, settings: Settings, compute: Callable[[Snapshot], T], kept: Path | None = None) -> T:
    # To read a file takes more imports than to answer from what was read.
    from meantime.cli.data_file import loaded_catalog

    with loaded_catalog(source, settings, kept) as catalog:
        return compute(catalog.snapshot(catalog.default))


class SnapshotCache:
    """Keeps a snapshot for each source."""

    def __init__(self, folder: Path, *, rejected_limit: float, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._rejected_limit = rejected_limit
        self._most_bytes = most_bytes

    @contextmanager
    def known(self, source: Source) -> Iterator[Snapshot | None]:
        """Open the snapshot of a source, which stays as long as the block lasts.

        None if there is none: the source was not read before, has changed, or its snapshot is damaged.

        Raises:
            SourceUnreadable: the file does not exist.
        """
        identity = source_identity(source, rejected_limit=self._rejected_limit)
        folder, snapshot = self._folder_of(source), None
        with ExitStack() as held:
            with suppress(OSError, SnapshotDamaged):
                held.enter_context(_held(folder, fcntl.LOCK_SH))
                if (found := KnownSources(folder / _READ).folder_of(identity)) is not None:
                    snapshot = open_snapshot(found)
                    os.utime(folder)  # it was used now
            yield snapshot

    @contextmanager
    def place(self, source: Source) -> Iterator[Path | None]:
        """Hold the folder for a source alone while it is read into it; it is empty then.

        None if the cache cannot be used, another process holds the folder, or the source was written to just now.
        """
        with ExitStack() as held:
            folder = None
            if _is_settled(source):
                with suppress(OSError):
                    made = self._made(source)
                    held.enter_context(_held(made, fcntl.LOCK_EX))
                    _empty(made)
                    folder = made / _READ
            yield folder
        with suppress(OSError):
            self._make_room()

    def _folder_of(self, source: Source) -> Path:
        """Return where the snapshot of this file is, read in this way, whatever the file contains."""
        how = [str(Path(source.path).absolute()), source.columns, source.settings, source.part, self._rejected_limit]
        return self._folder / hashlib.sha256(msgspec.json.encode(how, order="sorted")).hexdigest()[:32]

    def _made(self, source: Source) -> Path:
        """Make the folder for a source, for its user's eyes alone."""
        self._folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder = self._folder_of(source)
        for each in (self._folder.parent, self._folder, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _make_room(self) -> None:
        """Remove the folders that were not used for longest, until the others are small enough together."""
        sizes = {folder: _size(folder) for folder in sorted(self._folder.iterdir(), key=_used_s)}
        total = sum(sizes.values())
        for folder, size in sizes.items():
            if total <= self._most_bytes:
                break
            with suppress(OSError), _held(folder, fcntl.LOCK_EX):
                shutil.rmtree(folder)
                total -= size


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder alone (LOCK_EX) or with others (LOCK_SH); the system lets go of it when the process ends.

    Raises:
        OSError: it is not there, cannot be opened, or is held by others.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise FileNotFoundError(f"{folder} was replaced")  # removed, and made anew, before it was held
        yield
    finally:
        os.close(descriptor)


def _is_settled(source: Source) -> bool:
    states = [file_state(path) for path in (*data_files(source), description_path(source))]
    newest_ns = max((state[1] for state in states if state), default=0)
    return time.time_ns() - newest_ns > _SETTLED_S * 1e9


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _used_s(folder: Path) -> float:
    return folder.stat().st_mtime
