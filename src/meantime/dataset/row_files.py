"""The row files of a snapshot, compared with their digests before they are read.

Parquet as DuckDB writes it has no checksums, so a flipped bit in a value would be another number. Each file is hashed
before it is first used in a process, and again when it has changed: 10 ms for the 7 MB of a million rows.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from meantime.dataset.machine_trouble import is_disk_full, is_machine_trouble
from meantime.errors import SnapshotDamaged, StoreFull, StorePaused
from meantime.later import duckdb

# A file that was written to within this time may be written to again without a later time of modification: file systems
# count in steps of up to 10 ms, some in seconds. So what is known of it is not remembered yet.
_SETTLED_NS = 2_000_000_000


class FileDigest(msgspec.Struct, frozen=True, kw_only=True):
    """What a file must be: its size and SHA-256. Part of the manifest on disk, so field names are kept."""

    size_bytes: int
    digest: str  # hexadecimal


# What changes when a file is replaced or written to.
_State = tuple[int, int, int, int]


class RowFiles:
    """The Parquet files with the rows of one snapshot, in the order of ``about.files``. Any thread may use it.

    ``on_damage`` is called, in the thread that notices, when a file is not what was written.
    """

    def __init__(
        self, folder: Path, digests: Sequence[FileDigest], *, on_damage: Callable[[], None] = lambda: None
    ) -> None:
        self.folder = folder
        self._digests = tuple(digests)
        self._on_damage = on_damage
        self._lock = threading.Lock()  # a file is hashed by one thread, while others wait for its outcome
        self._sound: dict[Path, _State] = {}

    @contextmanager
    def opened(self) -> Iterator[tuple[Path, ...]]:
        """Yield the paths, for DuckDB to read.

        Raises:
            SnapshotDamaged: a file is missing, differs from what was written, or changed within the block.
            StorePaused: the machine has too little of something at the moment: disk space, descriptors, memory.
        """
        try:
            states = self._check()
            try:
                yield tuple(states)
            except (duckdb.Error, OSError) as error:
                if is_disk_full(error):
                    raise StoreFull(
                        "The server's disk is full, and this computation needs space on it. Try again later."
                    ) from error
                if isinstance(error, duckdb.IOException | OSError) and is_machine_trouble(error):
                    raise _paused(error) from error
                self._require_unchanged(states)
                raise
            self._require_unchanged(states)
        except SnapshotDamaged:
            self._on_damage()
            raise

    def _check(self) -> dict[Path, _State]:
        """Compare each file with its digest, and return the state in which it is right."""
        states = {}
        with self._lock:
            for number, expected in enumerate(self._digests):
                path = self.folder / row_file(number)
                state = _state(self.folder, path)
                if self._sound.get(path) != state:
                    self._compare(path, expected)
                    if time.time_ns() - max(state[1:3]) > _SETTLED_NS:
                        self._sound[path] = state
                states[path] = state
        return states

    def _require_unchanged(self, states: Mapping[Path, _State]) -> None:
        for path, state in states.items():
            if _state(self.folder, path) != state:
                raise damaged(self.folder, f"{_name(path)} was changed while it was read")

    def _compare(self, path: Path, expected: FileDigest) -> None:
        try:
            found = measure(path)
        except OSError as error:
            if is_machine_trouble(error):
                raise _paused(error) from error
            raise damaged(self.folder, f"{_name(path)} cannot be read ({error.strerror or error})") from error
        if found.size_bytes != expected.size_bytes:
            what = f"{_name(path)} has {found.size_bytes} bytes instead of {expected.size_bytes}"
            raise damaged(self.folder, what)
        if found != expected:
            raise damaged(self.folder, f"{_name(path)} has changed since it was written")


def row_file(number: int) -> str:
    """Return the name, within the snapshot, of the rows of the file with this number."""
    return f"rows/{number:04}.parquet"


def measure(path: Path) -> FileDigest:
    """Return what a file is."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileDigest(size_bytes=file.tell(), digest=digest)


def damaged(folder: Path, what: str) -> SnapshotDamaged:
    """Return the error that says what is wrong with a snapshot on disk."""
    return SnapshotDamaged(
        f"The stored copy of the data is damaged: {what}. The server reads its file again if that is there and has not "
        "changed. Otherwise the operator reloads the data set."
    ).for_operator(
        f"The snapshot in {folder} is damaged: {what}. Its file is read again if it is there and has not changed. "
        "Otherwise reload the data set (SIGHUP), or remove that folder and start again."
    )


def _paused(error: Exception) -> StorePaused:
    return StorePaused("The rows of the data cannot be read at the moment. Try again later.").for_operator(
        f"The rows of a snapshot cannot be read at the moment: {error}"
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _state(folder: Path, path: Path) -> _State:
    # If there is no such file, DuckDB treats the path as a pattern and might find another snapshot's rows.
    try:
        status = path.stat()
    except OSError as error:
        raise damaged(folder, f"{_name(path)} is missing") from error
    if not path.is_file():
        raise damaged(folder, f"{_name(path)} is missing")
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
