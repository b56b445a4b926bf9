"""A web server for tests of downloads: each path is answered by a function of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.waiting import join

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def file_server(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Serve on a free port of the loopback interface; yield the address without a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers.get(self.path, nothing)(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            join(thread)


def nothing(request: BaseHTTPRequestHandler) -> None:
    """Answer that there is nothing here."""
    request.send_response(404)
    request.send_header("Content-Length", "0")
    request.end_headers()


def sends(body: bytes, *, version: str = "", content_type: str = "text/csv", length: int | None = None) -> Answer:
    """Answer with a file; ``length`` is what the server says, which may be a lie."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if version and request.headers.get("If-None-Match") == version:
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(200)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        if version:
            request.send_header("ETag", version)
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = length is not None

    return answer


def redirects(to: str) -> Answer:
    """Answer with a redirect."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def fails(status: int) -> Answer:
    """Answer with an error."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer
