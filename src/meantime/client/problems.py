"""A server's problem as an exception: the error of ours that has its code, with what it carries."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

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


class _Said(msgspec.Struct):
    """A problem document (RFC 9457), as far as a client reads it."""

    code: str
    title: str = ""
    detail: str = ""
    next: str = ""
    problems: tuple[Problem, ...] = ()
    failure: Failure | None = None


def error_of(response: httpx.Response) -> MeantimeError:
    """Return what a server's refusal is; where it is of a kind that this client does not know, by whose fault it is.

    >>> answer = httpx.Response(
    ...     404, json={"code": "job-unknown", "detail": "There is no job_id_9."},
    ...     headers={"Content-Type": "application/problem+json"}, request=httpx.Request("GET", "http://h/v1/jobs/job_id_9"),
    ... )
    >>> error_of(answer)
    JobUnknown('There is no job_id_9.')
    """
    if not response.headers.get("Content-Type", "").startswith(_MEDIA_TYPE):
        return not_meantime(response)
    try:
        said = msgspec.json.decode(response.content, type=_Said)
    except (msgspec.DecodeError, RecursionError):
        return not_meantime(response)
    error = _kind(said.code, response)(_message(said))
    if said.next:
        # What to do about all of this kind; a traceback shows it below the message.
        error.add_note(said.next)
    match error:
        case RequestInvalid():
            error.problems = said.problems
        case JobFailed():
            error.failure = said.failure
        case Unavailable() | ResultNotReady():
            named_s = response.headers.get("Retry-After", "")
            error.retry_after_s = int(named_s) if named_s.isdecimal() else 1
    return error


def read(response: httpx.Response, kind: type[T]) -> T:
    """Read the JSON of an answer.

    Raises:
        NotMeantime: it is none, or says something else.
    """
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise not_meantime(response) from error


def not_meantime(response: httpx.Response) -> NotMeantime:
    """Say what it is that makes no sense here."""
    said = response.headers.get("Content-Type", "no content type")
    url = response.request.url
    return NotMeantime(
        f"What answers at {url.scheme}://{url.netloc.decode('ascii')} is not a Meantime that has /v1: "
        f"{response.request.method} {url.path} gives {response.status_code} and {said}. Name another address."
    )


def _message(said: _Said) -> str:
    """The sentence for people; of several problems each, since the detail has the first only."""
    if len(said.problems) < 2:
        return said.detail or said.title
    return "\n".join([f"{len(said.problems)} things are wrong:", *(f"  {each.detail}" for each in said.problems)])


def _kind(code: str, response: httpx.Response) -> type[MeantimeError]:
    return _kinds().get(code) or (MeantimeError if response.is_server_error else RequestRefused)


@cache
def _kinds() -> dict[str, type[MeantimeError]]:
    found: dict[str, type[MeantimeError]] = {}
    above = [MeantimeError]
    while above:
        kind = above.pop()
        found[kind.code] = kind
        above += kind.__subclasses__()
    return found
