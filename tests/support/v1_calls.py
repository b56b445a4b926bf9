"""Handlers of v1 without HTTP, called as the router calls them, over an engine that the test controls."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from meantime.compute.local import LocalCompute
from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Ready, Status
from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import Snapshot
from meantime.engine.engine import Engine, Event, JobDetail
from meantime.engine.ports import EncodedResult
from meantime.errors import DatasetNotReady, JobUnknown, SourceEmpty
from meantime.model import JobRecord, JobState, Request, Work
from meantime.statistics.cost import COST_LIMITS, CostLimits
from meantime.web.backend import Backend
from meantime.web.http.loop_bridge import FutureBridge
from meantime.web.http.replies import Reply, Stream
from meantime.web.long_poll import JobWaiters
from tests.support import engine_fakes
from tests.support.engine_fakes import Task
from tests.support.http_requests import FakeRequest
from tests.support.waiting import PATIENCE_S
from tests.support.web_app import OBESITY, table

SUBMISSION: Mapping[str, Any] = {"statistic": "states_mean", "parameters": {"question": OBESITY}}
KEEP_ENDED_S = 3600.0
NOTHING: Any = None  # for what the handlers under test do not use


class Tables:
    """A fake catalog: tables that are ready, loading, or could not be loaded."""

    def __init__(self, **tables: Snapshot | None) -> None:
        self._tables = tables or {"table": table()}
        self.failed: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tables)

    @property
    def default(self) -> str:
        return self.names[0]

    def load(self, name: str) -> None:
        """Have a table there that was loading."""
        self._tables[name] = table()

    def status(self, name: str) -> Status:
        if name in self.failed:
            return Failed(SourceEmpty("It has no rows."))
        if (snapshot := self._tables[name]) is None:
            return Loading(Progress(phase="reading", share=0.5, rows=7))
        return Ready(snapshot)

    def statuses(self) -> dict[str, Status]:
        return {name: self.status(name) for name in self.names}

    def is_uploaded(self, name: str) -> bool:
        return name not in self.names

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:  # noqa: ARG002 - there is one each
        if (snapshot := self._tables[name]) is None or name in self.failed:
            raise DatasetNotReady(f"{name} failed to load.")
        return snapshot


class ControlledCompute:
    """Answers as a server does; of the statistics named in ``tasks`` not before that task is done."""

    def __init__(self, local: LocalCompute, tasks: Mapping[str, Task]) -> None:
        self._local = local
        self._tasks = tasks

    def compute(self, request: Request, work: Work) -> EncodedResult:
        if (task := self._tasks.get(request.statistic)) is not None:
            task(request, work)
        return self._local.compute(request, work)


@dataclass
class RunningBackend:
    """The backend that the handlers use."""

    backend: Backend
    engine: Engine
    tables: Tables

    def submit(self, *, view: str = "document", label: str | None = None, **changes: Any) -> str:
        """Have a job accepted, and return its id."""
        made = {**SUBMISSION, **changes}
        request = Request(
            dataset="table",
            statistic=made["statistic"],
            parameters=made["parameters"],
            view=view,
            fingerprint="f" * 64,
            label=label,
        )
        [number] = engine_fakes.submit(self.engine, request)
        return f"job_id_{number}"

    def done(self, **changes: Any) -> str:
        """Have a job done, and return its id."""
        job_id = self.submit(**changes)
        assert self.engine.wait_drained(PATIENCE_S)
        return job_id

    def run(self, handle: Callable[[Backend, Any], Awaitable[Any]], request_of: Callable[[], FakeRequest]) -> Reply:
        """Run one handler in its own event loop."""

        async def story() -> Reply:
            reply = await handle(self.backend, request_of())
            assert isinstance(reply, Reply)
            return reply

        return asyncio.run(story())


@contextmanager
def running_backend(
    *,
    tables: Tables | None = None,
    tasks: Mapping[str, Task] | None = None,
    limits: CostLimits = COST_LIMITS,
    **settings: Any,
) -> Iterator[RunningBackend]:
    """Run an engine on the table of ``tests.support.web_app``, with a backend for handlers."""
    tables = tables or Tables()
    local = LocalCompute(tables, limits)
    with engine_fakes.running(
        **({"clock": time.time, "compute": ControlledCompute(local, tasks or {})} | settings)
    ) as engine:
        backend = Backend(
            engine=engine,
            catalog=cast("Catalog", tables),
            compute=local,
            wait_for=wait_for_future,
            keep_ended_s=KEEP_ENDED_S,
            metrics=NOTHING,
            explorer=NOTHING,
        )
        yield RunningBackend(backend, engine, tables)
        backend.waiters.close()


JobWatcher = Callable[[JobDetail], None]


def detail(
    number: int = 1,
    state: JobState = JobState.QUEUED,
    *,
    progress: float = 0.0,
    attempts: int = 1,
    statistic: str = "echo",
    label: str | None = None,
) -> JobDetail:
    """The state of a made job."""
    request = Request(dataset="toys", statistic=statistic, parameters={}, label=label)
    job = JobRecord(number=number, request=request, created_at_s=0.0, state=state, attempts=attempts)
    return JobDetail(job, state, progress, None)


class FakeEngine:
    """As much of an engine as ``JobWaiters`` uses. The test sets the states of jobs, and their watchers are called."""

    def __init__(self, jobs: int = 1) -> None:
        self.standing = {number: detail(number) for number in range(1, jobs + 1)}
        self.watchers: dict[int, list[JobWatcher]] = {}
        self.watches = 0
        self.followers: list[Callable[[Event], None]] = []
        self.waiters = JobWaiters()

    def describe(self, number: int) -> JobDetail:
        if number not in self.standing:
            raise JobUnknown(f"There is no job {number}.")
        return self.standing[number]

    def watch(self, number: int, callback: JobWatcher) -> Callable[[], None]:
        self.describe(number)
        self.watches += 1
        if self.standing[number].state.is_ended:
            callback(self.standing[number])
            return lambda: None
        watchers = self.watchers.setdefault(number, [])
        watchers.append(callback)

        def unwatch() -> None:
            watchers.remove(callback)
            if not watchers and self.watchers.get(number) is watchers:
                del self.watchers[number]

        return unwatch

    def follow(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        self.followers.append(callback)
        return lambda: self.followers.remove(callback)

    def tell(self, number: int = 1, state: JobState = JobState.DONE, **more: Any) -> None:
        """Set the state of a job, and notify its watchers."""
        self.standing[number] = detail(number, state, **more)
        for watcher in list(self.watchers.get(number, ())):
            watcher(self.standing[number])
        if state.is_ended:
            self.watchers.pop(number, None)  # which also ends its watches

    def tell_all(self, state: JobState = JobState.DONE) -> None:
        """Set the state of every job."""
        for number in self.standing:
            self.tell(number, state)

    def happen(self, kind: Any = "accepted", number: int = 1, **more: Any) -> None:
        """Report an event of a job to all followers."""
        for follower in self.followers:
            follower(Event(kind, detail(number, **more)))

    @property
    def engine(self) -> Engine:
        return cast("Engine", self)

    @property
    def backend(self) -> Backend:
        """The backend of handlers that only use jobs."""
        return Backend(
            engine=self.engine,
            waiters=self.waiters,
            catalog=NOTHING,
            compute=NOTHING,
            wait_for=wait_for_future,
            keep_ended_s=KEEP_ENDED_S,
            metrics=NOTHING,
            explorer=NOTHING,
        )


async def wait_for_future(future: Future[Any]) -> Any:
    """Wait for a future as the server does."""
    await FutureBridge().wait(future)
    return future.result()


async def turns_until(claim: Callable[[], bool]) -> None:
    """Run the event loop until something holds; threads can run in between."""
    async with asyncio.timeout(PATIENCE_S):
        while not claim():
            await asyncio.sleep(0)


async def taken(pieces: AsyncIterator[bytes], times: int = 1) -> list[bytes]:
    """Return the next pieces of a stream."""
    async with asyncio.timeout(PATIENCE_S):
        return [await anext(pieces) for _ in range(times)]


def events(pieces: Sequence[bytes]) -> list[dict[str, Any]]:
    """Read server-sent events as a browser does; what has no data is none."""
    events = []
    for block in b"".join(pieces).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            events.append({**fields, "data": json.loads(fields["data"])})
    return events


def body_of(reply: Reply) -> Any:
    """The JSON of an answer."""
    return json.loads(reply.body)


def headers_of(reply: Reply | Stream) -> dict[str, str]:
    """The headers of an answer, each there once."""
    assert len(dict(reply.headers)) == len(reply.headers), reply.headers
    return dict(reply.headers)
