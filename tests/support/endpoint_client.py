"""Endpoints of a test, served alone, and a client that may leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp

from meantime.access.keys import KeyRing
from meantime.log import Log
from meantime.web.backend import Backend
from meantime.web.http import problems
from meantime.web.http.access import Access
from meantime.web.http.access_log import AccessLog
from meantime.web.http.bodies import BodyMemory
from meantime.web.http.dispatch import EndpointRoute
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.hosts import Hosts
from meantime.web.http.middleware import AccessLogMiddleware, HostMiddleware
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.http.router import Router
from meantime.web.metrics import Metrics

Handle = Callable[[Backend, HttpRequest], Awaitable[Reply | Stream]]


def application(
    endpoints: Sequence[Endpoint],
    backend: Any,
    *,
    metrics: Metrics | None = None,
    log: Log | None = None,
    admin_key: str | None = None,
) -> ASGIApp:
    """Return the endpoints behind the middleware that every request passes through; errors are problems."""
    route = EndpointRoute(
        Router(endpoints), backend, access=Access(KeyRing(None, admin_key)), memory=BodyMemory(), refuse=_refuse
    )
    hosts = HostMiddleware(route.handle, hosts=Hosts(), refuse=_refuse)
    return AccessLogMiddleware(hosts, access_log=AccessLog(metrics=metrics, log=log))


def endpoint(path: str, handle: Handle, method: Any = "GET") -> Endpoint:
    return Endpoint(
        name=f"{method.lower()}_{path}",
        method=method,
        path=path,
        tag="server",
        summary="An endpoint for a test",
        description="It does as it is told.",
        handle=handle,
    )


class Client:
    """One request to endpoints. ``leave`` ends the connection."""

    def __init__(self, *endpoints: Endpoint, log: Log | None = None) -> None:
        self.metrics = Metrics()
        self._app = application(endpoints, None, metrics=self.metrics, log=log)
        self.sent: list[dict[str, Any]] = []
        self._left = asyncio.Event()
        self._got = asyncio.Condition()

    async def ask(self, target: str, method: str = "GET") -> None:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 50_000),
        }
        await self._app(scope, self._receive, self._send)

    def leave(self) -> None:
        self._left.set()

    async def has(self, pieces: int) -> None:
        """Wait until as many messages have come."""
        async with asyncio.timeout(60), self._got:
            await self._got.wait_for(lambda: len(self.sent) >= pieces)

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._got:
            self.sent.append(dict(message))
            self._got.notify_all()


def _refuse(_path: bytes, error: BaseException) -> Reply:
    return problems.error_reply(error)
