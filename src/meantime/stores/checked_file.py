"""A line of text in a file, with a checksum: small notes that may be lost in a power cut, but are never wrong."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path


class CheckedFile:
    """A file with one line of fixed length, which is written in place and not fsynced. What cannot be done is not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def read(self) -> str | None:
        """Return the text; None if there is no file, or a damaged one."""
        with contextlib.suppress(OSError, ValueError):
            text, checksum = self._path.read_bytes().removesuffix(b"\n").rsplit(b" ", 1)
            if b"%08x" % zlib.crc32(text) == checksum:
                return text.decode("ascii")
        return None

    def write(self, text: str) -> None:
        """Replace the text by one of the same length."""
        line = text.encode("ascii")
        with contextlib.suppress(OSError):
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, b"%s %08x\n" % (line, zlib.crc32(line)), 0)

    def make_folder(self) -> None:
        """Make the folder of the file again, if it was deleted."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def close(self) -> None:
        """Close the file; the next text is written to whatever has the name then. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
