"""The classic API as a client sees it: over HTTP and no other way."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

# How long anything may take before the test fails instead of hanging. Twenty of these runs at once, on two cores and
# with reads in between, take about half a minute.
PATIENCE_S = 120

# Written out here and not taken from the project: these tests know the server only by HTTP.
POLARITY = {
    "Percent of adults aged 18 years and older who have an overweight classification": "lower",
    "Percent of adults aged 18 years and older who have obesity": "lower",
    "Percent of adults who engage in no leisure-time physical activity": "lower",
    "Percent of adults who report consuming fruit less than one time daily": "lower",
    "Percent of adults who report consuming vegetables less than one time daily": "lower",
    "Percent of adults who achieve at least 150 minutes a week of moderate-intensity aerobic physical activity or 75 "
    "minutes a week of vigorous-intensity aerobic activity (or an equivalent combination)": "higher",
    "Percent of adults who achieve at least 150 minutes a week of moderate-intensity aerobic physical activity or 75 "
    "minutes a week of vigorous-intensity aerobic physical activity and engage in muscle-strengthening activities on "
    "2 or more days a week": "higher",
    "Percent of adults who achieve at least 300 minutes a week of moderate-intensity aerobic physical activity or 150 "
    "minutes a week of vigorous-intensity aerobic activity (or an equivalent combination)": "higher",
    "Percent of adults who engage in muscle-strengthening activities on 2 or more days a week": "higher",
}
OVERALL = ("states_mean", "best5", "worst5", "global_mean", "diff_from_mean", "mean_by_category")
BY_STATE = ("state_mean", "state_diff_from_mean", "state_mean_by_category")
STATISTICS = (*OVERALL, *BY_STATE)

JOB_ID = re.compile(r"job_id_[1-9][0-9]{0,17}", re.ASCII)


class Ask(NamedTuple):
    """One question to the server."""

    statistic: str
    question: str
    state: str | None = None

    @property
    def body(self) -> dict[str, str]:
        return {"question": self.question} | ({"state": self.state} if self.state is not None else {})


class Reply(NamedTuple):
    """An answer, as it came."""

    status: int
    type: str
    body: bytes

    def json(self) -> Any:
        """Read the body strictly: no key twice, no NaN, nothing but JSON by its content type."""
        assert self.type.partition(";")[0].strip() == "application/json", self
        return strict_json(self.body)


class Api:
    """A server that is already running, or several that share their jobs and are asked in turn."""

    def __init__(self, url: str) -> None:
        self._turns = itertools.cycle(each.rstrip("/") for each in url.split())
        self.client = httpx.Client(
            timeout=PATIENCE_S,
            # Shorter than servers usually keep an idle connection, or a request may meet one that is just closed.
            limits=httpx.Limits(keepalive_expiry=2),
            # Only the URL that was given: no proxy may stand in between.
            trust_env=False,
        )

    def close(self) -> None:
        self.client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self.client.request(method, self.next_url() + path, content=content, headers=headers)

    def next_url(self) -> str:
        """Return whose turn it is."""
        return next(self._turns)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return _reply(self.send("GET", path, headers=headers))

    def post(self, path: str, content: bytes | Iterable[bytes], content_type: str = "application/json") -> Reply:
        return _reply(self.send("POST", path, content=content, headers={"Content-Type": content_type}))

    def ask(self, ask: Ask) -> Reply:
        return self.post(f"/api/{ask.statistic}", json.dumps(ask.body).encode())

    def raw_get(self, target: str) -> Reply:
        """GET exactly this target: httpx would tidy up dots and escapes first."""
        parts = urlsplit(self.next_url())
        assert parts.hostname
        made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = made(parts.hostname, parts.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", parts.path + target)
            reply = connection.getresponse()
            return Reply(reply.status, reply.getheader("Content-Type") or "", reply.read())
        finally:
            connection.close()

    def submit(self, ask: Ask) -> str:
        """Ask, and again later while the queue is full; return the job's id."""
        for pause in _pauses(f"{ask.statistic} was not accepted"):
            reply = self.ask(ask)
            # "shutting down" will not change however long one waits; a full queue will.
            if reply.status != 503 or b"shutting down" in reply.body:
                break
            pause()
        assert reply.status == 200, reply
        job_id: str = reply.json()["job_id"]
        return job_id

    def wait(self, job_id: str) -> Reply:
        """Ask for the result until there is one, with growing pauses: the only way that this API has."""
        for pause in _pauses(f"{job_id} did not end"):
            reply = self.get(f"/api/get_results/{job_id}")
            assert reply.status == 200, reply
            if reply.json()["status"] != "running":
                break
            pause()
        return reply

    def data(self, job_id: str) -> Any:
        """Return what the job came to."""
        body = self.wait(job_id).json()
        assert body["status"] == "done", (job_id, body)
        return body["data"]

    def result(self, statistic: str, question: str, state: str | None = None) -> Any:
        return self.data(self.submit(Ask(statistic, question, state)))

    def results(self, asks: Sequence[Ask]) -> list[Any]:
        """Submit all, then collect all: so that jobs are at work at the same time."""
        return [self.data(job_id) for job_id in [self.submit(ask) for ask in asks]]

    def until_ready(self) -> None:
        """Wait until the server says that it is."""
        for pause in _pauses("/readyz never said ready"):
            if self.get("/readyz").status == 200:
                return
            pause()


def strict_json(body: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), f"a key comes twice: {[key for key, _ in pairs]}"
        return dict(pairs)

    def number(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(body.decode(), object_pairs_hook=once, parse_constant=number)


def assert_refused(reply: Reply, status: int, *, says: str = "") -> None:
    """Check that it is an error as every error is: JSON, two keys, a sentence, and no job."""
    assert reply.status == status, reply
    body = reply.json()
    assert list(body) == ["status", "reason"], body
    assert body["status"] == "error"
    assert isinstance(body["reason"], str)
    assert body["reason"].strip()
    assert says.casefold() in body["reason"].casefold(), (says, body["reason"])


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.headers.get("Content-Type", ""), response.content)


def _pauses(failure: str) -> Iterable[Any]:
    deadline = time.monotonic() + PATIENCE_S
    length_s = 0.005
    while time.monotonic() < deadline:

        def pause(length_s: float = length_s) -> None:
            threading.Event().wait(length_s)

        yield pause
        length_s = min(length_s * 1.5, 1)
    raise AssertionError(f"{failure} within {PATIENCE_S} s")
