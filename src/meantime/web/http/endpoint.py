"""What an endpoint is: one row that the router serves and the OpenAPI document describes.

A handler is a coroutine function of (backend, request). It returns an answer, or raises an error that becomes one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meantime.access.keys import Role
from meantime.errors import MeantimeError
from meantime.web.http.replies import Reply, Stream

# Takes (Backend, HttpRequest). Both import this module, so it cannot name them.
Handler = Callable[[Any, Any], Awaitable[Reply | Stream]]
Where = Literal["path", "query", "header"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter outside the body, for the OpenAPI document; the handler reads its value."""

    name: str
    where: Where
    kind: Any  # a type that msgspec supports, Annotated with its limits
    description: str
    required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of an answer, for the OpenAPI document."""

    name: str
    description: str
    kind: Any = str
    required: bool = True  # whether the answer always has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of OpenAPI: which operation can follow an answer."""

    name: str
    operation: str  # name of the endpoint
    parameters: Mapping[str, str]  # parameter -> runtime expression, e.g. "$response.body#/id"
    description: str


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """A named JSON Schema, used where a type cannot express it."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A successful answer, for the OpenAPI document."""

    status: int
    description: str
    # Media type -> type of the body, or a tuple of alternatives; None for text or bytes instead of JSON.
    content: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None  # of the JSON body
    examples: Mapping[str, Any] = field(default_factory=dict)  # several, by name
    headers: tuple[Header, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method at a path. GET also answers HEAD."""

    name: str  # the operation's id
    method: Literal["GET", "POST", "DELETE"]
    path: str  # template: "/v1/jobs/{job_id}"; "{file:path}" at the end matches all the rest
    tag: Literal["datasets", "statistics", "jobs", "results", "server"]
    summary: str
    description: str
    handle: Handler
    parameters: tuple[Parameter, ...] = ()
    body: Any = None  # type of the JSON body
    body_media: str = ""  # media type of a body that is a file
    body_example: Any = None
    outcomes: tuple[Outcome, ...] = ()
    # Apart from those of every endpoint (host, not found, method, internal).
    problems: tuple[type[MeantimeError], ...] = ()
    is_documented: bool = True
    # Without a key, even where keys are required: pages, their files, documentation, and whether the process runs.
    is_open: bool = False
    # The handler decides who may use it.
    decides_itself: bool = False

    @property
    def needs(self) -> Role | None:
        """The role that a key must have for it; None if it has rules of its own."""
        if self.is_open or self.decides_itself:
            return None
        return Role.READ if self.method == "GET" else Role.SUBMIT
