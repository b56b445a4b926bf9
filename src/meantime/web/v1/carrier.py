"""Carries the endpoints of v1: finds the one that a request is for, calls it, and sends what it answers.

Not by Litestar's router: it tidies and decodes paths before anybody sees them, so that a slash in a data set's name
would be one of ours; it knows no place like ``results.{suffix}``; and it costs more than most endpoints themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

import structlog

from meantime.errors import MeantimeError, RequestInvalid, RequestRefused, ShuttingDown
from meantime.web import guard, paths
from meantime.web.door import Receive, Scope, Send, Trace, raw_path, send_reply, start_headers, trace_of
from meantime.web.reply import Reply
from meantime.web.v1 import problems
from meantime.web.v1.endpoint import Backend, ClientGone, Endpoint, Stream

_log = structlog.get_logger("meantime.web")

# No request of ours has more than some dozen; each costs a tuple and two texts.
_QUERY_FIELDS = 1000
_STOPPED = ShuttingDown("The server stops. Ask again when it has been started again; what was accepted is kept.")


class Carrier:
    """The endpoints as an ASGI application."""

    def __init__(self, endpoints: Sequence[Endpoint], backend: Backend) -> None:
        self._ways = Ways(endpoints)
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing, where the client went away."""
        try:
            answer = await self._answer(scope, receive, send)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            answer = _problem(scope, error)
        if answer is not None:
            await send_reply(answer, scope, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        """Return what is still to be sent."""
        method, path = scope["method"], raw_path(scope)
        found = self._ways.find(path)
        if found is None:
            raise paths.path_unknown(_shown(path), "GET /v1")
        place, values = found
        scope["path_template"] = place.template
        endpoint = place.by_method.get(method)
        if endpoint is None:
            if method == "OPTIONS":
                return paths.options(place.allowed)
            raise paths.method_not_allowed(_shown(path), method, place.allowed)
        asked = Asked(scope, receive, values)
        try:
            answer = await endpoint.handle(self._backend, asked)
        except asyncio.CancelledError:
            # The server stops, and has waited for this answer as long as it waits: it would be cut off in silence.
            await send_reply(problems.refused(_STOPPED), scope, send)
            raise
        if isinstance(answer, Reply):
            return answer
        await _send_stream(answer, asked, scope, send)
        return None


def _shown(path: bytes) -> str:
    return unquote_to_bytes(path).decode("utf-8", "replace")


def _problem(scope: Scope, error: Exception) -> Reply:
    reply = problems.refused(error)
    if reply.status == 500:
        _log.error("unforeseen error while answering", method=scope["method"], path=raw_path(scope), exc_info=error)
    return reply


# Finding the way


class Place(NamedTuple):
    """What is at a path."""

    template: str
    by_method: Mapping[str, Endpoint]  # HEAD too, where there is GET
    allowed: tuple[str, ...]  # methods, sorted, OPTIONS too


_NAME = re.compile(r"\{([a-z_]+)\}")


class Ways:
    """Finds places by paths as they are sent.

    Each part of a path is decoded once, by itself: an escaped slash is one in a name. Slashes that are doubled, or at
    the end, do not matter. Of several templates that fit, the one that says more of the path counts.
    """

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        by_template: dict[str, list[Endpoint]] = defaultdict(list)
        for endpoint in endpoints:
            by_template[endpoint.path].append(endpoint)
        self._exact: dict[bytes, Place] = {}
        open_ones: dict[int, list[_Template]] = defaultdict(list)
        for template, rows in by_template.items():
            template_of = _Template(_place(template, rows))
            open_ones[len(template_of.parts)].append(template_of)
            if "{" not in template:
                self._exact[template.encode()] = template_of.place
        self._by_length = {length: sorted(them, key=lambda one: one.rank) for length, them in open_ones.items()}

    def find(self, path: bytes) -> tuple[Place, Mapping[str, str]] | None:
        """Return the place at a path, and what stands for each name of its template."""
        if (place := self._exact.get(path)) is not None:
            return place, {}
        parts = [_decoded(part) for part in path.split(b"/") if part]
        for template in self._by_length.get(len(parts), ()):
            if (values := template.match(parts)) is not None:
                return template.place, values
        return None


class _Template:
    """A path with names in it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.parts = [_part(part) for part in place.template.split("/") if part]
        self.rank = [_rank(part) for part in place.template.split("/") if part]

    def match(self, parts: Sequence[str]) -> Mapping[str, str] | None:
        values: dict[str, str] = {}
        for wanted, part in zip(self.parts, parts, strict=True):
            if isinstance(wanted, str):
                if wanted != part:
                    return None
            elif (found := wanted.fullmatch(part)) is None:
                return None
            else:
                values |= found.groupdict()
        return values


def _place(template: str, rows: Sequence[Endpoint]) -> Place:
    by_method: dict[str, Endpoint] = {row.method: row for row in rows}
    if len(by_method) != len(rows):
        raise ValueError(f"Two endpoints of one method are at {template}.")
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]
    return Place(template, by_method, tuple(sorted({*by_method, "OPTIONS"})))


def _part(part: str) -> str | re.Pattern[str]:
    if "{" not in part:
        return part
    literals_and_names = _NAME.split(part)
    literals = [re.escape(literal) for literal in literals_and_names[::2]]
    # As little as will do: of "ranking.vl.json" the name ends at the first dot.
    names = [f"(?P<{name}>.+?)" for name in literals_and_names[1::2]]
    return re.compile("".join(a + b for a, b in zip(literals, [*names, ""], strict=True)), re.DOTALL)


def _rank(part: str) -> int:
    """Sort text before text with a name, and that before a name alone."""
    return 0 if "{" not in part else 2 if _NAME.fullmatch(part) else 1


def _decoded(part: bytes) -> str:
    return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8", "replace")


# What is asked


class Asked:
    """One request, as ``endpoint.Call`` describes it."""

    __slots__ = ("_headers", "_receive", "_trace", "method", "path", "peer", "raw_query")

    def __init__(self, scope: Scope, receive: Receive, values: Mapping[str, str]) -> None:
        self.method: str = scope["method"]
        self.path = values
        self.raw_query: bytes = scope["query_string"]
        client = scope["client"]
        self.peer: str | None = client[0] if client else None
        self._headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive
        self._trace: Trace = trace_of(scope)

    @property
    def query(self) -> Sequence[tuple[str, str]]:
        """Names and values in their order, decoded; what is no UTF-8 becomes the sign for that, which names nothing.

        Raises:
            RequestInvalid: there are more than any request has.
        """
        if not self.raw_query:
            return ()
        try:
            # ASCII is what may be sent; other bytes are taken for UTF-8, as those that are escaped.
            text = self.raw_query.decode("utf-8", "replace")
            return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_QUERY_FIELDS)
        except ValueError:
            raise RequestInvalid(f"The query has more than {_QUERY_FIELDS:,} parameters; send fewer.") from None

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name; several of one name with commas between."""
        wanted = name.encode("latin-1")
        found = [value for given, value in self._headers if given == wanted]
        return b", ".join(found).decode("latin-1") if found else None

    async def body(self, limit_bytes: int) -> bytes:
        """Read the body, which must be said to be JSON; see ``endpoint.Call``."""
        try:
            guard.require_json(self.header("content-type"))
            guard.require_length(self.header("content-length"), limit_bytes)
        except RequestRefused:
            await guard.discard_body(self._receive, expect=self.header("expect"))
            raise
        body = await guard.read_body(self._receive, limit_bytes)
        if body is None:
            raise ClientGone
        self._trace.enter(body)
        return body

    async def gone(self) -> None:
        """Return when the client has gone away. A body that is still coming is not kept."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


# Sending piece by piece


async def _send_stream(stream: Stream, asked: Asked, scope: Scope, send: Send) -> None:
    """Send a stream until its end, or until nobody reads it: the sending itself would not notice that.

    Raises:
        Exception: making the first piece failed, and nothing is sent yet.
    """
    trace_of(scope).job_id = stream.job_id
    sending = asyncio.ensure_future(_pass_on(stream, scope, send))
    leaving = asyncio.ensure_future(asked.gone())
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    if not sending.cancelled():
        sending.result()


async def _pass_on(stream: Stream, scope: Scope, send: Send) -> None:
    pieces = stream.pieces
    start = {
        "type": "http.response.start",
        "status": stream.status,
        "headers": start_headers(stream.content_type, stream.headers),
    }
    try:
        # The first piece before the beginning: what goes wrong up to there can still be said.
        first = b"" if scope["method"] == "HEAD" else await anext(pieces, b"")
        await send(start)
        try:
            if scope["method"] != "HEAD":
                await send({"type": "http.response.body", "body": first, "more_body": True})
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must see that its answer is not whole
            # Too late for a problem. The answer must not look whole, so its end is not sent: the server then cuts the
            # connection, and the client sees that something is missing.
            trace_of(scope).reason = error.reason if isinstance(error, MeantimeError) else repr(error)
            _log.error("an answer was cut short", path=raw_path(scope), exc_info=error)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        if (close := getattr(pieces, "aclose", None)) is not None:
            await close()
