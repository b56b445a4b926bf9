"""Flask applications with the classic API, and requests as a WSGI server passes them on."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, g, request

from meantime.web.classic import flask_blueprint

PREFIX = "/indicators/api"


def whole_app(**parts: Any) -> Flask:
    parts["metrics"].watch(parts["engine"], parts["catalog"])
    return flask_blueprint.create_app(**parts)


def blueprint_in_a_foreign_app(**parts: Any) -> Flask:
    """An application with its own words for every error, which looks into every body, and allows little."""
    app = Flask("foreign", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=10,
        TRUSTED_HOSTS=["foreign.example"],
        TRAP_HTTP_EXCEPTIONS=True,
        PROPAGATE_EXCEPTIONS=True,
        JSON_SORT_KEYS=True,
    )
    app.json.sort_keys = True  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.strict_slashes = True

    @app.before_request
    def look() -> None:
        g.body = request.get_data()
        request.get_json(silent=True)

    @app.errorhandler(Exception)
    def catch_all(error: Exception) -> tuple[str, int]:
        return f"foreign words: {error!r}", 418

    for status in (400, 404, 405, 413, 415, 500):
        app.register_error_handler(status, lambda error: (f"foreign words: {error!r}", 418))

    @app.get("/")
    def home() -> str:
        return "foreign home"

    @app.post(f"{PREFIX}/own")
    def own() -> Response:
        return Response(g.body)

    @app.get(f"{PREFIX}/folder/")
    def folder() -> str:
        return "foreign folder"

    @app.get("/<path:page>")
    def page(page: str) -> str:
        if page == "broken":
            raise ZeroDivisionError
        return f"foreign page {page}"

    app.register_blueprint(flask_blueprint.create_blueprint(url_prefix=PREFIX, **parts))
    return app


def send(
    app: Flask,
    method: str,
    target: str,
    *,
    body: bytes | Sequence[bytes] = b"",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    peer: str | None = "127.0.0.1",
    without: Sequence[str] = (),
    is_cut_short: bool = False,
) -> tuple[int, dict[str, str], bytes]:
    """Send one request; see ``tests.support.web_app.send``. Requests for /api go to the prefix of the blueprint."""
    if app.name == "foreign" and f"{target.lstrip('/')}/".startswith("api/"):
        target = target.replace("/api", PREFIX, 1)
    header_list = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
    names = {name.lower() for name, _ in header_list} | set(without)
    header_list += [("Host", "localhost:5000")] if "host" not in names else []
    if method == "POST" and "content-type" not in names:
        header_list.append(("Content-Type", "application/json"))
    if method == "POST" and isinstance(body, bytes) and "content-length" not in names:
        header_list.append(("Content-Length", str(len(body))))
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": peer or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": _Stream(body if isinstance(body, bytes) else b"".join(body), is_cut_short=is_cut_short),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in header_list:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        # WSGI servers join repeated headers.
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, answered: list[tuple[str, str]], _trouble: Any = None) -> Any:
        started.append((status, answered))

    answer: Iterable[bytes] = app(environ, start_response)
    content = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    [(status, answered)] = started
    lower = {name.lower(): value for name, value in answered}
    assert len(lower) == len(answered), answered
    if PREFIX.encode() in content:
        # A path that is repeated in an answer is the requested one.
        assert lower["content-length"] == str(len(content))
        content = content.replace(PREFIX.encode(), b"/api")
        lower["content-length"] = str(len(content))
    return int(status[:3]), lower, content


class _Stream(io.BytesIO):
    def __init__(self, body: bytes, *, is_cut_short: bool) -> None:
        super().__init__(body)
        self._is_cut_short = is_cut_short

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if self._is_cut_short and not piece:
            raise ConnectionResetError
        return piece
