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
from meantime.formats import vegalite
from meantime.formats.document import Document
from meantime.formats.format import Format
from meantime.statistics.check import Named
from meantime.statistics.cost import Cost, in_words
from meantime.statistics.parameters import Names, leaves
from meantime.statistics.statistic import AnyPrepared
from meantime.web.backend import Backend
from meantime.web.http.request import HttpRequest
from meantime.web.v1.representation import JSON_FORM
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

    def __init__(self, backend: Backend, question: StatisticQuery, form: Format = JSON_FORM) -> None:
        self.known: dict[str, Any] = msgspec.to_builtins(question.named.parameters)
        self.work = BriefWork()
        self._pools = backend.pools
        self._compute = backend.compute
        self._question = question
        self._form = form
        self._prepared: AnyPrepared | None = None

    async def run(self, request: HttpRequest, work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
        """Do some work for this answer in the threads for answers of its kind, as ``AnswerPool.run`` does.

        Raises:
            AskAsJob: it costs too much.
            NotAcceptable: the form is a chart that cannot be drawn.
            RequestInvalid: it cannot be answered; with all problems.
            AnswersBusy, ClientGone: as in ``AnswerPool.run``.
        """
        named = self._question.named
        cost = named.expected_cost
        self._require_affordable(cost, is_least=True)
        if self._form.draw is not None:
            columns = named.statistic.columns_of(named.parameters)
            vegalite.check_columns(named.statistic.name, columns, self._form.chart)
        if self._form.is_slow:
            return await self._pools.pictures.run(request, work, stop=stop)
        if cost.searched <= _SHORT_CELLS and _locations(named) <= _SHORT_LOCATIONS:
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
        prepared = self.prepare()
        if self._form.draw is not None:
            vegalite.check_rows(prepared.cost.answer_rows, _locations(self._question.named))
        return self._compute.document(prepared, self._question.dataset, self.work)

    def _require_affordable(self, cost: Cost, *, is_least: bool = False) -> None:
        limit = self._compute.limits.at_once
        if not limit.allows(cost):
            stated = in_words(self._question.named.statistic.name, cost, is_least=is_least)
            raise AskAsJob(
                f"{stated} Immediate answers are limited to {limit}. POST the same question to /v1/jobs, where you can "
                "wait for it, follow it and cancel it; or ask for fewer locations, groups or years."
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
