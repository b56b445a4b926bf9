"""The OpenAPI document of an API, generated from its table of endpoints, so it always describes what is served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import msgspec

from meantime.errors import KeyNotAllowed, KeyRequired, MeantimeError, RateLimited
from meantime.web.http import problems
from meantime.web.http.endpoint import Endpoint, Header, Link, NamedSchema, Outcome, Parameter

REFERENCE = "#/components/schemas/{name}"

# None stands for any error that is not a MeantimeError.
ErrorKind = type[MeantimeError] | None


# What a request without a key, or with too many others, may get; not where everybody may ask.
_OF_KEYS = (KeyRequired, KeyNotAllowed, RateLimited)
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key made with `meantime key create`."},
    "adminKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Admin-Key",
        "description": "The setting admin_key, which has the role operate.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDescription:
    """The parts of a document that do not come from its endpoints."""

    summary: str
    tags: Mapping[str, str]
    # Errors that any request may get.
    everywhere: tuple[ErrorKind, ...]
    # Describes the answer to errors with the same status.
    refusal: Callable[[Sequence[ErrorKind]], dict[str, Any]]
    # More types to describe, apart from those of the endpoints.
    types: tuple[Any, ...] = ()
    description: str = ""
    servers: tuple[Mapping[str, str], ...] = ()


def document(endpoints: Sequence[Endpoint], api: ApiDescription) -> dict[str, Any]:
    """Return the document, as JSON values."""
    schemas = _Schemas((*api.types, *_kinds(endpoints)))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in endpoints:
        path = endpoint.path.replace(":path}", "}")
        paths[path][endpoint.method.lower()] = _operation(endpoint, api, schemas)
    info = {
        "title": "Meantime",
        "summary": api.summary,
        "description": api.description,
        "version": metadata.version("meantime"),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    described = {
        "openapi": "3.1.0",
        "info": {name: value for name, value in info.items() if value},
        "servers": list(api.servers),
        "tags": [
            {"name": tag, "description": text}
            for tag, text in api.tags.items()
            if any(endpoint.tag == tag for endpoint in endpoints)
        ],
        "paths": dict(paths),
        "components": {"schemas": schemas.components, "securitySchemes": _SCHEMES},
        # Whether a key is needed depends on the server.
        "security": [{"key": []}, {"adminKey": []}, {}],
    }
    return {name: value for name, value in described.items() if value}


class _Schemas:
    """The JSON Schema of every type in the endpoints; named types are listed once as components."""

    def __init__(self, kinds: Sequence[Any]) -> None:
        named = [kind for kind in kinds if isinstance(kind, NamedSchema)]
        types = [kind for kind in kinds if not isinstance(kind, NamedSchema)]
        schemas, self.components = msgspec.json.schema_components(types, ref_template=REFERENCE)
        # By identity: types such as Annotated[str, ...] may compare equal with different descriptions, or be
        # unhashable.
        self._by_kind: dict[int, Any] = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
        for kind in named:
            self.components[kind.name] = dict(kind.schema)
            self._by_kind[id(kind)] = {"$ref": REFERENCE.format(name=kind.name)}
        self._kept = kinds  # keeps the identities valid

    def of(self, kind: Any) -> Any:
        """Return the schema of a type of the endpoints."""
        return self._by_kind[id(kind)]


def _kinds(endpoints: Sequence[Endpoint]) -> Iterator[Any]:
    for endpoint in endpoints:
        if endpoint.body is not None:
            yield endpoint.body
        for parameter in endpoint.parameters:
            yield parameter.kind
        for outcome in endpoint.outcomes:
            for kind in outcome.content.values():
                yield from _alternatives(kind)
            yield from (header.kind for header in outcome.headers)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return kind if isinstance(kind, tuple) else () if kind is None else (kind,)


def _operation(endpoint: Endpoint, api: ApiDescription, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.description,
    }
    if not endpoint.description:
        del operation["description"]
    if endpoint.is_open:
        operation["security"] = []
    if endpoint.parameters:
        operation["parameters"] = [_parameter(parameter, schemas) for parameter in endpoint.parameters]
    if endpoint.body is not None:
        content = {"schema": schemas.of(endpoint.body)}
        if endpoint.body_example is not None:
            content["example"] = endpoint.body_example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if endpoint.body_media:
        operation["requestBody"] = {"required": True, "content": {endpoint.body_media: {}}}
    operation["responses"] = {
        **{str(outcome.status): _outcome(outcome, schemas) for outcome in endpoint.outcomes},
        **_refusals(endpoint, api),
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
            media_type: _content(media_type, kind, outcome, schemas) for media_type, kind in outcome.content.items()
        }
    if outcome.links:
        described["links"] = {link.name: _link(link) for link in outcome.links}
    return described


def _content(media_type: str, kind: Any, outcome: Outcome, schemas: _Schemas) -> dict[str, Any]:
    if kind is None:
        # OpenAPI 3.1 describes binary content by leaving out the schema. A schema for a stream of events would be
        # understood as that of each event.
        is_text = media_type.startswith("text/") and media_type != "text/event-stream"
        return {"schema": {"type": "string"}} if is_text else {}
    each = [schemas.of(one) for one in _alternatives(kind)]
    described: dict[str, Any] = {"schema": each[0] if len(each) == 1 else {"anyOf": each}}
    if outcome.examples:
        described["examples"] = {name: {"value": value} for name, value in outcome.examples.items()}
    elif outcome.example is not None:
        described["example"] = outcome.example
    return described


def _header(header: Header, schemas: _Schemas) -> dict[str, Any]:
    return {"description": header.description, "required": header.required, "schema": schemas.of(header.kind)}


def _link(link: Link) -> dict[str, Any]:
    return {"operationId": link.operation, "parameters": dict(link.parameters), "description": link.description}


def kinds_of(endpoint: Endpoint, api: ApiDescription) -> tuple[ErrorKind, ...]:
    """Return the errors that an endpoint may answer with."""
    kinds = dict.fromkeys((*endpoint.problems, *api.everywhere))
    return tuple(kind for kind in kinds if not (endpoint.is_open and kind in _OF_KEYS))


def _refusals(endpoint: Endpoint, api: ApiDescription) -> dict[str, Any]:
    by_status: dict[int, list[ErrorKind]] = defaultdict(list)
    for kind in kinds_of(endpoint, api):
        by_status[problems.status_of(kind)].append(kind)
    return {str(status): api.refusal(kinds) for status, kinds in sorted(by_status.items())}


def refusal_headers(kinds: Sequence[ErrorKind]) -> dict[str, Any]:
    """Describe the headers that are special to the answers for these errors."""
    headers: dict[str, Any] = {}
    for kind in kinds:
        for name, text in problems.headers_of(kind).items():
            always = all(name in problems.headers_of(other) for other in kinds)
            value_type = "integer" if name == "Retry-After" else "string"
            headers[name] = {"description": text, "required": always, "schema": {"type": value_type}}
    return headers
