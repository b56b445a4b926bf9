"""Sends answers: complete ones at once, streams in pieces."""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import Scope, Send

from meantime.errors import operator_text
from meantime.web.http.access_log import trace_of
from meantime.web.http.paths import raw_path
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.http.request import HttpRequest

_log = structlog.get_logger("meantime.web")

# No Content, Not Modified.
_WITHOUT_BODY = (204, 304)


async def send_reply(reply: Reply, scope: Scope, send: Send) -> None:
    """Send a complete answer, and record it for the log."""
    trace = trace_of(scope)
    trace.job_id = reply.job_id
    trace.reason = reply.reason
    headers = _start_headers(reply.content_type, reply.headers)
    # With a status that allows no body, the length would be understood as that of the full content.
    if reply.status not in _WITHOUT_BODY:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})


async def send_stream(stream: Stream, request: HttpRequest, scope: Scope, send: Send) -> None:
    """Send a stream until its end, or until the client disconnects, which sending alone would not notice.

    Raises:
        Exception: producing the first piece failed; nothing has been sent yet.
    """
    trace_of(scope).job_id = stream.job_id
    sending = asyncio.ensure_future(_send_pieces(stream, scope, send))
    leaving = asyncio.ensure_future(request.disconnected())
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    if not sending.cancelled():
        sending.result()


async def _send_pieces(stream: Stream, scope: Scope, send: Send) -> None:
    pieces = stream.pieces
    start = {
        "type": "http.response.start",
        "status": stream.status,
        "headers": _start_headers(stream.content_type, stream.headers),
    }
    try:
        # Get the first piece before the headers are sent: until then, an error can still be answered.
        first = b"" if scope["method"] == "HEAD" else await anext(pieces, b"")
        await send(start)
        try:
            if scope["method"] != "HEAD":
                await send({"type": "http.response.body", "body": first, "more_body": True})
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must see that its answer is incomplete
            # Too late for an error answer. The final message is left out, so the server closes the connection and the
            # client sees that the answer is incomplete.
            trace_of(scope).reason = operator_text(error)
            _log.error("an answer was cut short", path=raw_path(scope), exc_info=error)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        if (close := getattr(pieces, "aclose", None)) is not None:
            await close()


def _start_headers(content_type: str, more: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer, encoded for ASGI."""
    headers = [(b"content-type", content_type.encode("latin-1"))] if content_type else []
    return headers + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in more]
