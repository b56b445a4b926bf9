"""The calls that wait for the one thread which writes to a store."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

from meantime.errors import MeantimeError, ShuttingDown, StoreBroken

T = TypeVar("T")


class CallQueue(Generic[T]):
    """Calls in the order in which they came: any thread puts them in, the writer's takes them.

    ``future_of`` returns the future of a call; at most ``most`` are taken together. Once the queue is closed, or the
    store has broken, further calls fail at once.
    """

    def __init__(self, future_of: Callable[[T], Future[Any]], *, most: int) -> None:
        self._future_of = future_of
        self._most = most
        # None is the sentinel; nothing is put after it, which the lock is for.
        self._queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._refusal: MeantimeError | None = None  # what further calls fail with
        self._taken: list[T] = []

    @property
    def is_broken(self) -> bool:
        """Whether the store has broken."""
        return isinstance(self._refusal, StoreBroken)

    def put(self, call: T) -> None:
        """Have a call carried out; its future fails if none is any more."""
        with self._lock:
            refusal = self._refusal
            if refusal is None:
                self._queue.put(call)
        if refusal is not None:
            self._future_of(call).set_exception(refusal)

    def take(self, timeout_s: float | None = None) -> tuple[list[T], bool]:
        """Wait for a call, then take those that wait after it; False if none comes after them.

        There is none when nothing comes for ``timeout_s``.
        """
        self._taken = []
        with suppress(queue.Empty):
            waiting = self._queue.get(timeout=timeout_s)
            while waiting is not None:
                self._taken.append(waiting)
                if len(self._taken) == self._most:
                    return self._taken, True
                waiting = self._queue.get_nowait()
            return self._taken, False
        return self._taken, True

    def close(self) -> None:
        """Take no more calls; those that wait are still carried out. May be called twice."""
        with self._lock:
            if self._refusal is None:
                self._refusal = ShuttingDown("The store is closed. Try again when the server is back.")
                self._queue.put(None)

    def fail_all(self, error: StoreBroken) -> None:
        """Fail the calls that were taken last and have no outcome, those that wait, and those that come."""
        with self._lock:
            self._refusal = error
        calls = list(self._taken)
        with suppress(queue.Empty):
            while True:
                if (waiting := self._queue.get_nowait()) is not None:
                    calls.append(waiting)
        for call in calls:
            future = self._future_of(call)
            if not future.done():
                future.set_exception(error)


def thread_died(role: str, error: BaseException) -> StoreBroken:
    """Return the error of a store whose thread has died."""
    reason = f"The thread {role} of the server died. Start the server again; the log has the details."
    broken = StoreBroken(reason).for_operator(f"{reason} It died of {error!r}.")
    broken.__cause__ = error
    return broken
