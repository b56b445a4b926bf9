"""Errors in a request: in its parameters, or in how it is written in HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from meantime.errors.base import Fault, MeantimeError, Problem


class RequestInvalid(MeantimeError):
    """The request cannot be answered. Carries all its problems, not only the first."""

    code = "request-invalid"
    fault = Fault.CALLER

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AskAsJob(MeantimeError):
    """The answer takes too long for one response. Send the request as a job, which can be watched and cancelled."""

    code = "ask-as-job"
    fault = Fault.CALLER


class StatisticUnknown(MeantimeError):
    """There is no statistic of this name."""

    code = "statistic-unknown"
    fault = Fault.CALLER


class KeyReused(MeantimeError):
    """An idempotency key was used before, with another request. Most likely the client made the same key twice."""

    code = "idempotency-key-reused"
    fault = Fault.CALLER


class RequestRefused(MeantimeError):
    """An HTTP request that is refused before its parameters are checked."""

    code = "request-refused"
    fault = Fault.CALLER


class BodyInvalid(RequestRefused):
    """The body is not a JSON object."""

    code = "body-invalid"


class BodyTooLarge(RequestRefused):
    """The body is longer than any valid request."""

    code = "body-too-large"


class BodyNotFile(RequestRefused):
    """An upload whose body is not declared as a file."""

    code = "body-not-file"


class BodyNotJson(RequestRefused):
    """The content type of the body is not JSON."""

    code = "body-not-json"


class HttpInvalid(RequestRefused):
    """The bytes cannot be read as an HTTP request."""

    code = "http-invalid"


class AddressTooLong(RequestRefused):
    """The address is longer than any real request has."""

    code = "address-too-long"


class HeadersTooLong(RequestRefused):
    """The headers, or the lines around and after a body in chunks, are longer or more than any real request has."""

    code = "headers-too-long"


class RequestTooSlow(RequestRefused):
    """The request arrives so slowly that its connection is closed."""

    code = "request-too-slow"


class HostInvalid(RequestRefused):
    """The request names no host, or more than one."""

    code = "host-invalid"


class HostNotAllowed(RequestRefused):
    """The request names a host that is not one of this server's. Most likely a web page was tricked into sending it."""

    code = "host-not-allowed"


class HeaderInvalid(RequestRefused):
    """A header has a value that is not allowed."""

    code = "header-invalid"


class CursorInvalid(RequestRefused):
    """The cursor is not one that this server made. Cursors must be sent back unchanged."""

    code = "cursor-invalid"


class NotAcceptable(RequestRefused):
    """The client accepts none of the formats that the server can write."""

    code = "not-acceptable"


class RangeInvalid(RequestRefused):
    """The range begins after the end of the file. ``size_bytes`` is the size of the whole file."""

    code = "range-not-satisfiable"

    def __init__(self, message: str, *, size_bytes: int = 0) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes


class KeyRequired(RequestRefused):
    """The server is for holders of a key, and the request has none, or one that is not or no longer valid."""

    code = "key-required"


class KeyNotAllowed(RequestRefused):
    """The key is valid, but not for this: its role is not enough, or the job was submitted with another key."""

    code = "key-not-allowed"


class OperatorOnly(RequestRefused):
    """Only the operator may request this: to stop the server, or to read its files again."""

    code = "operator-only"


class PathUnknown(RequestRefused):
    """There is nothing at this path."""

    code = "path-unknown"


class MethodNotAllowed(RequestRefused):
    """The path exists, but not with this method. ``allowed`` are the methods that it has."""

    code = "method-not-allowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)
