"""Reads the bodies of requests: within a limit, declared as JSON, one JSON object."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from meantime.errors import BodyInvalid, BodyNotJson, BodyTooLarge

# The longest question in use has 219 characters. 1 MiB lets nothing real fail, and keeps what one connection can make
# us hold in memory, parse and search for the closest names small.
BODY_LIMIT_BYTES = 1024 * 1024

# What is read of a refused body, so that its client reads the refusal: some more than anybody sends by mistake, and for
# no longer than a client that sends it in earnest needs.
_DISCARDED_BYTES = 64 * 1024 * 1024
_DISCARDED_S = 5


_DECODER = msgspec.json.Decoder()
_EXAMPLE = 'send a JSON object such as {"question": "...", "state": "..."}.'

Receive = Callable[[], Awaitable[Any]]


def require_json(content_type: str | None) -> None:
    """Refuse a body that is not said to be JSON. Parameters and case do not matter.

    Browsers may send ``text/plain`` across sites without asking; JSON they may not: so this also keeps the pages of
    others from starting jobs here.

    Raises:
        BodyNotJson: another content type, or none.
    """
    if content_type == "application/json" or (
        content_type is not None and content_type.partition(";")[0].strip().lower() == "application/json"
    ):
        return
    given = f"is {content_type[:100]!r}" if content_type else "is missing"
    raise BodyNotJson(f"Content-Type {given}; send the body as application/json.")


def require_length(content_length: str | None, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
    """Refuse a body that is announced to be too long.

    Raises:
        BodyTooLarge: longer than the limit.
    """
    # isdecimal takes the digits of other scripts too, and int() reads them: no harm, it is only compared.
    if content_length is not None and content_length.isdecimal() and len(content_length) > 6:
        _require_within_limit(int(content_length[:18]), limit_bytes)


async def read_body(receive: Receive, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes | None:
    """Read a body piece by piece, as far as the limit; None where the client went away before its end.

    A chunked body announces no length, so the limit is held here.

    Raises:
        BodyTooLarge: it goes on beyond the limit.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        pieces = bytearray(body)
        while message.get("more_body", False):
            if len(pieces) > limit_bytes:
                await discard_body(receive, expect=None)
                break
            message = await receive()
            pieces += message.get("body", b"")
        body = bytes(pieces)
    if message["type"] == "http.disconnect":
        return None
    _require_within_limit(len(body), limit_bytes)
    return body


async def discard_body(receive: Receive, *, expect: str | None) -> None:
    """Read a body that is refused to its end, within bounds, and keep nothing of it.

    A connection that is closed while its client still sends is reset, and the client never sees why. Where the client
    waits for our word before it sends (``Expect``), the refusal is that word.
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
    """Read a body from where a WSGI server has it; ``length_bytes`` is None where the stream ends by itself.

    Raises:
        BodyTooLarge: it goes on beyond the limit.
        BodyInvalid: it ends before the length that was announced.
    """
    if length_bytes is not None:
        _require_within_limit(length_bytes)
    pieces = bytearray()
    try:
        while len(pieces) <= BODY_LIMIT_BYTES:
            # Never more than was announced: behind it a server may wait for the next request.
            wanted = (BODY_LIMIT_BYTES + 1 if length_bytes is None else length_bytes) - len(pieces)
            piece = read(min(wanted, 65_536)) if wanted else b""
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
    r"""Parse a body that must be a JSON object; where a key comes twice, the last one counts.

    ``example`` is the end of a sentence that says what to send instead.

    >>> json_object(b'{"question": "A", "question": "B"}')
    {'question': 'B'}

    Raises:
        BodyInvalid: empty, not JSON, not UTF-8, half a character, nested too deeply, or not an object.
    """
    if not body or body.isspace():
        raise BodyInvalid(f"The body is empty; {example}")
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
