"""Ends a reading before it fills the disk: because little space is left, or because the file is a bomb."""

from __future__ import annotations

import os
from pathlib import Path

from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.reading.session import disk_full
from meantime.dataset.reading.source import Source, label_of
from meantime.errors import SourceUnreadable

# What reading may write for each byte of the source. Tables compress to a tenth, and repetitive ones to a fiftieth;
# unpacked, copied, staged and spilled they take four times their unpacked size at most. A bomb of gzip unpacks to a
# thousand times its size, one of Parquet to any size.
_MOST_TIMES = 400
# Below this nothing is a bomb.
_HARMLESS_BYTES = 2**30


class DiskWatch:
    """Watches the temporary folder of a reading, from outside the process that fills it."""

    def __init__(self, work: Path, *, source: Source, source_bytes: int, reserve_mb: int) -> None:
        self._work = work
        self._source = source
        self._most_bytes = max(_HARMLESS_BYTES, _MOST_TIMES * source_bytes)
        self._reserve = DiskReserve(work, reserve_mb)

    def check(self) -> None:
        """Raise if reading must end now.

        Raises:
            LoadFailed: less space is left than is kept free for jobs.
            SourceUnreadable: the file has become so large that it can be no table.
        """
        if _size_bytes(self._work) > self._most_bytes:
            what = f"unpacks to more than {_MOST_TIMES} times its size, which no table does."
            raise SourceUnreadable(f"{label_of(self._source)} {what}").for_operator(
                f"{self._source.path} {what} If it is a table, write it as plain CSV and serve that."
            )
        if (shortage := self._reserve.shortage()) is not None:
            raise disk_full(self._work.parent, shortage)


def _size_bytes(folder: Path) -> int:
    """Return how much is in a folder, by what it takes on the disk."""
    size_bytes = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                size_bytes += os.lstat(os.path.join(at, name)).st_blocks * 512  # noqa: PTH118 - called often
            except OSError:  # removed meanwhile
                continue
    return size_bytes
