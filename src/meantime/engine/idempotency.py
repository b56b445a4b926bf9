"""The same request sent twice makes its jobs once: a client that got no answer repeats it under the same key.

That a key was used is known from the records of its jobs, so a key is kept exactly as long as they are. While they are
being accepted there is no record yet: only that is remembered here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from meantime.engine.futures import resolved_future, uncancellable_future
from meantime.engine.ports import JobStore, KeyTaken
from meantime.errors import KeyReused, MeantimeError, StorePaused
from meantime.model import IdempotencyKey, JobRecord


class _InFlight(NamedTuple):
    """A submission under a key that is being decided."""

    key: IdempotencyKey
    accepted: Future[list[JobRecord]]


class IdempotentSubmissions:
    """Accepts requests once for each key. Has its own lock, never held while calling out.

    ``keep_known`` drops the records of jobs that are being removed.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        keep_known: Callable[[Sequence[JobRecord]], list[JobRecord]],
    ) -> None:
        self._store = store
        self._keep_known = keep_known
        self._lock = threading.Lock()
        self._in_flight: dict[str, _InFlight] = {}

    def submit(self, key: IdempotencyKey, accept: Callable[[], Future[list[JobRecord]]]) -> Future[list[JobRecord]]:
        """Return the jobs that a key has made or is about to make; where there are none, ``accept`` makes them.

        Raises:
            KeyReused: the key came before with another request.
        """
        mine = _InFlight(key, uncancellable_future())
        with self._lock:
            first = self._in_flight.setdefault(key.key, mine)
        if first is not mine:
            if first.key != key:
                raise _key_reused()
            return first.accepted
        # The key is reserved before its jobs are looked for. The other way round, two clients could find none at the
        # same time and both make jobs.
        try:
            outcome = self._existing(key) or accept()
        except BaseException as error:
            self._release(key)
            mine.accepted.set_exception(error)
            raise
        outcome.add_done_callback(partial(self._decided, mine))
        return mine.accepted

    def _existing(self, key: IdempotencyKey) -> Future[list[JobRecord]] | None:
        # The record of a job may still be there while the job is being removed.
        records = self._keep_known(self._store.accepted_under(key.key))
        if not records:
            return None
        if any(record.idempotency_key != key for record in records):
            raise _key_reused()
        return resolved_future(records)

    def _decided(self, mine: _InFlight, outcome: Future[list[JobRecord]]) -> None:
        # Released first: a client may try again as soon as it hears of the failure.
        self._release(mine.key)
        error = outcome.exception()
        if isinstance(error, KeyTaken):
            # Another host was quicker: its jobs are on record now.
            try:
                mine.accepted.set_result(self._made_elsewhere(mine.key))
            except MeantimeError as refusal:
                mine.accepted.set_exception(refusal)
        elif error is not None:
            mine.accepted.set_exception(error)
        else:
            mine.accepted.set_result(outcome.result())

    def _made_elsewhere(self, key: IdempotencyKey) -> list[JobRecord]:
        if (existing := self._existing(key)) is None:
            raise StorePaused("Another server has removed the jobs of this idempotency key. Send the request again.")
        return existing.result()

    def _release(self, key: IdempotencyKey) -> None:
        with self._lock:
            del self._in_flight[key.key]


def _key_reused() -> KeyReused:
    return KeyReused(
        "This idempotency key was used before, with another request. Make a new key for each request, and send a key "
        "again only with exactly the same request."
    )
