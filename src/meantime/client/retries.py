"""One request to a server, sent until there is an answer, for as long as that is safe and worth the time.

Nothing here does I/O, so the blocking and the asynchronous client share it. A flow is a generator: it yields what to
do next, a request to send or a delay, and gets back the response, or the exception that httpx raised.
``blocking`` and ``asynchronous`` carry the steps out.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import httpx

from meantime.client.address import DEFAULT_URL as DEFAULT_URL
from meantime.client.problems import error_from
from meantime.errors import MeantimeError, ServerUnreachable

T = TypeVar("T")

KEY_VARIABLE = "MEANTIME_KEY"
# Added to the time that the server may wait: for networks that lose packets.
_TIMEOUT_S = 30.0
# Delays double, so that a server that starts up is not flooded, and are jittered, so that clients do not come all at
# once. A server that restarts is back within a few seconds.
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_ATTEMPTS = 12
# With Retry-After: the server has done nothing, and says when to try again.
_NOT_NOW = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request to send."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None  # JSON
    wait_s: int | None = None  # how long the server may wait for the end of a job before it answers
    key: str | None = None  # an idempotency key: sent twice, the request is carried out once
    is_idempotent: bool = False  # even without a key

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be sent again after its answer was lost."""
        return self.method == "GET" or self.key is not None or self.is_idempotent

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return the request for httpx."""
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
class Delay:
    """Wait for some time before the next step."""

    seconds: float


RequestFlow = Generator[ApiRequest | Delay, Any, T]  # it is sent an httpx.Response, or None after a delay


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTiming:
    """How long to keep trying when a server does not answer or says "not now", and with which delays."""

    retry_for_s: float = 30.0
    clock: Callable[[], float] = field(default=time.monotonic)
    random: Callable[[], float] = field(default=random.random)

    def delay_s(self, attempt: int, *, started_at_s: float, at_least_s: float = 0.0) -> float | None:
        """Return the delay after failed attempt number ``attempt``, counted from 1; None means give up."""
        longest_s = min(_FIRST_DELAY_S * 2 ** (attempt - 1), _LONGEST_DELAY_S)
        delay_s = at_least_s + longest_s * (1 + self.random()) / 2
        is_over = attempt >= _ATTEMPTS or self.clock() - started_at_s + delay_s > self.retry_for_s
        return None if is_over else delay_s


def send(request: ApiRequest, timing: RetryTiming) -> RequestFlow[httpx.Response]:
    """Send a request until there is an answer, and return it if it is a success.

    It is sent again only when that is safe: when no connection was made, nothing was sent; when one broke, only if the
    request may be repeated; and after a 503 or 429 with ``Retry-After``, since that server has done nothing.

    Raises:
        MeantimeError: the error that the server answered with.
        ServerUnreachable: nothing answers, or the connection broke.
        NotMeantime: what answers is not a Meantime server.
    """
    started_at_s = timing.clock()
    attempt = 0
    while True:
        attempt += 1
        try:
            response: httpx.Response = yield request
        except httpx.RequestError as error:
            failure: MeantimeError = _unreachable(error)
            failure.__cause__ = error
            is_final, at_least_s = not (request.may_be_repeated or isinstance(error, httpx.ConnectError)), 0.0
        else:
            if response.is_success:
                return response
            failure = error_from(response)
            retry_after = response.headers.get("Retry-After", "")
            is_final = response.status_code not in _NOT_NOW or not retry_after.isdecimal()
            at_least_s = 0.0 if is_final else float(retry_after)
        delay_s = None if is_final else timing.delay_s(attempt, started_at_s=started_at_s, at_least_s=at_least_s)
        if delay_s is None:
            raise failure
        yield Delay(delay_s)


def key_headers(key: str | None) -> dict[str, str]:
    """Return the header with a key; without one, with that of the environment variable MEANTIME_KEY, if it is set."""
    key = os.environ.get(KEY_VARIABLE) if key is None else key
    return {"Authorization": f"Bearer {key}"} if key else {}


def check_address(url: str) -> str:
    """Return the address if it can be one of a server.

    Raises:
        ServerUnreachable: it cannot.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _invalid_address(url, str(error)) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _invalid_address(url, "it must start with http:// or https:// and have a host")
    return url


def _invalid_address(url: str, reason: str) -> ServerUnreachable:
    return ServerUnreachable(f"{url!r} is not a server address ({reason}). An address looks like {DEFAULT_URL}.")


def _unreachable(error: httpx.RequestError) -> ServerUnreachable:
    url = error.request.url
    address = f"{url.scheme}://{url.netloc.decode('ascii')}"
    if isinstance(error, httpx.ConnectError):
        return ServerUnreachable(
            f"No server answers at {address} ({error}). Start one there (meantime serve FILE), or correct the address."
        )
    reason = str(error) or type(error).__name__
    return ServerUnreachable(f"The server at {address} stopped answering: {reason}. Try again.")
