"""Jobs as clients see them, and what they send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from meantime.engine.engine import JobDetail
from meantime.errors import (
    Failure,
)
from meantime.model import JobState

# One commit and one answer: more would make the jobs of others wait for longer than a few hundredths of a second.
BATCH_LIMIT = 1000

NO_STORE = (("cache-control", "no-store"), ("vary", "Prefer"))


class JobLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a job."""

    self_: str = msgspec.field(name="self")
    results: str
    events: str


class JobResource(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands."""

    id: Annotated[str, msgspec.Meta(description="Never given twice.", pattern="^job_id_[1-9][0-9]{0,17}$")]
    state: Annotated[JobState, msgspec.Meta(description="queued and running go on; done, failed, cancelled are ends.")]
    label: Annotated[str | None, msgspec.Meta(description="The asker's own word for it.")]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[
        str | None, msgspec.Meta(description="Of the snapshot that answers; null while the data set is loading.")
    ]
    statistic: Annotated[str, msgspec.Meta(description="Name of the statistic.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="As checked, with the defaults filled in.")]
    api: Annotated[Literal["v1", "classic"], msgspec.Meta(description="Which API it was submitted to.")]
    progress: Annotated[float, msgspec.Meta(description="Share of the work that is done.", ge=0, le=1)]
    position: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(description="How many jobs stand before it; null unless it is queued."),
    ]
    attempts: Annotated[int, msgspec.Meta(description="How often work on it was begun.", ge=0)]
    created_at: Annotated[datetime, msgspec.Meta(description="When it was accepted.", tz=True)]
    started_at: Annotated[datetime | None, msgspec.Meta(description="When the last attempt began.")]
    ended_at: Annotated[datetime | None, msgspec.Meta(description="When it came to its end.")]
    expires_at: Annotated[
        datetime | None,
        msgspec.Meta(description="When it is removed, at the latest; earlier where too many jobs are kept."),
    ]
    failure: Annotated[
        Failure | None, msgspec.Meta(description="Why there is no result, and whose fault that is: failed, cancelled.")
    ]
    links: JobLinks


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be computed."""

    statistic: Annotated[str, msgspec.Meta(description="One of GET /v1/statistics.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="What the statistic takes.")] = {}
    dataset: (
        Annotated[str, msgspec.Meta(description="One of GET /v1/datasets; the first, if it is left out.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    label: Annotated[
        str | None,
        msgspec.Meta(description="A word of yours to find the job by.", extra_json_schema={"maxLength": 200}),
    ] = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Several requests, accepted all together or not at all."""

    requests: Annotated[list[Submission], msgspec.Meta(min_length=1, max_length=BATCH_LIMIT)]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a batch, in the order of its requests."""

    jobs: list[JobResource]


class PageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list goes on."""

    next: str | None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some jobs, the newest first."""

    jobs: list[JobResource]
    next: Annotated[str | None, msgspec.Meta(description="Cursor of the page behind this one; null on the last.")]
    links: PageLinks


class Dismissal(msgspec.Struct, frozen=True, kw_only=True):
    """What DELETE has done."""

    outcome: Annotated[
        Literal["cancelled", "cancelling", "ended", "removed"],
        msgspec.Meta(
            description="cancelled: it will not run (on). cancelling: that is asked, and it stops at its next check. "
            "ended: it came to its end before, and is still there. removed: it had ended; record and result are gone."
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
        # A job that is claimed and waits for its thread is shown as queued, and has not begun.
        started_at=None if job.started_at_s is None or state is JobState.QUEUED else _moment(job.started_at_s),
        ended_at=None if job.ended_at_s is None else _moment(job.ended_at_s),
        expires_at=None if job.ended_at_s is None else _moment(job.ended_at_s + keep_ended_s),
        failure=job.failure,
        links=JobLinks(self_=path, results=f"{path}/results", events=f"{path}/events"),
    )


def _moment(at_s: float) -> datetime:
    """Return a time as clients see it: never later than it was, so that asking for jobs since then includes this one.

    >>> _moment(1.0000009).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment if moment.timestamp() <= at_s else moment - timedelta(microseconds=1)
