"""A server's problem document as an exception: the class of ``errors`` with the same code."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import httpx
import msgspec

from meantime.errors import (
    Failure,
    JobFailed,
    MeantimeError,
    NotMeantime,
    Problem,
    RequestInvalid,
    RequestRefused,
    ResultNotReady,
    Unavailable,
)

T = TypeVar("T")

_MEDIA_TYPE = "application/problem+json"


class _ProblemDocument(msgspec.Struct):
    """A problem document (RFC 9457): the fields that a client uses."""

    code: str
    title: str = ""
    detail: str = ""
    next: str = ""
    problems: tuple[Problem, ...] = ()
    failure: Failure | None = None


_PROBLEM = msgspec.json.Decoder(_ProblemDocument)


def error_from(response: httpx.Response) -> MeantimeError:
    """Return the error that a server answered with. A code that this client does not know becomes a general error.

    >>> answer = httpx.Response(
    ...     404, json={"code": "job-unknown", "detail": "There is no job_id_9."},
    ...     headers={"Content-Type": "application/problem+json"}, request=httpx.Request("GET", "http://h/v1/jobs/job_id_9"),
    ... )
    >>> error_from(answer)
    JobUnknown('There is no job_id_9.')
    """
    if not response.headers.get("Content-Type", "").startswith(_MEDIA_TYPE):
        return not_meantime(response)
    try:
        document = _PROBLEM.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return not_meantime(response)
    error = _error_class(document.code, response)(_message(document))
    if document.next:
        # What to do about any error with this code; a traceback shows it below the message.
        error.add_note(document.next)
    match error:
        case RequestInvalid():
            error.problems = document.problems
        case JobFailed():
            error.failure = document.failure
        case Unavailable() | ResultNotReady():
            retry_after = response.headers.get("Retry-After", "")
            error.retry_after_s = int(retry_after) if retry_after.isdecimal() else 1
    return error


# At its first use a type is prepared; other threads that used it meanwhile would crash (see formats/document.py).
_preparing = threading.Lock()


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(response: httpx.Response, kind: type[T]) -> T:
    """Decode the JSON of a response.

    Raises:
        NotMeantime: it is not JSON, or not of this kind.
    """
    try:
        with _preparing:
            decoder: msgspec.json.Decoder[T] = _decoder(cast(Hashable, kind))
        return decoder.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_meantime(response) from error


def not_meantime(response: httpx.Response) -> NotMeantime:
    """Return the error for a response that no Meantime server sends."""
    content_type = response.headers.get("Content-Type", "no content type")
    url = response.request.url
    return NotMeantime(
        f"The server at {url.scheme}://{url.netloc.decode('ascii')} is not a Meantime server with /v1: "
        f"{response.request.method} {url.path} returned {response.status_code} and {content_type}. "
        "Use another address."
    )


def _message(document: _ProblemDocument) -> str:
    """Return the text for people: all problems if there are several, since the detail has only the first."""
    if len(document.problems) < 2:
        return document.detail or document.title
    lines = (f"  {each.detail}" for each in document.problems)
    return "\n".join([f"There are {len(document.problems)} problems:", *lines])


def _error_class(code: str, response: httpx.Response) -> type[MeantimeError]:
    return _error_classes().get(code) or (MeantimeError if response.is_server_error else RequestRefused)


@cache
def _error_classes() -> dict[str, type[MeantimeError]]:
    by_code: dict[str, type[MeantimeError]] = {}
    pending = [MeantimeError]
    while pending:
        kind = pending.pop()
        by_code[kind.code] = kind
        pending += kind.__subclasses__()
    return by_code
