"""Events in the JSON of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from meantime.web.v1.jobs.resource import JobResource

_A_JOB = {"$ref": f"#/components/schemas/{JobResource.__name__}"}
_A_RESET = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}


def _json(description: str, schema: Mapping[str, Any]) -> msgspec.Meta:
    within = {"contentMediaType": "application/json", "contentSchema": schema}
    return msgspec.Meta(description=description, extra_json_schema=within)


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a job."""

    id: Annotated[str, msgspec.Meta(description="The value for Last-Event-ID.")]
    event: Literal["accepted", "started", "progress", "given-back", "ended"]
    data: Annotated[str, _json("The job after this change.", _A_JOB)]


class JobsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a job, or a notice that events were missed."""

    id: Annotated[str, msgspec.Meta(description="The value for Last-Event-ID.")]
    event: Literal["accepted", "started", "progress", "given-back", "ended", "removed", "reset"]
    data: Annotated[str, _json("The job after this change; for a reset, what to do.", {"anyOf": [_A_JOB, _A_RESET]})]
