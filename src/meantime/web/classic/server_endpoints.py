"""The endpoints of the server itself: its page, its health, its metrics, and the classic API's document."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache, partial
from typing import Literal, Protocol

import msgspec

from meantime.access.keys import Role
from meantime.web import health, index
from meantime.web.backend import Backend
from meantime.web.classic import endpoints as classic
from meantime.web.classic import openapi, schemas
from meantime.web.classic.endpoints import Answer, ClassicRequest, Services, handler_of
from meantime.web.http.access import require
from meantime.web.http.endpoint import Endpoint, Header, Outcome
from meantime.web.http.paths import raw_path
from meantime.web.http.replies import JSON, Reply
from meantime.web.http.request import HttpRequest
from meantime.web.metrics import Metrics


class ServerServices(Services, Protocol):
    """The running parts that the functions below use."""

    @property
    def metrics(self) -> Metrics:
        """The metrics."""


async def home(backend: Backend, request: HttpRequest) -> Reply:
    """GET /: the explorer, or the data sets as JSON."""
    if index.is_wanted(request.header("accept") or ""):
        require(Role.READ, request.caller)
        return index.describe(catalog=backend.catalog, has_v1=True)
    return backend.explorer.index(if_none_match=request.header("if-none-match"))


async def explorer_file(backend: Backend, request: HttpRequest) -> Reply:
    """GET /explorer/{file}: a file of the explorer."""
    path = raw_path(request.scope).decode("latin-1")
    read = partial(backend.explorer.file, path, accept_encoding=request.header("accept-encoding") or "")
    return await asyncio.to_thread(read) if backend.explorer.wants_drawing(path) else read()


def livez(_services: ServerServices, _request: ClassicRequest) -> Reply:
    """GET /livez."""
    return health.LIVE


def readyz(services: ServerServices, _: ClassicRequest) -> Reply:
    """GET /readyz."""
    return health.ready(engine=services.engine, catalog=services.catalog)


def metrics(services: ServerServices, _: ClassicRequest) -> Reply:
    """GET /metrics."""
    return services.metrics.read()


@cache
def _document() -> Reply:
    return Reply(200, msgspec.json.encode(openapi.document((*classic.ENDPOINTS, *ENDPOINTS))))


def openapi_document(_services: ServerServices, _request: ClassicRequest) -> Reply:
    """GET /openapi.json."""
    return _document()


# The rows

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_READY = {"status": "ready", "datasets": {}}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="loaded",
        decides_itself=True,  # the page is for everybody; what it shows comes from /v1
        method="GET",
        path="/",
        tag="server",
        summary="The data sets: a page for people, or JSON if Accept names it",
        description="",
        handle=home,
        outcomes=(
            Outcome(
                status=200,
                description="The state of every data set; the classic API uses the first one.",
                content={"text/html": None, JSON: schemas.LOADED},
                example={
                    "datasets": [{"name": "obesity", "status": "ready", "questions": [_QUESTION]}],
                    "v1": {"documentation": "/v1", "openapi": "/v1/openapi.json"},
                },
                headers=(Header(name="Vary", description="The form depends on `Accept`.", kind=Literal["accept"]),),
            ),
        ),
    ),
    Endpoint(
        name="livez",
        is_open=True,
        method="GET",
        path="/livez",
        tag="server",
        summary="Whether the process is running",
        description="",
        handle=handler_of(livez),
        outcomes=(Outcome(status=200, description="The process is running."),),
    ),
    Endpoint(
        name="readyz",
        method="GET",
        path="/readyz",
        tag="server",
        summary="The state of each data set",
        description="",
        handle=handler_of(readyz),
        outcomes=(
            Outcome(
                status=200,
                description="Every data set is ready.",
                content={JSON: schemas.READINESS},
                example=_READY,
            ),
            Outcome(
                status=503,
                description="Not every data set is ready, or the server is shutting down.",
                content={JSON: schemas.READINESS},
                example=_READY | {"status": "loading"},
            ),
        ),
    ),
    Endpoint(
        name="metrics",
        method="GET",
        path="/metrics",
        tag="server",
        summary="Prometheus metrics",
        description="",
        handle=handler_of(metrics),
        outcomes=(Outcome(status=200, description="In Prometheus' text format.", content={"text/plain": None}),),
    ),
    Endpoint(
        name="openapi",
        is_open=True,
        method="GET",
        path="/openapi.json",
        tag="server",
        summary="This document",
        description="",
        handle=handler_of(openapi_document),
        is_documented=False,
    ),
)
EXPLORER: tuple[Endpoint, ...] = (
    Endpoint(
        name="explorer_file",
        is_open=True,
        method="GET",
        path="/explorer/{file:path}",
        tag="server",
        summary="A file of the explorer",
        description="",
        handle=explorer_file,
        is_documented=False,
    ),
)

# Flask's answers at each path, by the last word of the template. At / it has a page of its own.
ANSWERS: Mapping[str, Answer] = {
    "livez": livez,
    "readyz": readyz,
    "metrics": metrics,
    "openapi": openapi_document,
}
