"""Requests about jobs, as the handlers of /v1/jobs get them."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.errors import RequestInvalid
from meantime.model import Request, Work
from meantime.web.v1.jobs import deletion, listing, submission
from tests.support.http_requests import job_request
from tests.support.v1_calls import SUBMISSION, RunningBackend, body_of


def submit_job(api: RunningBackend, body: Any = SUBMISSION, **headers: str) -> Any:
    return api.run(submission.submit, lambda: job_request("POST", body=body, **headers))


def submit_batch(api: RunningBackend, body: Any, **headers: str) -> Any:
    return api.run(submission.submit_batch, lambda: job_request("POST", body=body, **headers))


def read_job(api: RunningBackend, job_id: str, **headers: str) -> Any:
    return body_of(api.run(listing.get_job, lambda: job_request(job_id=job_id, **headers)))


def list_jobs(api: RunningBackend, query: str = "") -> Any:
    return body_of(api.run(listing.list_jobs, lambda: job_request(query=query)))


def delete_job(api: RunningBackend, job_id: str, query: str = "") -> Any:
    return api.run(deletion.delete_job, lambda: job_request("DELETE", job_id=job_id, query=query))


def problem_codes(refusal: pytest.ExceptionInfo[RequestInvalid]) -> dict[str, str]:
    """The code of each problem by its pointer."""
    return {problem.pointer: problem.code for problem in refusal.value.problems}


def failing_task(request: Request, work: Work) -> bytes:  # noqa: ARG001 - a task gets both
    raise RuntimeError("a bug of ours")
