"""Small, working parts for tests of the engine, which do as the test says: computation, gate, clock, stores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from meantime.engine.engine import Engine, JobDetail, JobView
from meantime.engine.ports import EncodedResult, JobStore, ResultStore, Transition
from meantime.engine.retry import RetryPolicy
from meantime.engine.wiring import create_engine
from meantime.errors import DatasetNotReady, MeantimeError, StoreBroken, StoreFull
from meantime.model import JobRecord, JobState, Receipt, Request, Work
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.waiting import PATIENCE_S

Task = Callable[[Request, Work], bytes]


def request(do: str = "echo", *, dataset: str = "toys", fingerprint: str | None = "f1", **parameters: Any) -> Request:
    """A request to do something; "echo" returns its own parameters."""
    return Request(dataset=dataset, statistic=do, parameters=parameters, fingerprint=fingerprint)


class FakeCompute:
    """Does what the request's statistic names: "echo", or one of ``tasks``."""

    def __init__(self, **tasks: Task) -> None:
        self.tasks: Mapping[str, Task] = tasks
        self.method_version = 1
        self.requests: list[Request] = []

    def compute(self, request: Request, work: Work) -> EncodedResult:
        self.requests.append(request)
        task = self.tasks.get(request.statistic, echo)
        return EncodedResult(task(request, work), self.method_version)


def echo(request: Request, work: Work) -> bytes:
    work.progress(1.0)
    return repr(sorted(request.parameters.items())).encode()


class HeldTask:
    """A task that begins, then waits for the test. A polite one checks meanwhile whether it should stop."""

    def __init__(self, *, is_polite: bool = True) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self._is_polite = is_polite

    def __call__(self, request: Request, work: Work) -> bytes:
        self.begun.release()
        # The work goes on until it is told to stop, and this is the work; so it checks every few milliseconds.
        while not self.go_on.wait(0.002):
            if self._is_polite:
                work.check()
        return echo(request, work)

    def wait_begun(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=PATIENCE_S)


class FakeGate:
    """Open, but for the data sets that are closed or failed."""

    def __init__(self, *, closed: Sequence[str] = (), failed: Sequence[str] = ()) -> None:
        self.closed = set(closed)
        self.failed = set(failed)
        self.held: set[str] = set()
        self.unserved: set[str] = set()
        self.callbacks: list[Callable[[str], None]] = []
        self.fingerprint = "f1"

    def is_open(self, dataset: str) -> bool:
        return dataset not in self.closed

    def is_held(self, dataset: str) -> bool:
        return dataset in self.held

    def can_answer(self, request: Request) -> bool:
        return request.dataset not in self.unserved

    def bind(self, request: Request) -> Request:
        if request.dataset in self.failed:
            raise DatasetNotReady(f"{request.dataset} failed to load.")
        return msgspec.structs.replace(request, fingerprint=self.fingerprint)

    def on_open(self, callback: Callable[[str], None]) -> None:
        self.callbacks.append(callback)

    def open(self, dataset: str) -> None:
        self.closed.discard(dataset)
        for callback in self.callbacks:
            callback(dataset)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now_s: float = 1_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


class HeldCall:
    """A call to a store that the test holds back. As in a real store it is committed first, then its caller hears."""

    def __init__(self, call: Callable[[], Future[Any]]) -> None:
        self.future: Future[Any] = Future()  # what the caller got
        self._call = call
        self._done: Future[Any] | None = None

    def commit(self) -> None:
        """Let the call take effect; its caller does not hear of it yet."""
        self._done = self._done or self._call()

    def __call__(self) -> None:
        """Let the caller hear, after the commit."""
        self.commit()
        assert self._done is not None
        if (error := self._done.exception()) is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self._done.result())


class ControlledJobStore(MemoryJobStore):
    """A memory store that fails, or holds back, as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.error: MeantimeError | None = None  # what calls fail with
        self.fails_on: Callable[[str, Sequence[Any]], bool] = lambda kind, subject: True  # noqa: ARG005
        self.failed = threading.Semaphore(0)  # released at each failure
        self.holds_on: Callable[[str, Sequence[Any]], bool] = lambda kind, subject: False  # noqa: ARG005
        self.held: list[HeldCall] = []
        self.holding = threading.Semaphore(0)

    def add(self, requests: Sequence[Request], **more: Any) -> Future[list[JobRecord]]:
        return self._maybe("add", requests, partial(super().add, requests, **more))

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        return self._maybe("update", transitions, partial(super().update, transitions))

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        return self._maybe("remove", numbers, partial(super().remove, numbers))

    def _maybe(self, kind: str, subject: Sequence[Any], call: Callable[[], Future[Any]]) -> Future[Any]:
        if not self.holds_on(kind, subject):
            return self._fail_or(kind, subject, call)
        held = HeldCall(partial(self._fail_or, kind, subject, call))
        self.held.append(held)
        self.holding.release()
        return held.future

    def _fail_or(self, kind: str, subject: Sequence[Any], call: Callable[[], Future[Any]]) -> Future[Any]:
        if self.error is None or not self.fails_on(kind, subject):
            return call()
        future: Future[Any] = Future()
        future.set_exception(self.error)
        self.failed.release()
        return future


class FailingResultStore(MemoryResultStore):
    """A memory store of results that fails with the error the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.error: MeantimeError | None = None
        self.failed = threading.Semaphore(0)

    def put(self, number: int, result: EncodedResult) -> Receipt:
        if self.error is not None:
            self.failed.release()
            raise self.error
        return super().put(number, result)


class RecordingObserver:
    """An observer that remembers what it hears."""

    def __init__(self) -> None:
        self.started: list[float] = []
        self.ended: list[tuple[JobState, float]] = []
        self.troubles: list[tuple[int, BaseException]] = []
        self.jumps: list[float] = []

    def job_started(self, wait_s: float) -> None:
        self.started.append(wait_s)

    def job_ended(self, state: JobState, run_s: float) -> None:
        self.ended.append((state, run_s))

    def job_trouble(self, record: JobRecord, error: BaseException) -> None:
        self.troubles.append((record.number, error))

    def clock_jumped(self, ahead_s: float) -> None:
        self.jumps.append(ahead_s)


FULL = StoreFull("The disk is full.")
# Tries again at once, so that tests of a full disk take no time.
IMPATIENT = RetryPolicy(initial_delay_s=0.001, max_delay_s=0.001)


class Fatal:
    """Hears of a fatal error."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.heard = threading.Event()

    def __call__(self, error: BaseException) -> None:
        self.errors.append(error)
        self.heard.set()

    def wait(self) -> BaseException:
        assert self.heard.wait(PATIENCE_S)
        return self.errors[0]


def make_engine(
    compute: FakeCompute | None = None,
    *,
    jobs: JobStore | None = None,
    results: ResultStore | None = None,
    gate: FakeGate | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
    **more: Any,
) -> Engine:
    """An engine of toys, not started."""
    settings: dict[str, Any] = {
        "clock": ManualClock(),
        "threads": 2,
        "queue_limit": 1000,
        "job_time_limit_s": 1000.0,
        "keep_ended_s": 1000.0,
        "keep_ended_jobs": 1000,
        "retry": IMPATIENT,
        # As long as the clock says, so that a test that moves it has not made it jump.
        "running": more.get("clock", time.monotonic),
    }
    return create_engine(
        jobs=jobs or MemoryJobStore(),
        results=results or MemoryResultStore(),
        compute=compute or FakeCompute(),
        gate=gate or FakeGate(),
        on_fatal=on_fatal or unexpected,
        **(settings | more),
    )


def unexpected(error: BaseException) -> None:
    raise AssertionError("nothing fatal was expected") from error


@contextmanager
def running(*args: Any, **more: Any) -> Iterator[Engine]:
    """An engine of toys, started, and stopped at the end."""
    engine = make_engine(*args, **more)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop(wait_s=PATIENCE_S)


def submit(engine: Engine, *requests: Request) -> list[int]:
    """Submit, wait until that is durable, return the numbers."""
    return [job.number for job in engine.submit(requests).result(PATIENCE_S)]


def end_of(engine: Engine, number: int) -> JobView:
    """Wait until a job has ended."""
    ended: Future[JobRecord] = Future()

    def look(detail: JobDetail) -> None:
        if detail.state.is_ended:
            ended.set_result(detail.record)

    engine.watch(number, look)
    job = ended.result(PATIENCE_S)
    return JobView(job.number, job.state, job.failure)


BROKEN = StoreBroken("The disk is gone.")


def stored(jobs: MemoryJobStore, number: int) -> JobRecord:
    job = jobs.get(number)
    assert job is not None
    return job


def crashed(*requests: Request, attempts: int = 1, store: MemoryJobStore | None = None) -> MemoryJobStore:
    """A store as a server leaves it that dies while it works on these, after so many attempts each."""
    store = store or MemoryJobStore()
    for added in store.add(requests, at_s=1.0).result():
        job = added
        for _ in range(attempts - 1):
            started = job.start(at_s=2.0)
            back = started.give_back(attempt_counts=True)
            store.update([Transition(job, started), Transition(started, back)]).result()
            job = back
        store.update([Transition(job, job.start(at_s=3.0))]).result()
    return store


def is_start(kind: str, subject: Any) -> bool:
    return kind == "update" and subject[0].after.state is JobState.RUNNING


def is_done(kind: str, subject: Any) -> bool:
    return kind == "update" and subject[0].after.state is JobState.DONE
