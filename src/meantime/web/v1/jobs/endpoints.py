"""The endpoints of jobs."""

from __future__ import annotations

from typing import Annotated

import msgspec

from meantime.errors import (
    AnswersBusy,
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    CursorInvalid,
    DatasetNotReady,
    HeaderInvalid,
    JobCancelled,
    JobFailed,
    JobUnknown,
    KeyReused,
    QueueFull,
    RequestInvalid,
    ResultGone,
    ShuttingDown,
    StoreBroken,
    StoreFull,
    StorePaused,
)
from meantime.web.http.endpoint import Endpoint, Header, Link, Outcome, Parameter
from meantime.web.http.prefer import PREFERENCE_APPLIED
from meantime.web.http.query import PROBLEM_LIMIT
from meantime.web.v1.job_parameters import JOB_ID, PREFER
from meantime.web.v1.jobs.deletion import CANCEL_WAIT_S, delete_job
from meantime.web.v1.jobs.listing import get_job, list_jobs
from meantime.web.v1.jobs.parameters import IF_CONDITION, LIST_PARAMETERS
from meantime.web.v1.jobs.resource import Accepted, Batch, Dismissal, JobPage, JobResource, Submission
from meantime.web.v1.jobs.submission import submit, submit_batch
from meantime.web.v1.results.description import DRAWING, HEADERS, whole_outcome

_JOB = {
    "id": "job_id_7",
    "state": "queued",
    "label": "obesity by state",
    "dataset": "sample",
    "fingerprint": "9f2c" * 16,
    "statistic": "states_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "api": "v1",
    "progress": 0.0,
    "position": 0,
    "attempts": 0,
    "created_at": "2026-11-24T09:30:00.123456Z",
    "started_at": None,
    "ended_at": None,
    "expires_at": None,
    "failure": None,
    "links": {
        "self": "/v1/jobs/job_id_7",
        "results": "/v1/jobs/job_id_7/results",
        "events": "/v1/jobs/job_id_7/events",
    },
}
_ENDED = {
    **_JOB,
    "state": "done",
    "progress": 1.0,
    "position": None,
    "attempts": 1,
    "started_at": "2026-11-24T09:30:00.125000Z",
    "ended_at": "2026-11-24T09:30:00.126000Z",
    "expires_at": "2026-12-24T09:30:00.126000Z",
}
_CANCELLED = {
    **_ENDED,
    "state": "cancelled",
    "progress": 0.0,
    "failure": {"code": "cancelled", "fault": "caller", "reason": "It was cancelled."},
}
_SUBMISSION = {
    "statistic": "states_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "label": "obesity by state",
}

_KEY_PARAMETER = Parameter(
    name="Idempotency-Key",
    where="header",
    kind=Annotated[str, msgspec.Meta(pattern="^[!-~]{1,255}$")],
    description="A key chosen by the client, such as a UUID. Sending the same request with the same key again "
    "creates no new jobs: the response describes the first ones, as long as they are kept. A "
    "different request with the same key is refused.",
    example="8e03978e-40d5-43e8-bc93-6894a57f9324",
)
_RETRY_AFTER = Header(name="Retry-After", description="Seconds after which to check again.", kind=int)
_CACHE_CONTROL = Header(name="Cache-Control", description="`no-store`, because it changes.")
_VARY = Header(name="Vary", description="`Prefer`.")
_LOCATION = Header(name="Location", description="Address of the job.")
_BODY_PROBLEMS = (BodyInvalid, BodyTooLarge, BodyNotJson, HeaderInvalid, RequestInvalid, KeyReused)
_SUBMIT_PROBLEMS = (*_BODY_PROBLEMS, QueueFull, ShuttingDown, StoreFull, StorePaused, StoreBroken, DatasetNotReady)


def _link(name: str, operation: str, description: str, job_id: str = "$response.body#/id") -> Link:
    return Link(name=name, operation=operation, parameters={"job_id": job_id}, description=description)


_LINKS = (
    _link("job", "get_job", "The current state."),
    _link("result", "get_result", "The result."),
    _link("cancel", "delete_job", "Cancel the job, or remove it once it has ended."),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="submit_job",
        method="POST",
        path="/v1/jobs",
        tag="jobs",
        summary="Submit a job",
        description="The request is validated immediately, and everything that is wrong with it is reported. An "
        "accepted job is durable: it survives a crash of the server. While the data set is loading, "
        "only the form of the request can be checked. With `Prefer: wait=N` the response is the "
        "result, in the format that `Accept` asks for, if it is ready in time, and otherwise the job.",
        handle=submit,
        parameters=(
            PREFER,
            Parameter(
                name="Accept",
                where="header",
                kind=str,
                description="With `Prefer: wait=N`: the media types accepted for the result.",
                example="application/json",
            ),
            _KEY_PARAMETER,
        ),
        body=Submission,
        body_example=_SUBMISSION,
        outcomes=(
            Outcome(
                status=202,
                description="Accepted: the job.",
                content={"application/json": JobResource},
                example=_JOB,
                headers=(_LOCATION, _RETRY_AFTER, PREFERENCE_APPLIED, _CACHE_CONTROL, _VARY),
                links=_LINKS,
            ),
            whole_outcome(
                200,
                "The result, which was ready within the time given by `Prefer: wait=N`.",
                (
                    _LOCATION,
                    Header(name="Content-Location", description="Address of the result."),
                    PREFERENCE_APPLIED,
                    *HEADERS,
                ),
            ),
        ),
        problems=(*_SUBMIT_PROBLEMS, *DRAWING, AnswersBusy, JobFailed, JobCancelled, JobUnknown, ResultGone),
    ),
    Endpoint(
        name="submit_batch",
        method="POST",
        path="/v1/jobs/batch",
        tag="jobs",
        summary="Submit up to 1,000 jobs",
        description="Either all requests are accepted, in one durable commit, or none. Problems point to the "
        f"request that they concern: `/requests/17/parameters/question`. At most {PROBLEM_LIMIT} "
        "problems are reported.",
        handle=submit_batch,
        parameters=(_KEY_PARAMETER,),
        body=Batch,
        body_example={"requests": [_SUBMISSION]},
        outcomes=(
            Outcome(
                status=202,
                description="Accepted: the jobs, in the order of the requests.",
                content={"application/json": Accepted},
                example={"jobs": [_JOB]},
                headers=(_RETRY_AFTER, _CACHE_CONTROL, _VARY),
                links=(_link("job", "get_job", "The first one.", "$response.body#/jobs/0/id"),),
            ),
        ),
        problems=_SUBMIT_PROBLEMS,
    ),
    Endpoint(
        name="list_jobs",
        method="GET",
        path="/v1/jobs",
        tag="jobs",
        summary="List jobs",
        description="Newest first, including jobs of the classic API. Each page continues where the previous one "
        "ended, whatever was submitted, ended or removed in between.",
        handle=list_jobs,
        parameters=LIST_PARAMETERS,
        outcomes=(
            Outcome(
                status=200,
                description="A page of jobs.",
                content={"application/json": JobPage},
                example={"jobs": [_JOB], "next": None, "links": {"next": None}},
                headers=(
                    Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False),
                    _CACHE_CONTROL,
                ),
                links=(
                    Link(
                        name="next",
                        operation="list_jobs",
                        parameters={"cursor": "$response.body#/next"},
                        description="The next page, if there is one.",
                    ),
                ),
            ),
        ),
        problems=(RequestInvalid, CursorInvalid, StorePaused, StoreBroken),
    ),
    Endpoint(
        name="get_job",
        method="GET",
        path="/v1/jobs/{job_id}",
        tag="jobs",
        summary="Get a job",
        description="With `Prefer: wait=N` the response is sent when the job has ended or N seconds have passed, "
        "so that clients need not poll.",
        handle=get_job,
        parameters=(JOB_ID, PREFER),
        outcomes=(
            Outcome(
                status=200,
                description="The job.",
                content={"application/json": JobResource},
                example=_ENDED,
                headers=(PREFERENCE_APPLIED, _CACHE_CONTROL, _VARY),
                links=_LINKS[1:],
            ),
        ),
        problems=(JobUnknown, RequestInvalid, StorePaused, StoreBroken),
    ),
    Endpoint(
        name="delete_job",
        method="DELETE",
        path="/v1/jobs/{job_id}",
        tag="jobs",
        summary="Cancel or remove a job",
        description="A queued or running job is cancelled and stays in the list. A job that has ended is removed "
        "with its result, unless `if=unfinished` is given. `outcome` says what was done. A job that "
        "ends at that very moment is kept: `ended`.",
        handle=delete_job,
        parameters=(JOB_ID, IF_CONDITION),
        outcomes=(
            Outcome(
                status=200,
                description="The job was cancelled or removed, or had ended and was kept.",
                content={"application/json": Dismissal},
                example={"outcome": "cancelled", "job": _CANCELLED},
                headers=(_CACHE_CONTROL,),
            ),
            Outcome(
                status=202,
                description=f"The job is running and has not stopped within {CANCEL_WAIT_S:.0f} s; it will at its "
                "next check.",
                content={"application/json": Dismissal},
                example={"outcome": "cancelling", "job": {**_JOB, "state": "running", "position": None, "attempts": 1}},
                headers=(_LOCATION, _RETRY_AFTER, _CACHE_CONTROL),
                links=(_link("job", "get_job", "The current state.", "$response.body#/job/id"),),
            ),
        ),
        problems=(JobUnknown, RequestInvalid, ShuttingDown, StoreFull, StorePaused, StoreBroken),
    ),
)
