"""The classic contract as plain functions, from the parts of a request to a complete answer. No framework.

Everything that decides a byte of an answer is here and in ``errors``, so that the main server and Flask give the same
answers. No function here raises a MeantimeError: errors are answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Loading
from meantime.engine.engine import Engine
from meantime.errors import JobUnknown, MeantimeError, StoreBroken, Unavailable
from meantime.model import JobRecord, JobState, Request, job_id, job_number
from meantime.statistics.check import check_form, check_job
from meantime.web.classic.errors import SHUTTING_DOWN, error_body, error_reply
from meantime.web.http import bodies, operator
from meantime.web.http.access import Caller
from meantime.web.http.replies import Later, Reply

# The nine statistics of this contract, whatever the registry has besides: POST /api/<name>.
STATISTICS = (
    "states_mean",
    "state_mean",
    "best5",
    "worst5",
    "global_mean",
    "diff_from_mean",
    "state_diff_from_mean",
    "mean_by_category",
    "state_mean_by_category",
)

# The contract's words for the states of a job. It has none for waiting, nor for cancelled.
STATE_WORDS: Mapping[JobState, str] = {
    JobState.QUEUED: "running",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "error",
    JobState.CANCELLED: "error",
}

_RUNNING = Reply(200, b'{"status":"running"}')
_DONE = Reply(200, b'{"status":"done"}')
_INVALID_JOB_ID = Reply(200, error_body("Invalid job_id"), reason="Invalid job_id")


def refuse_before_body(engine: Engine, *, content_type: str | None, content_length: str | None) -> Reply | None:
    """Return the refusal of a submission whose body need not be read, or None."""
    if not engine.is_accepting:
        return SHUTTING_DOWN
    try:
        bodies.require_json(content_type)
        bodies.require_length(content_length)
    except MeantimeError as error:
        return error_reply(error)
    return None


def submit(statistic: str, body: bytes, *, engine: Engine, catalog: Catalog, caller: Caller) -> Reply | Later:
    """POST /api/<statistic>: submit a job of a client. The answer waits until the job is durable."""
    try:
        request = _request(statistic, bodies.json_object(body), catalog, submitted_by=caller.key_id)
        return Later(engine.submit((request,), client=caller.client), _accepted)
    except MeantimeError as error:
        return error_reply(error)


def get_results(text: str, *, engine: Engine) -> Reply | Later:
    """GET /api/get_results/<text>: the state of a job, and its result once there is one. Always 200.

    The answer waits only if a lost result is computed again.
    """
    number = job_number(text)
    if number is None:
        return _INVALID_JOB_ID
    try:
        job = engine.look_up(number)
        if job.state is not JobState.DONE:
            reason = job.failure.reason if job.failure else ""
            return _failed(number, reason) if job.state.is_ended else _RUNNING._replace(job_id=text)
        awaited = engine.read_result(number)
    except MeantimeError as error:
        return _without_result(number, error)

    def finish(result: Future[bytes]) -> Reply:
        return _result(number, result)

    return Later(awaited, finish)


def jobs(*, engine: Engine) -> Reply:
    """GET /api/jobs: every job and its state, by number. Not in the event loop: there may be a hundred thousand."""
    # Not with a JSON encoder, which would keep the interpreter from all other threads until the end.
    entries = ",".join([f'{{"job_id_{number}":"{STATE_WORDS[state]}"}}' for number, state in engine.jobs()])
    return Reply(200, f'{{"status":"done","data":[{entries}]}}'.encode())


def num_jobs(*, engine: Engine) -> Reply:
    """GET /api/num_jobs: how many jobs have not ended; at 0 the server may be stopped."""
    return Reply(200, b'{"status":"done","num_jobs":%d}' % engine.unfinished)


def graceful_shutdown(
    *, engine: Engine, peer: str | None, headers: Mapping[str, str], caller: Caller, is_dry_run: bool
) -> Reply:
    """GET or POST /api/graceful_shutdown: accept no new jobs, and return whether any are left.

    ``is_dry_run`` is for HEAD, which must not change anything.
    """
    try:
        operator.require_operator("Stopping the server", peer=peer, headers=headers, caller=caller)
    except MeantimeError as error:
        return error_reply(error)
    if not is_dry_run:
        # Before counting: a job accepted after the count would be missed.
        engine.stop_accepting()
    return _RUNNING if engine.unfinished else _DONE


def _request(statistic: str, raw: Mapping[str, Any], catalog: Catalog, *, submitted_by: str | None) -> Request:
    dataset = catalog.default
    # While the data set is loading, only the form can be checked; the job checks the rest. If loading failed, this
    # raises.
    snapshot = None if isinstance(catalog.status(dataset), Loading) else catalog.snapshot(dataset)
    parameters = (
        msgspec.to_builtins(check_form(statistic, raw)) if snapshot is None else check_job(statistic, raw, snapshot)
    )
    return Request(
        dataset=dataset,
        statistic=statistic,
        parameters=parameters,
        fingerprint=snapshot.fingerprint if snapshot else None,
        submitted_by=submitted_by,
    )


def _accepted(added: Future[list[JobRecord]]) -> Reply:
    try:
        [job] = added.result()
    except MeantimeError as error:
        return error_reply(error)
    return Reply(200, b'{"job_id":"job_id_%d"}' % job.number, job_id=job.id)


def _result(number: int, result: Future[bytes]) -> Reply:
    try:
        return Reply(200, b'{"status":"done","data":%b}' % result.result(), job_id=job_id(number))
    except MeantimeError as error:
        return _without_result(number, error)


def _without_result(number: int, error: MeantimeError) -> Reply:
    match error:
        case JobUnknown():
            return _INVALID_JOB_ID  # possibly it expired between the two lookups
        case Unavailable() | StoreBroken():
            # The job is done, and its result can be had when the server's trouble has passed, at the latest after a
            # restart. "error" would make its client give up.
            return _RUNNING._replace(job_id=job_id(number), reason=error.operator_reason)
        case _:
            return _failed(number, error.reason)


def _failed(number: int, reason: str) -> Reply:
    return Reply(200, error_body(reason), job_id=job_id(number), reason=reason)
