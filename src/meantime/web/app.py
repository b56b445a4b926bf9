"""The ASGI application, built around an engine and a catalog that it is handed. Routes are thin: parse, call, send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import structlog
from litestar import Litestar, Request, Response, route
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.errors import BodyTooLarge, PathUnknown
from meantime.log import Log
from meantime.web import classic, guard, health, loaded, openapi, paths
from meantime.web.door import Door, raw_path, send_reply, trace_of
from meantime.web.explorer.serving import Explorer
from meantime.web.landing import Landing
from meantime.web.metrics import Metrics
from meantime.web.reply import Later, Reply, error_body, refused
from meantime.web.v1 import problems
from meantime.web.v1.carrier import Carrier
from meantime.web.v1.endpoint import Backend, Compute
from meantime.web.v1.table import ENDPOINTS

_log = structlog.get_logger("meantime.web")

# Litestar hands these to its handlers; without generics its signature reading is not slowed down.
_Request = Request[Any, Any, Any]
_RESULTS = "/api/get_results"
_HEADERS_READ = (
    *(b"accept", b"accept-encoding", b"if-none-match"),
    *(b"content-type", b"content-length", b"expect"),
)


def create_app(
    *,
    engine: Engine,
    catalog: Catalog,
    compute: Compute,
    metrics: Metrics,
    explorer: Explorer,
    keep_ended_s: float,
    admin_key: str | None = None,
    allowed_hosts: Sequence[str] = (),
    log: Log | None = None,
) -> Litestar:
    """Return the application. ``allowed_hosts`` are names beside the loopback ones; the interface is one of them."""
    metrics.watch(engine, catalog)
    landings = _Landings()
    app = Litestar(
        route_handlers=[
            *_classic_routes(engine, catalog, admin_key, landings),
            *_routes_of_the_server(engine, catalog, metrics, explorer),
        ],
        exception_handlers={HTTPException: _answer_framework_error, Exception: _answer_unforeseen},
        # Its own documentation pages load scripts from elsewhere, and what it can know of these routes is little:
        # the document is ours, in openapi.py.
        openapi_config=None,
        logging_config=None,
        # Said, since the environment (LITESTAR_DEBUG) could otherwise have tracebacks sent to clients.
        debug=False,
    )
    backend = Backend(
        engine=engine,
        catalog=catalog,
        compute=compute,
        landed=landings.wait,
        keep_ended_s=keep_ended_s,
        admin_key=admin_key,
    )
    app.asgi_handler = Door(
        _both(app.asgi_handler, Carrier(ENDPOINTS, backend)),
        hosts=guard.Hosts(allowed_hosts),
        metrics=metrics,
        refuse=problems.refused_at,
        log=log,
    )
    return app


def _both(classic_app: ASGIApp, v1: Carrier) -> ASGIApp:
    """Lead what is asked of v1 to its own carrier."""

    async def lead(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and paths.is_v1(raw_path(scope)):
            await v1(scope, receive, send)
        else:
            await classic_app(scope, receive, send)

    return lead


def _classic_routes(
    engine: Engine, catalog: Catalog, admin_key: str | None, landings: _Landings
) -> list[HTTPRouteHandler]:
    def post(statistic: str) -> HTTPRouteHandler:
        async def ask(request: _Request) -> ASGIApp:
            headers = _some_headers(request.scope)
            refusal = classic.refuse_before_body(
                engine, content_type=headers.get(b"content-type"), content_length=headers.get(b"content-length")
            )
            if refusal is not None:
                await guard.discard_body(request.receive, expect=headers.get(b"expect"))
                return _Sent(refusal)
            try:
                body = await guard.read_body(request.receive)
            except BodyTooLarge as error:
                return _Sent(refused(error))
            if body is None:
                return _nothing
            trace_of(request.scope).enter(body)
            return _Sent(await landings.landed(classic.ask(statistic, body, engine=engine, catalog=catalog)))

        return route(f"/api/{statistic}", http_method="POST", status_code=200, name=statistic)(ask)

    async def get_results(request: _Request) -> ASGIApp:
        return _Sent(await landings.landed(classic.get_results(paths.asked_id(raw_path(request.scope)), engine=engine)))

    def jobs() -> Reply:
        return classic.jobs(engine=engine)

    def num_jobs() -> Reply:
        return classic.num_jobs(engine=engine)

    def graceful_shutdown(request: _Request) -> ASGIApp:
        client = request.scope["client"]
        return _Sent(
            classic.graceful_shutdown(
                engine=engine,
                peer=client[0] if client else None,
                headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]},
                admin_key=admin_key,
                is_only_a_look=request.scope["method"] == "HEAD",
            )
        )

    return [
        *(post(statistic) for statistic in classic.STATISTICS),
        # "path" takes what follows as it is, slashes included: whatever it is, it is an id that was never given.
        route([_RESULTS, _RESULTS + "/{job_id:path}"], http_method=["GET", "HEAD"], status_code=200)(get_results),
        _read("/api/jobs", jobs),
        _read("/api/num_jobs", num_jobs),
        route("/api/graceful_shutdown", http_method=["GET", "HEAD", "POST"], status_code=200, sync_to_thread=False)(
            graceful_shutdown
        ),
    ]


def _routes_of_the_server(
    engine: Engine, catalog: Catalog, metrics: Metrics, explorer: Explorer
) -> list[HTTPRouteHandler]:
    document = openapi.document()

    async def front(request: _Request) -> ASGIApp:
        headers = _some_headers(request.scope)
        if loaded.is_wanted(headers.get(b"accept", "")):
            return _Sent(loaded.describe(catalog=catalog, has_v1=True))
        return _Sent(explorer.index(if_none_match=headers.get(b"if-none-match")))

    async def file(request: _Request) -> ASGIApp:
        path = raw_path(request.scope).decode("latin-1")
        read = partial(explorer.file, path, accept_encoding=_some_headers(request.scope).get(b"accept-encoding", ""))
        try:
            return _Sent(await asyncio.to_thread(read) if explorer.wants_drawing(path) else read())
        except PathUnknown as error:
            return _Sent(refused(error))

    return [
        route("/", http_method=["GET", "HEAD"], status_code=200)(front),
        route("/explorer/{file:path}", http_method=["GET", "HEAD"], status_code=200)(file),
        _read("/livez", lambda: health.LIVE),
        _read("/readyz", lambda: health.ready(engine=engine, catalog=catalog)),
        _read("/metrics", metrics.read),
        _read("/openapi.json", lambda: document),
    ]


def _read(path: str, reply: Callable[[], Reply]) -> HTTPRouteHandler:
    def read() -> ASGIApp:
        return _Sent(reply())

    return route(path, http_method=["GET", "HEAD"], status_code=200, sync_to_thread=False)(read)


class _Sent:
    """A Reply as the ASGI application that sends it: Litestar passes such on without a look."""

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        await send_reply(self._reply, scope, send)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Send nothing: the client went away before it had said what it wanted."""


class _Landings:
    """The landing of the loop that serves. Made when first needed: the application is built before there is a loop."""

    def __init__(self) -> None:
        self._landing: Landing | None = None

    async def landed(self, answer: Reply | Later) -> Reply:
        if isinstance(answer, Reply):
            return answer
        await self.wait(answer.awaited)
        return answer.finish(answer.awaited)

    async def wait(self, awaited: Future[Any]) -> None:
        """Wait until a future is decided, well or badly."""
        if not awaited.done():
            loop = asyncio.get_running_loop()
            if self._landing is None or self._landing.loop is not loop:
                self._landing = Landing(loop)
            await self._landing.wait(awaited)


def _some_headers(scope: Scope) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS_READ}


def _answer_framework_error(request: _Request, error: HTTPException) -> Response[bytes]:
    path = str(request.scope["path"])
    if isinstance(error, MethodNotAllowedException):
        allowed = sorted(name.strip() for name in (error.headers or {}).get("allow", "").split(","))
        return _response(request, paths.takes_others(path, request.scope["method"], allowed))
    if error.status_code == 404:
        return _response(request, paths.nothing_at(path))
    if error.status_code >= 500:
        return _answer_unforeseen(request, error)
    return _response(request, Reply(error.status_code, error_body(error.detail), reason=error.detail))


def _answer_unforeseen(request: _Request, error: Exception) -> Response[bytes]:
    _log.error("unforeseen error while answering", method=request.method, path=raw_path(request.scope), exc_info=error)
    return _response(request, refused(error))


def _response(request: _Request, reply: Reply) -> Response[bytes]:
    trace_of(request.scope).reason = reply.reason
    return Response(reply.body, status_code=reply.status, media_type=reply.content_type, headers=dict(reply.headers))
