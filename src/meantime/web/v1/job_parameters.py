"""Parameters that requests about jobs share: the job in the path, and how long to wait for it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from meantime.errors import (
    JobUnknown,
)
from meantime.model import job_number
from meantime.text import quoted
from meantime.web.http.endpoint import Parameter
from meantime.web.http.prefer import PREFERENCE, WAIT_LIMIT_S
from meantime.web.http.request import HttpRequest

JOB_ID = Parameter(
    name="job_id",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern="^job_id_[1-9][0-9]{0,17}$")],
    description="The job's id, from the response to its submission.",
    required=True,
    example="job_id_1",
)
PREFER = Parameter(
    name="Prefer",
    where="header",
    kind=PREFERENCE,
    description=f"`wait=N` (RFC 7240): wait for the job to end, for up to N seconds, at most {WAIT_LIMIT_S}. Other "
    "preferences are ignored.",
    example="wait=10",
)


def job_number_of(request: HttpRequest) -> int:
    """Return the number of the job that the path names.

    Raises:
        JobUnknown: it is not the id of a job.
    """
    text = request.path_params["job_id"]
    if (number := job_number(text)) is None:
        raise JobUnknown(
            f"There is no job {quoted(text, 100)}. Ids look like job_id_7, and are in the response to a submission."
        )
    return number
