"""What an endpoint of v1 is: one row that the router carries and the OpenAPI document describes.

A handler is a plain coroutine of (backend, call): it returns an answer, or raises an error of ours, which becomes a
problem. It knows no framework.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.errors import MeantimeError
from meantime.formats.document import Document
from meantime.model import Request, Work
from meantime.statistics.statistic import AnyPrepared
from meantime.web.reply import Reply


class Compute(Protocol):
    """How an answer is made without a job; ``compute.local.LocalCompute`` is one. Both raise as its ``answer`` does."""

    def prepare(self, request: Request) -> AnyPrepared:
        """Check a request that was accepted before, and select its cells."""

    def document(self, prepared: AnyPrepared, dataset: str, work: Work) -> Document:
        """Compute in the calling thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What handlers answer from."""

    engine: Engine
    catalog: Catalog
    compute: Compute
    landed: Callable[[Future[Any]], Awaitable[Any]]  # waits in the event loop for what a thread decides
    keep_ended_s: float  # how long ended jobs are kept, for expires_at
    admin_key: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent piece by piece, as it is made."""

    status: int
    pieces: AsyncIterator[bytes]
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    job_id: str | None = None


class Call(Protocol):
    """One request, as far as handlers may look at it."""

    method: str
    path: Mapping[str, str]  # what stands in the place of each {name} of the template, percent-decoded
    raw_query: bytes
    peer: str | None  # address of the client, as the connection has it

    @property
    def query(self) -> Sequence[tuple[str, str]]:
        """Names and values in their order, decoded; a name may come several times."""

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name; several of one name with commas between."""

    async def body(self, limit_bytes: int) -> bytes:
        """Read the body, which must be said to be JSON.

        Raises:
            BodyNotJson, BodyTooLarge, BodyInvalid: and nothing of it is kept.
            ClientGone: the client went away before its end.
        """

    async def gone(self) -> None:
        """Return when the client has gone away."""


class ClientGone(Exception):
    """The client went away: nobody waits for an answer."""


Handler = Callable[[Backend, Any], Awaitable[Reply | Stream]]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A successful answer, for the document."""

    status: int
    description: str
    # Media type -> type of the body, or a tuple of several that it may be; None where it is no JSON: text, or bytes.
    content: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None  # of the JSON body
    headers: tuple[Header, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method at a path. GET takes HEAD too."""

    name: str  # the operation's id
    method: Literal["GET", "POST", "DELETE"]
    path: str  # template: "/v1/jobs/{job_id}"
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
