"""What a client may send and hold: each limit, with a connection that exceeds it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from meantime.web.connections import ConnectionLimits
from meantime.web.http.bodies import BodyMemory
from tests.integration.test_web import ASK, get, post
from tests.support.waiting import PATIENCE_S, wait_until
from tests.support.wire import Wire, on_a_wire

HOST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = post(b"", b"Transfer-Encoding: chunked")
# Times so short that a test need not wait for them, and a limit of time for everything is reached.
SHORT = ConnectionLimits(
    head_s=0.05, body_period_s=0.05, idle_s=0.05, linger_s=0.05, unread_period_s=0.05, refused_s=0.05
)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with on_a_wire(tmp_path_factory.mktemp("limits")) as serving:
        yield serving


@contextmanager
def connected(wire: Wire) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE_S) as connection:
        yield connection


def send_until_refused(wire: Wire, begin: bytes, piece: bytes, *, at_most_bytes: int) -> bytes:
    """Send a piece again and again until the server closes; return its answer. Whatever is sent, it must be soon."""
    with connected(wire) as connection:
        sent = connection.send(begin) if begin else 0
        try:
            while sent < at_most_bytes:
                sent += connection.send(piece)
        except OSError:
            pass  # the server has closed
        else:
            raise AssertionError(f"the server still read after {sent:,} bytes")
        answer = b""
        try:
            while more := connection.recv(65_536):
                answer += more
        except OSError:
            pass  # what was sent behind the refusal resets the connection
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(each[:3]) for each in answer.split(b"HTTP/1.1 ")[1:]]


# Socket buffers hold a few megabytes on their way.
SOON_BYTES = 64 * 2**20


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (HOST, (b"X-A: " + b"b" * 100 + b"\r\n") * 600),
        (HOST, b"a:\r\n" * 16_000),
        (HOST + b"X: ", b"y" * 65_536),
        (HOST, b"y" * 65_536),
        (b"GET /", b"y" * 65_536),
        (CHUNKED + b"1;", b"y" * 65_536),
        (CHUNKED + b"1\r\n{\r\n0\r\n", (b"X-A: " + b"b" * 100 + b"\r\n") * 600),
        (CHUNKED + b"1\r\n{\r\n0\r\nX: ", b"y" * 65_536),
        (b"", b"\r\n" * 32_768),
    ],
    ids=["headers", "tiny headers", "value", "name", "address", "chunk extension", "trailers", "trailer", "line ends"],
)
def test_bytes_that_are_no_body_end_the_connection_soon(wire: Wire, begin: bytes, piece: bytes) -> None:
    answer = send_until_refused(wire, begin, piece, at_most_bytes=SOON_BYTES)
    # It may be lost: a client that does not stop to send is reset.
    assert statuses(answer) in ([], [400], [414], [431])
    assert wire.statuses(get(b"/livez", b"Connection: close")) == [200]


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (get(b"/v1/jobs?label=" + b"x" * 66_000), 414, "address-too-long"),
        (get(b"/%761/" + b"x" * 66_000), 414, "address-too-long"),
        (b"GET /v1/jobs?label=" + b"x" * 66_000, 414, "address-too-long"),
        (get(b"/v1/jobs", *(b"X-%d: y" % number for number in range(100))), 431, "headers-too-long"),
        (get(b"/v1/jobs", b"X: " + b"y" * 65_536), 431, "headers-too-long"),
        (b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 70_000, 431, "headers-too-long"),
        (
            post(b"1\r\n{\r\n0\r\nX: " + b"y" * 70_000, b"Transfer-Encoding: chunked", path=b"/v1/jobs"),
            431,
            "headers-too-long",
        ),
    ],
)
def test_what_is_too_long_is_said_in_the_form_of_the_api(
    wire: Wire, request_bytes: bytes, status: int, code: str
) -> None:
    head, _, body = wire.exchange(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert json.loads(body)["code"] == code
    classic = wire.exchange(request_bytes.replace(b"/v1/jobs", b"/api/jobs").replace(b"/%761/", b"/api/"))
    assert statuses(classic) == [status]
    assert json.loads(classic.partition(b"\r\n\r\n")[2])["status"] == "error"


def test_whoever_still_sends_when_refused_gets_the_whole_answer(wire: Wire) -> None:
    with connected(wire) as connection:
        connection.sendall(b"GET /v1/jobs?label=" + b"x" * 66_000)
        answer = connection.recv(1)
        # The refusal is there. What the client had still to send must not reset the connection.
        for _ in range(10):
            connection.sendall(b"y" * 10_000)
        while more := connection.recv(65_536):
            answer += more
    assert statuses(answer) == [414]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "address-too-long"


def test_as_much_as_a_real_request_may_have_is_answered(wire: Wire) -> None:
    assert wire.statuses(get(b"/livez?" + b"x" * 62_000, b"Connection: close")) == [200]
    assert wire.statuses(get(b"/livez", b"Connection: close", *(b"X-%d: y" % n for n in range(98)))) == [200]
    assert wire.statuses(get(b"/livez", b"Connection: close", b"Cookie: " + b"y" * 64_000)) == [200]


def test_a_body_in_chunks_of_one_byte_is_read(wire: Wire) -> None:
    chunks = b"".join(b"0001\r\n%c\r\n" % byte for byte in ASK + b" " * 20_000)
    body = chunks + b"0\r\nX-Checksum: of no interest\r\n\r\n"
    assert wire.statuses(post(body, b"Transfer-Encoding: chunked", b"Connection: close")) == [200]


def test_trailers_are_not_taken_for_headers(wire: Wire) -> None:
    chunk = b"%x\r\n%b\r\n0\r\n" % (len(ASK), ASK)
    trailers = b"Host: example.org\r\nContent-Type: text/plain\r\n\r\n"
    assert wire.statuses(post(chunk + trailers, b"Transfer-Encoding: chunked", b"Connection: close")) == [200]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", []),
        (b"\r\n\r\n", []),
        (b"GET /liv", [408]),
        (HOST, [408]),
        (post(b"{", b"Content-Length: 50"), [408]),
        (CHUNKED + b"5\r\n12", [408]),
        (CHUNKED + b"5\r\n12345\r\n0\r\nX: y", [408]),
        # Answered before the rest of its body is there.
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{", [200]),
        (get(b"/livez") + b"GET /liv", [200, 408]),
        (get(b"/livez"), [200]),
    ],
    ids=repr,
)
def test_a_connection_that_does_not_go_on_is_closed(tmp_path: Path, sent: bytes, answered: list[int]) -> None:
    with on_a_wire(tmp_path, limits=SHORT) as wire:
        assert wire.statuses(sent) == answered
        wait_until(lambda: wire.connections.memory.taken_bytes == 0, "memory is still taken")


def test_the_rest_of_a_refused_body_that_never_ends_is_not_read_for_ever(tmp_path: Path) -> None:
    begin = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
    with on_a_wire(tmp_path, limits=SHORT) as wire:
        send_until_refused(wire, begin, b"y" * 65_536, at_most_bytes=2**40)


def test_a_connection_is_closed_after_the_rest_of_a_refused_body_too(tmp_path: Path) -> None:
    request = post(b"x" * 50, b"Content-Length: 100", path=b"/api/jobs")
    with on_a_wire(tmp_path, limits=SHORT) as wire, connected(wire) as connection:
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 405 ")
        connection.sendall(b"x" * 50)
        assert connection.recv(65_536) == b""


def test_requests_sent_ahead_are_answered_in_order_and_no_more_of_them_than_the_limit(tmp_path: Path) -> None:
    with on_a_wire(tmp_path, limits=ConnectionLimits(pipelined=5)) as wire:
        assert wire.statuses(get(b"/livez") * 5 + get(b"/livez", b"Connection: close")) == [200] * 6
        # The first is answered while the others wait. The one too many ends the connection, after all answers.
        assert wire.statuses(get(b"/livez") * 50) == [200] * 6


def test_what_cannot_be_read_waits_for_the_answers_before_it(wire: Wire) -> None:
    assert wire.statuses(get(b"/livez") + get(b"/nope") + b"NONSENSE / HTTP/1.1\r\n\r\n") == [200, 404]


@pytest.mark.parametrize(
    "address", [b"http://", b"http://a:99999999/", b"http://[::1", b"http://a@b@c/", b"http://%00/"]
)
def test_an_address_that_only_begins_like_one_is_refused(wire: Wire, address: bytes) -> None:
    request = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % address
    assert wire.statuses(request) == [400]
    # Behind a request whose answer is under way, the connection ends after that.
    assert wire.statuses(HOST + b"\r\n" + request) == [200]


def test_requests_sent_ahead_are_not_read_before_there_is_room_for_them(tmp_path: Path) -> None:
    many = get(b"/v1/openapi.json") * 20
    with on_a_wire(tmp_path, limits=ConnectionLimits(unread_period_s=0.05)) as wire:
        send_until_refused(wire, b"", many, at_most_bytes=SOON_BYTES)


def test_answers_that_nobody_reads_end_the_connection(tmp_path: Path) -> None:
    with on_a_wire(tmp_path, limits=SHORT) as wire, connected(wire) as connection:
        requests = get(b"/v1/openapi.json") * 90  # 50 MB of answers
        connection.sendall(requests)
        wait_until(lambda: not wire.connections.number, "the connection is still open")


def test_a_stream_that_nobody_reads_ends(tmp_path: Path) -> None:
    limits = ConnectionLimits(unread_period_s=0.05, body_period_s=0.05)
    with on_a_wire(tmp_path, limits=limits) as wire, connected(wire) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(get(b"/v1/jobs/events"))
        job = json.dumps({"statistic": "states_mean", "label": "x" * 200, "parameters": json.loads(ASK)})
        batch = b'{"requests":[' + b",".join([job.encode()] * 500) + b"]}"
        whole = post(batch, b"Content-Length: %d" % len(batch), b"Connection: close", path=b"/v1/jobs/batch")

        def is_ended() -> bool:
            wire.exchange(whole)
            return wire.connections.number == 0

        wait_until(is_ended, "the stream is still open")


@pytest.mark.parametrize("limit", [2, 3])
def test_a_connection_too_many_is_refused_politely_and_one_that_ends_makes_room(tmp_path: Path, limit: int) -> None:
    limits = ConnectionLimits(connections=limit * 2)
    with on_a_wire(tmp_path, limits=limits) as wire:
        held = [socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE_S) for _ in range(limit)]
        try:
            wait_until(lambda: wire.connections.number == limit, "not all connections are made")
            answer = wire.exchange(get(b"/v1/jobs"))
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1" in answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "connections-full"
            # Those that are held still work.
            held[0].sendall(get(b"/livez"))
            assert held[0].recv(65_536).startswith(b"HTTP/1.1 200 ")
            held.pop().close()
            wait_until(lambda: wire.connections.number == limit - 1, "the connection is still counted")
            assert wire.statuses(get(b"/livez", b"Connection: close")) == [200]
        finally:
            for each in held:
                each.close()


def test_connections_beyond_those_that_can_be_refused_are_closed_at_once(tmp_path: Path) -> None:
    limits = ConnectionLimits(connections=2, refused_connections=0)
    with on_a_wire(tmp_path, limits=limits) as wire, connected(wire), connected(wire):
        wait_until(lambda: wire.connections.number == 2, "not all connections are made")
        with connected(wire) as third, suppress(ConnectionError):
            third.sendall(get(b"/livez"))
            assert third.recv(1) == b""


@pytest.mark.parametrize("pieces", [1, 20])
def test_bodies_share_their_memory(tmp_path: Path, pieces: int) -> None:
    memory = BodyMemory(100_000)
    long = post(b"", b"Content-Length: 90000")
    with on_a_wire(tmp_path, memory=memory) as wire, connected(wire) as first:
        first.sendall(long + b" " * 80_000)
        wait_until(lambda: memory.taken_bytes == 80_000, "the body has not arrived")
        body = ASK + b" " * 30_000
        refused = post(body, b"Content-Length: %d" % len(body), b"Connection: close", path=b"/api/states_mean")
        step = len(refused) // pieces + 1
        answer = wire.exchange(*(refused[at : at + step] for at in range(0, len(refused), step)))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        assert wire.statuses(post(ASK, b"Content-Length: %d" % len(ASK), b"Connection: close")) == [200]
        first.sendall(b" " * 10_000)
        assert first.recv(65_536).startswith(b"HTTP/1.1 400 ")
        wait_until(lambda: memory.taken_bytes == 0, "memory is still taken")
        assert wire.statuses(refused) == [200]


def test_the_memory_of_a_body_is_given_back_however_its_connection_ends(tmp_path: Path) -> None:
    endings: list[Callable[[socket.socket], object]] = [
        lambda connection: connection.close(),
        lambda connection: connection.shutdown(socket.SHUT_WR),
        lambda connection: connection.sendall(b"zz\r\n"),
    ]
    with on_a_wire(tmp_path) as wire:
        for end in endings:
            with connected(wire) as connection:
                connection.sendall(CHUNKED + b"8000\r\n" + b" " * 0x8000 + b"\r\n")
                wait_until(lambda: wire.connections.memory.taken_bytes >= 0x8000, "the body has not arrived")
                end(connection)
                wait_until(lambda: wire.connections.memory.taken_bytes == 0, "memory is still taken")


def test_what_was_sent_ahead_takes_memory_until_its_turn(tmp_path: Path) -> None:
    with on_a_wire(tmp_path, is_loaded=False) as wire, connected(wire) as connection:
        connection.sendall(post(ASK, b"Content-Length: %d" % len(ASK)))
        assert b"job_id_1" in connection.recv(65_536)
        ahead = post(b" " * 30_000, b"Content-Length: 30000")
        connection.sendall(get(b"/v1/jobs/job_id_1", b"Prefer: wait=60") + ahead)
        wait_until(lambda: wire.connections.memory.taken_bytes == 30_000, "nothing is taken")
        wire.server.load()
        assert statuses(connection.recv(65_536))[0] == 200
        wait_until(lambda: wire.connections.memory.taken_bytes == 0, "memory is still taken")
