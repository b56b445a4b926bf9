"""The same request sent twice makes its jobs once: a client that got no answer asks again under the same key.

That a key was used is known from the records of its jobs, and so it is kept exactly as long as they are. Only while
they are being accepted there is no record yet: that is what is remembered here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from meantime.engine.ports import JobStore
from meantime.engine.promise import promise
from meantime.errors import KeyReused
from meantime.model import Job, Once, Request


class _Flight(NamedTuple):
    """A submission under a key that is being decided."""

    once: Once
    accepted: Future[list[Job]]


class OnceOnly:
    """Lets requests through once for each key. Has a lock of its own, never held while calling out."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        kept: Callable[[Sequence[Job]], list[Job]],
        accept: Callable[[Sequence[Request], Once], Future[list[Job]]],
    ) -> None:
        self._jobs = jobs
        self._kept = kept
        self._accept = accept
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def submit(self, requests: Sequence[Request], once: Once) -> Future[list[Job]]:
        """Accept requests, or return the jobs that their key has made or is about to make.

        Raises:
            KeyReused: the key came with something else.
        """
        mine = _Flight(once, promise())
        with self._lock:
            flight = self._flights.setdefault(once.key, mine)
        if flight is not mine:
            if flight.once != once:
                raise _reused()
            return flight.accepted
        # The key is ours before we look for it: a look first would let two in that find nothing at the same time.
        try:
            outcome = self._known(once) or self._accept(requests, once)
        except BaseException as error:
            self._leave(once.key)
            mine.accepted.set_exception(error)
            raise
        outcome.add_done_callback(partial(self._landed, once.key, mine.accepted))
        return mine.accepted

    def _known(self, once: Once) -> Future[list[Job]] | None:
        # Jobs that are being removed are none any more, though their records may still be there.
        jobs = self._kept(self._jobs.accepted_under(once.key))
        if not jobs:
            return None
        if any(job.once != once for job in jobs):
            raise _reused()
        known: Future[list[Job]] = promise()
        known.set_result(jobs)
        return known

    def _landed(self, key: str, accepted: Future[list[Job]], outcome: Future[list[Job]]) -> None:
        # First this: whoever hears that it failed may try again at once.
        self._leave(key)
        if (error := outcome.exception()) is not None:
            accepted.set_exception(error)
        else:
            accepted.set_result(outcome.result())

    def _leave(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


def _reused() -> KeyReused:
    return KeyReused(
        "This idempotency key came before, with another request. Make a new key for each request, and send a key again "
        "only with the very same one."
    )
