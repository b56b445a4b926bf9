"""The parts of the classic API's OpenAPI document that do not come from its endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meantime.errors import HostNotAllowed, KeyNotAllowed, KeyRequired, RateLimited, ShuttingDown
from meantime.web.classic import schemas
from meantime.web.http import openapi, problems
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.openapi import ApiDescription, ErrorKind
from meantime.web.http.replies import JSON


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document, as JSON values."""
    return openapi.document([endpoint for endpoint in endpoints if endpoint.is_documented], _API)


def _refusal(kinds: Sequence[ErrorKind]) -> dict[str, Any]:
    if ShuttingDown in kinds:
        example: dict[str, Any] = {"status": "error", "reason": "shutting down", "job_id": -1}
    else:
        example = {"status": "error", "reason": problems.example(kinds[0]).detail}
    described = {
        "description": " ".join(f"{problems.PAGES[problems.code_of(kind)].title}." for kind in kinds),
        "headers": openapi.refusal_headers(kinds),
        "content": {JSON: {"schema": {"$ref": openapi.REFERENCE.format(name=schemas.ERROR.name)}, "example": example}},
    }
    return {name: value for name, value in described.items() if value}


_API = ApiDescription(
    summary="Statistics over a table of survey indicators, as durable jobs",
    tags={
        "statistics": "Each creates a job and responds with its id.",
        "jobs": "The jobs and their results.",
        "server": "The state of the server.",
    },
    types=(schemas.ERROR,),
    everywhere=(KeyRequired, KeyNotAllowed, HostNotAllowed, RateLimited),
    refusal=_refusal,
)
