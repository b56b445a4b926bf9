"""One server per state directory: locks that the operating system releases when their holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from meantime.durable import sync
from meantime.errors import SettingInvalid, StateInUse

LOCK_NAME = "lock"


class StateLock:
    """Holds a state directory from its creation until ``release``; makes the directory if there is none.

    Both the folder and a file in it are locked. The file alone is not enough, since somebody may delete it under a
    running server; the folder alone is not, since not every file system can lock one. The file stays when the lock is
    released: if it were deleted, a third server could make and lock a new one while a second, which opened the old one
    before, holds that.

    Raises:
        StateInUse: another server uses this directory.
        SettingInvalid: the directory cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        try:
            _make_durably(folder)
            self._path = folder / LOCK_NAME
            self._file = -1
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._lock(folder)
            except BaseException:
                self.release()
                raise
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
        for descriptor in (self._file, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._folder = -1

    def _lock(self, folder: Path) -> None:
        try:
            try:
                fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise
            except OSError:
                pass  # a file system that cannot lock folders, such as NFS
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = ""
            with contextlib.suppress(OSError):
                holder = self._path.read_bytes()[:20].decode("ascii", "replace").strip()
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
    folder.mkdir(mode=0o700, exist_ok=True)
    sync(folder.parent)
