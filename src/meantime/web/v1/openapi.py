"""The parts of the OpenAPI document of v1 that do not come from its endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from meantime.errors import (
    AddressTooLong,
    BodiesFull,
    ConnectionsFull,
    HeadersTooLong,
    HostInvalid,
    HostNotAllowed,
    HttpInvalid,
    KeyNotAllowed,
    KeyRequired,
    RateLimited,
    RequestTooSlow,
)
from meantime.statistics.registry import STATISTICS
from meantime.web.http import openapi, problems
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.openapi import ApiDescription, ErrorKind

# Errors that any request may get; None stands for any error that is not a MeantimeError.
EVERYWHERE: tuple[ErrorKind, ...] = (
    HttpInvalid,
    HostInvalid,
    KeyRequired,
    KeyNotAllowed,
    RequestTooSlow,
    AddressTooLong,
    HostNotAllowed,
    RateLimited,
    HeadersTooLong,
    BodiesFull,
    ConnectionsFull,
    None,
)

TAGS: Mapping[str, str] = {
    "datasets": "What is loaded: questions, locations, strata, suppressed or missing values, rejected lines.",
    "statistics": "What can be computed, and immediate answers.",
    "jobs": "Questions as durable resources, to wait for, follow and cancel.",
    "results": "What jobs have computed, in every format.",
    "server": "About the API itself.",
}
_ABOUT = (
    "Statistics over tables of survey indicators, as immediate answers or durable jobs.\n\nEvery GET also supports "
    "HEAD, every path OPTIONS. Every error is a problem (RFC 9457) whose `type` is the address of a page on this "
    "server, including 404 for unknown paths and 405 for unsupported methods. The classic API has its own "
    "document, `/openapi.json`.\n\nNames are found as people write them: a question by distinctive words, places in "
    "any case, by abbreviation (OH) or by words, strata and categories in any case. What several names fit is refused "
    "with these names (problem code `ambiguous`). `location` and `locations`, `period` and `years` are the same "
    "parameter, and a list of one value needs no brackets. Results have the names in full."
)
_NO_STORE = "`no-store`: it applies to this request only."


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document, as JSON values."""
    return openapi.document(endpoints, _API)


def kinds_of(endpoint: Endpoint) -> tuple[ErrorKind, ...]:
    """Return the errors that an endpoint may answer with; None stands for any that is not a MeantimeError."""
    return openapi.kinds_of(endpoint, _API)


def _refusal(kinds: Sequence[ErrorKind]) -> dict[str, Any]:
    codes = [problems.code_of(kind) for kind in kinds]
    return {
        "description": "\n".join(f"- `{code}`: {problems.PAGES[code].title}." for code in codes),
        "headers": {
            "Cache-Control": {"description": _NO_STORE, "required": True, "schema": {"const": "no-store"}},
            **openapi.refusal_headers(kinds),
        },
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": openapi.REFERENCE.format(name=problems.ProblemDetails.__name__)},
                        {"properties": {"code": {"enum": codes}}},
                    ]
                },
                "examples": {
                    code: {"value": msgspec.to_builtins(problems.example(kind))}
                    for code, kind in zip(codes, kinds, strict=True)
                },
            }
        },
    }


_API = ApiDescription(
    summary="Statistics over tables of survey indicators",
    description=_ABOUT,
    servers=({"url": "/", "description": "This server."},),
    tags=TAGS,
    types=(problems.ProblemDetails, *(statistic.parameters for statistic in STATISTICS.values())),
    everywhere=EVERYWHERE,
    refusal=_refusal,
)
