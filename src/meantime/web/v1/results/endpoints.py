"""The endpoints of results."""

from __future__ import annotations

from meantime.errors import (
    AnswersBusy,
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
    StoreFull,
    StorePaused,
)
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.prefer import PREFERENCE_APPLIED
from meantime.web.v1.figures import PARAMETERS as FIGURE
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
    StorePaused,
    # Some formats are written to a file first.
    StoreFull,
    StoreBroken,
    *DRAWING,
    AnswersBusy,
)
_DESCRIPTION = (
    "A result never changes, and is removed with its job. Until the job has ended, the response is a problem "
    "`result-not-ready` with `Retry-After`; with `Prefer: wait=N` it waits for the job to end. Results of jobs of "
    "the classic API are available here too."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_result",
        method="GET",
        path="/v1/jobs/{job_id}/results",
        tag="results",
        summary="Get a result",
        description=f"{_DESCRIPTION} `Accept` chooses the format; the default is JSON.",
        handle=get_result,
        parameters=(
            JOB_ID,
            CHART,
            *FIGURE,
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
        summary="Get a result as a file",
        description=f"{_DESCRIPTION} The suffix chooses the format, whatever `Accept` says.",
        handle=get_result,
        parameters=(
            JOB_ID,
            SUFFIX,
            CHART,
            *FIGURE,
            PREFER,
            *CONDITIONS,
        ),
        outcomes=outcomes(PREFERENCE_APPLIED),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
