"""Temporary folders, all in one place below the state directory, which is emptied when a server starts.

A folder goes away with the code that uses it, but not when the process is killed. In the system's folder nobody would
know that it was ours; there, and on the same disk as everything else of the server, the next start removes it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_home: Path | None = None  # None: the system's folder, for commands and for tests


def keep_in(folder: Path) -> None:
    """Make all folders in this one from now on, in the whole process, and remove what is in it.

    To be called by the one process that uses the state directory.

    Raises:
        OSError: it cannot be emptied or made.
    """
    global _home  # noqa: PLW0603 - one place for the process; whoever needs a folder need not know the settings
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    _home = folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it afterwards with what is in it."""
    # The state directory may be gone, as after a test or an operator's slip; it is not made again by the way.
    home = _home if _home is not None and _home.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="meantime-", dir=home, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
