"""Formats whose library writes only files: written to a temporary one, which is removed after it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from meantime.dataset.machine_trouble import is_disk_full, is_machine_trouble
from meantime.errors import StoreFull, StorePaused
from meantime.temporary_folders import temporary_folder

_PIECE_BYTES = 256 * 1024


def pieces_of(write: Callable[[Path], Iterable[object]]) -> Iterator[bytes]:
    """Have a file written in a new temporary folder, which its writer may also use, and read it piece by piece.

    ``write`` comes back now and then while it writes. An empty piece stands for that: whoever takes the pieces may stop
    there. The folder is removed at the end, also if the reader stops early.

    Raises:
        StoreFull: there is no space for it; before the first piece.
        StorePaused: the machine is short of something else, such as descriptors; before the first piece.
    """
    with ExitStack() as opened:
        try:
            path = opened.enter_context(temporary_folder()) / "written"
            for _ in write(path):
                yield b""
            file = opened.enter_context(path.open("rb"))
        except Exception as error:
            # xlsxwriter has an error of its own for it, raised because of the system's.
            causes = [each for each in (error, error.__context__) if each is not None]
            if any(is_disk_full(each) for each in causes):
                raise StoreFull(
                    "The server's folder for temporary files is full, and this form is written there first. Take the "
                    "result as json or csv, which are not."
                ) from error
            if any(is_machine_trouble(each) for each in causes):
                raise StorePaused(
                    "The server is short of something for the moment that this form needs, such as open files. Try "
                    "again later, or take the result as json or csv."
                ) from error
            raise
        while piece := file.read(_PIECE_BYTES):
            yield piece
