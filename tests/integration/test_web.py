"""The application behind the real HTTP server: what only bytes on a wire can show."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S
from tests.support.web_app import OBESITY
from tests.support.wire import Wire, on_a_wire

ASK = json.dumps({"question": OBESITY}).encode()
INVALID = b'{"status":"error","reason":"Invalid job_id"}'


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with on_a_wire(tmp_path_factory.mktemp("web")) as serving:
        yield serving


def post(body: bytes, *headers: bytes, path: bytes = b"/api/states_mean") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def get(path: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: localhost", *headers]) + b"\r\n\r\n"


def test_a_job_is_asked_for_and_its_result_read(wire: Wire) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", wire.port, timeout=PATIENCE_S)
    connection.request("POST", "/api/states_mean", ASK, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Content-Type") == "application/json"
    job_id = json.loads(response.read())["job_id"]
    assert wire.server.engine.wait_drained(30)
    connection.request("GET", f"/api/get_results/{job_id}")
    assert connection.getresponse().read() == b'{"status":"done","data":{"Utah":22.75,"National":29.1,"Ohio":30.0}}'
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        b"/api/get_results/../x",
        b"/api/get_results/../../../../etc/passwd",
        b"/api/get_results/%2e%2e%2fx",
        b"/api/get_results/..%2f..%2fx",
        b"/api/get_results/%00",
        b"/api/get_results/%ff%fe",
        b"/api/get_results/job_id_%EF%BC%91",
        b"/api/get_results/job_id_1%0d%0aSet-Cookie:x",
        b"/api/get_results/" + b"9" * 10_000,
        b"/api/get_results//job_id_1",
        b"http://localhost/api/get_results/nothing",
        b"http://example.org/api/get_results/nothing?x#y",
    ],
)
def test_ids_that_were_never_given_are_invalid_on_the_wire_too(wire: Wire, path: bytes) -> None:
    answer = wire.exchange(get(path, b"Connection: close"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(INVALID)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/jobs HTTP/1.1\r\nHost\r\n\r\n",
        b"NONSENSE /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
        get(b"/v1/\xff\xfe"),
        post(b"x\r\n", b"Transfer-Encoding: chunked", path=b"/v1/jobs"),
    ],
)
def test_what_cannot_be_read_is_a_problem_under_v1(wire: Wire, request_bytes: bytes) -> None:
    head, _, body = wire.exchange(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "http-invalid"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # somebody who speaks TLS
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET /api/jobs\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        get(b"/\xff\xfe"),
        get(b"/", b"X: a\x00b"),
        post(b"5\r\nhello", b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        post(b"hello", b"Content-Length: 5", b"Content-Length: 6"),
        post(b"hello", b"Content-Length: +5"),
        post(b"hello", b"Content-Length: -1"),
        post(b"zz\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
        post(b"hello", b"Transfer-Encoding: identity"),
        post(ASK, b"Transfer-Encoding : chunked"),
        b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
def test_bytes_that_are_no_request_or_two_at_once_are_400_in_json_and_the_end(wire: Wire, request_bytes: bytes) -> None:
    before = len(wire.server.engine.jobs())
    head, _, body = wire.exchange(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body)["status"] == "error"
    assert len(wire.server.engine.jobs()) == before


def test_a_host_that_is_not_ours_or_none_is_refused(wire: Wire) -> None:
    assert wire.statuses(b"GET /livez HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n") == [421]
    assert wire.statuses(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n") == [400]
    assert wire.statuses(b"GET /livez HTTP/1.0\r\n\r\n") == [400]
    assert wire.statuses(get(b"/livez", b"Host: localhost", b"Connection: close")) == [400]
    assert wire.statuses(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n") == [200]


def test_a_chunked_body_is_read_and_over_the_limit_it_is_413_and_the_connection_goes_on(wire: Wire) -> None:
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK)
    long = (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 20 + b"0\r\n\r\n"
    before = len(wire.server.engine.jobs())
    assert wire.statuses(
        post(chunked, b"Transfer-Encoding: chunked"),
        post(long, b"Transfer-Encoding: chunked"),
        get(b"/livez", b"Connection: close"),
    ) == [200, 413, 200]
    assert len(wire.server.engine.jobs()) == before + 1


def test_a_body_announced_too_long_is_413_before_it_is_sent(wire: Wire) -> None:
    request = post(b"", b"Content-Length: 2000000000", b"Expect: 100-continue")
    with socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_body_cut_short_makes_no_job(wire: Wire) -> None:
    before = len(wire.server.engine.jobs())
    assert wire.statuses(post(ASK[:10], b"Content-Length: %d" % len(ASK)), ends=True) == []
    assert wire.statuses(get(b"/livez", b"Connection: close")) == [200]
    assert len(wire.server.engine.jobs()) == before


@pytest.mark.parametrize("path", [b"/api/states_mean", b"/v1/jobs"])
def test_a_content_type_given_twice_is_none_of_ours(wire: Wire, path: bytes) -> None:
    request = post(ASK, b"Content-Length: %d" % len(ASK), b"Content-Type: text/plain", b"Connection: close", path=path)
    assert wire.statuses(request) == [415]


def test_head_has_the_length_and_no_body(wire: Wire) -> None:
    answer = wire.exchange(b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"content-length: 18" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_requests_in_one_breath_are_answered_in_their_order(wire: Wire) -> None:
    three = get(b"/livez") + get(b"/nope") + get(b"/api/num_jobs", b"Connection: close")
    assert wire.statuses(three) == [200, 404, 200]


def test_a_wish_for_a_websocket_is_answered_as_what_it_otherwise_is(wire: Wire) -> None:
    upgrade = (
        b"Connection: Upgrade, close",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Key: x",
        b"Sec-WebSocket-Version: 13",
    )
    assert wire.statuses(get(b"/livez", *upgrade)) == [200]


def test_shutting_down_leaves_the_listener_open_for_reads(tmp_path: Path) -> None:
    with on_a_wire(tmp_path) as wire:
        answer = wire.exchange(get(b"/api/graceful_shutdown", b"Connection: close"))
        assert answer.endswith(b'{"status":"done"}')
        answer = wire.exchange(post(ASK, b"Content-Length: %d" % len(ASK), b"Connection: close"))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b'{"status":"error","reason":"shutting down","job_id":-1}')
        assert wire.statuses(get(b"/api/jobs", b"Connection: close")) == [200]
