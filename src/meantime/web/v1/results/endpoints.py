"""The endpoints of results."""

from __future__ import annotations

from meantime.errors import (
    JobCancelled,
    JobFailed,
    JobUnknown,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    ResultGone,
    ResultNotReady,
    ShuttingDown,
    StoreBroken,
)
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.prefer import PREFERENCE_APPLIED
from meantime.web.v1.job_parameters import JOB_ID, PREFER
from meantime.web.v1.results.description import ACCEPT, CHART, CONDITIONS, DRAWING, SUFFIX, outcomes
from meantime.web.v1.results.handlers import get_result

PROBLEMS = (
    RequestInvalid,
    JobUnknown,
    ResultNotReady,
    JobFailed,
    JobCancelled,
    ResultGone,
    RangeInvalid,
    ShuttingDown,
    StoreBroken,
    *DRAWING,
)
_DESCRIPTION = (
    "A result never changes; it goes with its job. While the job has not ended, the answer is a problem "
    "`result-not-ready`, with `Retry-After`; `Prefer: wait=N` has it wait for the end. Results of jobs of the classic "
    "API are answered too, as documents."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_result",
        method="GET",
        path="/v1/jobs/{job_id}/results",
        tag="results",
        summary="Read a result",
        description=f"{_DESCRIPTION} The form is the one that `Accept` wants most, JSON if it does not say.",
        handle=get_result,
        parameters=(
            JOB_ID,
            CHART,
            ACCEPT,
            PREFER,
            *CONDITIONS,
        ),
        outcomes=outcomes(PREFERENCE_APPLIED),
        problems=PROBLEMS,
    ),
    Endpoint(
        name="get_result_as",
        method="GET",
        path="/v1/jobs/{job_id}/results.{suffix}",
        tag="results",
        summary="Read a result as a file",
        description=f"{_DESCRIPTION} The suffix names the form, whatever `Accept` says.",
        handle=get_result,
        parameters=(
            JOB_ID,
            SUFFIX,
            CHART,
            PREFER,
            *CONDITIONS,
        ),
        outcomes=outcomes(PREFERENCE_APPLIED),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
