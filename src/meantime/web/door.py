"""The door that every request goes through: by which name we were called, what the log notes, what is counted."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from meantime.errors import MeantimeError
from meantime.log import VALUE_LIMIT, Log
from meantime.web.guard import Hosts
from meantime.web.metrics import Metrics
from meantime.web.reply import Reply

# Nginx's word for a client that went away before its answer; nobody receives it, the log and the metrics name it.
_CLIENT_WENT_AWAY = 499
# What a counter may be labelled with. Anything else can be sent as a method, and each would be kept for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACE = "meantime.trace"
# No Content, Not Modified.
_WITHOUT_BODY = (204, 304)

# ASGI's own words, in Python's types: the framework's are narrower than what it lets us put into a scope.
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[..., Awaitable[None]]


class Trace:
    """What is noted of one request while it is answered.

    It is kept in the scope, and so must not hold the scope: that circle would leave every request to the garbage
    collector, whose walks through all objects (25 ms) were the slowest answers.
    """

    __slots__ = ("_log", "is_entered", "job_id", "method", "number", "path", "reason")

    def __init__(self, number: int, method: str, path: bytes, log: Log | None) -> None:
        self.number = number
        self.method = method
        self.path = path
        self.is_entered = False
        self.job_id: str | None = None
        self.reason: str | None = None
        self._log = log

    def enter(self, parameters: bytes) -> None:
        """Note what was asked: the query, or the body once it is read."""
        self.is_entered = True
        if self._log is not None:
            # The whole of a long body would be kept until the line is written. One byte more than a line has room
            # for: the log shall see that something was cut.
            self._log.request_started(self.number, self.method, self.path, parameters[: VALUE_LIMIT + 1])


class Visits:
    """Has every request noted and counted."""

    def __init__(self, *, metrics: Metrics | None, log: Log | None) -> None:
        self._metrics = metrics
        self._log = log
        self._numbers = itertools.count(1)

    def begin(self, method: str, path: bytes) -> Trace:
        """Return what is noted of a request that has come in. ``path`` is as it was sent."""
        return Trace(next(self._numbers), method, path, self._log)

    def end(self, trace: Trace, *, route: str | None, status: int, seconds: float) -> None:
        """Note how it was answered. ``route`` is the template of the place that it went to, if there was one."""
        method = trace.method
        if not trace.is_entered:
            trace.enter(b"")
        if self._metrics is not None:
            self._metrics.request_answered(route or "none", method if method in _METHODS else "other", status, seconds)
        if self._log is not None:
            self._log.request_finished(
                trace.number,
                method,
                trace.path,
                status=status,
                job_id=trace.job_id,
                seconds=seconds,
                reason=trace.reason,
            )


class Door:
    """Wraps the application as a whole, so that requests which find no route are refused, noted and counted too.

    ``refuse`` makes the answer, for a path as it was sent, to a request that does not come in.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Hosts,
        metrics: Metrics,
        refuse: Callable[[bytes, MeantimeError], Reply],
        log: Log | None,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._refuse = refuse
        self._visits = Visits(metrics=metrics, log=log)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = _CLIENT_WENT_AWAY
        trace = self._visits.begin(scope["method"], raw_path(scope))
        scope[_TRACE] = trace

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if trace.method != "POST":
            trace.enter(scope["query_string"])
        try:
            try:
                self._hosts.check([value for name, value in scope["headers"] if name == b"host"])
            except MeantimeError as error:
                await send_reply(self._refuse(trace.path, error), scope, watched)
            else:
                await self._app(scope, receive, watched)
        finally:
            route, seconds = scope.get("path_template"), perf_counter() - started
            self._visits.end(trace, route=route, status=status, seconds=seconds)


def trace_of(scope: Any) -> Trace:
    """Return what is noted of this request."""
    trace: Trace = scope[_TRACE]
    return trace


def raw_path(scope: Any) -> bytes:
    """Return the path as it was sent, percent signs and all: the router tidies the decoded one."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else str(scope["path"]).encode("utf-8", "replace")


async def send_reply(reply: Reply, scope: Any, send: Send) -> None:
    """Send an answer, and have it noted."""
    trace = trace_of(scope)
    trace.job_id = reply.job_id
    trace.reason = reply.reason
    headers = start_headers(reply.content_type, reply.headers)
    # Of an answer that has no body by its status, the length would be taken for that of the whole.
    if reply.status not in _WITHOUT_BODY:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})


def start_headers(content_type: str, more: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    """Return the headers that an answer begins with, as ASGI wants them."""
    headers = [(b"content-type", content_type.encode("latin-1"))] if content_type else []
    return headers + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in more]
