"""Disk space that is kept free for jobs while files are read, downloaded and uploaded (setting ``disk_reserve_mb``)."""

from __future__ import annotations

import shutil
from pathlib import Path

# Of a small disk, such as a container's, no more than this share is kept free.
_MOST_OF_DISK = 1 / 20
# How many bytes are written between two looks at the disk.
_LOOK_EVERY_BYTES = 16 * 2**20


class DiskReserve:
    """Looks how much space is left on the disk with a folder that exists."""

    def __init__(self, folder: Path, reserve_mb: int) -> None:
        self._folder = folder
        self._reserve_mb = reserve_mb
        self._looked_at_bytes = 0

    def shortage(self) -> str | None:
        """Return what is wrong with the disk, to follow "The disk": None unless less space is left than is kept."""
        disk = shutil.disk_usage(self._folder)
        reserve_mb = min(self._reserve_mb, disk.total * _MOST_OF_DISK / 2**20)
        if disk.free >= reserve_mb * 2**20:
            return None
        left = f"{disk.free / 2**20:,.0f} MB left"
        return f"has {left}, and {reserve_mb:,.0f} MB are kept free for jobs (disk_reserve_mb)"

    def shortage_at(self, written_bytes: int) -> str | None:
        """Return the same for a file of which so much is written; the disk is looked at now and then."""
        if written_bytes < self._looked_at_bytes + _LOOK_EVERY_BYTES:
            return None
        self._looked_at_bytes = written_bytes
        return self.shortage()
