"""The application behind the real HTTP server, on a free port of the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from meantime.web.connections import ConnectionLimits, Connections
from meantime.web.http.bodies import BodyMemory
from meantime.web.protocol import http_protocol
from tests.support.waiting import PATIENCE_S, join, wait_for
from tests.support.web_app import Served, served


class Wire:
    """A server on a free port of the loopback interface."""

    def __init__(self, server: Served, port: int, connections: Connections) -> None:
        self.server = server
        self.port = port
        self.connections = connections

    def exchange(self, *pieces: bytes, ends: bool = False) -> bytes:
        """Send bytes as they are; return everything that comes back until the server closes.

        ``ends``: hang up after the last piece.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            for piece in pieces:
                connection.sendall(piece)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def statuses(self, *pieces: bytes, ends: bool = False) -> list[int]:
        """Send bytes; return the statuses of the answers."""
        answers = self.exchange(*pieces, ends=ends).split(b"HTTP/1.1 ")[1:]
        return [int(answer[:3]) for answer in answers]


class _Listener(uvicorn.Server):
    def __init__(self, app: Any, bound: socket.socket, connections: Connections) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http_protocol(connections),
                log_config=None,
                access_log=False,
                proxy_headers=False,
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self.listening = threading.Event()
        self._bound = bound

    def listen(self) -> None:
        self.run(sockets=[self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def on_a_wire(
    tmp_path: Path, *, limits: ConnectionLimits | None = None, memory: BodyMemory | None = None, **more: Any
) -> Iterator[Wire]:
    """Serve over HTTP; ``more`` goes to ``served``."""
    memory = memory or BodyMemory()
    connections = Connections(limits or ConnectionLimits(), memory)
    with served(tmp_path, memory=memory, **more) as server, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        listener = _Listener(server.app, bound, connections)
        thread = threading.Thread(target=listener.listen)
        thread.start()
        try:
            wait_for(listener.listening, "the HTTP server does not listen")
            yield Wire(server, bound.getsockname()[1], connections)
        finally:
            listener.should_exit = True
            join(thread)
