"""The endpoints of events."""

from __future__ import annotations

from meantime.errors import AnswersBusy, JobUnknown, RequestInvalid, StoreBroken, StorePaused
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
    description="The id of the last event that the client received; browsers send it when they reconnect.",
)
_STREAM_HEADERS = (
    Header(name="Cache-Control", description="`no-store`."),
    Header(name="X-Accel-Buffering", description="`no`: proxies must pass events on immediately."),
)
_EVENTS = (
    "Events are `accepted`, `started`, `progress` (at most one per percent), `ended` and `given-back` (the server "
    "stopped or the disk was full; the job waits again). `data` is the job after the change. When nothing "
    f"happens, a comment is sent every {HEARTBEAT_S:.0f} s. The stream ends when the server stops, or when another "
    "client needs its place; ids remain valid."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="follow_jobs",
        method="GET",
        path="/v1/jobs/events",
        tag="jobs",
        summary="Follow all jobs",
        description=f"Server-sent events about all jobs from now on. {_EVENTS} While much happens, several come at "
        "once; the more clients follow, the fewer times a second. Also `removed`, and `reset` if events were missed "
        "that are no longer recorded: then list the jobs again. To miss nothing, connect first and list the jobs "
        "afterwards.",
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
        problems=(RequestInvalid, AnswersBusy),
    ),
    Endpoint(
        name="follow_job",
        method="GET",
        path="/v1/jobs/{job_id}/events",
        tag="jobs",
        summary="Follow a job",
        description="Server-sent events: the current state of the job, then every change until it has ended. "
        f"{_EVENTS}",
        handle=follow_job,
        parameters=(JOB_ID, _LAST_EVENT_ID),
        outcomes=(
            Outcome(
                status=200,
                description="The events, until the job ends.",
                content={MEDIA_TYPE: JobEvent},
                headers=_STREAM_HEADERS,
            ),
            Outcome(
                status=204,
                description="The job has ended and the client knows it: browsers do not reconnect.",
                headers=_STREAM_HEADERS,
            ),
        ),
        problems=(JobUnknown, RequestInvalid, AnswersBusy, StorePaused, StoreBroken),
    ),
)
