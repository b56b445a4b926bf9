"""Computes immediate answers, within limits of size and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from meantime.errors import (
    AskAsJob,
    JobCancelled,
)
from meantime.formats.document import Document
from meantime.statistics.check import Named
from meantime.statistics.cost import Cost, in_words
from meantime.statistics.parameters import Names, leaves
from meantime.statistics.statistic import AnyPrepared
from meantime.web.backend import Backend
from meantime.web.http.request import HttpRequest
from meantime.web.v1.statistics.query import StatisticQuery

T = TypeVar("T")

# What takes longer than a few milliseconds has the threads for long answers: short ones must not wait for it.
_SHORT_S = 0.02
# Selecting among more cells, or for more locations, takes longer than that. A question of the CDC has 20,020 cells
# and 55 locations at most.
_SHORT_CELLS = 25_000
_SHORT_LOCATIONS = 300
# The parameters whose locations are the only ones of an answer.
_SELECTING = ("/state", "/location")
# As long as people wait without any sign of progress. The limits above make this rare.
_SECONDS = 10.0


class ImmediateAnswer:
    """An immediate answer, made in threads."""

    def __init__(self, backend: Backend, question: StatisticQuery) -> None:
        self.known: dict[str, Any] = msgspec.to_builtins(question.named.parameters)
        self.work = BriefWork()
        self._pools = backend.pools
        self._compute = backend.compute
        self._question = question
        self._prepared: AnyPrepared | None = None

    async def run(self, request: HttpRequest, work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
        """Do some work for this answer in the threads for answers of its cost, as ``AnswerPool.run`` does.

        Raises:
            AskAsJob: it costs too much.
            RequestInvalid: it cannot be answered; with all problems.
            AnswersBusy, ClientGone: as in ``AnswerPool.run``.
        """
        named = self._question.named
        self._require_affordable(named.least_cost)
        if named.least_cost.searched <= _SHORT_CELLS and _locations(named) <= _SHORT_LOCATIONS:
            done = await self._pools.short.run(request, partial(self._done_if_short, work), stop=stop)
            if done is not None:
                return done[0]
        return await self._pools.long.run(request, work, stop=stop)

    def _done_if_short(self, work: Callable[[], T]) -> tuple[T] | None:
        return None if self.prepare().cost.seconds > _SHORT_S else (work(),)

    def prepare(self) -> AnyPrepared:
        """Select the cells, if that was not done before, in the calling thread.

        Raises:
            AskAsJob, RequestInvalid: as ``run`` does.
        """
        if self._prepared is None:
            prepared = self._question.prepared()
            self._require_affordable(prepared.cost)
            self._prepared = prepared
        return self._prepared

    def document(self) -> Document:
        """Compute it in the calling thread; raises as ``prepare`` and the computation do."""
        return self._compute.document(self.prepare(), self._question.dataset, self.work)

    def _require_affordable(self, cost: Cost) -> None:
        limit = self._compute.limits.at_once
        if not limit.allows(cost):
            raise AskAsJob(
                f"{in_words(self._question.named.statistic.name, cost)} Immediate answers are limited to {limit}. POST "
                "the same question to /v1/jobs, where you can wait for it, follow it and cancel it; or ask for fewer "
                "locations, groups or years."
            )


def _locations(named: Named) -> int:
    """Return how many locations a request is about: those that it selects by name, or all.

    Others that it names (``reference``, ``alike_of``) select nothing.
    """
    values = {field: getattr(named.parameters, field) for field in named.parameters.__struct_fields__}
    pointers = (leaf.pointer for leaf in leaves(named.statistic.parameters, values) if leaf.names is Names.LOCATION)
    selected = sum(pointer.startswith(_SELECTING) for pointer in pointers)
    return selected or len(named.snapshot.cube.labels.locations)


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
