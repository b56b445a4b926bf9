"""Forms whose library writes nothing but files: by way of a temporary one, which is gone when it has been read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

_PIECE_BYTES = 256 * 1024


def pieces_of(write: Callable[[Path], object]) -> Iterator[bytes]:
    """Have a file written, in a folder of its own where its writer may put other things too; read it piece by piece.

    The folder is removed at the end, and also when whoever reads stops before.
    """
    with TemporaryDirectory(prefix="meantime-") as folder:
        path = Path(folder, "written")
        write(path)
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
