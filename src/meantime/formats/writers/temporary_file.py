"""Formats whose library writes only files: written to a temporary one, which is removed after it is read."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from meantime.errors import StoreFull

_PIECE_BYTES = 256 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


def pieces_of(write: Callable[[Path], object]) -> Iterator[bytes]:
    """Have a file written in a new temporary folder, which its writer may also use, and read it piece by piece.

    The folder is removed at the end, also if the reader stops early.

    Raises:
        StoreFull: there is no space for it; before the first piece.
    """
    with TemporaryDirectory(prefix="meantime-") as folder:
        path = Path(folder, "written")
        try:
            write(path)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise StoreFull(
                "The server's folder for temporary files is full, and this form is written there first. Take the "
                "result as json or csv, which are not."
            ) from error
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
