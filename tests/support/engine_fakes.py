"""Small, working parts for tests of the engine: a computation that does as it is told, a gate, a clock, a full disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from meantime.engine.engine import Engine, JobDetail, JobView
from meantime.engine.ports import Answer, JobStore, Move, ResultStore
from meantime.engine.retry import RetryPolicy
from meantime.errors import DatasetNotReady, MeantimeError, StoreFull
from meantime.model import Job, JobState, Once, Receipt, Request, Work
from meantime.stores.memory import MemoryJobStore, MemoryResultStore

# How long a test waits for what must come: far longer than it takes, also on a busy machine.
PATIENCE_S = 30.0

Deed = Callable[[Request, Work], bytes]


def request(do: str = "echo", *, dataset: str = "toys", fingerprint: str | None = "f1", **parameters: Any) -> Request:
    """A request to do something; "echo" gives its own parameters back."""
    return Request(dataset=dataset, statistic=do, parameters=parameters, fingerprint=fingerprint)


class ToyCompute:
    """Does as the request's statistic says: "echo", or one of the deeds given."""

    def __init__(self, **deeds: Deed) -> None:
        self.deeds: Mapping[str, Deed] = deeds
        self.method_version = 1
        self.asked: list[Request] = []

    def answer(self, request: Request, work: Work) -> Answer:
        self.asked.append(request)
        deed = self.deeds.get(request.statistic, echo)
        return Answer(deed(request, work), self.method_version)


def echo(request: Request, work: Work) -> bytes:
    work.progress(1.0)
    return repr(sorted(request.parameters.items())).encode()


class Held:
    """A deed that begins, then waits for the test; ``checks`` until then if it is a polite one."""

    def __init__(self, *, is_polite: bool = True) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self._is_polite = is_polite

    def __call__(self, request: Request, work: Work) -> bytes:
        self.begun.release()
        # A short wait between looks: the work goes on until it is told to stop, and this is the work.
        while not self.go_on.wait(0.002):
            if self._is_polite:
                work.check()
        return echo(request, work)

    def wait_begun(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=PATIENCE_S)


class ToyGate:
    """Open, but for the data sets that are closed or failed."""

    def __init__(self, *, closed: Sequence[str] = (), failed: Sequence[str] = ()) -> None:
        self.closed = set(closed)
        self.failed = set(failed)
        self.callbacks: list[Callable[[str], None]] = []
        self.fingerprint = "f1"

    def is_open(self, dataset: str) -> bool:
        return dataset not in self.closed

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


class MovableJobStore(MemoryJobStore):
    """A memory store that fails, or holds back, as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.error: MeantimeError | None = None  # what calls fail with
        self.fails_on: Callable[[str, Sequence[Any]], bool] = lambda kind, subject: True  # noqa: ARG005
        self.failed = threading.Semaphore(0)  # released at each failure
        self.holds_on: Callable[[str, Sequence[Any]], bool] = lambda kind, subject: False  # noqa: ARG005
        self.held: list[HeldCall] = []
        self.holding = threading.Semaphore(0)

    def add(self, requests: Sequence[Request], *, at_s: float, once: Once | None = None) -> Future[list[Job]]:
        return self._maybe("add", requests, partial(super().add, requests, at_s=at_s, once=once))

    def move(self, moves: Sequence[Move]) -> Future[None]:
        return self._maybe("move", moves, partial(super().move, moves))

    def remove(self, numbers: Sequence[int]) -> Future[list[Job]]:
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


class FillingResults(MemoryResultStore):
    """A memory store of results that fails as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.error: MeantimeError | None = None
        self.failed = threading.Semaphore(0)

    def put(self, number: int, answer: Answer) -> Receipt:
        if self.error is not None:
            self.failed.release()
            raise self.error
        return super().put(number, answer)


class Notes:
    """An observer that writes down what it hears."""

    def __init__(self) -> None:
        self.started: list[float] = []
        self.ended: list[tuple[JobState, float]] = []
        self.troubles: list[tuple[int, BaseException]] = []

    def job_started(self, wait_s: float) -> None:
        self.started.append(wait_s)

    def job_ended(self, state: JobState, run_s: float) -> None:
        self.ended.append((state, run_s))

    def job_trouble(self, job: Job, error: BaseException) -> None:
        self.troubles.append((job.number, error))


FULL = StoreFull("The disk is full.")
# Looks again at once, so that tests of a full disk take no time.
IMPATIENT = RetryPolicy(first_wait_s=0.001, longest_wait_s=0.001)


class Fatal:
    """Hears of the end."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.heard = threading.Event()

    def __call__(self, error: BaseException) -> None:
        self.errors.append(error)
        self.heard.set()

    def wait(self) -> BaseException:
        assert self.heard.wait(PATIENCE_S)
        return self.errors[0]


def engine(
    compute: ToyCompute | None = None,
    *,
    jobs: JobStore | None = None,
    results: ResultStore | None = None,
    gate: ToyGate | None = None,
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
    }
    return Engine(
        jobs=jobs or MemoryJobStore(),
        results=results or MemoryResultStore(),
        compute=compute or ToyCompute(),
        gate=gate or ToyGate(),
        on_fatal=on_fatal or unexpected,
        **(settings | more),
    )


def unexpected(error: BaseException) -> None:
    raise AssertionError("nothing fatal was expected") from error


@contextmanager
def running(*args: Any, **more: Any) -> Iterator[Engine]:
    """An engine of toys, started, and stopped at the end."""
    made = engine(*args, **more)
    made.start()
    try:
        yield made
    finally:
        made.stop(wait_s=PATIENCE_S)


def submit(engine: Engine, *requests: Request) -> list[int]:
    """Submit, wait until that is durable, return the numbers."""
    return [job.number for job in engine.submit(requests).result(PATIENCE_S)]


def end_of(engine: Engine, number: int) -> JobView:
    """Wait until a job has ended."""
    ended: Future[Job] = Future()

    def look(detail: JobDetail) -> None:
        if detail.state.is_ended:
            ended.set_result(detail.job)

    engine.watch(number, look)
    job = ended.result(PATIENCE_S)
    return JobView(job.number, job.state, job.failure)
