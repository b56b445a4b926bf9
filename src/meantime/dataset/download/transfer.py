"""A file from a web address: checked for its length, within limits, and never from a private address by redirect.

A server may send for ever, less than it says, a page instead of a table, or to another address. What it sends is
written under a temporary name by the caller, and is used only if it arrived whole.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, TypeVar

import httpx

from meantime.errors import DataError, LoadCancelled, LoadFailed, MeantimeError, SourceUnreadable

# As many as browsers that are careful; a chain for http to https, to a new domain, and to storage has three.
_MOST_REDIRECTS = 5
# Portals prepare a large table before they send its first byte.
_TIMEOUT = httpx.Timeout(connect=20, read=120, write=20, pool=20)
# A table that arrives more slowly than a telephone line's speed is a server that keeps us waiting.
_PERIOD_S = 60.0
_LEAST_BYTES_PER_S = 1_000
# How soon a stop is noticed.
_LOOK_EVERY_S = 0.1
_PAGE_STARTS = (b"<!doctype html", b"<html")
# Descriptions of tables with a thousand columns have a megabyte.
_MOST_JSON_BYTES = 16 * 2**20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may take."""

    most_bytes: int  # unpacked, where the server packs what it sends
    check_space: Callable[[int], None] = lambda _: None  # called with how much was written; raises to end it


@dataclass(frozen=True, slots=True)
class Received:
    """What a server sent: how long it was, and how it calls this version of the file."""

    size_bytes: int
    lines: int  # line ends in it
    version: str  # its ETag, or its time of last modification; "" if it has neither


def download(
    url: str,
    into: BinaryIO,
    *,
    shown: str,
    version: str,
    limits: Limits,
    on_share: Callable[[float], None],
    cancelled: threading.Event,
) -> Received | None:
    """Write the file at an address, and return what was received; None if it is still the given version.

    ``shown`` is the address as it is shown to people. Nobody may be using an event loop in this thread.

    Raises:
        SourceUnreadable: there is no such file, it may not be read, it is a web page, or it is too large.
        LoadFailed: the server or the network is in trouble, which may pass.
        LoadCancelled: ``cancelled`` was set.
    """

    async def work(client: httpx.AsyncClient) -> Received | None:
        return await _download(client, url, into, shown, version, limits, on_share)

    return _run(work, shown, cancelled)


def fetch_json(url: str, *, shown: str, cancelled: threading.Event) -> bytes:
    """Return a small document, such as the description of a table.

    Raises:
        MeantimeError: as ``download``.
    """

    async def work(client: httpx.AsyncClient) -> bytes:
        async with _Answer(client, url, shown, headers={"Accept": "application/json"}) as response:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_JSON_BYTES:
                    raise SourceUnreadable(f"The description of {shown} is too long to be one.")
            return body

    return _run(work, shown, cancelled)


def _run(work: Callable[[httpx.AsyncClient], Awaitable[T]], shown: str, cancelled: threading.Event) -> T:
    async def until_cancelled() -> T:
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client:
            working = asyncio.ensure_future(work(client))
            while not working.done():
                await asyncio.wait([working], timeout=_LOOK_EVERY_S)
                if cancelled.is_set() and not working.done():
                    working.cancel()
                    await asyncio.wait([working])
                    raise LoadCancelled("The download was cancelled; nothing was kept.")
            return working.result()

    try:
        return asyncio.run(until_cancelled())
    except httpx.HTTPError as error:
        raise _trouble(shown, error) from error


async def _download(
    client: httpx.AsyncClient,
    url: str,
    into: BinaryIO,
    shown: str,
    version: str,
    limits: Limits,
    on_share: Callable[[float], None],
) -> Received | None:
    async with _Answer(client, url, shown, headers=_unless(version)) as response:
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return None
        total = _length(response)
        size_bytes = lines = 0
        pace = _Pace(shown)
        async for chunk in response.aiter_bytes():
            if not size_bytes:
                _refuse_page(chunk, response, shown)
            size_bytes += len(chunk)
            lines += chunk.count(b"\n")
            if size_bytes > limits.most_bytes:
                raise SourceUnreadable(
                    f"{shown} is larger than {limits.most_bytes / 2**20:,.0f} MB, which is the limit for downloads "
                    "(download_limit_mb). Raise it if this is the right file."
                )
            into.write(chunk)
            limits.check_space(size_bytes)
            pace.check(size_bytes)
            if total:
                on_share(min(response.num_bytes_downloaded / total, 1))
        # The protocol's library compares the length with what arrived, unless the connection's end is the file's end.
        return Received(size_bytes, lines, response.headers.get("ETag") or response.headers.get("Last-Modified") or "")


class _Answer:
    """The answer to a GET, after redirects."""

    def __init__(self, client: httpx.AsyncClient, url: str, shown: str, *, headers: dict[str, str]) -> None:
        self._client = client
        self._url = httpx.URL(url)
        self._shown = shown
        self._headers = headers
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> httpx.Response:
        url, is_private = self._url, False
        for _ in range(_MOST_REDIRECTS + 1):
            is_typed = url.host == self._url.host
            may_be_private = url is self._url or (is_typed and is_private)
            if not may_be_private:
                await self._refuse_private(url)
            response = await self._client.send(
                self._client.build_request("GET", url, headers=self._headers), stream=True
            )
            self._response = response
            peer_is_private = _is_private_peer(response, url)
            if peer_is_private and not may_be_private:
                # The name had another address a moment ago. What the server sent is not read.
                raise self._private(url)
            is_private = is_private or peer_is_private
            if not response.has_redirect_location:
                _refuse_status(response, self._shown)
                return response
            await response.aclose()
            following = url.join(response.headers["Location"])
            if following.scheme not in ("http", "https") or (url.scheme == "https" and following.scheme == "http"):
                raise SourceUnreadable(
                    f"{self._shown} redirects to an address that does not begin with https://, so it is not read."
                )
            url = following
        raise SourceUnreadable(f"{self._shown} redirects more than {_MOST_REDIRECTS} times.")

    async def __aexit__(self, *_: object) -> None:
        if self._response is not None:
            await self._response.aclose()

    async def _refuse_private(self, url: httpx.URL) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        except OSError:
            return  # a proxy may know the name; if there is none, connecting fails
        if any(_is_private(str(address[0])) for *_, address in found):
            raise self._private(url)

    def _private(self, url: httpx.URL) -> MeantimeError:
        return SourceUnreadable(
            f"{self._shown} redirects to {url.host}, which is an address of a private network, so it is not read."
        )


class _Pace:
    """Ends a download that goes on for ever without getting anywhere."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._loop = asyncio.get_running_loop()
        self._at_s = self._loop.time()
        self._bytes = 0

    def check(self, size_bytes: int) -> None:
        elapsed_s = self._loop.time() - self._at_s
        if elapsed_s < _PERIOD_S:
            return
        if size_bytes - self._bytes < _LEAST_BYTES_PER_S * elapsed_s:
            raise LoadFailed(f"{self._shown} sends less than {_LEAST_BYTES_PER_S:,} bytes a second.")
        self._at_s, self._bytes = self._loop.time(), size_bytes


def _unless(version: str) -> dict[str, str]:
    headers = {"Accept": "text/csv, */*;q=0.5"}
    if version:
        headers["If-Modified-Since" if version[:1].isalpha() and not version.startswith("W/") else "If-None-Match"] = (
            version
        )
    return headers


def _length(response: httpx.Response) -> int:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _refuse_status(response: httpx.Response, shown: str) -> None:
    status = response.status_code
    if status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
        return
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise SourceUnreadable(f"There is nothing at {shown} ({status}). Check the address.")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise SourceUnreadable(
            f"{shown} may not be read without logging in ({status}). Download the file yourself, and give its path."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LoadFailed(f"The server of {shown} is in trouble or busy ({status}).")
    raise SourceUnreadable(f"{shown} cannot be downloaded: its server answered {status}.")


def _refuse_page(start: bytes, response: httpx.Response, shown: str) -> None:
    is_said = response.headers.get("Content-Type", "").lower().startswith("text/html")
    if is_said or start.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower().startswith(_PAGE_STARTS):
        raise SourceUnreadable(
            f"{shown} is a web page, not a table. Look there for the link that downloads the table, and give that."
        )


def _is_private_peer(response: httpx.Response, url: httpx.URL) -> bool:
    """Whether the other end of the connection is in a private network, unless that is a proxy."""
    if urllib.request.getproxies().get(url.scheme) and not urllib.request.proxy_bypass(url.host):
        return False
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    return peer is not None and _is_private(str(peer[0]))


def _is_private(address: str) -> bool:
    """Whether an address is not one of the public internet.

    >>> [_is_private(address) for address in ("127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "8.8.8.8")]
    [True, True, True, False]
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return not parsed.is_global


def _trouble(shown: str, error: httpx.HTTPError) -> DataError | LoadFailed:
    if isinstance(error, httpx.DecodingError):
        return SourceUnreadable(f"{shown} is packed in a way that cannot be unpacked.")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return SourceUnreadable(f"{shown} is not an address that can be downloaded from.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        what = f"The server of {shown} cannot be reached."
    elif isinstance(error, httpx.TimeoutException):
        what = f"The server of {shown} has stopped sending."
    else:
        what = f"The download of {shown} ended before the file was complete."
    return LoadFailed(what).for_operator(f"{what} ({type(error).__name__}: {error})")
