"""The classic contract inside a Flask application: the other thin layer of routes around ``classic``.

Flask answers some requests before any view of a blueprint is reached: no such path, not this method, a host that it
cannot read, a redirect for a slash. Here these are claimed as soon as a request has come in, so that the contract has
the same answers as everywhere. Nothing else of the application is touched: a path that it routes itself stays its
own, and its ``before_request`` comes before us and may refuse, as a login check must.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from flask import Blueprint, Flask, Response, current_app, request, request_started
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import BadHost, NotFound, SecurityError
from werkzeug.routing import Rule

from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.errors import MeantimeError, StoreBroken
from meantime.log import Log
from meantime.web import classic, front_page, guard, health, loaded, openapi, paths
from meantime.web.door import Visits
from meantime.web.metrics import Metrics
from meantime.web.paths import Paths, Place
from meantime.web.reply import Later, Reply, refused

_log = structlog.get_logger("meantime.web")

# How much of a body that is refused is read all the same: sixteen times what would have been taken.
_DROPPED_BYTES = 16 * guard.BODY_LIMIT_BYTES
_ASKED = "meantime.asked"
_NOTHING = "nothing"

Environ = dict[str, Any]


def create_blueprint(
    engine: Engine,
    catalog: Catalog,
    *,
    url_prefix: str = "/api",
    admin_key: str | None = None,
    allowed_hosts: Sequence[str] = (),
    metrics: Metrics | None = None,
    log: Log | None = None,
) -> Blueprint:
    """Return the classic contract as a blueprint, for any application.

    The engine and the catalog are running, and are stopped by whoever started them. ``allowed_hosts`` are names that
    the Host of a request may have, beside the loopback ones. ``metrics`` and ``log`` are told of every request, where
    they are given.
    """
    visits = Visits(metrics=metrics, log=log)
    answers = _classic_answers(engine, catalog, admin_key)
    layer = _Layer(answers, engine=engine, hosts=guard.Hosts(allowed_hosts), visits=visits)
    blueprint = Blueprint("meantime", __name__, url_prefix=url_prefix)
    blueprint.record(lambda state: layer.register(state, paths.classic_places(state.url_prefix or "")))
    return blueprint


def create_app(
    *,
    engine: Engine,
    catalog: Catalog,
    metrics: Metrics,
    admin_key: str | None = None,
    allowed_hosts: Sequence[str] = (),
    log: Log | None = None,
    app: Flask | None = None,
) -> Flask:
    """Return a whole application: the contract, and what else the main server answers.

    ``app`` is one without routes, where there is one already.
    """
    app = app or Flask("meantime", static_folder=None)
    answers = {**_classic_answers(engine, catalog, admin_key), **_answers_of_the_server(engine, catalog, metrics)}
    visits = Visits(metrics=metrics, log=log)
    layer = _Layer(answers, engine=engine, hosts=guard.Hosts(allowed_hosts), visits=visits)
    blueprint = Blueprint("meantime", __name__)
    places = [*paths.classic_places("/api"), *paths.SERVER]
    blueprint.record(lambda state: layer.register(state, places))
    app.register_blueprint(blueprint)
    return app


class _Asked:
    """One request, as far as it was looked at before anybody else in the application could change it."""

    __slots__ = ("body", "headers", "method", "path", "peer", "place", "query", "raw_path", "refusal", "started")

    def __init__(self, environ: Environ, place: Place | None) -> None:
        self.started = perf_counter()
        self.place = place
        self.method: str = environ["REQUEST_METHOD"]
        self.path = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
        self.path = self.path.encode("latin-1", "replace").decode("utf-8", "replace")
        self.raw_path = _raw_path(environ)
        self.query: bytes = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
        # What a proxy says of its client may be in these places by now; who stops the server is told by the real
        # peer, and by which name we were called by the name that really came.
        original = environ.get("werkzeug.proxy_fix.orig") or environ
        self.peer: str | None = original.get("REMOTE_ADDR") or None
        self.headers = _headers(environ)
        self.headers.pop("host", None)
        if original.get("HTTP_HOST") is not None:
            self.headers["host"] = original["HTTP_HOST"]
        self.refusal: Reply | None = None
        self.body = b""

    @property
    def hosts(self) -> list[bytes]:
        # WSGI servers put repeated headers into one, with commas, which no host that we know has.
        host = self.headers.get("host")
        return [] if host is None else [part.encode("latin-1", "replace") for part in host.split(",")]


class _Body:
    """The body of a request, as far as it was not read yet."""

    def __init__(self, environ: Environ) -> None:
        given = environ.get("CONTENT_LENGTH") or ""
        # The longest number that a length can be: int() refuses to read a page of digits.
        self.length = int(given[:18]) if given.isdecimal() else None
        if self.length is None and not environ.get("wsgi.input_terminated"):
            self.length = 0  # a server that would let us read on into the next request
        self._read: Callable[[int], bytes] = environ["wsgi.input"].read
        self._count = 0

    def read(self, size: int) -> bytes:
        piece = self._read(size)
        self._count += len(piece)
        return piece

    def drop_rest(self) -> None:
        """Read on without keeping it: a server that closes under a client that still sends costs it our answer."""
        if self.length is not None and self.length > _DROPPED_BYTES:
            return  # perhaps it waits for our answer before it sends so much
        with suppress(OSError):
            while self._count < (_DROPPED_BYTES if self.length is None else self.length):
                left = _DROPPED_BYTES - self._count if self.length is None else self.length - self._count
                if not self.read(min(left, 65_536)):
                    return


_Answer = Callable[[_Asked], Reply | Later]


class _Layer:
    """The routes, in the applications that they are registered with."""

    def __init__(self, answers: Mapping[str, _Answer], *, engine: Engine, hosts: guard.Hosts, visits: Visits) -> None:
        self._answers = answers
        self._engine = engine
        self._hosts = hosts
        self._visits = visits
        self._process = os.getpid()

    def register(self, state: BlueprintSetupState, places: Sequence[Place]) -> None:
        """Add the routes to an application, and claim what its router would answer in their place."""
        prefix = paths.tidy(state.url_prefix or "")
        rules: dict[str, Rule] = {}
        for name, path, more in _rules(places, prefix):
            state.add_url_rule(path, name, self._view, provide_automatic_options=False, **more)
            full = f"{state.name_prefix}.{state.name}.{name}".lstrip(".")
            rules[name] = next(iter(state.app.url_map.iter_rules(full)))
        known = Paths(places)

        def claim(_app: Flask, **_: Any) -> None:
            path = _path(request.environ)
            place = known.find(path)
            if place is None and not _is_left_to_us(path, prefix):
                return
            request.environ[_ASKED] = self._look(request.environ, place)
            request.routing_exception = None
            request.url_rule = rules[place.name if place else _NOTHING]
            request.view_args = {}
            # A before_request that reads the body may do so as far as we do, whatever the application's limit is.
            with suppress(AttributeError):  # Flask 3.0 has only the application's
                request.max_content_length = guard.BODY_LIMIT_BYTES

        # weak=False: nobody else holds it.
        request_started.connect(claim, state.app, weak=False)

    def _look(self, environ: Environ, place: Place | None) -> _Asked:
        asked = _Asked(environ, place)
        body = _Body(environ)
        try:
            if os.getpid() != self._process:
                raise StoreBroken(
                    "This worker was forked from a process in which Meantime ran already; its threads stayed there. "
                    "Make the application in the worker (gunicorn: without --preload)."
                )
            self._hosts.check(asked.hosts)
            if place is not None and place.methods == paths.ASK and asked.method == "POST":
                self._read_body(asked, body)
        except MeantimeError as error:
            asked.refusal = refused(error)
        body.drop_rest()
        # What was read is put back, and what is refused is not there: whoever looks into the body before our turn
        # neither takes it from us, nor fails at its length or its depth.
        shown = b"" if asked.refusal else asked.body
        environ["wsgi.input"] = io.BytesIO(shown)
        environ["CONTENT_LENGTH"] = str(len(shown))
        return asked

    def _read_body(self, asked: _Asked, body: _Body) -> None:
        asked.refusal = classic.refuse_before_body(
            self._engine,
            content_type=asked.headers.get("content-type"),
            content_length=asked.headers.get("content-length"),
        )
        if asked.refusal is not None:
            return
        asked.body = guard.read_stream(body.read, body.length)
        guard.json_object(asked.body)

    def _view(self, **_: Any) -> Response:
        asked: _Asked = request.environ[_ASKED]
        trace = self._visits.begin(asked.method, asked.raw_path)
        trace.enter(asked.body if asked.method == "POST" else asked.query)
        reply = self._reply(asked)
        trace.job_id, trace.reason = reply.job_id, reply.reason
        route = asked.place.template if asked.place else None
        self._visits.end(trace, route=route, status=reply.status, seconds=perf_counter() - asked.started)
        return _response(reply)

    def _reply(self, asked: _Asked) -> Reply:
        if asked.refusal is not None:
            return asked.refusal
        if asked.place is None:
            return paths.nothing_at(asked.path)
        if asked.method not in asked.place.methods:
            return paths.takes_others(asked.path, asked.method, asked.place.methods)
        if asked.method == "OPTIONS":
            return paths.options(asked.place.methods)
        try:
            answer = self._answers[asked.place.name](asked)
            return answer if isinstance(answer, Reply) else answer.finish(answer.awaited)
        except Exception as error:  # noqa: BLE001 - a bug: the application's error handlers have other words for it
            self._tell(asked, error)
            return refused(error)

    def _tell(self, asked: _Asked, error: Exception) -> None:
        what = "unforeseen error while answering"
        if structlog.is_configured():  # our log, which hands it on to the application's logger, or the application's
            _log.error(what, method=asked.method, path=asked.raw_path, exc_info=error)
        else:
            current_app.logger.error("%s %s %r", what, asked.method, asked.raw_path[:200], exc_info=error)


def _classic_answers(engine: Engine, catalog: Catalog, admin_key: str | None) -> dict[str, _Answer]:
    def post(statistic: str) -> _Answer:
        return lambda asked: classic.ask(statistic, asked.body, engine=engine, catalog=catalog)

    def graceful_shutdown(asked: _Asked) -> Reply:
        return classic.graceful_shutdown(
            engine=engine,
            peer=asked.peer,
            headers=asked.headers,
            admin_key=admin_key,
            is_only_a_look=asked.method == "HEAD",
        )

    return {
        **{name: post(name) for name in classic.STATISTICS},
        "get_results": lambda asked: classic.get_results(paths.asked_id(asked.raw_path), engine=engine),
        "jobs": lambda _: classic.jobs(engine=engine),
        "num_jobs": lambda _: classic.num_jobs(engine=engine),
        "graceful_shutdown": graceful_shutdown,
    }


def _answers_of_the_server(engine: Engine, catalog: Catalog, metrics: Metrics) -> dict[str, _Answer]:
    document = openapi.document()

    def front(asked: _Asked) -> Reply:
        if loaded.is_wanted(asked.headers.get("accept", "")):
            return loaded.describe(catalog=catalog, has_v1=False)
        return front_page.render(engine=engine, catalog=catalog, host=asked.headers.get("host", ""))

    return {
        "front": front,
        "livez": lambda _: health.LIVE,
        "readyz": lambda _: health.ready(engine=engine, catalog=catalog),
        "metrics": lambda _: metrics.read(),
        "openapi": lambda _: document,
    }


def _rules(places: Sequence[Place], prefix: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, path below the prefix and options of each of Flask's rules: for its url_for and `flask routes`."""
    root = prefix.rstrip("/")
    rules: list[tuple[str, str, dict[str, Any]]] = [
        (
            place.name,
            place.template.removeprefix(root).replace("{job_id:path}", "<path:job_id>"),
            {"methods": list(place.methods)},
        )
        for place in places
    ]
    # It never matches; requests are claimed for it.
    return [*rules, (_NOTHING, "/<path:nothing>", {"build_only": True})]


def _is_left_to_us(path: str, prefix: str) -> bool:
    """Whether a path without a place is below the prefix, and the application has nothing for it."""
    tidied = paths.tidy(path)
    is_below = prefix == "/" or tidied == prefix or tidied.startswith(f"{prefix}/")
    return is_below and isinstance(request.routing_exception, NotFound | BadHost | SecurityError)


def _path(environ: Environ) -> str:
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _raw_path(environ: Environ) -> bytes:
    """Return the path as it was sent. Where a server does not tell that, escaped slashes are slashes."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        target = str(raw).partition("?")[0]
        # A proxy sends the whole URL.
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
        del response.headers["content-type"]  # Flask would have one for no content, too
    return response
