"""Files that survive a power cut: they appear whole or not at all, and are on disk before anybody relies on them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def durable_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write a file in the place of what has its name. Until it is complete, it has a name that begins with a dot.

    If the block raises, what had the name stays. ``mode`` is that of a new file, less what the umask takes away.
    """
    part = path.with_name(f".{path.name}")
    with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as out:
        try:
            yield out
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
    sync(path.parent)


def rename_if_free(folder: Path, name: Path) -> bool:
    """Rename a folder, and return whether the name was free. A folder with files is never replaced: there is no race.

    Until the folder that both are in is synced, a power cut may undo it.
    """
    try:
        folder.rename(name)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk: only then do they survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
