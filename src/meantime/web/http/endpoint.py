"""What an endpoint is: one row that the router serves and the OpenAPI document describes.

A handler is a coroutine of (backend, request). It returns an answer, or raises an error of ours, which becomes one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meantime.errors import MeantimeError
from meantime.web.http.replies import Reply, Stream

# Of (Backend, HttpRequest); this file is below both.
Handler = Callable[[Any, Any], Awaitable[Reply | Stream]]
Where = Literal["path", "query", "header"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter beside the body, for the document; the handler reads it."""

    name: str
    where: Where
    kind: Any  # a type that msgspec knows, Annotated with its bounds
    description: str
    required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of an answer, for the document."""

    name: str
    description: str
    kind: Any = str
    required: bool = True  # whether the answer always has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How to get on from an answer, for the document: OpenAPI's link."""

    name: str
    operation: str  # name of the endpoint
    parameters: Mapping[str, str]  # parameter -> runtime expression, e.g. "$response.body#/id"
    description: str


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """A JSON Schema with a name in the document, in place of a type."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A successful answer, for the document."""

    status: int
    description: str
    # Media type -> type of the body, or a tuple of several that it may be; None if it is not JSON but text or bytes.
    content: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None  # of the JSON body
    examples: Mapping[str, Any] = field(default_factory=dict)  # several, by name
    headers: tuple[Header, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method at a path. GET takes HEAD too."""

    name: str  # the operation's id
    method: Literal["GET", "POST", "DELETE"]
    path: str  # template: "/v1/jobs/{job_id}"; "{file:path}" at its end stands for everything that follows
    tag: Literal["datasets", "statistics", "jobs", "results", "server"]
    summary: str
    description: str
    handle: Handler
    parameters: tuple[Parameter, ...] = ()
    body: Any = None  # type of the JSON body
    body_example: Any = None
    outcomes: tuple[Outcome, ...] = ()
    # Beside those that every endpoint may answer with (host, not found, method, internal).
    problems: tuple[type[MeantimeError], ...] = ()
    is_documented: bool = True
