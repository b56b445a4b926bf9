"""The v1 API of a real server over real HTTP: as a client with curl meets it, and as one that misbehaves does."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from meantime.web.v1.routes import ENDPOINTS
from tests.support.held_reading import held_reading
from tests.support.server_process import RunningServer, serving
from tests.support.waiting import PATIENCE_S, poll
from tests.support.web_app import OBESITY as QUESTION

ASK = {"statistic": "states_mean", "parameters": {"question": QUESTION}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of the built-in sample."""
    with serving(state_dir=tmp_path_factory.mktemp("v1") / "state") as running:
        yield running.ready()


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    code: str = body["code"]
    return code


def test_from_what_there_is_to_a_result_in_every_form(server: RunningServer) -> None:
    client = server.client
    # What is there.
    [dataset] = client.get("/v1/datasets").json()["datasets"]
    assert dataset["name"] == "sample"
    # Ask, and wait for the result in one go.
    answer = client.post("/v1/jobs", json=ASK, headers={"Prefer": "wait=60"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=60"
    rows = answer.json()["rows"]
    assert rows == sorted(rows, key=lambda row: row["mean"])
    # The job, its result, and other forms of it.
    job = client.get(answer.headers["location"]).json()
    assert (job["state"], job["failure"]) == ("done", None)
    results = client.get(job["links"]["results"])
    assert results.json() == answer.json()
    assert client.get(job["links"]["results"], headers={"If-None-Match": results.headers["etag"]}).status_code == 304
    table = client.get(f"{job['links']['results']}.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) > len(rows)
    # And it is in the list of all.
    assert job["id"] in {one["id"] for one in client.get("/v1/jobs", params={"state": "done"}).json()["jobs"]}


def test_every_example_of_the_page_does_what_it_says(server: RunningServer) -> None:
    client = server.client
    # The examples are about the first job.
    client.post("/v1/jobs", json=ASK, headers={"Prefer": "wait=60"})
    page = client.get("/v1").text
    examples = [unescape(text) for text in re.findall("<pre>(curl .*?)</pre>", page)]
    assert len(examples) == len(ENDPOINTS)
    # What removes the job comes last.
    for example in sorted(examples, key=lambda example: "-X DELETE" in example):
        with run(client, example) as answer:
            assert answer.status_code < 400, f"{example}\n{answer.read().decode()}"


def run(client: httpx.Client, example: str) -> Any:
    """Send what a curl command would."""
    _, url, *options = shlex.split(example)
    method, headers, content = "GET", {}, None
    while options:
        match options.pop(0):
            case "-H":
                name, value = options.pop(0).split(": ", 1)
                headers[name] = value
            case "-X":
                method = options.pop(0)
            case "--json":
                method, content = "POST", options.pop(0)
                headers["Content-Type"] = "application/json"
            case "--data-binary":
                method, content = "POST", options.pop(0)
            case option:
                assert option == "-N"
    return client.stream(method, url, headers=headers, content=content)


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/v1/nope", 404, "path-unknown"),
            ("GET", "//v1//jobs//job_id_999999/", 404, "job-unknown"),
            ("GET", "/v1/jobs/%2e%2e%2fjobs", 404, "job-unknown"),
            ("PUT", "/v1/jobs", 405, "method-not-allowed"),
            ("POST", "/v1/openapi.json", 405, "method-not-allowed"),
            ("GET", "/v1/jobs?cursor=x", 400, "cursor-invalid"),
            ("GET", "/v1/jobs?stat=done", 400, "request-invalid"),
        ],
    )
    def test_each_is_a_problem(self, server: RunningServer, method: str, path: str, status: int, code: str) -> None:
        # As it stands here: httpx would tidy it.
        answer = server.client.request(method, httpx.URL(server.url, raw_path=path.encode()))
        assert (answer.status_code, problem(answer)) == (status, code)
        assert server.client.get(answer.json()["type"]).status_code == 200

    @pytest.mark.parametrize(
        ("content", "headers", "status", "code"),
        [
            (b"{}", {"Content-Type": "text/plain"}, 415, "body-not-json"),
            (b"", {}, 400, "body-invalid"),
            (b"[" * 100_000, {}, 400, "body-invalid"),
            (b'{"a":' * 5000 + b"1" + b"}" * 5000, {}, 400, "body-invalid"),
            (b"\xff", {}, 400, "body-invalid"),
            (b" " * (1024 * 1024 + 1), {}, 413, "body-too-large"),
            (json.dumps(ASK).encode(), {"Idempotency-Key": "a b"}, 400, "header-invalid"),
            (json.dumps(ASK).encode(), {"Host": "example.org"}, 421, "host-not-allowed"),
            (json.dumps(ASK).encode(), {"Accept": "image/gif", "Prefer": "wait=1"}, 406, "not-acceptable"),
            (b'{"statistic": "states_mean", "parameters": {"question": "Percent"}}', {}, 400, "request-invalid"),
        ],
    )
    def test_so_is_each_refused_body(
        self, server: RunningServer, content: bytes, headers: dict[str, str], status: int, code: str
    ) -> None:
        answer = server.client.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"} | headers)
        assert (answer.status_code, problem(answer)) == (status, code)

    def test_a_chunked_body_has_the_same_limit(self, server: RunningServer) -> None:
        def chunks() -> Iterator[bytes]:
            for _ in range(20):
                yield b" " * 65_536

        answer = server.client.post("/v1/jobs", content=chunks(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, problem(answer)) == (413, "body-too-large")

    def test_the_classic_api_says_no_in_its_own_words(self, server: RunningServer) -> None:
        assert list(server.client.get("/api/nope").json()) == ["status", "reason"]


def answered(server: RunningServer, route: str, status: int) -> bool:
    """Whether a request to a route was answered so, as the server counts."""
    text = server.client.get("/metrics").text
    return f'route="{route}",status="{status}"' in text


def hang_up(server: RunningServer, path: str, *headers: str, after: bytes | None) -> None:
    """Ask, and go away: once something has come, or at once."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port), timeout=PATIENCE_S) as connection:
        lines = [f"GET {path} HTTP/1.1", f"Host: {url.host}", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while after is not None and after not in received:
            received += connection.recv(65_536)


def test_a_stream_ends_when_its_client_hangs_up(server: RunningServer) -> None:
    hang_up(server, "/v1/jobs/events", after=b"retry:")
    # It is counted when it has ended.
    assert poll(lambda: answered(server, "/v1/jobs/events", 200), bool)


def test_who_waits_may_leave_and_who_still_waits_is_answered_when_the_server_stops(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with (
        held_reading(tmp_path) as held,
        serving(str(table), state_dir=state, MEANTIME_SHUTDOWN_DEADLINE_S="0.05", **held) as server,
    ):
        # Given a job that waits for its data set.
        job = server.client.post("/v1/jobs", json=ASK).json()
        path = f"/v1/jobs/{job['id']}"
        assert server.client.get(path).json()["state"] == "queued"
        # When somebody waits for it, and leaves.
        hang_up(server, path, "Prefer: wait=60", after=None)
        assert poll(lambda: answered(server, "/v1/jobs/{job_id}", 499), bool)
        # And another one stays, until the server stops.
        with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as patient:
            answers: list[httpx.Response] = []

            def wait() -> None:
                answers.append(patient.get(path, headers={"Prefer": "wait=60"}))

            events = patient.send(patient.build_request("GET", f"{path}/events"), stream=True)
            waiting = threading.Thread(target=wait)
            waiting.start()
            # Who comes in is noted at once.
            log = server.state_dir / "webserver.log"
            assert poll(lambda: log.read_text().count(f"{path} "), lambda times: times >= 4)
            assert server.end(signal.SIGTERM) == 0
            waiting.join(PATIENCE_S)
            # Then he has his answer, and the stream its end.
            assert answers[0].json()["state"] == "queued"
            assert "event: accepted" in events.read().decode()
