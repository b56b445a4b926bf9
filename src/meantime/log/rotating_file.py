"""The log file, which begins anew when it is full."""

from __future__ import annotations

import os
import time
from pathlib import Path

from meantime.log.lines import timestamp


class RotatingFile:
    """A file that begins anew when it is full; the older ones end in .1, .2, ..., the oldest is dropped."""

    def __init__(self, path: Path, *, limit_bytes: int, kept: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._kept = kept
        self._descriptor: int | None = None
        self._size_bytes = 0
        self._is_cut = False  # the last write was not whole, so the next line must not continue its line
        self._lost = 0

    def open(self) -> int:
        """Open the file, or create it, and return its descriptor."""
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size
        return self._descriptor

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write(self, lines: list[str]) -> str | None:
        """Write lines; where that does not work any more, return what to tell people, once."""
        # A write that was cut short counts as none: what of it is there is not worth the care.
        lost = (
            [f"{timestamp(time.time())} warning lines lost before this one at_most={self._lost}"] if self._lost else []
        )
        data = ("\n" if self._is_cut else "") + "\n".join(lost + lines) + "\n"
        try:
            self._append(data.encode("utf-8", "backslashreplace"))
        except OSError as error:
            is_first, self._lost = not self._lost, self._lost + len(lines)
            why = error.strerror or error
            return f"{self._path.name} cannot be written, lines are lost: {why}" if is_first else None
        self._lost = 0
        return None

    def _append(self, data: bytes) -> None:
        if self._size_bytes and self._size_bytes + len(data) > self._limit_bytes:
            self._rotate()
        # It is closed where a rotation has failed half way; then the old one goes on.
        descriptor = self.open() if self._descriptor is None else self._descriptor
        written = os.write(descriptor, data)
        self._size_bytes += written
        self._is_cut = written < len(data)
        if self._is_cut:
            raise OSError("only a part could be written")

    def _rotate(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        if self._path.exists():  # somebody may have cleared it away
            self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
