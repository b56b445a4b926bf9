"""Results whose files are missing or damaged are computed again, once each however many clients ask for them.

Where another host has computed one, its file is fetched from there; only if that host is gone is it computed again.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from meantime.engine.futures import failed_future, resolved_future, uncancellable_future
from meantime.engine.jobs import ActiveJob, job_unknown, server_stopped
from meantime.engine.ports import EncodedResult, JobStore, ResultsElsewhere, ResultStore
from meantime.engine.task_runner import NewWork, TaskRunner
from meantime.engine.thread_pool import Task
from meantime.errors import JobGivenBack, MeantimeError, ResultGone, StorePaused
from meantime.model import Receipt

# So many results are fetched at once: each takes a moment, or until another host does not answer.
_FETCHING = 4


class LostResults:
    """Knows who waits for which lost result. Has its own lock, never held while calling out.

    ``is_known`` says whether a job is still there, ``wake`` wakes a thread that takes tasks.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        results: ResultStore,
        runner: TaskRunner,
        new_work: NewWork,
        is_known: Callable[[int], bool],
        elsewhere: ResultsElsewhere | None,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._results = results
        self._runner = runner
        self._new_work = new_work
        self._is_known = is_known
        self._elsewhere = elsewhere
        self._wake = wake
        self._fetching = ThreadPoolExecutor(_FETCHING, "meantime-fetch") if elsewhere is not None else None
        self._lock = threading.Lock()
        self._is_closed = False
        self._readers: dict[int, list[Future[bytes]]] = {}
        self._waiting: deque[tuple[int, Receipt]] = deque()

    def read(self, number: int, receipt: Receipt) -> Future[bytes]:
        """Return a result: at once if its file is sound, or cannot be opened for the moment.

        A lost one is computed again: a thread must then be woken to do it.
        """
        try:
            body = self._results.open(number, receipt)
        except StorePaused as error:
            return failed_future(error)
        return self._request(number, receipt) if body is None else resolved_future(body)

    def _request(self, number: int, receipt: Receipt) -> Future[bytes]:
        reader: Future[bytes] = uncancellable_future()
        with self._lock:
            if not self._is_closed:
                if number not in self._readers:
                    self._readers[number] = []
                    if self._fetching is None:
                        self._waiting.append((number, receipt))
                    else:
                        self._fetching.submit(self._fetch, number, receipt)
                self._readers[number].append(reader)
                return reader
        reader.set_exception(server_stopped())
        return reader

    def next_task(self) -> Task | None:
        """Return the computation of one result, if one is lost. The engine's lock may be held."""
        with self._lock:
            return partial(self._recompute, *self._waiting.popleft()) if self._waiting else None

    def close(self) -> None:
        """Tell those who still wait that no result comes, and accept no more."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            readers = [reader for number in list(self._readers) for reader in self._readers.pop(number)]
        for reader in readers:
            reader.set_exception(server_stopped())
        if self._fetching is not None:
            self._fetching.shutdown()

    def _fetch(self, number: int, receipt: Receipt) -> None:
        """Get a result from the host that has it, or leave it to be computed again."""
        try:
            body = self._fetched(number, receipt)
        except MeantimeError as error:
            self._answer(number, b"", error)
            return
        # Whatever goes wrong with another host is no reason not to answer.
        except Exception:  # noqa: BLE001
            body = None
        if body is not None:
            self._answer(number, body, None)
            return
        with self._lock:
            if not self._is_closed:
                self._waiting.append((number, receipt))
        self._wake()

    def _fetched(self, number: int, receipt: Receipt) -> bytes | None:
        record = self._store.get(number)
        if record is None or record.receipt != receipt or self._elsewhere is None:
            return None
        body = self._elsewhere.fetch(record)
        if body is None:
            return None
        result = EncodedResult(body, receipt.method_version)
        if result.receipt() != receipt:
            return None
        with contextlib.suppress(MeantimeError):  # this client gets it anyway; the next one has it fetched again
            self._results.restore(number, result)
        return body

    def _recompute(self, number: int, receipt: Receipt) -> None:
        body = b""
        error: MeantimeError | None = None
        try:
            body = self._body(number, receipt)
        except JobGivenBack:
            error = server_stopped()
        except MeantimeError as gone:
            error = gone
        self._answer(number, body, error)

    def _answer(self, number: int, body: bytes, error: MeantimeError | None) -> None:
        if not self._is_known(number):
            # Removed meanwhile: its file was deleted before it was written again, and nobody would delete it later.
            self._results.remove(number)
        with self._lock:
            # There are none if a stop in a hurry has answered them.
            readers = self._readers.pop(number, [])
        for reader in readers:
            if error is None:
                reader.set_result(body)
            else:
                reader.set_exception(error)

    def _body(self, number: int, receipt: Receipt) -> bytes:
        record = self._store.get(number)
        if record is None:
            raise job_unknown(number)
        if record.is_damaged:
            raise ResultGone(f"The result of {record.id} was lost, and the record of what it is about is damaged.")
        return self._runner.recompute(record, receipt, self._new_work(ActiveJob(record)))
