"""POST /v1/jobs and /v1/jobs/batch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from meantime.engine.engine import Engine, JobDetail
from meantime.errors import (
    HeaderInvalid,
    JobUnknown,
)
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.web.backend import Backend
from meantime.web.checking import check_submission
from meantime.web.http import bodies
from meantime.web.http.prefer import applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.forms import choose_form
from meantime.web.v1.jobs.requests import BATCH_EXAMPLE, EXAMPLE, read_batch, read_request
from meantime.web.v1.jobs.resource import NO_STORE, Accepted, job_resource
from meantime.web.v1.results.handlers import answer_with_result

# A thousand questions as long as the longest in use (246 characters of up to 4 bytes, or 12 if escaped), and room for
# the rest of each request.
BATCH_LIMIT_BYTES = 8 * 1024 * 1024

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

_ENCODER = msgspec.json.Encoder()


async def submit(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """POST /v1/jobs: submit a job, and wait for its result if the client prefers that."""
    # Everything that can be wrong is checked before a job exists.
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    form = choose_form(request.header("accept"), None) if wait_s is not None else None
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(bodies.BODY_LIMIT_BYTES)

    def read() -> tuple[Request, IdempotencyKey | None]:
        raw = bodies.json_object(body, example=f"send {EXAMPLE}")
        read = read_request(raw, backend.catalog, backend.compute.limits.job)
        return replace(read, submitted_by=request.caller.key_id), _idempotency_key(key, "/v1/jobs", raw)

    job_request, idempotency_key = await check_submission(backend.catalog, body, read)
    if form is not None:
        form = choose_form(request.header("accept"), None, job_request.statistic)
    accepted = backend.engine.submit((job_request,), key=idempotency_key, client=request.caller.client)
    await backend.wait_for(accepted)
    [job] = accepted.result()
    location = ("location", f"/v1/jobs/{job.id}")
    if form is None:
        detail = _current_detail(backend.engine, job)
    else:
        detail = await backend.waiters.wait_for_end(
            backend.engine, job.number, within_s=wait_s or 0, disconnected=request.disconnected
        )
        if detail.state.is_ended:
            content_location = ("content-location", f"/v1/jobs/{job.id}/results")
            return await answer_with_result(
                backend, request, detail, form=form, headers=(location, content_location, *applied(wait_s))
            )
    return Reply(
        202,
        _ENCODER.encode(job_resource(detail, keep_ended_s=backend.keep_ended_s)),
        headers=(location, ("retry-after", "1"), *applied(wait_s), *NO_STORE),
        job_id=job.id,
    )


async def submit_batch(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/jobs/batch: submit many jobs in one commit, or none."""
    Query(request.query, ()).check()
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(BATCH_LIMIT_BYTES)
    engine = backend.engine

    def read_and_submit() -> Any:
        raw = bodies.json_object(body, example=f"send {BATCH_EXAMPLE}")
        requests = read_batch(raw, backend.catalog, backend.compute.limits.job)
        return engine.submit(
            [replace(each, submitted_by=request.caller.key_id) for each in requests],
            key=_idempotency_key(key, "/v1/jobs/batch", raw),
            client=request.caller.client,
        )

    def answer(jobs: Sequence[JobRecord]) -> bytes:
        details = (_current_detail(engine, job) for job in jobs)
        return _ENCODER.encode(
            Accepted(jobs=[job_resource(each, keep_ended_s=backend.keep_ended_s) for each in details])
        )

    accepted = await check_submission(backend.catalog, body, read_and_submit)
    await backend.wait_for(accepted)
    jobs = accepted.result()
    # Not where requests are checked, which may take a second: the jobs are accepted, and a thousand take 5 ms to write.
    return Reply(202, answer(jobs), headers=(("retry-after", "1"), *NO_STORE))


def _current_detail(engine: Engine, job: JobRecord) -> JobDetail:
    """Return the state of an accepted job, which may have ended long ago if the same request was sent again."""
    try:
        return engine.describe(job.number)
    except JobUnknown:  # removed in the meantime
        return JobDetail(job, job.state, 0.0, None)


def _key(header: str | None) -> str | None:
    if header is not None and not _KEY.fullmatch(header):
        raise HeaderInvalid(
            "The header Idempotency-Key must be 1 to 255 visible ASCII characters without spaces; a UUID works well."
        )
    return header


def _idempotency_key(key: str | None, path: str, raw: Mapping[str, Any]) -> IdempotencyKey | None:
    """Bind a key to its request. White space and the order of keys do not matter."""
    if key is None:
        return None
    canonical = msgspec.json.encode(["POST", path, raw], order="sorted")
    return IdempotencyKey(key=key, digest=hashlib.blake2b(canonical, digest_size=16).hexdigest())
