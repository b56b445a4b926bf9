"""Results whose files are missing or damaged are made again, once each however many ask for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from meantime.engine.ledger import unknown
from meantime.engine.ports import JobStore, ResultStore
from meantime.engine.promise import promise
from meantime.engine.task_runner import TaskRunner
from meantime.engine.thread_pool import Task
from meantime.errors import JobGivenBack, MeantimeError, ShuttingDown
from meantime.model import Job, Receipt, Work


class LostResults:
    """Who waits for which lost result. Has a lock of its own, never held while calling out."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        results: ResultStore,
        runner: TaskRunner,
        work_on: Callable[[Job], Work],
        is_kept: Callable[[int], bool],
    ) -> None:
        self._jobs = jobs
        self._results = results
        self._runner = runner
        self._work_on = work_on
        self._is_kept = is_kept
        self._lock = threading.Lock()
        self._is_closed = False
        self._readers: dict[int, list[Future[bytes]]] = {}
        self._waiting: deque[tuple[int, Receipt]] = deque()

    def ask(self, number: int, receipt: Receipt) -> Future[bytes]:
        """Have a result made again. A thread must then be woken to ``take``."""
        reader: Future[bytes] = promise()
        with self._lock:
            if not self._is_closed:
                if number not in self._readers:
                    self._readers[number] = []
                    self._waiting.append((number, receipt))
                self._readers[number].append(reader)
                return reader
        reader.set_exception(_stopped())
        return reader

    def take(self) -> Task | None:
        """Return the making of one result, if one is to be made."""
        with self._lock:
            return partial(self._make_again, *self._waiting.popleft()) if self._waiting else None

    def close(self) -> None:
        """Tell who still waits that nothing comes; take no more."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            readers = [reader for number in list(self._readers) for reader in self._readers.pop(number)]
        for reader in readers:
            reader.set_exception(_stopped())

    def _make_again(self, number: int, receipt: Receipt) -> None:
        body = b""
        error: MeantimeError | None = None
        try:
            body = self._made(number, receipt)
        except JobGivenBack:
            error = _stopped()
        except MeantimeError as gone:
            error = gone
        if not self._is_kept(number):
            # Removed while it was made: its file went before it was put, and nobody would remove it later.
            self._results.remove(number)
        with self._lock:
            # None where a stop in a hurry has answered them.
            readers = self._readers.pop(number, [])
        for reader in readers:
            if error is None:
                reader.set_result(body)
            else:
                reader.set_exception(error)

    def _made(self, number: int, receipt: Receipt) -> bytes:
        job = self._jobs.get(number)
        if job is None:
            raise unknown(number)
        return self._runner.make_again(job, receipt, self._work_on(job))


def _stopped() -> ShuttingDown:
    return ShuttingDown("The server has stopped. Ask again when it is back.")
