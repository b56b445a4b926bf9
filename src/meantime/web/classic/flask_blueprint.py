"""The classic API inside a Flask application.

Flask answers some requests before they reach any view of a blueprint: unknown paths, wrong methods, invalid hosts,
redirects for a slash. Such requests are claimed here as soon as they arrive, so that the answers are the same as those
of the main server. The rest of the application stays as it is: it keeps the paths that it routes itself, and its
``before_request`` runs first and may refuse requests, as a login check must.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import structlog
from flask import Blueprint, Flask, Response, current_app, request, request_started
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import BadHost, NotFound, SecurityError
from werkzeug.routing import Rule

from meantime.access.keys import KeyRing, Role
from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.errors import MeantimeError, StoreBroken
from meantime.log import Log
from meantime.web import index
from meantime.web.catching_up import catch_up, shows_jobs
from meantime.web.classic import contract, front_page, server_endpoints
from meantime.web.classic import endpoints as classic
from meantime.web.classic.errors import error_reply
from meantime.web.http import bodies, hosts, paths
from meantime.web.http.access import Access, Caller, require
from meantime.web.http.access_log import AccessLog
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.replies import Later, Reply
from meantime.web.http.router import Route, Router
from meantime.web.metrics import Metrics

_log = structlog.get_logger("meantime.web")

# How much of a refused body is read and discarded: sixteen times the limit for accepted ones.
_DROPPED_BYTES = 16 * bodies.BODY_LIMIT_BYTES
_REQUEST = "meantime.request"
_NOTHING = "nothing"
_PREFIX = "/api"
_SLASHES = re.compile("//+")

Environ = dict[str, Any]


def create_blueprint(
    engine: Engine,
    catalog: Catalog,
    *,
    url_prefix: str = "/api",
    admin_key: str | None = None,
    access: Access | None = None,
    allowed_hosts: Sequence[str] = (),
    metrics: Metrics | None = None,
    log: Log | None = None,
) -> Blueprint:
    """Return the classic contract as a blueprint, for any application.

    The engine and the catalog are running; their owner stops them. ``access`` decides who may use it, by keys. Without
    it, everybody may whom the application lets in, and ``admin_key`` is the only key. ``allowed_hosts`` are the names
    that requests may have as their Host, apart from those of the loopback interface. ``metrics`` and ``log``, if given,
    record every request.
    """
    access_log = AccessLog(metrics=metrics, log=log)
    services = _Services(engine, catalog, access or Access(KeyRing(None, admin_key)), metrics)
    flask_endpoints = _FlaskEndpoints(_CLASSIC, services, hosts=hosts.Hosts(allowed_hosts), access_log=access_log)
    blueprint = Blueprint("meantime", __name__, url_prefix=url_prefix)
    blueprint.record(lambda state: flask_endpoints.register(state, _below(state.url_prefix or "", classic.ENDPOINTS)))
    return blueprint


def create_app(
    *,
    engine: Engine,
    catalog: Catalog,
    metrics: Metrics,
    access: Access,
    allowed_hosts: Sequence[str] = (),
    log: Log | None = None,
    app: Flask | None = None,
) -> Flask:
    """Return a complete application: the classic API and the other endpoints of the main server.

    ``app`` is an existing application without routes.
    """
    app = app or Flask("meantime", static_folder=None)
    access_log = AccessLog(metrics=metrics, log=log)
    services = _Services(engine, catalog, access, metrics)
    answers = {**_CLASSIC, **server_endpoints.ANSWERS, "front": _front}
    flask_endpoints = _FlaskEndpoints(answers, services, hosts=hosts.Hosts(allowed_hosts), access_log=access_log)
    blueprint = Blueprint("meantime", __name__)
    blueprint.record(lambda state: flask_endpoints.register(state, (*classic.ENDPOINTS, *server_endpoints.ENDPOINTS)))
    app.register_blueprint(blueprint)
    return app


@dataclass(frozen=True, slots=True)
class _Services:
    """The running parts that answers need."""

    engine: Engine
    catalog: Catalog
    access: Access
    metrics: Metrics | None


class _FlaskRequest:
    """One request, read before other code in the application can change it."""

    __slots__ = (
        *(
            "body",
            "caller",
            "headers",
            "method",
            "path",
            "path_params",
            "peer",
            "query",
            "raw_path",
            "refusal",
            "route",
        ),
        "started",
    )

    def __init__(self, environ: Environ, route: Route | None, path_params: Mapping[str, str]) -> None:
        self.started = perf_counter()
        self.route = route
        self.path_params = path_params
        self.method: str = environ["REQUEST_METHOD"]
        self.path = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
        self.path = self.path.encode("latin-1", "replace").decode("utf-8", "replace")
        self.raw_path = _raw_path(environ)
        self.query: bytes = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
        # ProxyFix may have replaced these with a proxy's claims about its client. Permission to stop the server depends
        # on the real peer, and the host is checked as it was really sent.
        original = environ.get("werkzeug.proxy_fix.orig") or environ
        self.peer: str | None = original.get("REMOTE_ADDR") or None
        self.headers = _headers(environ)
        self.headers.pop("host", None)
        if original.get("HTTP_HOST") is not None:
            self.headers["host"] = original["HTTP_HOST"]
        self.caller = Caller()
        self.refusal: Reply | None = None
        self.body = b""

    @property
    def hosts(self) -> list[bytes]:
        # WSGI servers join repeated headers with commas, which no valid host contains.
        host = self.headers.get("host")
        return [] if host is None else [part.encode("latin-1", "replace") for part in host.split(",")]


class _Body:
    """The part of a request's body that has not been read yet."""

    def __init__(self, environ: Environ) -> None:
        length = environ.get("CONTENT_LENGTH") or ""
        # No real length has more digits, and int() refuses very long numbers.
        self.length = int(length[:18]) if length.isdecimal() else None
        if self.length is None and not environ.get("wsgi.input_terminated"):
            self.length = 0  # reading on could run into the next request
        self._read: Callable[[int], bytes] = environ["wsgi.input"].read
        self._count = 0

    def read(self, size: int) -> bytes:
        piece = self._read(size)
        self._count += len(piece)
        return piece

    def drop_rest(self) -> None:
        """Read and discard the rest: if the server closed the connection now, the client would miss the answer."""
        if self.length is not None and self.length > _DROPPED_BYTES:
            return  # the client may wait for an answer before it sends that much
        with suppress(OSError):
            while self._count < (_DROPPED_BYTES if self.length is None else self.length):
                left = _DROPPED_BYTES - self._count if self.length is None else self.length - self._count
                if not self.read(min(left, 65_536)):
                    return


class _FlaskEndpoints:
    """Serves the endpoints in the applications that they are registered with."""

    def __init__(
        self, answers: Mapping[str, _Answer], services: _Services, *, hosts: hosts.Hosts, access_log: AccessLog
    ) -> None:
        self._answers = answers
        self._services = services
        self._hosts = hosts
        self._access_log = access_log
        self._process = os.getpid()

    def register(self, state: BlueprintSetupState, endpoints: Sequence[Endpoint]) -> None:
        """Add the routes to an application, and claim requests that its router would answer in their place."""
        prefix = _tidy(state.url_prefix or "")
        rules: dict[str, Rule] = {}
        for name, path, more in _rules(endpoints, prefix):
            state.add_url_rule(path, name, self._view, provide_automatic_options=False, **more)
            full = f"{state.name_prefix}.{state.name}.{name}".lstrip(".")
            rules[name] = next(iter(state.app.url_map.iter_rules(full)))
        router = Router(endpoints)

        def claim(_app: Flask, **_: Any) -> None:
            path = _path(request.environ)
            # Escaped slashes become slashes here: WSGI does not have the raw path below the prefix.
            match = router.find(quote_from_bytes(path, safe="/").encode())
            if match is None and not _is_left_to_us(path.decode("utf-8", "replace"), prefix):
                return
            route, path_params = match or (None, {})
            request.environ[_REQUEST] = self._read(request.environ, route, path_params)
            request.routing_exception = None
            request.url_rule = rules[_name_of(route.template) if route else _NOTHING]
            request.view_args = {}
            # A before_request may read the body up to our limit, whatever the application's limit is.
            with suppress(AttributeError):  # Flask 3.0 only has a limit for the application
                request.max_content_length = bodies.BODY_LIMIT_BYTES

        # weak=False: there is no other reference to it.
        request_started.connect(claim, state.app, weak=False)

    def _read(self, environ: Environ, route: Route | None, path_params: Mapping[str, str]) -> _FlaskRequest:
        http_request = _FlaskRequest(environ, route, path_params)
        body = _Body(environ)
        try:
            if os.getpid() != self._process:
                raise StoreBroken(
                    "This worker was forked from a process in which Meantime was already running; its threads stayed "
                    "there. Create the application in the worker (gunicorn: without --preload)."
                )
            self._hosts.check(http_request.hosts)
            endpoint = route.by_method.get(http_request.method) if route is not None else None
            if endpoint is not None and not endpoint.is_open:
                http_request.caller = self._services.access.admit(
                    endpoint.needs,
                    authorization=http_request.headers.get("authorization"),
                    admin_key=http_request.headers.get("x-admin-key"),
                    address=http_request.peer,
                )
            if http_request.method == "POST" and route is not None and _name_of(route.template) in contract.STATISTICS:
                self._read_body(http_request, body)
        except MeantimeError as error:
            http_request.refusal = error_reply(error)
        body.drop_rest()
        # The body is put back, or an empty one if it is refused: so a before_request can read it without consuming it,
        # and without failing at its length or depth.
        unread = b"" if http_request.refusal else http_request.body
        environ["wsgi.input"] = io.BytesIO(unread)
        environ["CONTENT_LENGTH"] = str(len(unread))
        return http_request

    def _read_body(self, http_request: _FlaskRequest, body: _Body) -> None:
        http_request.refusal = contract.refuse_before_body(
            self._services.engine,
            content_type=http_request.headers.get("content-type"),
            content_length=http_request.headers.get("content-length"),
        )
        if http_request.refusal is not None:
            return
        http_request.body = bodies.read_stream(body.read, body.length)
        bodies.json_object(http_request.body)

    def _view(self, **_: Any) -> Response:
        http_request: _FlaskRequest = request.environ[_REQUEST]
        trace = self._access_log.begin(http_request.method, http_request.raw_path)
        trace.enter(http_request.body if http_request.method == "POST" else http_request.query)
        reply = self._reply(http_request)
        trace.job_id, trace.key_id, trace.reason = reply.job_id, http_request.caller.key_id, reply.reason
        route = http_request.route.template if http_request.route else None
        self._access_log.end(trace, route=route, status=reply.status, seconds=perf_counter() - http_request.started)
        return _response(reply)

    def _reply(self, http_request: _FlaskRequest) -> Reply:
        if http_request.refusal is not None:
            return http_request.refusal
        if http_request.route is None:
            return error_reply(paths.path_unknown(http_request.path, "GET /"))
        if http_request.method not in http_request.route.allowed:
            return error_reply(
                paths.method_not_allowed(http_request.path, http_request.method, http_request.route.allowed)
            )
        if http_request.method == "OPTIONS":
            return paths.options(http_request.route.allowed)
        try:
            endpoint = http_request.route.by_method.get(http_request.method)
            if endpoint is not None and shows_jobs(endpoint):
                catch_up(self._services.engine)
            answer = self._answers[_name_of(http_request.route.template)](self._services, http_request)
            return answer if isinstance(answer, Reply) else answer.finish(answer.awaited)
        except Exception as error:  # noqa: BLE001 - a bug, answered here because the application's error handlers have other answers
            self._report(http_request, error)
            return error_reply(error)

    def _report(self, http_request: _FlaskRequest, error: Exception) -> None:
        what = "unforeseen error while answering"
        if structlog.is_configured():  # our log, which also passes it to the application's logger
            _log.error(what, method=http_request.method, path=http_request.raw_path, exc_info=error)
        else:
            current_app.logger.error("%s %s %r", what, http_request.method, http_request.raw_path[:200], exc_info=error)


def _submit(statistic: str) -> _Answer:
    return lambda services, http_request: contract.submit(
        statistic,
        http_request.body,
        engine=services.engine,
        catalog=services.catalog,
        caller=http_request.caller,
    )


def _front(services: _Services, http_request: _FlaskRequest) -> Reply:
    try:
        require(Role.READ, http_request.caller)
    except MeantimeError as error:
        return error_reply(error)
    if index.is_wanted(http_request.headers.get("accept", "")):
        return index.describe(catalog=services.catalog, has_v1=False)
    return front_page.render(
        engine=services.engine, catalog=services.catalog, host=http_request.headers.get("host", "")
    )


_Answer = Callable[[_Services, _FlaskRequest], Reply | Later]
_CLASSIC: Mapping[str, _Answer] = {**{name: _submit(name) for name in contract.STATISTICS}, **classic.ANSWERS}


def _below(prefix: str, endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints of the classic API below another prefix."""
    root = _tidy(prefix).rstrip("/")
    return tuple(replace(row, path=f"{root}{row.path.removeprefix(_PREFIX)}") for row in endpoints)


def _rules(endpoints: Sequence[Endpoint], prefix: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, path below the prefix and options of each of Flask's rules: for its url_for and `flask routes`."""
    methods: dict[str, list[str]] = {}
    for row in endpoints:
        methods.setdefault(row.path, ["OPTIONS"]).extend(("GET", "HEAD") if row.method == "GET" else (row.method,))
    root = prefix.rstrip("/")
    rules: list[tuple[str, str, dict[str, Any]]] = [
        (_name_of(path), re.sub(r"\{(\w+):path\}", r"<path:\1>", path.removeprefix(root)), {"methods": sorted(some)})
        for path, some in methods.items()
    ]
    # It never matches by itself; unknown paths are assigned to it.
    return [*rules, (_NOTHING, "/<path:nothing>", {"build_only": True})]


def _name_of(template: str) -> str:
    """Return the name of what is at a path, for Flask.

    >>> [_name_of(path) for path in ("/api/get_results/{job_id}", "/x/api/jobs", "/openapi.json", "/")]
    ['get_results', 'jobs', 'openapi', 'front']
    """
    literal = template.partition("/{")[0]
    return literal.rpartition("/")[2].partition(".")[0] or "front"


def _is_left_to_us(path: str, prefix: str) -> bool:
    """Whether a path without a route is below the prefix, and the application does not route it either."""
    tidied = _tidy(path)
    is_below = prefix == "/" or tidied == prefix or tidied.startswith(f"{prefix}/")
    return is_below and isinstance(request.routing_exception, NotFound | BadHost | SecurityError)


def _tidy(path: str) -> str:
    """Return a path with a leading slash, without trailing and doubled ones.

    >>> _tidy("api//jobs/")
    '/api/jobs'
    """
    return _SLASHES.sub("/", f"/{path.strip('/')}")


def _path(environ: Environ) -> bytes:
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace")


def _raw_path(environ: Environ) -> bytes:
    """Return the path as it was sent if the server provides it; otherwise escaped slashes have become slashes."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        target = str(raw).partition("?")[0]
        # Requests to a proxy have the whole URL.
        return (target if target.startswith("/") else urlsplit(target).path).encode("latin-1", "replace")
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return quote(path.encode("latin-1", "replace")).encode("ascii")


def _headers(environ: Environ) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _response(reply: Reply) -> Response:
    headers = [("content-type", reply.content_type), ("content-length", str(len(reply.body))), *reply.headers]
    response = Response(reply.body, status=reply.status, headers=headers)
    if not reply.content_type:
        del response.headers["content-type"]  # Flask would set one even without content
    return response
