"""The OpenAPI document of v1, made of the table of endpoints: what is described is what is carried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

import msgspec

from meantime.errors import HostInvalid, HostNotAllowed, HttpInvalid, MeantimeError
from meantime.statistics.registry import STATISTICS
from meantime.web.v1 import problems
from meantime.web.v1.endpoint import Endpoint, Header, Link, Outcome, Parameter

_REFERENCE = "#/components/schemas/{name}"
# What any request may be answered with; None is an error that is not ours.
EVERYWHERE: tuple[type[MeantimeError] | None, ...] = (HttpInvalid, HostInvalid, HostNotAllowed, None)

TAGS: Mapping[str, str] = {
    "datasets": "What is loaded: questions, locations, strata, what is withheld and what was rejected.",
    "statistics": "What can be asked, and answers at once.",
    "jobs": "Questions as resources: durable, waited for, watched, cancelled.",
    "results": "What jobs have come to, in every form.",
    "server": "The API about itself.",
}
_ABOUT = (
    "Statistics over tables of survey indicators, answered at once or as durable jobs.\n\n"
    "Every GET takes HEAD, every path takes OPTIONS. Every error is a problem (RFC 9457) whose `type` is the address "
    "of a page on this server; a path where nothing is answers 404 and one that takes other methods 405, as problems "
    "too. The classic API has its own document, `/openapi.json`."
)
_NO_STORE = "`no-store`: it holds for this request only."


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document, as what JSON is made of."""
    schemas = _Schemas(endpoints)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in endpoints:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Meantime",
            "summary": "Statistics over tables of survey indicators",
            "description": _ABOUT,
            "version": metadata.version("meantime"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": [
            {"name": tag, "description": text}
            for tag, text in TAGS.items()
            if any(endpoint.tag == tag for endpoint in endpoints)
        ],
        "paths": dict(paths),
        "components": {"schemas": schemas.components},
    }


class _Schemas:
    """JSON Schema of every type that the endpoints name; those with a name of their own are there once."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        kinds = [*_kinds(endpoints)]
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
        # By identity: types such as Annotated[str, ...] compare equal where their descriptions differ, or cannot.
        self._by_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
        self._kept = kinds  # so that no other object gets the identity of one

    def of(self, kind: Any) -> Any:
        """Return the schema of a type of the endpoints."""
        return self._by_kind[id(kind)]


def _kinds(endpoints: Sequence[Endpoint]) -> Iterator[Any]:
    yield problems.ProblemDetails
    for statistic in STATISTICS.values():
        yield statistic.parameters
    for endpoint in endpoints:
        if endpoint.body is not None:
            yield endpoint.body
        for parameter in endpoint.parameters:
            yield parameter.kind
        for outcome in endpoint.outcomes:
            for kind in outcome.content.values():
                yield from _any_of(kind)
            yield from (header.kind for header in outcome.headers)


def _any_of(kind: Any) -> tuple[Any, ...]:
    return kind if isinstance(kind, tuple) else () if kind is None else (kind,)


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.description,
    }
    if endpoint.parameters:
        operation["parameters"] = [_parameter(parameter, schemas) for parameter in endpoint.parameters]
    if endpoint.body is not None:
        content = {"schema": schemas.of(endpoint.body)}
        if endpoint.body_example is not None:
            content["example"] = endpoint.body_example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    operation["responses"] = {
        **{str(outcome.status): _outcome(outcome, schemas) for outcome in endpoint.outcomes},
        **_refusals(endpoint),
    }
    return operation


def _parameter(parameter: Parameter, schemas: _Schemas) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required or parameter.where == "path",
        "description": parameter.description,
        "schema": schemas.of(parameter.kind),
    }
    return described if parameter.example is None else described | {"example": parameter.example}


def _outcome(outcome: Outcome, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": outcome.description}
    if outcome.headers:
        described["headers"] = {header.name: _header(header, schemas) for header in outcome.headers}
    if outcome.content:
        described["content"] = {
            media_type: _content(media_type, kind, outcome.example, schemas)
            for media_type, kind in outcome.content.items()
        }
    if outcome.links:
        described["links"] = {link.name: _link(link) for link in outcome.links}
    return described


def _content(media_type: str, kind: Any, example: Any, schemas: _Schemas) -> dict[str, Any]:
    if kind is None:
        # OpenAPI 3.1 describes bytes that are no text by saying nothing of them. A schema of a stream of events would
        # be taken for one of each event.
        is_text = media_type.startswith("text/") and media_type != "text/event-stream"
        return {"schema": {"type": "string"}} if is_text else {}
    each = [schemas.of(one) for one in _any_of(kind)]
    described = {"schema": each[0] if len(each) == 1 else {"anyOf": each}}
    return described if example is None else described | {"example": example}


def _header(header: Header, schemas: _Schemas) -> dict[str, Any]:
    return {"description": header.description, "required": header.required, "schema": schemas.of(header.kind)}


def _link(link: Link) -> dict[str, Any]:
    return {"operationId": link.operation, "parameters": dict(link.parameters), "description": link.description}


# Refusals


def kinds_of(endpoint: Endpoint) -> tuple[type[MeantimeError] | None, ...]:
    """Return what an endpoint may be refused with; None is an error that is not ours."""
    return tuple(dict.fromkeys((*endpoint.problems, *EVERYWHERE)))


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    by_status: dict[int, list[type[MeantimeError] | None]] = defaultdict(list)
    for kind in kinds_of(endpoint):
        by_status[problems.status_of(kind)].append(kind)
    return {str(status): _refusal(kinds) for status, kinds in sorted(by_status.items())}


def _refusal(kinds: Sequence[type[MeantimeError] | None]) -> dict[str, Any]:
    codes = [problems.code_of(kind) for kind in kinds]
    headers: dict[str, Any] = {
        "Cache-Control": {"description": _NO_STORE, "required": True, "schema": {"const": "no-store"}}
    }
    for kind in kinds:
        for name, text in problems.headers_of(kind).items():
            always = all(name in problems.headers_of(other) for other in kinds)
            headers[name] = {"description": text, "required": always, "schema": {"type": "string"}}
    return {
        "description": "\n".join(f"- `{code}`: {problems.PAGES[code].title}." for code in codes),
        "headers": headers,
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": _REFERENCE.format(name=problems.ProblemDetails.__name__)},
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
