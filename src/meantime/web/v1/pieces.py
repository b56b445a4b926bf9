"""Makes an answer piece by piece, in threads, for as long as somebody wants it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from meantime.web.http.replies import ClientGone
from meantime.web.http.request import HttpRequest

# Up to here an answer is sent whole, and its length is told; beyond that piece by piece, each of about this length. It
# is what a connection has under way, and what a thread makes in some milliseconds before it looks for a stop.
PIECE_BYTES = 256 * 1024

# On results as JSON: 300 MB/s and a seventh of the length. Level 1 is not quicker, 6 takes three times as long for a
# sixth less; and whoever is near enough to load at 100 MB/s would wait for it.
_LEVEL = 3
_GZIP = 31  # wbits of zlib: a gzip header without a time in it

# Apart from the threads for all else that is too long for the event loop: a workbook of a million rows takes half a
# minute, and some of those at once must not hold up who lists jobs. The interpreter joins these threads at its end.
_MAKERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="form")


class PieceMaker:
    """Bytes that are made piece by piece, in whichever thread asks, and no further once nobody wants them."""

    def __init__(self, begin: Callable[[], Iterator[bytes]]) -> None:
        self._begin = begin
        self._pieces: Iterator[bytes] | None = None
        self._is_stopped = False
        self.is_finished = False

    @property
    def pieces(self) -> Iterator[bytes]:
        """What is still to be made."""
        if self._pieces is None:
            self._pieces = self._begin()
        return self._pieces

    def take(self, size_bytes: int) -> bytes:
        """Make so many bytes more, or some more than that, or what is left where that is less."""
        taken, length = [], 0
        for piece in self.pieces:
            taken.append(piece)
            length += len(piece)
            if length >= size_bytes or self._is_stopped:
                break
        else:
            self.is_finished = True
        return b"".join(taken)

    def stop(self) -> None:
        """Make no more than the piece that is being made, if one is, and let go of what it is made from."""
        self._is_stopped = True
        self._pieces, self._begin = None, lambda: iter(())


async def take_in_thread(request: HttpRequest, making: PieceMaker, size_bytes: int) -> bytes:
    """Make some bytes in a thread; stop if the client disconnects."""
    leaving = asyncio.ensure_future(request.gone())
    taking = asyncio.get_running_loop().run_in_executor(_MAKERS, making.take, size_bytes)
    try:
        await asyncio.wait((leaving, taking), return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        leaving.result()  # what went wrong with looking for it, if something did, is not that it has left
        raise ClientGone
    finally:
        # Where the server itself gives the request up, too.
        if not taking.done():
            making.stop()
        leaving.cancel()
        taking.cancel()


async def pieces_of(making: PieceMaker) -> AsyncIterator[bytes]:
    """Return the pieces, each made in a thread when it is wanted."""
    loop = asyncio.get_running_loop()
    try:
        while piece := await loop.run_in_executor(_MAKERS, making.take, PIECE_BYTES):
            yield piece
    finally:
        making.stop()


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Compress pieces with gzip."""
    packer = zlib.compressobj(level=_LEVEL, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def slices(body: memoryview) -> Iterator[bytes]:
    """Cut a body into pieces."""
    return (bytes(body[at : at + PIECE_BYTES]) for at in range(0, len(body), PIECE_BYTES))
