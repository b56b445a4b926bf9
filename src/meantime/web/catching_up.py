"""Where several hosts share their jobs, a request about jobs waits until this one knows what the others have done.

So a client that was told something by one host never hears less from another. All requests that come together share one
look. While nobody can look, and after a moment in any case, the answer is what this host knew last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from meantime.engine.engine import Engine
from meantime.errors import MeantimeError
from meantime.web.http.endpoint import Endpoint

# Far longer than a look takes. Longer waits would make a server that answers look like one that hangs.
_WAIT_S = 2.0


def shows_jobs(endpoint: Endpoint) -> bool:
    """Whether what an endpoint answers depends on what has become of jobs."""
    return (endpoint.tag in ("jobs", "results") and endpoint.method != "POST") or "shutdown" in endpoint.name


class CatchingUp:
    """Waits before an endpoint is asked, if that is necessary. ``wait_for`` waits in the event loop for a future."""

    def __init__(self, engine: Engine, wait_for: Callable[[Future[Any]], Awaitable[Any]]) -> None:
        self._engine = engine
        self._wait_for = wait_for

    async def __call__(self, endpoint: Endpoint) -> None:
        """Wait until the engine knows what others have done."""
        if shows_jobs(endpoint) and (caught_up := self._engine.catch_up()) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_S):
                    await self._wait_for(caught_up)


def catch_up(engine: Engine) -> None:
    """Wait in a thread until the engine knows what others have done."""
    if (caught_up := engine.catch_up()) is not None:
        with suppress(TimeoutError, MeantimeError):
            caught_up.result(_WAIT_S)
