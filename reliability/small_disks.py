"""Disks that are soon full: a small one, and one with a quota. Only root may mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

_MB = 2**20
_PAGE = 4096
# Room for the state of some hundred jobs; filling it takes a moment.
DISK_MB = 16
# So are its files: a disk can have space and yet no place for another file.
_FILES = 1000
# The least that Btrfs makes a file system of, and then some.
_IMAGE_MB = 256


class SmallDisk:
    """A folder with little space."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, *, but_pages: int = 0) -> None:
        """Leave so many free pages."""
        with suppress(OSError), (self.path / "filler").open("ab", buffering=0) as file:
            while True:
                free = os.statvfs(self.path).f_bavail - but_pages
                if free <= 0:
                    break
                file.write(b"x" * (min(free, 256) * _PAGE))

    def use_up_files(self) -> None:
        """Leave space, but no place for another file."""
        folder = self.path / "fillers"
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            for number in range(_FILES):
                (folder / f"{number}").touch()

    def empty(self) -> None:
        """Give the space and the files back."""
        (self.path / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.path / "fillers", ignore_errors=True)


class DiskWithQuota(SmallDisk):
    """A folder in which more is refused with EDQUOT, while the disk has space."""

    def fill(self, *, but_pages: int = 0) -> None:
        """Leave about so many free pages: the file system needs some itself."""
        kept = self.path / "kept"
        if but_pages:
            kept.write_bytes(b"x" * but_pages * _PAGE)
        for size in (256 * _PAGE, _PAGE):
            # An error that is met later, by what flushes or closes, is the quota's as well.
            with suppress(OSError), (self.path / "filler").open("ab", buffering=0) as file:
                while True:
                    file.write(b"x" * size)
        kept.unlink(missing_ok=True)

    def empty(self) -> None:
        """Give the space back."""
        super().empty()
        # What was freed counts when it is committed.
        _run("btrfs", "filesystem", "sync", str(self.path))


MakeDisk = Callable[[Path], AbstractContextManager[SmallDisk | None]]


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """Mount a small disk; None where that is not allowed."""
    folder.mkdir()
    is_mounted = _run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,nr_inodes={_FILES}", "none", str(folder))
    try:
        yield SmallDisk(folder) if is_mounted else None
    finally:
        if is_mounted:
            _run("umount", "-l", str(folder))


@contextmanager
def disk_with_quota(folder: Path) -> Iterator[SmallDisk | None]:
    """Mount a disk in a file (Btrfs), with a quota for a folder; None where that is not allowed."""
    folder.mkdir()
    image, limited = folder.with_name(f"{folder.name}.image"), folder / "limited"
    with image.open("wb") as file:
        file.truncate(_IMAGE_MB * _MB)
    is_mounted = _run("mkfs.btrfs", "-q", str(image)) and _run("mount", "-o", "loop", str(image), str(folder))
    try:
        has_quota = is_mounted and all(
            _run("btrfs", *arguments)
            for arguments in (
                ("quota", "enable", str(folder)),
                ("subvolume", "create", str(limited)),
                ("qgroup", "limit", f"{DISK_MB}M", str(limited)),
            )
        )
        yield DiskWithQuota(limited) if has_quota else None
    finally:
        if is_mounted:
            _run("umount", "-l", str(folder))


def _run(command: str, *arguments: str) -> bool:
    """Run a command of the system; False where it is not there, or may not."""
    found = shutil.which(command)
    if found is None or os.geteuid() != 0:
        return False
    return subprocess.run((found, *arguments), check=False, capture_output=True).returncode == 0
