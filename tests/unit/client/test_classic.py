"""The client against a real server on a real socket that says what the test wants."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar, NamedTuple

import pytest

from meantime.client.classic import ClassicClient, Loaded
from meantime.errors import (
    DatasetNotReady,
    JobFailed,
    JobUnknown,
    MeantimeError,
    NotMeantime,
    RequestInvalid,
    ServerUnreachable,
    Unavailable,
)

PATIENCE_S = 30


class Said(NamedTuple):
    """What the server answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {"Content-Type": "application/json"}  # noqa: RUF012 - never changed


def said(body: Any, status: int = 200, **headers: str) -> Said:
    return Said(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers)


class Heard(NamedTuple):
    """What the server was asked."""

    method: str
    path: str
    body: bytes
    content_type: str | None
    accept: str | None


@contextmanager
def server(*answers: Said) -> Iterator[tuple[str, list[Heard]]]:
    """Answer the requests one after the other, the last answer for ever."""
    heard: list[Heard] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]  # a plain attribute there

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.append(
                Heard(self.command, self.path, body, self.headers.get("Content-Type"), self.headers.get("Accept"))
            )
            reply = answers[min(len(heard), len(answers)) - 1]
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = True

        do_GET = do_POST = answer  # noqa: N815 - their names there

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", heard
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(PATIENCE_S)


def never(_seconds: float) -> None:
    raise AssertionError("nothing to wait for")


def test_submit_posts_json_and_returns_the_job_id() -> None:
    with server(said({"job_id": "job_id_7"})) as (url, heard), ClassicClient(url) as client:
        assert client.submit("states_mean", {"question": "Qué"}) == "job_id_7"
    [asked] = heard
    assert asked[:2] == ("POST", "/api/states_mean")
    assert json.loads(asked.body) == {"question": "Qué"}
    assert asked.content_type == "application/json"


@pytest.mark.parametrize("end", ["", "/"])
def test_an_address_may_end_in_a_slash(end: str) -> None:
    with server(said({"status": "done", "data": []})) as (url, heard), ClassicClient(url + end) as client:
        assert client.jobs() == []
    assert heard[0].path == "/api/jobs"


def test_result_asks_again_until_the_job_has_ended_with_growing_bounded_pauses() -> None:
    running = [said({"status": "running"})] * 20
    slept: list[float] = []
    with (
        server(*running, said({"status": "done", "data": {"Utah": 1.5}})) as (url, heard),
        ClassicClient(url, sleep=slept.append) as client,
    ):
        assert client.result("job_id_1") == {"Utah": 1.5}
    assert len(heard) == 21
    assert slept == sorted(slept)
    assert 0 < slept[0] < 0.05
    assert slept[-1] == slept[-2] == 1.0


def test_ask_submits_and_waits() -> None:
    answers = [said({"job_id": "job_id_3"}), said({"status": "done", "data": {"global_mean": 1.0}})]
    with server(*answers) as (url, heard), ClassicClient(url, sleep=never) as client:
        assert client.ask("global_mean", {"question": "Q"}) == {"global_mean": 1.0}
    assert [asked.path for asked in heard] == ["/api/global_mean", "/api/get_results/job_id_3"]


def test_the_order_of_the_keys_survives() -> None:
    body = Said(body=b'{"status":"done","data":{"Utah":1.0,"Ohio":0.5,"Guam":2.0}}')
    with server(body) as (url, _), ClassicClient(url) as client:
        assert list(client.result("job_id_1")) == ["Utah", "Ohio", "Guam"]


def test_jobs_are_listed_by_number_with_their_states() -> None:
    listed = said({"status": "done", "data": [{"job_id_1": "done"}, {"job_id_2": "running"}]})
    with server(listed) as (url, _), ClassicClient(url) as client:
        assert client.jobs() == [("job_id_1", "done"), ("job_id_2", "running")]


def test_what_is_loaded_is_the_first_data_set() -> None:
    first = {
        "name": "cdc",
        "status": "ready",
        "fingerprint": "f",
        "synthetic": True,
        "questions": ["Q"],
        "locations": ["Utah", "Ohio"],
        "more": 1,
    }
    answer = said({"datasets": [first, {"name": "other", "status": "loading"}]})
    with server(answer) as (url, heard), ClassicClient(url) as client:
        assert client.loaded() == Loaded(
            name="cdc", fingerprint="f", synthetic=True, questions=("Q",), locations=("Utah", "Ohio")
        )
    assert (heard[0].path, heard[0].accept) == ("/", "application/json")


@pytest.mark.parametrize(
    ("dataset", "error", "says"),
    [
        ({"status": "loading", "share": 0.4}, Unavailable, "40%"),
        ({"status": "failed", "reason": "no such file"}, DatasetNotReady, "no such file"),
    ],
)
def test_what_is_not_loaded_is_said(dataset: dict[str, Any], error: type[MeantimeError], says: str) -> None:
    answer = said({"datasets": [{"name": "cdc"} | dataset]})
    with server(answer) as (url, _), ClassicClient(url) as client, pytest.raises(error, match=says):
        client.loaded()


def test_what_the_server_refuses_is_raised_with_its_reason() -> None:
    refusal = said({"status": "error", "reason": "no state 'Uta'; did you mean 'Utah'?"}, 400)
    with server(refusal) as (url, _), ClassicClient(url) as client, pytest.raises(RequestInvalid) as caught:
        client.submit("state_mean", {"question": "Q", "state": "Uta"})
    assert caught.value.reason == "no state 'Uta'; did you mean 'Utah'?"


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "7"}, 7), ({}, 1), ({"Retry-After": "soon"}, 1)])
def test_not_now_says_when_to_try_again(header: dict[str, str], seconds: int) -> None:
    busy = said({"status": "error", "reason": "queue full"}, 503, **header)
    with (
        server(busy) as (url, _),
        ClassicClient(url) as client,
        pytest.raises(Unavailable, match="queue full") as caught,
    ):
        client.submit("states_mean", {"question": "Q"})
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (said({"status": "error", "reason": "Invalid job_id"}), JobUnknown, "job_id_1"),
        (said({"status": "error", "reason": "out of time"}), JobFailed, "^out of time$"),
        (said({"status": "error"}), JobFailed, "does not say why"),
        (said({"status": "error", "reason": "internal error"}, 500), JobFailed, "^internal error$"),
    ],
)
def test_a_job_without_a_result_is_an_error_with_the_reason(
    answer: Said, error: type[MeantimeError], says: str
) -> None:
    with server(answer) as (url, _), ClassicClient(url, sleep=never) as client, pytest.raises(error, match=says):
        client.result("job_id_1")


@pytest.mark.parametrize(
    "answer",
    [
        Said(200, b"<html>", {"Content-Type": "text/html"}),
        Said(404, b"<html>", {"Content-Type": "text/html"}),
        Said(502, b"", {}),
        Said(302, b"", {"Location": "/elsewhere"}),
        said([]),
        said({}),
        said({"data": {"job_id_1": "done"}}),
        said({"datasets": []}),
        Said(200, b"[" * 100_000),
    ],
)
def test_what_is_not_meantime_is_said_to_be_so(answer: Said) -> None:
    for call in ("jobs", "loaded"):
        with server(answer) as (url, _), ClassicClient(url) as client, pytest.raises(NotMeantime) as caught:
            getattr(client, call)()
        assert url in caught.value.reason


def test_nothing_that_listens_is_one_clear_line() -> None:
    with socket.socket() as taken:
        # Bound and not listening: connections are refused, and nobody else can take the port meanwhile.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with ClassicClient(url) as client, pytest.raises(ServerUnreachable) as caught:
            client.jobs()
    assert url in caught.value.reason
    assert "meantime serve" in caught.value.reason
    assert "\n" not in caught.value.reason


def test_a_server_that_goes_away_in_the_middle_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with (
            ClassicClient(f"http://127.0.0.1:{listening.getsockname()[1]}") as client,
            pytest.raises(ServerUnreachable, match="stopped answering"),
        ):
            client.jobs()
        thread.join(PATIENCE_S)


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://127.0.0.1", "", "http://[::1"])
def test_what_is_no_address_is_said_with_one_that_is(url: str) -> None:
    with pytest.raises(ServerUnreachable, match="http://127"), ClassicClient(url) as client:
        client.jobs()


def test_it_may_be_closed_twice() -> None:
    client = ClassicClient("http://127.0.0.1:1")
    client.close()
    client.close()
