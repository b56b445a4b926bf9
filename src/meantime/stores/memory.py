"""Jobs and results in memory: for tests and for a server that may forget. Passes the same suite as the real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, TypeVar

import msgspec

from meantime.engine.ports import Answer, Move, Wanted
from meantime.errors import IllegalMove, ShuttingDown
from meantime.model import Job, Once, Receipt, Request

T = TypeVar("T")


class MemoryJobStore:
    """Jobs that last as long as this object. Futures resolve in the calling thread, before the call returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._last_number = 0
        self._is_closed = False

    def add(self, requests: Sequence[Request], *, at_s: float, once: Once | None = None) -> Future[list[Job]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none."""
        kept = [_as_kept(request) for request in requests]
        with self._lock:
            if self._is_closed:
                return _failed(_closed())
            first = self._last_number + 1
            jobs = [
                Job(number=number, request=request, created_at_s=at_s, once=once)
                for number, request in enumerate(kept, first)
            ]
            self._last_number += len(jobs)
            self._jobs.update((job.number, job) for job in jobs)
        return _done(jobs)

    def move(self, moves: Sequence[Move]) -> Future[None]:
        """Replace jobs by their next versions: all, or none."""
        with self._lock:
            if self._is_closed:
                return _failed(_closed())
            changed: dict[int, Job] = {}
            for before, after in moves:
                now = changed.get(before.number) or self._jobs.get(before.number)
                if now is None or (now.state, now.attempts) != (before.state, before.attempts):
                    return _failed(IllegalMove(f"{before.id} is not {before.state} any more: nothing was changed."))
                changed[before.number] = after
            self._jobs.update(changed)
        return _done(None)

    def remove(self, numbers: Sequence[int]) -> Future[list[Job]]:
        """Delete ended jobs, and return the records that this call deleted."""
        with self._lock:
            if self._is_closed:
                return _failed(_closed())
            ended = [number for number in sorted(set(numbers) & self._jobs.keys()) if self._jobs[number].state.is_ended]
            deleted = [self._jobs.pop(number) for number in ended]
        return _done(deleted)

    def get(self, number: int) -> Job | None:
        """Read one job."""
        with self._lock:
            return self._jobs.get(number)

    def jobs(self) -> Iterator[Job]:
        """Go through all jobs as they are now, by number."""
        with self._lock:
            now = sorted(self._jobs.items())
        return (job for _, job in now)

    def find(self, wanted: Wanted, *, before: int | None, limit: int) -> list[Job]:
        """Read jobs that are as wanted, newest first."""
        with self._lock:
            newest_first = sorted(self._jobs.items(), reverse=True)
        found = (
            job
            for number, job in newest_first
            if (before is None or number < before) and wanted.matches(job, job.state)
        )
        return list(islice(found, limit))

    def accepted_under(self, key: str) -> list[Job]:
        """Read the kept jobs that came under an idempotency key, by number."""
        return [job for job in self.jobs() if job.once is not None and job.once.key == key]

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name."""
        with self._lock:
            return {job.request.fingerprint for job in self._jobs.values() if job.request.fingerprint is not None}

    def close(self) -> None:
        """Take no more; what there is can still be read."""
        with self._lock:
            self._is_closed = True


class MemoryResultStore:
    """Results that last as long as this object."""

    def __init__(self) -> None:
        self._bodies: dict[int, bytes] = {}

    def put(self, number: int, answer: Answer) -> Receipt:
        """Keep a result."""
        self._bodies[number] = answer.body
        return answer.receipt()

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if they are there and are what the receipt says."""
        body = self._bodies.get(number)
        if body is None or Answer(body, receipt.method_version).receipt() != receipt:
            return None
        return body

    def remove(self, number: int) -> None:
        """Forget a result."""
        self._bodies.pop(number, None)


def _as_kept(request: Request) -> Request:
    # Through JSON, as in a real store: what cannot be kept fails here too, and a later change of the caller's
    # dictionary changes nothing.
    return msgspec.json.decode(msgspec.json.encode(request), type=Request)


def _closed() -> ShuttingDown:
    return ShuttingDown("The store is closed, so nothing more is written. Ask again when the server is back.")


def _done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
