"""The request that handlers get: Starlette's, with additions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope

from meantime.errors import RequestInvalid, RequestRefused
from meantime.web.http import bodies
from meantime.web.http.access import UNKNOWN
from meantime.web.http.access_log import trace_of
from meantime.web.http.replies import ClientGone

# Real requests have a few dozen at most; each costs a tuple and two strings.
_QUERY_FIELDS = 1000


class HttpRequest(Request):
    """One request. ``path_params`` maps the names in the route's template to their percent-decoded values."""

    def __init__(
        self, scope: Scope, receive: Receive, path_params: Mapping[str, str], memory: bodies.BodyMemory | None = None
    ) -> None:
        scope["path_params"] = path_params
        super().__init__(scope, receive)
        self.caller = UNKNOWN  # who sends this; replaced once it is known
        self._memory = bodies.BodyMemory() if memory is None else memory
        self._taken_bytes = 0

    @property
    def peer(self) -> str | None:
        """The client's address, from the connection."""
        client = self.scope["client"]
        return client[0] if client else None

    @property
    def raw_query(self) -> bytes:
        """The query as it was sent."""
        query: bytes = self.scope["query_string"]
        return query

    @property
    def query(self) -> Sequence[tuple[str, str]]:
        """Names and values in their order, decoded; bytes that are not UTF-8 become U+FFFD, which matches no name.

        Raises:
            RequestInvalid: there are too many.
        """
        if not self.raw_query:
            return ()
        try:
            # Queries should be ASCII; other bytes are read as UTF-8, like escaped ones.
            text = self.raw_query.decode("utf-8", "replace")
            return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_QUERY_FIELDS)
        except ValueError:
            raise RequestInvalid(f"The query has more than {_QUERY_FIELDS:,} parameters; send fewer.") from None

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name; several with the same name are joined by commas."""
        key_bytes = name.encode("latin-1")
        values = [value for key, value in self.scope["headers"] if key == key_bytes]
        return b", ".join(values).decode("latin-1") if values else None

    async def read_body(self, limit_bytes: int) -> bytes:
        """Read the body, which must be declared as JSON.

        Raises:
            BodyNotJson, BodyTooLarge, BodiesFull: the body has been discarded.
            ClientGone: the client disconnected before the body was complete.
        """
        try:
            bodies.require_json(self.header("content-type"))
            bodies.require_length(self.header("content-length"), limit_bytes)
        except RequestRefused:
            await self.discard_body()
            raise
        body = await bodies.read_body(self.receive, limit_bytes, self._take)
        if body is None:
            raise ClientGone
        trace_of(self.scope).enter(body)
        return body

    def release(self) -> None:
        """Give back the memory of the body, once the request is answered."""
        if self._taken_bytes:
            self._memory.give_back(self._taken_bytes)
            self._taken_bytes = 0

    def _take(self, size_bytes: int) -> bool:
        has_room = self._memory.take(size_bytes)
        if has_room:
            self._taken_bytes += size_bytes
        return has_room

    async def discard_body(self) -> None:
        """Read the body without keeping it, so that the client reads why it was refused."""
        await bodies.discard_body(self.receive, expect=self.header("expect"))

    async def disconnected(self) -> None:
        """Return when the client has disconnected. A body that is still arriving is discarded."""
        while True:
            message: Mapping[str, Any] = await self.receive()
            if message["type"] == "http.disconnect":
                return
