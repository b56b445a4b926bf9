"""What goes back to a client, and which status an error has. No framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from meantime import errors
from meantime.errors import MeantimeError
from meantime.text import writable

JSON = "application/json"

# Which status each error is answered with: the class itself, else the nearest one above it.
STATUS: Mapping[type[BaseException], int] = {
    errors.RequestInvalid: 400,
    errors.BodyInvalid: 400,
    errors.HttpInvalid: 400,
    errors.HostInvalid: 400,
    errors.OperatorOnly: 403,
    errors.PathUnknown: 404,
    errors.JobUnknown: 404,
    errors.MethodNotAllowed: 405,
    errors.BodyTooLarge: 413,
    errors.BodyNotJson: 415,
    errors.HostNotAllowed: 421,
    errors.DatasetNotReady: 503,
    errors.Unavailable: 503,
    errors.StoreBroken: 503,
    BaseException: 500,
}


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    job_id: str | None = None  # of the job that the answer is about, for the log
    reason: str | None = None  # of an error, for the log


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that has to wait for something: for a commit, or for a lost result that is made again."""

    awaited: Future[Any]
    # Makes the answer of the future once it is decided. Raises what is no error of ours: a bug, for the log.
    finish: Callable[[Future[Any]], Reply]


# The contract's exact words.
SHUTTING_DOWN = Reply(
    503, b'{"status":"error","reason":"shutting down","job_id":-1}', reason="shutting down: no new jobs"
)


def refused(error: BaseException) -> Reply:
    """Return the answer to an error of ours; of any other only its name is told."""
    if isinstance(error, errors.ShuttingDown):
        return SHUTTING_DOWN
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, errors.Unavailable):
        headers = (("retry-after", str(error.retry_after_s)),)
    elif isinstance(error, errors.MethodNotAllowed):
        headers = (("allow", ", ".join(error.allowed)),)
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if isinstance(error, MeantimeError):
        return Reply(status, error_body(error.reason), headers=headers, reason=error.reason)
    return Reply(status, error_body("internal error; the server's log has the details"), reason=repr(error))


def error_body(reason: str) -> bytes:
    """Return the JSON of an error.

    >>> error_body("Invalid job_id")
    b'{"status":"error","reason":"Invalid job_id"}'
    """
    # A file's name may hold bytes that are no text; as half characters they could not be encoded.
    reason = writable(reason)
    return msgspec.json.encode({"status": "error", "reason": reason})
