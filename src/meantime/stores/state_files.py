"""Whether the files of the store are still those that we opened, and which number a job may have next.

A file that is deleted stays for those who have it open: a server would go on to acknowledge jobs into a database that
nobody finds any more. So after each commit, and before anybody hears of it, the store looks whether its files are
still there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from meantime.errors import StoreBroken
from meantime.stores.checked_file import CheckedFile

# Ids have at most 18 digits. A number above this one is no number that a server gave, but a damaged one.
HIGHEST_NUMBER = 10**17


# A folder that changed a moment ago may change again and keep its time: some file systems count whole seconds, or two.
_SETTLED_NS = 3_000_000_000


class OpenFiles:
    """A folder, and files in it, that must stay what they are while we use them."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = os.fspath(folder)
        self._known = {path: _identity(path) for path in (self._folder, *(f"{self._folder}/{name}" for name in names))}
        self._looked_at: tuple[int, ...] = ()  # the state of the folder in which all of them were there

    def require_unchanged(self) -> None:
        """Raise if one was deleted, moved or replaced.

        Each of these changes the time of the folder, so one look at that is enough as long as it stays as it was.

        Raises:
            StoreBroken: one was.
        """
        state = self._state_of_folder()
        if state and state == self._looked_at:
            return
        for path, known in self._known.items():
            if _identity(path) not in (known, _UNKNOWN):
                name = os.path.basename(path)  # noqa: PTH119 - as above
                reason = (
                    f"Somebody deleted, moved or replaced {name!r} in the state directory while the server was "
                    "running, so nothing more is acknowledged. Put it back, or start the server again without it."
                )
                raise StoreBroken(reason).for_operator(f"{reason} It was {path}.")
        self._looked_at = state

    def _state_of_folder(self) -> tuple[int, ...]:
        """Return what changes with any name in the folder; nothing while it is too fresh to tell, or cannot be read."""
        try:
            status = os.stat(self._folder)  # noqa: PTH116 - as below
        except OSError:
            return ()
        changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
        if time.time_ns() - changed_ns < _SETTLED_NS:
            return ()
        return status.st_dev, status.st_ino, changed_ns


_Identity = tuple[int, int]
_GONE: _Identity = (0, 0)
_UNKNOWN: _Identity = (0, 1)


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib is slow enough here to be felt
    except (FileNotFoundError, NotADirectoryError):
        return _GONE
    except OSError:
        return _UNKNOWN  # no memory, or no right to look: that says nothing about the file
    return status.st_dev, status.st_ino


class LastNumber:
    """The highest number that a job was given, in a file beside the database.

    So no id is given twice, also if the database is deleted or an older copy of it is put back. The file is not
    fsynced: after a power cut the database knows the number, and losing both takes two accidents at once.
    """

    def __init__(self, path: Path) -> None:
        self._file = CheckedFile(path)

    def read(self) -> int:
        """Return the number; 0 if there is no file, or a damaged one."""
        text = self._file.read() or ""
        return int(text) if text.isdecimal() and int(text) <= HIGHEST_NUMBER else 0

    def write(self, number: int) -> None:
        """Note a number. A disk that is full costs the note, not the job: the database has the number too."""
        self._file.write(f"{number:019}")

    def keep(self, number: int) -> None:
        """Note a number where the next server will look, whatever happened to the file that we have open."""
        self._file.close()
        if self.read() < number:
            self._file.make_folder()
            self.write(number)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()
