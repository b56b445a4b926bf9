"""Computes an answer at once, within limits of size and time."""

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

# What goes through more is made in a thread. A question of the CDC has up to 20,020 cells; each a group of its own they
# take 40 ms, added up to states 10.
_IN_LOOP = 25_000
# What goes through more belongs into a job, where it can be watched and cancelled. Five million rows take 0.1 s for the
# median of each state, and 0.5 s for that of each of 20,020 groups (2 cores).
_AT_ONCE = 10_000_000
# As long as people wait without being told anything. The size above makes it rare.
_SECONDS = 10.0


class ImmediateAnswer:
    """How an answer is made at once, in whichever thread; one of very many rows takes one of the few places for such.

    Raises:
        AskAsJob: it goes through too many.
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
        """Make it; raises AnswersBusy where all places are taken, and as the compute does."""
        with self._slots.take() if self.is_long else nullcontext():
            return self._compute.document(self._question.prepared, self._question.dataset, self.work)


class BriefWork:
    """Work that nobody watches, and that is over when the time is, or when nobody waits for it."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _SECONDS
        self._is_stopped = False

    def progress(self, share: float) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Raise AskAsJob after some seconds, JobCancelled where nobody waits any more."""
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
