"""Computes immediate answers, within limits of size and time."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import msgspec

from meantime.errors import (
    AskAsJob,
    JobCancelled,
)
from meantime.formats.document import Document
from meantime.web.backend import Backend
from meantime.web.v1.statistics.query import StatisticQuery

# Larger computations run in a thread. A question of the CDC has up to 20,020 cells, which take 40 ms if each is a group
# of its own, and 10 ms if they are combined to states.
_IN_LOOP = 25_000
# Larger computations must be jobs, which can be followed and cancelled. For five million rows, the median of each state
# takes 0.1 s, and that of each of 20,020 groups 0.5 s (2 cores).
_AT_ONCE = 10_000_000
# As long as people wait without any sign of progress. The limits above make this rare.
_SECONDS = 10.0


class ImmediateAnswer:
    """An immediate answer, computed in the calling thread; a long one needs one of the few slots.

    Raises:
        AskAsJob: it covers too many rows.
    """

    def __init__(self, backend: Backend, question: StatisticQuery) -> None:
        parameters, count = question.prepared.parameters, question.prepared.statistic.entries_read
        entries = 0 if count is None else count(question.snapshot, parameters)
        if entries > _AT_ONCE:
            raise AskAsJob(
                f"This question covers {entries:,} rows; immediate answers cover at most {_AT_ONCE:,}. POST the "
                "same question to /v1/jobs, where you can wait for it, follow it and cancel it."
            )
        self.known: dict[str, Any] = msgspec.to_builtins(parameters)
        self.is_long = entries > _IN_LOOP
        self.work = BriefWork()
        self._compute = backend.compute
        self._slots = backend.slots
        self._question = question

    def document(self) -> Document:
        """Compute it. Raises AnswersBusy if all slots are taken, and whatever the computation raises."""
        with self._slots.take() if self.is_long else nullcontext():
            return self._compute.document(self._question.prepared, self._question.dataset, self.work)


class BriefWork:
    """Work without progress reports, which ends when its time is up or when the client has disconnected."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _SECONDS
        self._is_stopped = False

    def progress(self, share: float) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Raise AskAsJob if the time is up, JobCancelled after ``stop``."""
        if self._is_stopped:
            raise JobCancelled("The client has disconnected.")
        if time.monotonic() > self._until:
            raise AskAsJob(
                f"The answer was not ready within {_SECONDS:.0f} s. POST the same question to /v1/jobs, where you "
                "can wait for it, follow it and cancel it."
            )

    def stop(self) -> None:
        """Stop at the next check."""
        self._is_stopped = True
