"""Jobs and submissions in the JSON of the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from meantime.engine.engine import JobDetail
from meantime.errors import (
    Failure,
)
from meantime.model import JobState

# One commit and one answer. Larger batches would delay the jobs of other clients by more than a few hundredths of a
# second.
BATCH_LIMIT = 1000

NO_STORE = (("cache-control", "no-store"), ("vary", "Prefer"))


class JobLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Related addresses."""

    self_: str = msgspec.field(name="self")
    results: str
    events: str


class JobResource(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of a job."""

    id: Annotated[str, msgspec.Meta(description="Unique; ids are never reused.", pattern="^job_id_[1-9][0-9]{0,17}$")]
    state: Annotated[
        JobState, msgspec.Meta(description="queued and running are active; done, failed and cancelled are final.")
    ]
    label: Annotated[str | None, msgspec.Meta(description="A name given by the client.")]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[
        str | None,
        msgspec.Meta(description="Fingerprint of the snapshot that is used; null while the data set is loading."),
    ]
    statistic: Annotated[str, msgspec.Meta(description="Name of the statistic.")]
    parameters: Annotated[
        dict[str, Any], msgspec.Meta(description="The parameters after validation, with defaults filled in.")
    ]
    api: Annotated[Literal["v1", "classic"], msgspec.Meta(description="The API through which it was submitted.")]
    progress: Annotated[float, msgspec.Meta(description="Share of the work that is done, from 0 to 1.", ge=0, le=1)]
    position: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(
            description="Number of jobs ahead of it in the queue; null unless it is queued. It may grow, because "
            "clients take turns."
        ),
    ]
    attempts: Annotated[int, msgspec.Meta(description="How many times work on it has started.", ge=0)]
    created_at: Annotated[datetime, msgspec.Meta(description="When it was accepted.", tz=True)]
    started_at: Annotated[datetime | None, msgspec.Meta(description="When the last attempt started.")]
    ended_at: Annotated[datetime | None, msgspec.Meta(description="When it ended.")]
    expires_at: Annotated[
        datetime | None,
        msgspec.Meta(description="When it is removed at the latest; earlier if too many jobs are kept."),
    ]
    failure: Annotated[
        Failure | None,
        msgspec.Meta(description="Why there is no result, and who is responsible; only if it failed or was cancelled."),
    ]
    links: JobLinks


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What to compute."""

    statistic: Annotated[str, msgspec.Meta(description="A name from GET /v1/statistics.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="The parameters of the statistic.")] = {}
    dataset: (
        Annotated[str, msgspec.Meta(description="A name from GET /v1/datasets; the first one by default.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    label: Annotated[
        str | None,
        msgspec.Meta(description="A name of your own, to find the job again.", extra_json_schema={"maxLength": 200}),
    ] = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Several requests: all are accepted, or none."""

    requests: Annotated[list[Submission], msgspec.Meta(min_length=1, max_length=BATCH_LIMIT)]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a batch, in the order of the requests."""

    jobs: list[JobResource]


class PageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """The next page."""

    next: str | None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of jobs, newest first."""

    jobs: list[JobResource]
    next: Annotated[str | None, msgspec.Meta(description="Cursor of the next page; null on the last page.")]
    links: PageLinks


class Dismissal(msgspec.Struct, frozen=True, kw_only=True):
    """What DELETE did."""

    outcome: Annotated[
        Literal["cancelled", "cancelling", "ended", "removed"],
        msgspec.Meta(
            description="cancelled: the job was stopped, or will not start. cancelling: it is running and will "
            "stop at its next check. ended: it had already ended, and is kept. removed: it had ended, "
            "and was deleted with its result."
        ),
    ]
    job: JobResource


def job_resource(detail: JobDetail, *, keep_ended_s: float) -> JobResource:
    """Describe a job to clients."""
    job, state = detail.record, detail.state
    request = job.request
    path = f"/v1/jobs/{job.id}"
    return JobResource(
        id=job.id,
        state=state,
        label=request.label,
        dataset=request.dataset,
        fingerprint=request.fingerprint,
        statistic=request.statistic,
        parameters=request.parameters,
        api="v1" if request.view == "document" else "classic",
        progress=detail.progress,
        position=detail.position,
        attempts=job.attempts,
        created_at=_moment(job.created_at_s),
        # A claimed job that is waiting for its thread is shown as queued, so it has not started.
        started_at=None if job.started_at_s is None or state is JobState.QUEUED else _moment(job.started_at_s),
        ended_at=None if job.ended_at_s is None else _moment(job.ended_at_s),
        expires_at=None if job.ended_at_s is None else _moment(job.ended_at_s + keep_ended_s),
        failure=job.failure,
        links=JobLinks(self_=path, results=f"{path}/results", events=f"{path}/events"),
    )


def _moment(at_s: float) -> datetime:
    """Return a time for clients, rounded down, so that created_after with this time includes the job.

    >>> _moment(1.0000009).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment if moment.timestamp() <= at_s else moment - timedelta(microseconds=1)
