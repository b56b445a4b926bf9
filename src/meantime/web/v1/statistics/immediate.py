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
from meantime.statistics.cost import CostLimit, in_words
from meantime.web.backend import Backend
from meantime.web.v1.statistics.query import StatisticQuery

# Larger computations run in a thread: others would wait for this one.
_IN_LOOP_S = 0.05
# Larger ones must be jobs, which can be followed and cancelled. People wait so long without wondering, and so much is a
# page of a browser.
_AT_ONCE = CostLimit(seconds=1.5, answer_bytes=4_000_000)
# As long as people wait without any sign of progress. The limits above make this rare.
_SECONDS = 10.0


class ImmediateAnswer:
    """An immediate answer, computed in the calling thread; a long one needs one of the few slots.

    Raises:
        AskAsJob: it costs too much.
    """

    def __init__(self, backend: Backend, question: StatisticQuery) -> None:
        prepared, cost = question.prepared, question.prepared.cost
        if not _AT_ONCE.allows(cost):
            raise AskAsJob(
                f"{in_words(prepared.statistic.name, cost)} Immediate answers are limited to {_AT_ONCE}. POST the same "
                "question to /v1/jobs, where you can wait for it, follow it and cancel it; or name fewer locations or "
                "years."
            )
        self.known: dict[str, Any] = msgspec.to_builtins(prepared.parameters)
        self.is_long = cost.seconds > _IN_LOOP_S
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
