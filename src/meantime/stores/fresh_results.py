"""Results that were just made, in memory until somebody reads them: most are read once, a moment after.

Their files are written all the same, before. To read one takes four system calls, and with each the thread that answers
all requests hands the interpreter to those that compute, and has to wait for it.
"""

from __future__ import annotations

import threading

from meantime.engine.ports import EncodedResult, ResultStore
from meantime.model import Receipt

# Some ten thousand of the classic API's, which is more than jobs end in the seconds after which a client reads.
_MOST_BYTES = 4_000_000
# Beyond this a file costs no more than its bytes do.
_LONGEST_BYTES = 64_000
# What one takes besides its bytes.
_OVERHEAD_BYTES = 400


class FreshResults:
    """Keeps results in another store, and those that nobody has read in memory, the newest as far as there is room."""

    def __init__(self, results: ResultStore, *, most_bytes: int = _MOST_BYTES) -> None:
        self._results = results
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._unread: dict[int, tuple[Receipt, bytes]] = {}  # by number, the oldest first
        self._bytes = 0

    def put(self, number: int, result: EncodedResult) -> Receipt:
        """Keep a result, whole or not at all."""
        receipt = self._results.put(number, result)
        with self._lock:
            self._take(number)
            if len(result.body) <= _LONGEST_BYTES:
                self._unread[number] = (receipt, result.body)
                self._bytes += len(result.body) + _OVERHEAD_BYTES
                while self._bytes > self._most_bytes:
                    self._take(next(iter(self._unread)))
        return receipt

    def restore(self, number: int, result: EncodedResult) -> None:
        """Keep a result that was lost, in its file only: nobody is known to read it later."""
        self._results.restore(number, result)

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if they are there and match the receipt."""
        with self._lock:
            unread = self._take(number)
        if unread is not None and unread[0] == receipt:
            return unread[1]
        return self._results.open(number, receipt)

    def remove(self, number: int) -> None:
        """Delete a result."""
        with self._lock:
            self._take(number)
        self._results.remove(number)

    def _take(self, number: int) -> tuple[Receipt, bytes] | None:
        unread = self._unread.pop(number, None)
        if unread is not None:
            self._bytes -= len(unread[1]) + _OVERHEAD_BYTES
        return unread
