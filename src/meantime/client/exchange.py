"""One exchange with a server: a request, sent until there is an answer, as long as that is safe and bearable.

Nothing here does I/O, so that one telling serves clients that block and clients that do not. A conversation is a
generator: it yields what to do next, to send or to pause, and is sent the response, or thrown what httpx raised.
``blocking`` and ``asynchronous`` do what it says.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import httpx

from meantime.client.problems import error_of
from meantime.errors import MeantimeError, ServerUnreachable

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:5000"
# Beyond the time that an answer was asked to wait for: for a network that swallows packets.
_TIMEOUT_S = 30.0
# Pauses double, so that a server that comes up finds few at its door, and are jittered, so that these do not come
# together. A server that is started anew is there again within a few seconds.
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_ATTEMPTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A request to be sent."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None  # JSON
    wait_s: int | None = None  # for how long the answer may wait for the end of a job
    key: str | None = None  # an idempotency key: sent twice, it is done once
    is_harmless_twice: bool = False  # without a key, too

    @property
    def may_be_repeated(self) -> bool:
        """Whether it does no harm where the answer to the first was lost."""
        return self.method == "GET" or self.key is not None or self.is_harmless_twice

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Write it down for httpx."""
        headers = {"Accept": "application/json"}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        if self.wait_s is not None:
            headers["Prefer"] = f"wait={self.wait_s}"
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        return http.build_request(
            self.method,
            self.path,
            params=self.query or None,
            content=self.body,
            headers=headers,
            timeout=httpx.Timeout(_TIMEOUT_S, read=_TIMEOUT_S + (self.wait_s or 0)),
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some time pass."""

    seconds: float


Conversation = Generator[Send | Pause, Any, T]  # what is sent to it is an httpx.Response, or None after a pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server that does not answer, or says "not now", is asked again."""

    retry_for_s: float = 30.0
    clock: Callable[[], float] = field(default=time.monotonic)
    random: Callable[[], float] = field(default=random.random)

    def pause_s(self, attempt: int, *, began_at_s: float, at_least_s: float = 0.0) -> float | None:
        """Return for how long to pause after a failed attempt, the first being 1; None is: give up."""
        longest_s = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S)
        pause_s = at_least_s + longest_s * (1 + self.random()) / 2
        is_over = attempt >= _ATTEMPTS or self.clock() - began_at_s + pause_s > self.retry_for_s
        return None if is_over else pause_s


def exchange(send: Send, patience: Patience) -> Conversation[httpx.Response]:
    """Send until there is an answer, and return it if it is a good one.

    Tried again is what can be without harm: where no connection came about, nothing was sent; where one broke, only
    what may come twice; and a 503 that names a time, since such a server has done nothing. Anything else is final.

    Raises:
        MeantimeError: the problem that the server answers with.
        ServerUnreachable: nothing answers, or it stopped in the middle.
        NotMeantime: what answers is not Meantime.
    """
    began_at_s = patience.clock()
    attempt = 0
    while True:
        attempt += 1
        try:
            response: httpx.Response = yield send
        except httpx.RequestError as error:
            refusal: MeantimeError = _unreachable(error)
            refusal.__cause__ = error
            is_final, at_least_s = not (send.may_be_repeated or isinstance(error, httpx.ConnectError)), 0.0
        else:
            if response.is_success:
                return response
            refusal = error_of(response)
            named_s = response.headers.get("Retry-After", "")
            is_final = response.status_code != httpx.codes.SERVICE_UNAVAILABLE or not named_s.isdecimal()
            at_least_s = 0.0 if is_final else float(named_s)
        pause_s = None if is_final else patience.pause_s(attempt, began_at_s=began_at_s, at_least_s=at_least_s)
        if pause_s is None:
            raise refusal
        yield Pause(pause_s)


def check_address(url: str) -> str:
    """Return it if it can be the address of a server.

    Raises:
        ServerUnreachable: it cannot.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _no_address(url, str(error)) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _no_address(url, "it must begin with http:// or https:// and have a host")
    return url


def _no_address(url: str, why: str) -> ServerUnreachable:
    return ServerUnreachable(f"{url!r} is no address of a server ({why}). One looks like {DEFAULT_URL}.")


def _unreachable(error: httpx.RequestError) -> ServerUnreachable:
    url = error.request.url
    address = f"{url.scheme}://{url.netloc.decode('ascii')}"
    if isinstance(error, httpx.ConnectError):
        return ServerUnreachable(
            f"No server answers at {address} ({error}). Start one there (meantime serve FILE), or name another address."
        )
    what = str(error) or type(error).__name__
    return ServerUnreachable(f"The server at {address} stopped answering: {what}. Try again.")
