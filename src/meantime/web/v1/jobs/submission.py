"""POST /v1/jobs and /v1/jobs/batch."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from meantime.engine.engine import Engine, JobDetail
from meantime.errors import (
    HeaderInvalid,
    JobUnknown,
)
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.web.backend import Backend
from meantime.web.http import bodies
from meantime.web.http.prefer import applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.forms import choose_form
from meantime.web.v1.jobs.requests import BATCH_EXAMPLE, EXAMPLE, read_batch, read_request
from meantime.web.v1.jobs.resource import NO_STORE, Accepted, job_resource
from meantime.web.v1.results.handlers import answer_with_result

# A thousand questions as long as the longest in use (246 characters, each up to 4 bytes, or 12 where escaped), with
# room for what is around them.
BATCH_LIMIT_BYTES = 8 * 1024 * 1024

# A body up to this is parsed, and checked, in less than a millisecond.
_READ_AT_ONCE_BYTES = 32 * 1024

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()


async def submit(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """POST /v1/jobs: make a job, and wait for its result if that is preferred."""
    # All that can be refused is refused before there is a job.
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    form = choose_form(request.header("accept"), None) if wait_s is not None else None
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(bodies.BODY_LIMIT_BYTES)

    def read() -> tuple[Request, IdempotencyKey | None]:
        raw = bodies.json_object(body, example=f"send {EXAMPLE}")
        return read_request(raw, backend.catalog), _idempotency_key(key, "/v1/jobs", raw)

    wanted, idempotency_key = await _at_once_or_in_thread(read, body)
    if form is not None:
        form = choose_form(request.header("accept"), None, wanted.statistic)
    accepted = backend.engine.submit((wanted,), key=idempotency_key)
    await backend.landed(accepted)
    [job] = accepted.result()
    location = ("location", f"/v1/jobs/{job.id}")
    if form is None:
        detail = _as_it_is(backend.engine, job)
    else:
        detail = await backend.waiters.end_of(backend.engine, job.number, within_s=wait_s or 0, gone=request.gone)
        if detail.state.is_ended:
            where = ("content-location", f"/v1/jobs/{job.id}/results")
            return await answer_with_result(
                backend, request, detail, form=form, headers=(location, where, *applied(wait_s))
            )
    return Reply(
        202,
        _ENCODER.encode(job_resource(detail, keep_ended_s=backend.keep_ended_s)),
        headers=(location, ("retry-after", "1"), *applied(wait_s), *NO_STORE),
        job_id=job.id,
    )


async def submit_batch(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/jobs/batch: make many jobs in one commit, or none."""
    Query(request.query, ()).check()
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(BATCH_LIMIT_BYTES)
    engine = backend.engine

    def read_and_submit() -> Any:
        raw = bodies.json_object(body, example=f"send {BATCH_EXAMPLE}")
        return engine.submit(read_batch(raw, backend.catalog), key=_idempotency_key(key, "/v1/jobs/batch", raw))

    def answer(jobs: Sequence[JobRecord]) -> bytes:
        details = (_as_it_is(engine, job) for job in jobs)
        return _ENCODER.encode(
            Accepted(jobs=[job_resource(each, keep_ended_s=backend.keep_ended_s) for each in details])
        )

    accepted = await _at_once_or_in_thread(read_and_submit, body)
    await backend.landed(accepted)
    jobs = accepted.result()
    written = await _at_once_or_in_thread(partial(answer, jobs), body)
    return Reply(202, written, headers=(("retry-after", "1"), *NO_STORE))


async def _at_once_or_in_thread(read: Callable[[], T], body: bytes) -> T:
    return read() if len(body) <= _READ_AT_ONCE_BYTES else await asyncio.to_thread(read)


def _as_it_is(engine: Engine, job: JobRecord) -> JobDetail:
    """Look how an accepted job stands. It may have ended, also long ago: then the same request came once more."""
    try:
        return engine.describe(job.number)
    except JobUnknown:  # removed meanwhile
        return JobDetail(job, job.state, 0.0, None)


def _key(header: str | None) -> str | None:
    if header is not None and not _KEY.fullmatch(header):
        raise HeaderInvalid(
            "The header Idempotency-Key must be 1 to 255 visible ASCII characters without spaces; a UUID works well."
        )
    return header


def _idempotency_key(key: str | None, path: str, raw: Mapping[str, Any]) -> IdempotencyKey | None:
    """Bind a key to what it came with. White space and the order of keys are not part of that."""
    if key is None:
        return None
    canonical = msgspec.json.encode(["POST", path, raw], order="sorted")
    return IdempotencyKey(key=key, digest=hashlib.blake2b(canonical, digest_size=16).hexdigest())
