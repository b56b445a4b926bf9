"""Records every request: two lines in the log, and the metrics."""

from __future__ import annotations

import itertools
from typing import Protocol

from starlette.types import Scope

from meantime.log import VALUE_LIMIT, Log

# Methods that metrics are labeled with. Clients can send any word as a method, and each label would be kept forever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACE = "meantime.trace"
_ROUTE = "meantime.route"


class RequestCounter(Protocol):
    """Counts requests; ``metrics.Metrics`` is one."""

    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one. ``route`` is a template, never a path."""


class Trace:
    """What is recorded about a request while it is answered.

    It is kept in the scope, so it must not hold the scope: such a cycle would leave every request to the garbage
    collector, whose runs over all objects (25 ms) used to be the slowest answers.
    """

    __slots__ = ("_log", "is_entered", "job_id", "key_id", "method", "number", "path", "reason")

    def __init__(self, number: int, method: str, path: bytes, log: Log | None) -> None:
        self.number = number
        self.method = method
        self.path = path
        self.is_entered = False
        self.job_id: str | None = None
        self.key_id: str | None = None  # of the key that was sent
        self.reason: str | None = None
        self._log = log

    def enter(self, parameters: bytes) -> None:
        """Log the query, or the body once it has been read."""
        self.is_entered = True
        if self._log is not None:
            # A whole body would be kept in memory until the line is written. One byte more than a line has room for
            # tells the log that something was cut.
            self._log.request_started(self.number, self.method, self.path, parameters[: VALUE_LIMIT + 1])


class AccessLog:
    """Logs and counts every request."""

    def __init__(self, *, metrics: RequestCounter | None, log: Log | None) -> None:
        self._metrics = metrics
        self._log = log
        self._numbers = itertools.count(1)

    def begin(self, method: str, path: bytes) -> Trace:
        """Return the trace of a request that has arrived. ``path`` is as it was sent."""
        return Trace(next(self._numbers), method, path, self._log)

    def end(self, trace: Trace, *, route: str | None, status: int, seconds: float) -> None:
        """Record how a request was answered. ``route`` is the template that it matched, if any."""
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
                key_id=trace.key_id,
            )


def attach(trace: Trace, scope: Scope) -> None:
    """Keep a trace with its request."""
    scope[_TRACE] = trace


def trace_of(scope: Scope) -> Trace:
    """Return what is recorded about this request."""
    trace: Trace = scope[_TRACE]
    return trace


def set_route(scope: Scope, template: str) -> None:
    """Record which route a request matched."""
    scope[_ROUTE] = template


def route_of(scope: Scope) -> str | None:
    """Return which route a request matched, if any."""
    route: str | None = scope.get(_ROUTE)
    return route
