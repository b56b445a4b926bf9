"""Pages of other sites: which may use the API from a browser (CORS, as in the Fetch standard).

Browsers send no cookies or passwords along, since none are asked for; pages send a key like any program.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How long a browser may keep the answer to its question before a request: the longest that Chromium does.
_MAX_AGE_S = 7200
_METHODS = b"GET, HEAD, POST, DELETE, OPTIONS"
_REQUEST_HEADERS = (
    b"authorization, content-type, idempotency-key, if-none-match, if-range, last-event-id, prefer, range"
)
_RESPONSE_HEADERS = (
    b"content-disposition, content-location, etag, link, location, preference-applied, retry-after, www-authenticate"
)


class CorsMiddleware:
    """Allows pages of some origins to read the answers; "*" stands for all.

    Starlette's own leaves out ``Vary`` where there is no Origin, so that a cache would give the answer to a page
    without the permission, and it refuses in plain text.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode("ascii") for origin in origins)
        self._is_for_all = b"*" in self._origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin: bytes | None = headers.get(b"origin")
        permission = self._permission(origin)
        if scope["method"] == "OPTIONS" and origin is not None and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": _preflight(permission)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_permission(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with_vary([*message["headers"], *permission])
            await send(message)

        await self._app(scope, receive, send_with_permission)

    def _permission(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        if self._is_for_all:
            allowed = b"*"
        elif origin is not None and origin in self._origins:
            allowed = origin
        else:
            return []
        return [(b"access-control-allow-origin", allowed), (b"access-control-expose-headers", _RESPONSE_HEADERS)]

    def _with_vary(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if self._is_for_all:
            return headers
        varies = [value for name, value in headers if name == b"vary"]
        others = [(name, value) for name, value in headers if name != b"vary"]
        return [*others, (b"vary", b", ".join([*varies, b"origin"]))]


def _preflight(permission: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    vary = (b"vary", b"origin, access-control-request-method, access-control-request-headers")
    if not permission:
        return [vary]  # which the browser takes for a no
    return [
        permission[0],
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _REQUEST_HEADERS),
        (b"access-control-max-age", b"%d" % _MAX_AGE_S),
        vary,
    ]
