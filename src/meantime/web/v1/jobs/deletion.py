"""DELETE /v1/jobs/{job_id}: cancels a job, or removes one that has ended."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from meantime.engine.engine import JobDetail
from meantime.errors import (
    JobEnded,
    KeyNotAllowed,
)
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.job_parameters import job_number_of
from meantime.web.v1.jobs.parameters import IF_CONDITION
from meantime.web.v1.jobs.resource import NO_STORE, Dismissal, job_resource

# How long to wait for a running job to notice that it was cancelled. Statistics check every few milliseconds; a long
# step in DuckDB is interrupted within a second.
CANCEL_WAIT_S = 5.0

_ENCODER = msgspec.json.Encoder()


async def delete_job(backend: Backend, request: HttpRequest) -> Reply:
    """DELETE /v1/jobs/{job_id}: cancel an active job or remove one that has ended, and report which."""
    engine, number, is_to_be_cancelled_only = backend.engine, job_number_of(request), _is_if_unfinished(request)
    detail = engine.describe(number)
    if not request.caller.owns(detail.record.request.submitted_by):
        raise KeyNotAllowed(
            f"{detail.record.id} was submitted with another key. Only that key, and one with the role operate, cancels "
            "and removes it."
        )
    if detail.state.is_ended and is_to_be_cancelled_only:
        return _dismissed(backend, "ended", detail)
    if detail.state.is_ended:
        removal = engine.remove(number)
        await backend.wait_for(removal)
        removal.result()
        return _dismissed(backend, "removed", detail)
    try:
        cancellation = engine.cancel(number)
        async with asyncio.timeout(CANCEL_WAIT_S):
            await backend.wait_for(cancellation)
        job = cancellation.result()
    except JobEnded:
        # It ended after the check above. Removing it now would discard a result that nobody has seen.
        return _dismissed(backend, "ended", engine.describe(number))
    except TimeoutError:
        return _dismissed(backend, "cancelling", engine.describe(number))
    return _dismissed(backend, "cancelled", JobDetail(job, job.state, detail.progress, None))


def _is_if_unfinished(request: HttpRequest) -> bool:
    """Whether a job that has ended must be kept. A misspelled condition must not remove it."""
    query = Query(request.query, (IF_CONDITION.name,))
    condition = query.one(IF_CONDITION.name)
    if condition not in (None, "unfinished"):
        query.wrong(
            IF_CONDITION.name, "unknown", f'"{IF_CONDITION.name}" can only be unfinished, not {quoted(condition)}.'
        )
    query.check()
    return condition is not None


def _dismissed(
    backend: Backend, outcome: Literal["cancelled", "cancelling", "ended", "removed"], detail: JobDetail
) -> Reply:
    body = _ENCODER.encode(Dismissal(outcome=outcome, job=job_resource(detail, keep_ended_s=backend.keep_ended_s)))
    later = (("location", f"/v1/jobs/{detail.record.id}"), ("retry-after", "1")) if outcome == "cancelling" else ()
    return Reply(202 if outcome == "cancelling" else 200, body, headers=(*later, NO_STORE[0]), job_id=detail.record.id)
