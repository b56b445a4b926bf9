"""The carrier alone, over endpoints of a test, and a client that may leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import unquote

from meantime.log import Log
from meantime.web.door import Door
from meantime.web.guard import Hosts
from meantime.web.metrics import Metrics
from meantime.web.reply import Reply
from meantime.web.v1 import problems
from meantime.web.v1.carrier import Carrier
from meantime.web.v1.endpoint import Backend, Call, Endpoint, Stream

Handle = Callable[[Backend, Call], Awaitable[Reply | Stream]]


def endpoint(path: str, handle: Handle, method: Any = "GET") -> Endpoint:
    return Endpoint(
        name=f"{method.lower()}_{path}",
        method=method,
        path=path,
        tag="server",
        summary="An endpoint for a test",
        description="It does as it is told.",
        handle=handle,
    )


class Client:
    """One request to a carrier behind its door. ``leave`` ends the connection."""

    def __init__(self, *endpoints: Endpoint, log: Log | None = None) -> None:
        self.metrics = Metrics()
        # No endpoint of these asks what is behind it.
        carrier = Carrier(endpoints, cast("Backend", None))
        self._app = Door(carrier, hosts=Hosts(), metrics=self.metrics, refuse=_refuse, log=log)
        self.sent: list[dict[str, Any]] = []
        self._left = asyncio.Event()
        self._got = asyncio.Condition()

    async def ask(self, target: str, method: str = "GET") -> None:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 50_000),
        }
        await self._app(scope, self._receive, self._send)

    def leave(self) -> None:
        self._left.set()

    async def has(self, pieces: int) -> None:
        """Wait until as many messages have come."""
        async with asyncio.timeout(60), self._got:
            await self._got.wait_for(lambda: len(self.sent) >= pieces)

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._got:
            self.sent.append(dict(message))
            self._got.notify_all()


def _refuse(path: bytes, error: Any) -> Reply:  # noqa: ARG001 - the door says it
    return problems.refused(error)
