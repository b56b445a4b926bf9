"""The endpoints of events."""

from __future__ import annotations

from meantime.errors import JobUnknown, RequestInvalid, StoreBroken
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.v1.events.all_jobs import follow_jobs
from meantime.web.v1.events.one_job import follow_job
from meantime.web.v1.events.resource import JobEvent, JobsEvent
from meantime.web.v1.events.stream import HEARTBEAT_S, MEDIA_TYPE
from meantime.web.v1.job_parameters import JOB_ID
from meantime.web.v1.jobs.parameters import FILTERS

_LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    where="header",
    kind=str,
    description="The id of the last event that the client has; browsers send it when they connect again.",
)
_STREAM_HEADERS = (
    Header(name="Cache-Control", description="`no-store`."),
    Header(name="X-Accel-Buffering", description="`no`: proxies are to pass events on as they come."),
)
_EVENTS = (
    "Events are `accepted`, `started`, `progress` (at most one per percent), `ended` and `given-back` (the server "
    "stopped or the disk was full; the job waits again); `data` is the job as it then was. A comment comes every "
    f"{HEARTBEAT_S:.0f} s when nothing happens. The stream ends when the server stops; ids hold over that."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="follow_jobs",
        method="GET",
        path="/v1/jobs/events",
        tag="jobs",
        summary="Follow all jobs",
        description=f"Server-sent events of everything that happens to jobs from now on. {_EVENTS} Also `removed`, and "
        "`reset` where events were missed that are not known any more: list the jobs again then. To miss none, connect "
        "first and list then.",
        handle=follow_jobs,
        parameters=(*FILTERS, _LAST_EVENT_ID),
        outcomes=(
            Outcome(
                status=200,
                description="The events, without an end.",
                content={MEDIA_TYPE: JobsEvent},
                headers=_STREAM_HEADERS,
            ),
        ),
        problems=(RequestInvalid,),
    ),
    Endpoint(
        name="follow_job",
        method="GET",
        path="/v1/jobs/{job_id}/events",
        tag="jobs",
        summary="Follow a job",
        description=f"Server-sent events: how the job stands, then every change, until it has ended. {_EVENTS}",
        handle=follow_job,
        parameters=(JOB_ID, _LAST_EVENT_ID),
        outcomes=(
            Outcome(
                status=200,
                description="The events, up to the end of the job.",
                content={MEDIA_TYPE: JobEvent},
                headers=_STREAM_HEADERS,
            ),
            Outcome(
                status=204,
                description="The job has ended, and the client knows that: browsers do not connect again.",
                headers=_STREAM_HEADERS,
            ),
        ),
        problems=(JobUnknown, RequestInvalid, StoreBroken),
    ),
)
