"""A server that answers as a script says, and both clients asked in one way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from meantime import AsyncClient, Client
from meantime.client.seen import Known
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
    """A result, as it is read or waited for."""
    return httpx.Response(200, content=document.encode(result), headers={"Content-Type": "application/json"})


def job(state: str = "queued", *, status: int = 200, **more: Any) -> httpx.Response:
    """A job as it stands."""
    return httpx.Response(status, json=standing(state, **more))


def standing(state: str = "queued", **more: Any) -> dict[str, Any]:
    """What is said of a job; ``more`` are the fields that a test is about."""
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
    """A refusal."""
    headers = {"Content-Type": "application/problem+json"}
    said = {"type": f"/v1/problems/{code}", "title": "Title", "status": status, "detail": detail, "code": code}
    return httpx.Response(
        status,
        content=msgspec.json.encode(said | {"fault": "caller", "next": "Do this."} | more),
        headers=headers if retry_after is None else headers | {"Retry-After": retry_after},
    )


def not_ready() -> Any:
    """What is answered for a result that is not there yet."""
    return problem("result-not-ready", 404, "job_id_7 is running.", retry_after="1")


class Script:
    """Answers in order, and fails where there is nothing more to say; an exception is what the network does instead."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.heard: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        # Made anew: a client keeps to itself what it was answered, and a test may say it to several.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def is_over(self) -> bool:
        return not self._answers

    @property
    def lines(self) -> list[str]:
        """What was asked, as the first line of each request."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.heard]


class Time:
    """A clock that is moved by sleeping only."""

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
Asking = Callable[..., Any]  # (handler, time=..., **options) -> a client to be asked as Client is


def blocking(handler: Handler, *, time: Time | None = None, **options: Any) -> Any:
    """The client that blocks."""
    time = time or Time()
    return Client(
        "http://server",
        transport=httpx.MockTransport(handler),
        sleep=time.sleep,
        clock=time.clock,
        random=lambda: 0.0,
        **options,
    )


def asynchronous(handler: Handler, *, time: Time | None = None, **options: Any) -> Any:
    """The client that does not, made to: each call is run to its end in a loop of its own."""
    time = time or Time()
    client = AsyncClient(
        "http://server",
        transport=httpx.MockTransport(handler),
        sleep=time.nap,
        clock=time.clock,
        random=lambda: 0.0,
        **options,
    )
    return _Awaited(client)


class _Awaited:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if inspect.isawaitable(found):
            return asyncio.run(_to_its_end(found))
        if not inspect.ismethod(found):
            return found
        return lambda *given, **named: _given_back(found(*given, **named))

    def __repr__(self) -> str:
        return repr(self._inner).replace("Async", "")


def _given_back(answer: Any) -> Any:
    if inspect.isasyncgen(answer):
        return iter(asyncio.run(_all_of(answer)))
    if inspect.isawaitable(answer):
        answer = asyncio.run(_to_its_end(answer))
    return _Awaited(answer) if isinstance(answer, Known) else answer


async def _to_its_end(awaited: Any) -> Any:
    return await awaited


async def _all_of(answers: Any) -> list[Any]:
    return [_Awaited(answer) async for answer in answers]
