"""Formats whose library writes only files: written to a temporary one, which is removed after it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from meantime.dataset.machine_trouble import is_disk_full
from meantime.errors import StoreFull
from meantime.temporary_folders import temporary_folder

_PIECE_BYTES = 256 * 1024


def pieces_of(write: Callable[[Path], object]) -> Iterator[bytes]:
    """Have a file written in a new temporary folder, which its writer may also use, and read it piece by piece.

    The folder is removed at the end, also if the reader stops early.

    Raises:
        StoreFull: there is no space for it; before the first piece.
    """
    with temporary_folder() as folder:
        path = folder / "written"
        try:
            write(path)
        except Exception as error:
            # xlsxwriter has an error of its own for it, raised because of the system's.
            if not is_disk_full(error) and not is_disk_full(error.__context__):
                raise
            raise StoreFull(
                "The server's folder for temporary files is full, and this form is written there first. Take the "
                "result as json or csv, which are not."
            ) from error
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
