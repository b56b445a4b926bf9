"""Faults put in on purpose where several hosts share their jobs. They need the extra postgres."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

import msgspec

from meantime.engine.ports import EncodedResult
from meantime.engine.task_runner import TaskRunner

# A job is lost after so many commits.
_EVERY = 20
# No host has this number, so all of them hear of it.
_NOBODY = 0


def lost_when_done() -> None:
    """Lose a job that is done, after every twentieth commit, as if a client had removed it."""
    from meantime.stores.postgres.transactions import Transactions

    commit, commits = Transactions.commit, itertools.count(1)

    def and_lose(self: Transactions, connection: Any, group: Any) -> None:
        commit(self, connection, group)
        if next(commits) % _EVERY == 0:
            with connection.transaction():
                [(change, *_)] = connection.execute(self._sql["hold"], (0,)).fetchall()
                last = connection.execute("SELECT max(number) FROM meantime.jobs WHERE state = 'done'").fetchone()
                connection.execute(self._sql["remove"], (list(last), change, _NOBODY, _NOBODY))

    Transactions.commit = and_lose  # type: ignore[method-assign]


def each_host_computes() -> None:
    """Compute what another host has, whatever its receipt says; half of the hosts have the rows in another order."""
    from meantime.stores.postgres.host_results import PostgresResults

    computed = TaskRunner._computed

    def in_its_order(self: TaskRunner, record: Any, work: Any) -> EncodedResult:
        result = computed(self, record, work)
        document = msgspec.json.decode(result.body)
        if os.getpid() % 2 and "rows" in document:
            document["rows"].reverse()
        return EncodedResult(msgspec.json.encode(document), result.method_version)

    TaskRunner._computed = in_its_order  # type: ignore[method-assign]
    TaskRunner._require_same = lambda *_: None  # type: ignore[method-assign]
    PostgresResults.fetch = lambda *_: None  # type: ignore[method-assign]


BROKEN_HOSTS: tuple[Callable[[], None], ...] = (lost_when_done, each_host_computes)
