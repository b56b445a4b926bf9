"""Blocks of cells that are open, of all snapshots together; the least recently used are dropped for others.

A block that is being computed with stays in memory until its computation ends, whether or not it was dropped here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

from meantime.dataset.cube import Block

# The default of the setting, which has the reason.
USUAL_MEMORY_MB = 512


class OpenBlocks:
    """Keeps blocks in memory. Any thread may use it."""

    def __init__(self, memory_mb: int = USUAL_MEMORY_MB) -> None:
        self._most_bytes = memory_mb * 2**20
        self._bytes = 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[Hashable, Future[Block]] = OrderedDict()  # last used comes last
        self._sizes: dict[Hashable, int] = {}  # of those that are open

    @property
    def size_bytes(self) -> int:
        """How much memory the blocks take."""
        with self._lock:
            return self._bytes

    def get(self, key: Hashable, read: Callable[[], Block]) -> Block:
        """Return a block, read only once however many threads ask for it; raises what ``read`` raises."""
        with self._lock:
            opened = self._blocks.get(key)
            if is_first := opened is None:
                opened = self._blocks[key] = Future()
            self._blocks.move_to_end(key)
        if is_first:
            self._read(key, opened, read)
        return opened.result()

    def _read(self, key: Hashable, opened: Future[Block], read: Callable[[], Block]) -> None:
        try:
            block = read()
            size = block.size_bytes
        except BaseException as error:  # noqa: BLE001 - every error is passed on to the threads that wait
            # Threads that wait get the error; later ones try again.
            with self._lock:
                del self._blocks[key]
            opened.set_exception(error)
            return
        with self._lock:
            self._sizes[key] = size
            self._bytes += size
            for other in [each for each in self._blocks if each != key]:
                if self._bytes <= self._most_bytes:
                    break
                # One that is being read has no size yet, and threads wait for it.
                if other in self._sizes:
                    del self._blocks[other]
                    self._bytes -= self._sizes.pop(other)
        opened.set_result(block)
