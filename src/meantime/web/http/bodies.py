"""Reads request bodies: limited in length, declared as JSON, and a single JSON object."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from meantime.errors import BodiesFull, BodyInvalid, BodyNotJson, BodyTooLarge

# The longest question in use has 219 characters, so no real request reaches 1 MiB. The limit bounds what a connection
# can make the server hold in memory, parse, and compare with known names.
BODY_LIMIT_BYTES = 1024 * 1024

# All requests that are arriving, and bodies that are being answered: 32 of the longest batches. Parsed, the worst JSON
# takes twenty times its length, but only in as many requests as there are threads to parse them.
MEMORY_BYTES = 256 * 1024 * 1024

# How much of a refused body is read, and for how long, so that the client reads the refusal: more than anybody sends by
# mistake, and long enough for a client that sends it without a pause.
_DISCARDED_BYTES = 64 * 1024 * 1024
_DISCARDED_S = 5


_DECODER = msgspec.json.Decoder()
_EXAMPLE = 'send a JSON object such as {"question": "...", "state": "..."}.'

Receive = Callable[[], Awaitable[Any]]


class BodyMemory:
    """The memory for requests that are arriving or being answered. Used in the event loop only."""

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.taken_bytes = 0

    def take(self, size_bytes: int) -> bool:
        """Reserve memory; return whether there was enough."""
        if self.taken_bytes + size_bytes > self._limit_bytes:
            return False
        self.taken_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Release memory that was reserved."""
        self.taken_bytes -= size_bytes


def require_json(content_type: str | None) -> None:
    """Refuse a body that is not declared as JSON. Parameters and case do not matter.

    This also stops other web pages from starting jobs here: browsers send ``text/plain`` across sites without asking
    the server first, but not JSON.

    Raises:
        BodyNotJson: another content type, or none.
    """
    if content_type == "application/json" or (
        content_type is not None and content_type.partition(";")[0].strip().lower() == "application/json"
    ):
        return
    problem = f"is {content_type[:100]!r}" if content_type else "is missing"
    raise BodyNotJson(f"Content-Type {problem}; send the body as application/json.")


def require_length(content_length: str | None, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
    """Refuse a body whose declared length is too long.

    Raises:
        BodyTooLarge: longer than the limit.
    """
    # isdecimal accepts digits of other scripts, and so does int(): harmless, since the number is only compared.
    if content_length is not None and content_length.isdecimal() and len(content_length) > 6:
        _require_within_limit(int(content_length[:18]), limit_bytes)


async def read_body(receive: Receive, limit_bytes: int, take: Callable[[int], bool]) -> bytes | None:
    """Read a body up to the limit; None if the client disconnected before its end.

    A chunked body declares no length, so the limit is checked while reading. ``take`` reserves the memory for each
    piece, and returns whether there was enough.

    Raises:
        BodyTooLarge: it is longer than the limit.
        BodiesFull: there is no memory for it now. It has been discarded.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    has_room = take(len(body))
    if message.get("more_body", False):
        pieces = bytearray(body)
        while message.get("more_body", False):
            if len(pieces) > limit_bytes or not has_room:
                await discard_body(receive, expect=None)
                break
            message = await receive()
            piece = message.get("body", b"")
            has_room = take(len(piece))
            pieces += piece
        body = bytes(pieces)
    if not has_room:
        raise BodiesFull("The requests that are arriving take all the memory for them.", retry_after_s=1)
    if message["type"] == "http.disconnect":
        return None
    _require_within_limit(len(body), limit_bytes)
    return body


async def discard_body(receive: Receive, *, expect: str | None) -> None:
    """Read the rest of a refused body, within bounds, and discard it.

    If the connection is closed while the client is still sending, it is reset, and the client never sees the reason. A
    client that sends ``Expect`` waits for an answer before it sends the body, so nothing is read from it.
    """
    if expect is not None:
        return
    left = _DISCARDED_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDED_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def read_stream(read: Callable[[int], bytes], length_bytes: int | None) -> bytes:
    """Read a body from the stream of a WSGI server; ``length_bytes`` is None if the stream ends by itself.

    Raises:
        BodyTooLarge: it is longer than the limit.
        BodyInvalid: it is shorter than its declared length.
    """
    if length_bytes is not None:
        _require_within_limit(length_bytes)
    pieces = bytearray()
    try:
        while len(pieces) <= BODY_LIMIT_BYTES:
            # Never more than the declared length: after it, the read would block until the next request.
            size = (BODY_LIMIT_BYTES + 1 if length_bytes is None else length_bytes) - len(pieces)
            piece = read(min(size, 65_536)) if size else b""
            if not piece:
                break
            pieces += piece
    except OSError as error:
        raise BodyInvalid(f"The body was cut off; {_EXAMPLE}") from error
    _require_within_limit(len(pieces))
    if length_bytes is not None and len(pieces) < length_bytes:
        raise BodyInvalid(f"The body was cut off; {_EXAMPLE}")
    return bytes(pieces)


def json_object(body: bytes, *, example: str = _EXAMPLE) -> dict[str, Any]:
    r"""Parse a body that must be a JSON object. If a key occurs twice, the last one counts.

    ``example`` completes the sentence of an error: what to send instead.

    >>> json_object(b'{"question": "A", "question": "B"}')
    {'question': 'B'}

    A byte order mark at the beginning is ignored.

    Raises:
        BodyInvalid: empty, not JSON, not UTF-8, nested too deeply, or not an object.
    """
    # Who reads may ignore a byte order mark (RFC 8259, 8.1); editors on Windows write one that nobody sees.
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body or body.isspace():
        raise BodyInvalid(f"The body is empty; {example}")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BodyInvalid(f"The body is UTF-16; write it as UTF-8. Then {example}")
    try:
        parsed = _DECODER.decode(body)
    except RecursionError:
        raise BodyInvalid(f"The body is nested too deeply; {example}") from None
    except UnicodeDecodeError as error:
        raise BodyInvalid(f"The body is not UTF-8 ({error.reason}); {example}") from None
    except msgspec.DecodeError as error:
        raise BodyInvalid(f"The body cannot be read as JSON ({error}); {example}") from None
    if not isinstance(parsed, dict):
        raise BodyInvalid(f"The body is JSON, but not an object; {example}")
    return parsed


def _require_within_limit(length_bytes: int, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
    if length_bytes > limit_bytes:
        raise BodyTooLarge(f"The body is longer than {limit_bytes} bytes, which is the limit.")
