"""The running parts that endpoints use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from meantime.dataset.catalog import Catalog
from meantime.dataset.uploads import Uploads
from meantime.engine.engine import Engine
from meantime.formats.document import Document
from meantime.model import Request, Work
from meantime.statistics.cost import CostLimits
from meantime.statistics.statistic import AnyPrepared
from meantime.web.answer_cache import AnswerCache
from meantime.web.explorer.serving import Explorer
from meantime.web.job_list import KeptJobList
from meantime.web.long_poll import JobWaiters
from meantime.web.metrics import Metrics
from meantime.web.pools import AnswerPools
from meantime.web.stream_places import StreamPlaces


class Compute(Protocol):
    """Computes an answer without a job, as ``compute.local.LocalCompute`` does. Both methods raise the same errors."""

    @property
    def limits(self) -> CostLimits:
        """What an answer may cost."""

    def prepare(self, request: Request) -> AnyPrepared:
        """Check a request that was accepted earlier, and select its cells."""

    def document(self, prepared: AnyPrepared, dataset: str, work: Work) -> Document:
        """Compute in the calling thread."""


class HostResults(Protocol):
    """The results of this host, for others that prove to be of the same group."""

    def read(self, number: int, proof: str) -> bytes | None:
        """Return the file of a result; None if it is not here, or the proof is not right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The running parts that handlers use."""

    engine: Engine
    catalog: Catalog
    compute: Compute
    wait_for: Callable[[Future[Any]], Awaitable[Any]]  # waits in the event loop until a thread has completed the future
    keep_ended_s: float  # how long ended jobs are kept; expires_at shows it
    metrics: Metrics
    explorer: Explorer
    uploads: Uploads | None = None  # None: the server takes none
    host_results: HostResults | None = None  # None: no other host asks for results
    waiters: JobWaiters = field(default_factory=JobWaiters)
    answers: AnswerCache = field(default_factory=AnswerCache)
    pools: AnswerPools = field(default_factory=AnswerPools)
    job_list: KeptJobList = field(default_factory=KeptJobList)
    streams: StreamPlaces = field(default_factory=StreamPlaces)
