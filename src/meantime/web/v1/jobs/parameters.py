"""The query parameters of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from meantime.model import JobState
from meantime.web.http.endpoint import Parameter

PAGE = 100
PAGE_LIMIT = 1000


def _filter(name: str, kind: Any, description: str, example: Any = None) -> Parameter:
    return Parameter(name=name, where="query", kind=kind, description=description, example=example)


FILTERS: tuple[Parameter, ...] = (
    _filter(
        "state", list[JobState], "Only jobs in this state; repeat the parameter to allow several states.", ["done"]
    ),
    _filter("statistic", str, "Only jobs of this statistic.", "states_mean"),
    _filter("dataset", str, "Only jobs of this data set."),
    _filter("label", str, "Only jobs with exactly this label.", "obesity by state"),
)
LIST_PARAMETERS = (
    *FILTERS,
    _filter("created_after", datetime, "Only jobs accepted at this time or later (RFC 3339, with time zone)."),
    _filter("created_before", datetime, "Only jobs accepted before this time (RFC 3339, with time zone)."),
    _filter(
        "limit",
        Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)],
        f"Maximum number of jobs on a page; {PAGE} by default.",
        20,
    ),
    _filter("cursor", str, "`next` of the previous page, with the same filters."),
)

IF_CONDITION = Parameter(
    name="if",
    where="query",
    kind=Literal["unfinished"],
    description="`unfinished`: keep a job that has ended. A client that only wants to cancel then removes "
    "nothing, and can safely repeat the request if the response was lost.",
    example="unfinished",
)
