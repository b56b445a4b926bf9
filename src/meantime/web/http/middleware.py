"""Middleware for every request: it is logged, and its host is checked."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meantime.errors import MeantimeError
from meantime.web.http.access_log import AccessLog, attach, route_of
from meantime.web.http.hosts import Hosts
from meantime.web.http.paths import raw_path
from meantime.web.http.replies import Reply
from meantime.web.http.sending import send_reply

# Nginx's status for a client that disconnected before its answer. It is never sent; the log and the metrics show it.
_CLIENT_WENT_AWAY = 499


class AccessLogMiddleware:
    """Wraps the whole application, so that requests without a route or with a wrong host are logged too."""

    def __init__(self, app: ASGIApp, *, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = _CLIENT_WENT_AWAY
        trace = self._access_log.begin(scope["method"], raw_path(scope))
        attach(trace, scope)

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if trace.method != "POST":
            trace.enter(scope["query_string"])
        try:
            await self._app(scope, receive, send_watched)
        finally:
            seconds = perf_counter() - started
            self._access_log.end(trace, route=route_of(scope), status=status, seconds=seconds)


class HostMiddleware:
    """Refuses requests whose Host is not a name of this server. ``refuse`` makes the answer, given the raw path."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, refuse: Callable[[bytes, MeantimeError], Reply]) -> None:
        self._app = app
        self._hosts = hosts
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            try:
                self._hosts.check([value for name, value in scope["headers"] if name == b"host"])
            except MeantimeError as error:
                await send_reply(self._refuse(raw_path(scope), error), scope, send)
                return
        await self._app(scope, receive, send)
