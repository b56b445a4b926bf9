"""Errors as problem documents (RFC 9457), the form of every error under /v1, and the kinds of problems.

A problem's ``type`` is the address of a page on this server, so it can be read without internet access. The texts are
in problems.toml; the pages of the server and those in docs/problems are generated from them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Annotated

import msgspec

from meantime import errors
from meantime.errors import Failure, Fault, MeantimeError
from meantime.text import writable
from meantime.web.http import statuses
from meantime.web.http.replies import Reply

MEDIA_TYPE = "application/problem+json"
# How a key is to be sent (RFC 6750).
_CHALLENGE = ("www-authenticate", 'Bearer realm="Meantime"')
INTERNAL = "internal"

# Errors that clients may see. Any other MeantimeError cannot be caused by a request, so it is reported as internal.
KINDS: tuple[type[MeantimeError], ...] = (
    errors.RequestInvalid,
    errors.AskAsJob,
    errors.DatasetUnknown,
    errors.DatasetNameTaken,
    errors.StatisticUnknown,
    errors.KeyReused,
    errors.BodyInvalid,
    errors.BodyTooLarge,
    errors.BodyNotJson,
    errors.BodyNotFile,
    errors.HttpInvalid,
    errors.AddressTooLong,
    errors.HeadersTooLong,
    errors.RequestTooSlow,
    errors.HostInvalid,
    errors.HostNotAllowed,
    errors.HeaderInvalid,
    errors.CursorInvalid,
    errors.NotAcceptable,
    errors.RangeInvalid,
    errors.KeyRequired,
    errors.KeyNotAllowed,
    errors.OperatorOnly,
    errors.PathUnknown,
    errors.MethodNotAllowed,
    errors.JobUnknown,
    errors.ResultNotReady,
    errors.JobFailed,
    errors.JobCancelled,
    errors.ResultGone,
    errors.PictureFailed,
    errors.SnapshotDamaged,
    errors.TableNotReadable,
    errors.DatasetNotReady,
    errors.ReloadFailed,
    errors.DatasetLoading,
    errors.QueueFull,
    errors.AnswersBusy,
    errors.ConnectionsFull,
    errors.BodiesFull,
    errors.RateLimited,
    errors.ShuttingDown,
    errors.StorePaused,
    errors.StoreFull,
    errors.StoreBroken,
)
_BY_CODE = {kind.code: kind for kind in KINDS}


class ProblemPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The page about a kind of problem."""

    title: str
    happened: str
    next: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused, and what to do next (RFC 9457)."""

    type: Annotated[str, msgspec.Meta(description="Address of a page about this kind of problem, on this server.")]
    title: Annotated[str, msgspec.Meta(description="The kind of problem.")]
    status: Annotated[int, msgspec.Meta(description="The HTTP status.", ge=400, le=599)]
    detail: Annotated[str, msgspec.Meta(description="What is wrong in this case.")]
    code: Annotated[str, msgspec.Meta(description="A stable code for the kind of problem, for programs.")]
    fault: Annotated[Fault, msgspec.Meta(description="Who is responsible, and so who can fix it.")]
    next: Annotated[str, msgspec.Meta(description="What to do.")]
    problems: (
        Annotated[list[errors.Problem], msgspec.Meta(description="Everything that is wrong with the request.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    failure: Annotated[Failure, msgspec.Meta(description="Why the job failed.")] | msgspec.UnsetType = msgspec.UNSET


def _read_pages() -> Mapping[str, ProblemPage]:
    text = resources.files(__package__).joinpath("problems.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, ProblemPage])


PAGES: Mapping[str, ProblemPage] = _read_pages()
_ENCODER = msgspec.json.Encoder()


def error_reply(error: BaseException) -> Reply:
    """Return the answer to an error. Details of unforeseen errors are not disclosed."""
    if not isinstance(error, MeantimeError) or error.code not in _BY_CODE:
        return _reply(INTERNAL, 500, Fault.SERVER, "Internal error; the details are in the server's log.", repr(error))
    # A file name may contain bytes that are not text, which could not be encoded.
    detail = writable(error.reason)
    failure = error.failure if isinstance(error, errors.JobFailed) else None
    return _reply(
        error.code,
        status_of(type(error)),
        # Who is responsible for a failed job is recorded with its failure.
        error.fault if failure is None else failure.fault,
        detail,
        error.operator_reason,
        problems=_problems_of(error),
        failure=msgspec.UNSET if failure is None else failure,
        headers=special_headers(error),
    )


def special_headers(error: MeantimeError) -> tuple[tuple[str, str], ...]:
    """Return the special headers of an answer to an error, in either API; ``headers_of`` says what they mean."""
    match error:
        case errors.Unavailable() | errors.ResultNotReady():
            return (("retry-after", str(error.retry_after_s)),)
        case errors.KeyRequired():
            return (_CHALLENGE,)
        case errors.MethodNotAllowed():
            return (("allow", ", ".join(error.allowed)),)
        case errors.RangeInvalid():
            return (("content-range", f"bytes */{error.size_bytes}"),)
        case _:
            return ()


# Facts about kinds of errors; None stands for any error that is not a MeantimeError.


def status_of(kind: type[MeantimeError] | None) -> int:
    """Return its status under /v1."""
    return 500 if kind is None else statuses.status_of(kind)


def code_of(kind: type[MeantimeError] | None) -> str:
    """Return its name for programs."""
    return INTERNAL if kind is None else kind.code


def fault_of(kind: type[MeantimeError] | None) -> Fault:
    """Return who is responsible for it."""
    return Fault.SERVER if kind is None else kind.fault


def kind_of(code: str) -> type[MeantimeError] | None:
    """Return the kind of error for a code that has a page; None for ``internal``."""
    return _BY_CODE.get(code)


def example(kind: type[MeantimeError] | None) -> ProblemDetails:
    """Return an example of it, for the OpenAPI document."""
    code = code_of(kind)
    page = PAGES[code]
    return ProblemDetails(
        type=_type_of(code),
        title=page.title,
        status=status_of(kind),
        detail=_DETAILS.get(code, f"{page.title}."),
        code=code,
        fault=Fault.OPERATOR if kind is errors.JobFailed else fault_of(kind),
        next=page.next,
        problems=[_PROBLEM] if kind is errors.RequestInvalid else msgspec.UNSET,
        failure=_FAILURE if kind is errors.JobFailed else msgspec.UNSET,
    )


def headers_of(kind: type[MeantimeError] | None) -> Mapping[str, str]:
    """Return the special headers of its answer, and what they mean."""
    if kind is None:
        return {}
    if issubclass(kind, errors.Unavailable | errors.ResultNotReady):
        return {"Retry-After": "Seconds after which to try again."}
    if issubclass(kind, errors.KeyRequired):
        return {"WWW-Authenticate": "`Bearer`: how to send a key."}
    if issubclass(kind, errors.MethodNotAllowed):
        return {"Allow": "The methods that the path supports."}
    if issubclass(kind, errors.RangeInvalid):
        return {"Content-Range": "`bytes */N`: the total length."}
    return {}


def _problems_of(error: MeantimeError) -> list[errors.Problem] | msgspec.UnsetType:
    carried = error.problems if isinstance(error, errors.RequestInvalid) else ()
    return list(carried) or msgspec.UNSET


def _reply(
    code: str,
    status: int,
    fault: Fault,
    detail: str,
    reason: str,
    *,
    problems: list[errors.Problem] | msgspec.UnsetType = msgspec.UNSET,
    failure: Failure | msgspec.UnsetType = msgspec.UNSET,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    page = PAGES[code]
    body = ProblemDetails(
        type=_type_of(code),
        title=page.title,
        status=status,
        detail=detail,
        code=code,
        fault=fault,
        next=page.next,
        problems=problems,
        failure=failure,
    )
    # Without this, caches may store 404 and 410, although a result may follow or a server may be set up again.
    headers = (*headers, ("cache-control", "no-store"))
    return Reply(status, _ENCODER.encode(body), content_type=MEDIA_TYPE, headers=headers, reason=reason)


def _type_of(code: str) -> str:
    return f"/v1/problems/{code}"


_DETAILS: Mapping[str, str] = {
    "request-invalid": 'The data set has no question "Percent of adults who have obesty".',
    "job-unknown": 'There is no job "job_id_99".',
    "result-not-ready": "job_id_7 is queued, so it has no result yet.",
    "job-failed": "job_id_7 failed, so it has no result: it worked longer than 600 s.",
    "queue-full": "100,000 jobs are waiting, which is the limit.",
}
_PROBLEM = errors.Problem(
    pointer="/parameters/question",
    code="unknown",
    detail='The data set has no question "Percent of adults who have obesty".',
    closest=("Percent of adults aged 18 years and older who have obesity",),
)
_FAILURE = Failure(code="time-limit", fault=Fault.OPERATOR, reason="It worked longer than 600 s.")
