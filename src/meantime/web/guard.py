"""What is checked of an HTTP request before anybody looks at what it asks. Plain values; no framework."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec

from meantime.errors import BodyInvalid, BodyNotJson, BodyTooLarge, HostInvalid, HostNotAllowed, OperatorOnly

# The longest question in use has 219 characters. 1 MiB lets nothing real fail, and keeps what one connection can make
# us hold in memory, parse and search for the closest names small.
BODY_LIMIT_BYTES = 1024 * 1024

# What is read of a refused body, so that its client reads the refusal: some more than anybody sends by mistake, and for
# no longer than a client that sends it in earnest needs.
_DISCARDED_BYTES = 64 * 1024 * 1024
_DISCARDED_S = 5

# Names by which a server on its own machine is always meant.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

# What a proxy adds: with one of these the client is somebody else than the peer.
_PROXY_HEADERS = ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
# What a browser adds when it fetches a link that nobody has clicked.
_PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
# What tells who may ask an operator's deed, for whoever can look headers up by name only. Proxies add more that begins
# with x-forwarded-, but none without one of these.
OPERATOR_HEADERS = (
    "x-admin-key",
    "origin",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    *_PROXY_HEADERS,
    *_PREFETCH_HEADERS,
)

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]\\]+))(?::[0-9]{1,5})?", re.ASCII)

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


class Hosts:
    """The names that this server goes by.

    A page of somebody else can point its own name at this machine and have a browser ask us in that name; only
    the name tells such requests from those that are meant for us.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(name.strip("[]").lower() for name in (*LOOPBACK_NAMES, *allowed))
        # The same few names come with every request. Bounded, since anything can be sent as a host.
        self._judge = lru_cache(256)(self._judged)

    def check(self, hosts: list[bytes]) -> None:
        """Refuse a request by its Host headers, of which it must have one.

        Raises:
            HostInvalid: none, several, or not a host.
            HostNotAllowed: not a name of ours.
        """
        if len(hosts) != 1:
            raise HostInvalid(f"The request has {len(hosts) or 'no'} Host headers; it must have exactly one.")
        if (error := self._judge(hosts[0])) is not None:
            raise error

    def _judged(self, host: bytes) -> HostInvalid | HostNotAllowed | None:
        text = host.decode("latin-1").lower()
        found = _HOST.fullmatch(text)
        if not found:
            return HostInvalid(f"The Host header {text[:100]!r} is not a host name.")
        name = found[1] or found[2]
        if name in self._allowed:
            return None
        return HostNotAllowed(
            f"This server does not go by the name {name[:100]!r}. If it should, its operator adds the name to the "
            "setting allowed_hosts (MEANTIME_ALLOWED_HOSTS, or --allowed-hosts)."
        )


def require_operator(deed: str, *, peer: str | None, headers: Mapping[str, str], admin_key: str | None) -> None:
    """Refuse what only who runs the server may ask: to stop it, to read its files anew.

    A GET that stops a server is a trap: a link in a page, a prefetch, or a proxy that everybody reaches would spring
    it. So the administrator's key counts from anywhere; without one, only whoever sits at this machine and asks
    by himself. ``headers`` have lower-case names, and are at least those of ``OPERATOR_HEADERS`` that the request has;
    that Host is an allowed one was checked before. ``deed`` begins the refusal: "Stopping the server".

    Raises:
        OperatorOnly: says what to do instead.
    """
    if (given := headers.get("x-admin-key")) is not None:
        if admin_key is None or not hmac.compare_digest(given.encode("latin-1", "replace"), admin_key.encode()):
            raise OperatorOnly("The key in X-Admin-Key is not the administrator's (the setting admin_key).")
        return
    if (why := _not_asked_here(peer, headers)) is not None:
        raise OperatorOnly(
            f"{deed} is not for this request: {why}. Ask from the server's own machine, "
            "or send the administrator's key (the setting admin_key) in the header X-Admin-Key."
        )


def _require_within_limit(length_bytes: int, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
    if length_bytes > limit_bytes:
        raise BodyTooLarge(f"The body is longer than {limit_bytes} bytes, which is the limit.")


def _not_asked_here(peer: str | None, headers: Mapping[str, str]) -> str | None:
    if not _is_loopback(peer):
        return "it does not come from the loopback interface"
    if any(name in _PROXY_HEADERS or name.startswith("x-forwarded-") for name in headers):
        return "it came through a proxy"
    # same-site too: a page on another port of this machine is of the same site, and not ours.
    if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "a web page asked for it"
    if any(name in headers for name in _PREFETCH_HEADERS):
        return "a browser fetched it ahead of any click"
    return None


def _is_loopback(peer: str | None) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
