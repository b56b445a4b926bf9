"""A client of the classic API: ask, wait for the answer, list the jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Annotated, Any, TypeVar

import httpx
import msgspec

from meantime.errors import (
    DatasetNotReady,
    JobFailed,
    JobUnknown,
    NotMeantime,
    RequestInvalid,
    ServerUnreachable,
    Unavailable,
)

T = TypeVar("T")

# No single answer of the server takes long, since work is done in jobs; this is for a network that swallows packets.
_TIMEOUT_S = 30.0
# Most jobs are over in a few milliseconds; for one that is not, a second more or less does not matter any more.
_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 1.0
# What the server says in place of a result it does not know the job of.
_UNKNOWN = "Invalid job_id"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The data set that the classic API asks, as far as it must be known to ask it."""

    name: str
    fingerprint: str
    synthetic: bool
    questions: tuple[str, ...]
    locations: tuple[str, ...]


class ClassicClient:
    """Asks one server. Not for use by several threads at once; close it, or use it in a ``with``.

    Every method raises:
        ServerUnreachable: nothing answers at the address, or it is no address.
        NotMeantime: what answers there is not Meantime.
        RequestInvalid: the server refused what was asked; the message is its reason.
        Unavailable: not now; ``retry_after_s`` says when.
    """

    def __init__(
        self,
        url: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._sleep = sleep
        try:
            self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, transport=transport)
        except httpx.InvalidURL as error:
            raise self._no_address(error) from error

    def __enter__(self) -> ClassicClient:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. May be called twice."""
        self._http.close()

    def ask(self, statistic: str, parameters: Mapping[str, Any]) -> Any:
        """Submit, wait, and return the result; raises as ``result`` does."""
        return self.result(self.submit(statistic, parameters))

    def submit(self, statistic: str, parameters: Mapping[str, Any]) -> str:
        """Make a job and return its id; when this returns, the job survives a crash of the server."""
        return self._read(self._send("POST", f"/api/{statistic}", parameters), _Accepted).job_id

    def result(self, job_id: str) -> Any:
        """Wait until the job has ended and return its ``data``, however long it takes.

        Raises:
            JobUnknown: the server does not know this job, or not any more.
            JobFailed: the job ended without a result; the message is the server's reason.
        """
        pauses_s = _pauses_s()
        while (told := self._look(job_id)).status == "running":
            self._sleep(next(pauses_s))
        if told.status == "done":
            return told.data
        if told.reason == _UNKNOWN:
            raise JobUnknown(f"The server does not know {job_id}: never given, deleted or expired.")
        raise JobFailed(told.reason)

    def jobs(self) -> list[tuple[str, str]]:
        """List all jobs by number, each with its state: running (waiting too), done or error."""
        listed = self._read(self._send("GET", "/api/jobs"), _Jobs).data
        return [pair for job in listed for pair in job.items()]

    def loaded(self) -> Loaded:
        """Return what is loaded.

        Raises:
            Unavailable: it is still loading.
            DatasetNotReady: it could not be loaded.
        """
        asked = self._read(self._send("GET", "/"), _Front).datasets[0]
        if asked.status == "loading":
            raise Unavailable(f"{asked.name!r} is still loading ({asked.share:.0%}). Ask again in a moment.")
        if asked.status != "ready":
            raise DatasetNotReady(f"The server could not load {asked.name!r}: {asked.reason}")
        return Loaded(
            name=asked.name,
            fingerprint=asked.fingerprint,
            synthetic=asked.synthetic,
            questions=asked.questions,
            locations=asked.locations,
        )

    def _look(self, job_id: str) -> _Result:
        return self._read(self._send("GET", f"/api/get_results/{job_id}"), _Result)

    def _send(self, method: str, path: str, body: object = None) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": "application/json"} | ({} if content is None else {"Content-Type": "application/json"})
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise self._no_address(error) from error
        except httpx.ConnectError as error:
            raise ServerUnreachable(
                f"No server answers at {self._url} ({error}). Start one there (meantime serve FILE), or name another "
                "address."
            ) from error
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise ServerUnreachable(f"The server at {self._url} stopped answering: {what}. Try again.") from error
        if not response.is_success:
            self._raise_refusal(response)
        return response

    def _raise_refusal(self, response: httpx.Response) -> None:
        reason = self._read(response, _Refused).reason
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            retry_after = response.headers.get("Retry-After", "")
            raise Unavailable(reason, retry_after_s=int(retry_after) if retry_after.isdecimal() else 1)
        if response.is_server_error:
            raise JobFailed(reason)
        raise RequestInvalid(reason)

    def _read(self, response: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            said = response.headers.get("Content-Type", "no content type")
            raise NotMeantime(
                f"What answers at {self._url} is not Meantime: {response.request.method} {response.request.url.path} "
                f"gives {response.status_code} and {said}. Name another address."
            ) from error

    def _no_address(self, error: Exception) -> ServerUnreachable:
        return ServerUnreachable(
            f"{self._url!r} is no address of a server ({error}). One looks like http://127.0.0.1:5000."
        )


class _Accepted(msgspec.Struct):
    job_id: str


class _Refused(msgspec.Struct):
    reason: str


class _Result(msgspec.Struct):
    status: str
    data: Any = None
    reason: str = "the job failed, and the server does not say why"


class _Jobs(msgspec.Struct):
    data: list[dict[str, str]]


class _Dataset(msgspec.Struct):
    name: str
    status: str
    share: float = 0.0  # while it is loading
    reason: str = ""  # where it failed
    fingerprint: str = ""
    synthetic: bool = False
    questions: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


class _Front(msgspec.Struct):
    # The first is the one that the classic API asks.
    datasets: Annotated[list[_Dataset], msgspec.Meta(min_length=1)]


def _pauses_s() -> Iterator[float]:
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
