"""One server per state directory: a lock that the operating system releases when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from meantime.errors import SettingInvalid, StateInUse

_NAME = "lock"


class StateLock:
    """Holds a state directory from its creation until ``release``; makes the directory if there is none.

    The file stays when the lock is released. If it were deleted, a third server could make and lock a new one while a
    second, which opened the old one before, holds that.

    Raises:
        StateInUse: another server uses this directory.
        SettingInvalid: the directory cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        try:
            _make_durably(folder)
            self._file = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._lock(folder)
        except OSError as error:
            raise SettingInvalid(
                f"{folder} cannot be used as the state directory ({error.strerror}). Set another one (state_dir)."
            ) from error
        # For the message above only, so a full disk does not matter.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another server use the directory. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self, folder: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            if not isinstance(error, BlockingIOError):
                raise  # a file system without locks
            raise StateInUse(
                f"Another server{f' (process {holder})' if holder.isdigit() else ''} is using {folder}. "
                "Stop it, or set another state directory (state_dir)."
            ) from error

    def __enter__(self) -> StateLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _make_durably(folder: Path) -> None:
    """Make a folder whose name survives a power cut: if it were lost, all jobs would be."""
    if folder.is_dir():
        return
    _make_durably(folder.parent)
    folder.mkdir(exist_ok=True)
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
