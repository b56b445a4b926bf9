"""/v1/jobs/{job_id}/results: what a job has come to, in every form."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec

from meantime.charts.registry import CHARTS
from meantime.engine.engine import JobDetail
from meantime.errors import (
    AnswersBusy,
    DatasetNotReady,
    JobCancelled,
    JobFailed,
    JobUnknown,
    NotAcceptable,
    PathUnknown,
    PictureFailed,
    RangeInvalid,
    RequestInvalid,
    ResultGone,
    ResultNotReady,
    ShuttingDown,
    SnapshotDamaged,
    StoreBroken,
)
from meantime.formats.document import Document
from meantime.formats.forms import FORMS, Form
from meantime.model import JobRecord, JobState, Receipt, Unwatched, job_number
from meantime.statistics.registry import STATISTICS
from meantime.table import Kind
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.http.prefer import PREFERENCE, PREFERENCE_APPLIED, WAIT_LIMIT_S, applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.representation import choose, represent, showing, stem_of
from meantime.web.v1.waiting import lobby_of

# The result of a job never changes, but what is called job_id_1 does, when a server is set up anew at the same
# address. So it may be kept, and is asked after: a 304 takes less than a millisecond. Private, since whoever removes a
# result wants it gone.
CACHE_CONTROL = "private, no-cache"

# Read and its checksum compared at about a gigabyte a second: what is longer would hold up the event loop.
_READ_AT_ONCE_BYTES = 512 * 1024

JOB_ID = Parameter(
    name="job_id",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern="^job_id_[1-9][0-9]{0,17}$")],
    description="The job's id, as its submission answered it.",
    required=True,
    example="job_id_1",
)
PREFER = Parameter(
    name="Prefer",
    where="header",
    kind=PREFERENCE,
    description=f"`wait=N` (RFC 7240): let the answer wait for the end of the job, for up to N seconds, at most "
    f"{WAIT_LIMIT_S}. Other preferences are passed over.",
    example="wait=10",
)


def number_of(request: HttpRequest) -> int:
    """Return the number of the job that the path names.

    Raises:
        JobUnknown: it names none that was ever given.
    """
    text = request.path_params["job_id"]
    if (number := job_number(text)) is None:
        raise JobUnknown(
            f"There is no job {quoted(text, 100)}: ids look like job_id_7, and come with the answer to a submission."
        )
    return number


async def of_job(
    backend: Backend, request: HttpRequest, detail: JobDetail, *, form: Form, headers: tuple[tuple[str, str], ...] = ()
) -> Reply | Stream:
    """Answer with what a job has come to.

    Raises:
        ResultNotReady, JobFailed, JobCancelled: nothing, and why.
        ResultGone: its file is lost, and what made it is no longer there.
        JobUnknown, ShuttingDown: it went while a lost result was made again.
    """
    job = detail.record
    receipt = receipt_of(detail)
    is_kept = job.request.view == "document"
    return await represent(
        request,
        form=form.over(partial(_places, backend, job)),
        tag=receipt.checksum,
        body=partial(kept, backend, job, receipt) if is_kept else None,
        document=None if is_kept else partial(as_document, backend, job, receipt),
        cache_control=CACHE_CONTROL,
        headers=headers,
        job_id=job.id,
        stem=stem_of(job.request.statistic, job.request.dataset, job.request.fingerprint),
    )


def _places(backend: Backend, job: JobRecord) -> Mapping[str, tuple[float, float]]:
    """Return where the locations lie of the very content that a job is of; nothing where that is gone."""
    try:
        return backend.catalog.snapshot(job.request.dataset, job.request.fingerprint).about.points.places
    except SnapshotDamaged:
        return {}


async def kept(backend: Backend, job: JobRecord, receipt: Receipt) -> bytes:
    """Read the file of a result; one that is lost is made again."""
    if receipt.size_bytes > _READ_AT_ONCE_BYTES:
        reading = await asyncio.to_thread(backend.engine.read_result, job.number)
    else:
        reading = backend.engine.read_result(job.number)
    await backend.landed(reading)
    return reading.result()


async def get_result(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/results, and with a suffix."""
    form = choose(request.header("accept"), request.path_params.get("suffix"))
    query = Query(request.query, (CHART.name,))
    chart = query.one(CHART.name)
    query.check()
    wait_s = preferred_wait(request.header("prefer"))
    detail = await lobby_of(backend.engine).end_of(
        backend.engine, number_of(request), within_s=wait_s or 0, gone=request.gone
    )
    # Which forms and charts there are is known with the job.
    statistic = detail.record.request.statistic
    form = showing(choose(request.header("accept"), request.path_params.get("suffix"), statistic), chart, statistic)
    return await of_job(backend, request, detail, form=form, headers=applied(wait_s))


def receipt_of(detail: JobDetail) -> Receipt:
    """Return what is known of a job's result.

    Raises:
        ResultNotReady, JobFailed, JobCancelled: there is none, and why.
    """
    job = detail.record
    failure = job.failure
    if detail.state is JobState.FAILED:
        reason = failure.reason if failure else "no reason is known"
        raise JobFailed(f"{job.id} failed, so it has no result: {reason}", failure=failure)
    if detail.state is JobState.CANCELLED:
        raise JobCancelled(f"{job.id} was cancelled, so it has no result. Submit the same request again to have one.")
    if job.receipt is None or detail.state is not JobState.DONE:
        raise ResultNotReady(
            f"{job.id} is {detail.state}, so it has no result yet. Ask again, with the header Prefer: wait=30 to have "
            "the answer wait for its end, or follow its events.",
            retry_after_s=1,
        )
    return job.receipt


def as_document(backend: Backend, job: JobRecord, receipt: Receipt) -> Document:
    """Compute what a classic job was asked as a document: its file has the classic JSON, which says less."""
    request = job.request
    statistic = STATISTICS.get(request.statistic)
    if statistic is None or statistic.method_version != receipt.method_version:
        # The classic API still answers from the file. A document made now could have other numbers than that.
        raise ResultGone(
            f"{job.id} was answered by version {receipt.method_version} of {request.statistic}, which this server does "
            "not have any more, so it cannot be written in another form. Submit the request again, or read it by "
            f"/api/get_results/{job.id}."
        )
    try:
        return backend.compute.document(backend.compute.prepare(request), request.dataset, Unwatched())
    except (SnapshotDamaged, DatasetNotReady) as error:
        raise ResultGone(
            f"The snapshot that {job.id} was answered from is not there any more, so its result cannot be written in "
            f"another form. Submit the request again, or read it by /api/get_results/{job.id}."
        ) from error


# What results have in common with answers at once, for the document.


class ResultColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a result."""

    name: str
    kind: Annotated[Kind, msgspec.Meta(description="number is a double, integer one of 64 bits.")]
    unit: Annotated[str | None, msgspec.Meta(description="Null for labels and counts.")]
    meaning: str


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A result as JSON: everything about it. ``formats.document`` writes it."""

    statistic: str
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="As checked, with the defaults filled in.")]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[str, msgspec.Meta(description="Of the snapshot that answered.")]
    method_version: Annotated[int, msgspec.Meta(description="Of the statistic.", ge=1)]
    columns: list[ResultColumn]
    rows: Annotated[
        list[dict[str, str | int | float | None]],
        msgspec.Meta(description="Each has every column, in their order; null where there is no value."),
    ]
    findings: Annotated[
        list[str], msgspec.Meta(description="What the numbers say, in words; not in results of before there were any.")
    ] = []
    notes: list[str]
    warnings: list[str]
    citation: Annotated[str, msgspec.Meta(description="How to name it elsewhere.")]


_RESULT = {
    "statistic": "global_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "dataset": "cdc",
    "fingerprint": "9f2c" * 16,
    "method_version": 1,
    "columns": [{"name": "mean", "kind": "number", "unit": "percent", "meaning": "mean of all rows"}],
    "rows": [{"mean": 28.8}],
    "findings": [],
    "notes": [],
    "warnings": [],
    "citation": 'global_mean (method version 1; question "Percent of adults aged 18 years and older who have obesity") '
    f'of the data set "cdc", fingerprint {"9f2c" * 16}. Computed by Meantime.',
}

HEADERS = (
    Header(
        name="ETag",
        description="Names these very bytes: another form, or coding, has another. Equal questions of equal data have "
        "the same, however they are written.",
    ),
    Header(name="Cache-Control", description="To be kept, and asked after with `If-None-Match`."),
    Header(name="Vary", description="The headers of the request that the answer depends on."),
    Header(name="Accept-Ranges", description="Parts may be asked for in bytes.", required=False),
    Header(name="Content-Disposition", description="A name for the file.", required=False),
    Header(name="Content-Encoding", description="gzip, where it is compressed.", required=False),
)
CONDITIONS = (
    Parameter(
        name="If-None-Match",
        where="header",
        kind=str,
        description="ETags of what the client has; with one that still holds the answer is 304, without a body.",
    ),
    Parameter(
        name="Range",
        where="header",
        kind=str,
        description="One range of bytes, of the form as it is without compression.",
        example="bytes=0-1023",
    ),
    Parameter(
        name="If-Range",
        where="header",
        kind=str,
        description="The ETag of which `Range` asks for a part; where it is another one now, the whole is sent.",
    ),
)
ACCEPT = Parameter(
    name="Accept",
    where="header",
    kind=str,
    description="The media types that the client takes, with their weights.",
    example="text/csv",
)
SUFFIX = Parameter(
    name="suffix",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(map(re.escape, FORMS))})$")],
    description=f"One of {', '.join(FORMS)}.",
    required=True,
    example="csv",
)
CHART = Parameter(
    name="chart",
    where="query",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CHARTS)})$")],
    description="Which chart vl.json, svg and png are to show, of those that GET /v1/statistics/{name} lists; left "
    "out, the first. Other forms have everything anyway.",
    example="map",
)


def whole(status: int, description: str, headers: tuple[Header, ...], *, json: Any = ResultDocument) -> Outcome:
    """Return how a result may come in every form; ``json`` is its type as JSON, where that says what it is."""
    content = {**dict.fromkeys((form.media_type for form in FORMS.values()), None), "application/json": json}
    return Outcome(
        status=status,
        description=description,
        content=content,
        example=_RESULT if json is ResultDocument else None,
        headers=headers,
    )


def outcomes(*more: Header, json: Any = ResultDocument) -> tuple[Outcome, ...]:
    """Return how a result may come: whole, in part, or not again; ``more`` are headers beside the usual ones."""
    headers = (*HEADERS, *more)
    return (
        whole(200, "The result.", headers, json=json),
        Outcome(
            status=206,
            description="The part that `Range` asked for.",
            content=dict.fromkeys((form.media_type for form in FORMS.values()), None),
            headers=(*headers, Header(name="Content-Range", description="Which part, and of how many bytes.")),
        ),
        Outcome(status=304, description="The client has it already.", headers=HEADERS[:3]),
    )


# Of every answer that may be a chart.
DRAWING = (NotAcceptable, PictureFailed, AnswersBusy)
PROBLEMS = (
    RequestInvalid,
    JobUnknown,
    ResultNotReady,
    JobFailed,
    JobCancelled,
    ResultGone,
    RangeInvalid,
    ShuttingDown,
    StoreBroken,
    *DRAWING,
)
_DESCRIPTION = (
    "A result never changes; it goes with its job. While the job has not ended, the answer is a problem "
    "`result-not-ready`, with `Retry-After`; `Prefer: wait=N` has it wait for the end. Results of jobs of the classic "
    "API are answered too, as documents."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_result",
        method="GET",
        path="/v1/jobs/{job_id}/results",
        tag="results",
        summary="Read a result",
        description=f"{_DESCRIPTION} The form is the one that `Accept` wants most, JSON if it does not say.",
        handle=get_result,
        parameters=(
            JOB_ID,
            CHART,
            ACCEPT,
            PREFER,
            *CONDITIONS,
        ),
        outcomes=outcomes(PREFERENCE_APPLIED),
        problems=PROBLEMS,
    ),
    Endpoint(
        name="get_result_as",
        method="GET",
        path="/v1/jobs/{job_id}/results.{suffix}",
        tag="results",
        summary="Read a result as a file",
        description=f"{_DESCRIPTION} The suffix names the form, whatever `Accept` says.",
        handle=get_result,
        parameters=(
            JOB_ID,
            SUFFIX,
            CHART,
            PREFER,
            *CONDITIONS,
        ),
        outcomes=outcomes(PREFERENCE_APPLIED),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
