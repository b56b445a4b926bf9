"""Results as files: ``results/job_id_N``, served as they are.

A file is written under a temporary name and renamed, so that readers see all of it or nothing. It is not fsynced: that
would cost a job more than everything else together, and after a power cut a file that is empty or torn does not match
the checksum in its record, so it is computed again. Deleting files, or the whole folder, under a running server costs
time, not answers.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from meantime.descriptors import NO_SPACE, PASSING
from meantime.engine.ports import EncodedResult
from meantime.errors import StoreBroken, StoreFull, StorePaused
from meantime.model import Receipt, job_id

# The beginning of a temporary name: a dot, so that `results/*` in a shell does not match what is being written.
_TEMPORARY = ".writing-"
# Each attempt repairs one thing that was done to the folder: it was deleted, or a folder took the place of a file.
_ATTEMPTS = 5


class ResultFiles:
    """Results in a folder of Meantime. Names are only numbers, so no path from outside is ever followed.

    Raises:
        StoreBroken: the folder cannot be made or read.
        StorePaused: not for the moment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_leftovers()
        except OSError as error:
            raise _paused(error) if error.errno in PASSING else _broken(error) from error

    def put(self, number: int, result: EncodedResult) -> Receipt:
        """Keep a result, whole or not at all."""
        path = self._path(number)
        # Two threads may write the same result: one that a stop has not waited for, and one that computes it again.
        temporary = f"{self._folder}/{_TEMPORARY}{number}-{threading.get_ident()}"
        try:
            for _ in range(_ATTEMPTS):
                try:
                    _write(temporary, result.body)
                    os.rename(temporary, path)  # noqa: PTH104 - pathlib is slow enough here to be felt
                    return result.receipt()
                except FileNotFoundError:
                    # `rm -r results` came between: harmless, the folder is ours to make again.
                    os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
                except IsADirectoryError:
                    # Somebody's folder has our name. It may hold something: moved out of the way, not deleted.
                    os.rename(path, f"{path}.aside-{os.urandom(4).hex()}")  # noqa: PTH104 - as above
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - as above
            raise _paused(error) if error.errno in PASSING else _broken(error) from error
        raise StoreBroken(
            f"The result of {job_id(number)} cannot be written: something keeps deleting it. Keep other programs out "
            "of the folder of results."
        )

    def restore(self, number: int, result: EncodedResult) -> None:
        """Keep a result that was lost."""
        self.put(number, result)

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if a regular file is there and they match the receipt."""
        try:
            body = _read(self._path(number), size_bytes=receipt.size_bytes)
        except OSError as error:
            if error.errno in PASSING:
                raise _paused(error) from error
            return None
        return body if EncodedResult(body, receipt.method_version).receipt() == receipt else None

    def remove(self, number: int) -> None:
        """Delete a result. One that cannot be deleted stays: its record goes, and nobody finds it any more."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(number))  # noqa: PTH108

    def _path(self, number: int) -> str:
        return f"{self._folder}/{job_id(number)}"

    def _remove_leftovers(self) -> None:
        """Remove what a crash left half written."""
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.startswith(_TEMPORARY):
                    with contextlib.suppress(OSError):
                        os.unlink(entry)  # noqa: PTH108


def _write(path: str, body: bytes) -> None:
    # os.open rather than open: it costs a third, and this is done once a job.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        rest = memoryview(body)
        # A nearly full disk takes a part and only then says that it is full.
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def _read(path: str, *, size_bytes: int) -> bytes:
    """Return the bytes of a regular file, or none if it has another size: a huge one is not read at all."""
    # Not through a link, and without waiting for the other end of a pipe that somebody put here.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
            return b""
        # One read takes at most 2 GiB; what is missing then is found by the checksum, and results are kilobytes.
        return os.read(file, size_bytes)
    finally:
        os.close(file)


def _paused(error: OSError) -> StorePaused:
    if error.errno in NO_SPACE:
        return StoreFull(
            f"There is no space for results ({error.strerror}). Free some space; jobs then continue by themselves."
        )
    return StorePaused(
        f"Results cannot be written or read for the moment ({error.strerror}). Jobs continue by themselves when the "
        "machine has what it lacks."
    )


def _broken(error: OSError) -> StoreBroken:
    reason = (
        f"The folder of results in the state directory cannot be used ({error.strerror}). Check its owner, its "
        "permissions and the disk, then start the server again."
    )
    return StoreBroken(reason).for_operator(f"{reason} The system says: {error}.")
