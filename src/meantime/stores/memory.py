"""Jobs and results in memory: for tests, and for a server that may forget. Passes the same tests as the real stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import islice

import msgspec

from meantime.engine.futures import failed_future, resolved_future
from meantime.engine.ports import EncodedResult, JobFilter, Transition
from meantime.errors import IllegalTransition, ShuttingDown
from meantime.model import IdempotencyKey, JobRecord, Receipt, Request

# Made at import, by one thread: see formats/document.py.
_REQUEST = msgspec.json.Decoder(Request)


class MemoryJobStore:
    """Records that last as long as this object. Futures resolve in the calling thread, before the call returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, JobRecord] = {}
        self._last_number = 0
        self._is_closed = False

    def add(
        self,
        requests: Sequence[Request],
        *,
        at_s: float,
        idempotency_key: IdempotencyKey | None = None,
        started: int = 0,
        host: int | None = None,
    ) -> Future[list[JobRecord]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none."""
        kept = [as_kept(request) for request in requests]
        with self._lock:
            if self._is_closed:
                return failed_future(_closed())
            records = JobRecord.accepted(
                kept,
                first=self._last_number + 1,
                at_s=at_s,
                idempotency_key=idempotency_key,
                started=started,
                host=host,
            )
            self._last_number += len(records)
            self._jobs.update((record.number, record) for record in records)
        return resolved_future(records)

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        """Replace records by their next versions: all, or none."""
        with self._lock:
            if self._is_closed:
                return failed_future(_closed())
            changed: dict[int, JobRecord] = {}
            for before, after in transitions:
                now = changed.get(before.number) or self._jobs.get(before.number)
                if now is None or (now.state, now.attempts, now.host) != (before.state, before.attempts, before.host):
                    return failed_future(
                        IllegalTransition(f"{before.id} is no longer {before.state}; nothing changed.")
                    )
                changed[before.number] = after
            self._jobs.update(changed)
        return resolved_future(frozenset())

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        """Delete ended jobs, and return the records that this call deleted."""
        with self._lock:
            if self._is_closed:
                return failed_future(_closed())
            ended = [number for number in sorted(set(numbers) & self._jobs.keys()) if self._jobs[number].state.is_ended]
            deleted = [self._jobs.pop(number) for number in ended]
        return resolved_future(deleted)

    def get(self, number: int) -> JobRecord | None:
        """Read one record."""
        with self._lock:
            return self._jobs.get(number)

    def jobs(self) -> Iterator[JobRecord]:
        """Go through all records as they are now, by number."""
        with self._lock:
            now = sorted(self._jobs.items())
        return (record for _, record in now)

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
        """Read the records that match, newest first."""
        with self._lock:
            newest_first = sorted(self._jobs.items(), reverse=True)
        matches = (
            record
            for number, record in newest_first
            if (before is None or number < before) and job_filter.matches(record, record.state)
        )
        return list(islice(matches, limit))

    def accepted_under(self, key: str) -> list[JobRecord]:
        """Read the jobs that came under an idempotency key and are still kept, by number."""
        return [record for record in self.jobs() if record.idempotency_key and record.idempotency_key.key == key]

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name."""
        with self._lock:
            return {
                record.request.fingerprint for record in self._jobs.values() if record.request.fingerprint is not None
            }

    def close(self) -> None:
        """Take no more; what there is can still be read."""
        with self._lock:
            self._is_closed = True


class MemoryResultStore:
    """Results that last as long as this object."""

    def __init__(self) -> None:
        self._bodies: dict[int, bytes] = {}

    def put(self, number: int, result: EncodedResult) -> Receipt:
        """Keep a result."""
        self._bodies[number] = result.body
        return result.receipt()

    def restore(self, number: int, result: EncodedResult) -> None:
        """Keep a result that was lost."""
        self.put(number, result)

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        """Return the bytes if they are there and match the receipt."""
        body = self._bodies.get(number)
        if body is None or EncodedResult(body, receipt.method_version).receipt() != receipt:
            return None
        return body

    def remove(self, number: int) -> None:
        """Delete a result."""
        self._bodies.pop(number, None)


def as_kept(request: Request) -> Request:
    """Return a request as a store gives it back."""
    # Through JSON, as in a real store: what cannot be kept fails here too, and the caller may change its dictionary
    # afterwards.
    return _REQUEST.decode(msgspec.json.encode(request))


def _closed() -> ShuttingDown:
    return ShuttingDown("The store is closed. Try again when the server is back.")
