"""A server with scripted answers, and both clients behind one interface."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from meantime import AsyncClient, Client
from meantime.client.jobs import JobHandle
from meantime.formats import document
from meantime.table import Table
from tests.support import result_documents
from tests.support.result_documents import LOCATION, MEAN

QUESTION = "Percent of adults aged 18 years and older who have obesity"
RESULT = result_documents.of(
    Table(
        columns=(LOCATION, MEAN),
        data=(["Utah", "Ohio", "Guam"], [22.75, 30.0, None]),
        notes=("all rows",),
        warnings=("not a rate",),
    )
)


def done(result: document.Document = RESULT) -> httpx.Response:
    """The answer with a result."""
    return httpx.Response(200, content=document.encode(result), headers={"Content-Type": "application/json"})


def job(state: str = "queued", *, status: int = 200, **more: Any) -> httpx.Response:
    """The answer with the status of a job."""
    return httpx.Response(status, json=job_json(state, **more))


def job_json(state: str = "queued", **more: Any) -> dict[str, Any]:
    """The JSON of a job's status; ``more`` are the fields that a test is about."""
    is_ended = state in ("done", "failed", "cancelled")
    return {
        "id": "job_id_7",
        "state": state,
        "label": None,
        "dataset": "table",
        "fingerprint": "f" * 64,
        "statistic": "states_mean",
        "parameters": {"question": QUESTION},
        "api": "v1",
        "progress": 0.0,
        "position": 0 if state == "queued" else None,
        "attempts": 0 if state == "queued" else 1,
        "created_at": "2026-11-24T09:30:00.123456Z",
        "started_at": None if state == "queued" else "2026-11-24T09:30:00.125Z",
        "ended_at": "2026-11-24T09:30:00.126Z" if is_ended else None,
        "expires_at": "2026-12-24T09:30:00.126Z" if is_ended else None,
        "failure": None,
        "links": {"self": "/v1/jobs/job_id_7", "results": "", "events": ""},
    } | more


def problem(code: str, status: int, detail: str = "The detail.", *, retry_after: str | None = None, **more: Any) -> Any:
    """An error of the server."""
    headers = {"Content-Type": "application/problem+json"}
    document = {"type": f"/v1/problems/{code}", "title": "Title", "status": status, "detail": detail, "code": code}
    return httpx.Response(
        status,
        content=msgspec.json.encode(document | {"fault": "caller", "next": "Do this."} | more),
        headers=headers if retry_after is None else headers | {"Retry-After": retry_after},
    )


def not_ready() -> Any:
    """The answer for a result that is not ready."""
    return problem("result-not-ready", 404, "job_id_7 is running.", retry_after="1")


class Script:
    """Gives its answers in order, and fails when there are no more; an exception is raised as a network error."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        # A copy: a client closes the response, and a test may give the same one several times.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def is_over(self) -> bool:
        return not self._answers

    @property
    def lines(self) -> list[str]:
        """The first line of each request."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    async def nap(self, seconds: float) -> None:
        self.sleep(seconds)


Handler = Callable[[httpx.Request], httpx.Response]
ClientFactory = Callable[..., Any]  # (handler, time=..., **options) -> a client with the methods of Client


def blocking(handler: Handler, *, time: FakeTime | None = None, **options: Any) -> Any:
    """The blocking client."""
    time = time or FakeTime()
    return Client(
        "http://server",
        transport=httpx.MockTransport(handler),
        sleep=time.sleep,
        clock=time.clock,
        random=lambda: 0.0,
        **options,
    )


def asynchronous(handler: Handler, *, time: FakeTime | None = None, **options: Any) -> Any:
    """The asynchronous client, made to block: each call runs in its own event loop."""
    time = time or FakeTime()
    client = AsyncClient(
        "http://server",
        transport=httpx.MockTransport(handler),
        sleep=time.nap,
        clock=time.clock,
        random=lambda: 0.0,
        **options,
    )
    return _BlockingProxy(client)


class _BlockingProxy:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if inspect.isawaitable(value):
            return asyncio.run(_awaited(value))
        if not inspect.ismethod(value):
            return value
        return lambda *args, **options: _blocking_value(value(*args, **options))

    def __repr__(self) -> str:
        return repr(self._inner).replace("Async", "")


def _blocking_value(answer: Any) -> Any:
    if inspect.isasyncgen(answer):
        return iter(asyncio.run(_all_items(answer)))
    if inspect.isawaitable(answer):
        answer = asyncio.run(_awaited(answer))
    return _BlockingProxy(answer) if isinstance(answer, JobHandle) else answer


async def _awaited(awaited: Any) -> Any:
    return await awaited


async def _all_items(answers: Any) -> list[Any]:
    return [_BlockingProxy(answer) async for answer in answers]
