"""Requests as handlers get them, without a server: the connection is the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from meantime.web.http.access_log import Trace, attach
from meantime.web.http.request import HttpRequest


class FakeRequest(HttpRequest):
    """A request whose client stays until ``left`` is set."""

    def __init__(
        self,
        method: str = "GET",
        *,
        path_params: Mapping[str, str] | None = None,
        query: str = "",
        body: Any = None,
        **headers: str,
    ) -> None:
        all_headers = {"content_type": "application/json"} | headers
        scope = {
            "type": "http",
            "method": method,
            "query_string": query.encode("latin-1"),
            "client": ("127.0.0.1", 50_000),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in all_headers.items()],
        }
        attach(Trace(1, method, b"/", None), scope)
        self.left = asyncio.Event()
        self._bodies = [body if isinstance(body, bytes) else json.dumps(body).encode()]
        super().__init__(scope, self._next_message, path_params or {})

    async def _next_message(self) -> dict[str, Any]:
        if self._bodies:
            return {"type": "http.request", "body": self._bodies.pop(), "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}


def job_request(
    method: str = "GET", *, job_id: str | None = None, suffix: str | None = None, **more: Any
) -> FakeRequest:
    """A request about a job."""
    values = (("job_id", job_id), ("suffix", suffix))
    return FakeRequest(method, path_params={name: value for name, value in values if value is not None}, **more)
