"""Calls the endpoint for a request and sends its answer: the one Starlette route of the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from operator import itemgetter
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from meantime.errors import MeantimeError, ShuttingDown
from meantime.web.http import paths
from meantime.web.http.access import Access
from meantime.web.http.access_log import set_route, trace_of
from meantime.web.http.bodies import BodyMemory
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.paths import raw_path
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.http.router import Router
from meantime.web.http.sending import send_reply, send_stream

_log = structlog.get_logger("meantime.web")

_KEY_HEADERS = frozenset({b"authorization", b"x-admin-key"})
_name_of = itemgetter(0)
_STOPPED = ShuttingDown(
    "The server is stopping. Try again when it is running again; everything that was accepted is kept."
)


class EndpointRoute(BaseRoute):
    """Answers every request with the endpoint that the router finds.

    ``refuse`` turns an error into an answer, given the raw path. ``backend`` is passed to the endpoints, ``access``
    decides who may use them, and ``memory`` is what all bodies share. ``before`` is awaited before each is asked.
    """

    def __init__(
        self,
        router: Router,
        backend: Any,
        *,
        access: Access,
        memory: BodyMemory,
        refuse: Callable[[bytes, BaseException], Reply],
        before: Callable[[Endpoint], Awaitable[None]] | None = None,
    ) -> None:
        self._router = router
        self._backend = backend
        self._access = access
        self._memory = memory
        self._refuse = refuse
        self._before = before

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match every HTTP request; those without an endpoint are refused here."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, unless the client has disconnected."""
        try:
            answer = await self._answer(scope, receive, send)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            answer = self._refuse(raw_path(scope), error)
            if answer.status == 500:
                method, path = scope["method"], raw_path(scope)
                _log.error("unforeseen error while answering", method=method, path=path, exc_info=error)
        if isinstance(answer, Reply):
            await send_reply(answer, scope, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        """Return the answer, or None if it has been sent as a stream."""
        method, path = scope["method"], raw_path(scope)
        match = self._router.find(path)
        if match is None:
            raise paths.path_unknown(_readable(path), "GET /v1" if paths.is_v1(path) else "GET /")
        route, values = match
        set_route(scope, route.template)
        endpoint = route.by_method.get(method)
        if endpoint is None:
            if method == "OPTIONS":
                return paths.options(route.allowed)
            raise paths.method_not_allowed(_readable(path), method, route.allowed)
        request = HttpRequest(scope, receive, values, self._memory)
        if not endpoint.is_open:
            await self._admit(request, endpoint)
        if self._before is not None:
            await self._before(endpoint)
        try:
            answer: Reply | Stream = await endpoint.handle(self._backend, request)
        except asyncio.CancelledError:
            # The server stops and waits no longer for this answer. Without a reply the connection would just close.
            # The classic API has no answer for this: its "shutting down" means that no job was created.
            if paths.is_v1(path):
                await send_reply(self._refuse(path, _STOPPED), scope, send)
            raise
        finally:
            request.release()
        if isinstance(answer, Reply):
            return answer
        await send_stream(answer, request, scope, send)
        return None

    async def _admit(self, request: HttpRequest, endpoint: Endpoint) -> None:
        self._hold_keys()
        authorization = admin_key = None
        # Most requests have neither, and looking for each by its name takes four times as long.
        if not _KEY_HEADERS.isdisjoint(map(_name_of, request.scope["headers"])):
            authorization, admin_key = request.header("authorization"), request.header("x-admin-key")
        try:
            request.caller = self._access.admit(
                endpoint.needs, authorization=authorization, admin_key=admin_key, address=request.peer
            )
            trace_of(request.scope).key_id = request.caller.key_id
        except MeantimeError:
            if request.method == "POST":
                await request.discard_body()
            raise

    def _hold_keys(self) -> None:
        """Have the file of keys looked at once for all requests that are answered in this turn of the event loop.

        With each look the interpreter goes to a thread that computes, and has to be waited for. What arrives after a
        change of the file is read in a later turn, so it is answered by the keys of then.
        """
        if self._access.hold_keys():
            asyncio.get_running_loop().call_soon(self._access.release_keys)


def _readable(path: bytes) -> str:
    return unquote_to_bytes(path).decode("utf-8", "replace")
