from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from meantime.errors import JobUnknown
from meantime.log import Log
from meantime.web.app import ENDPOINTS
from meantime.web.backend import Backend
from meantime.web.http.bodies import BODY_LIMIT_BYTES
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.http.request import HttpRequest
from tests.support.endpoint_client import Client, endpoint
from tests.support.web_app import Served, send, served


async def nothing(_: Backend, request: HttpRequest) -> Reply:
    return Reply(200, json.dumps(dict(request.path_params)).encode())


async def body_of(_: Backend, request: HttpRequest) -> Reply:
    return Reply(200, await request.read_body(BODY_LIMIT_BYTES), content_type="text/plain")


async def failing(_: Backend, request: HttpRequest) -> Reply:
    raise {"gone": ClientGone(), "bug": ValueError("secret"), "unknown": JobUnknown("There is no such job.")}[
        request.path_params["how"]
    ]


ROWS = (endpoint("/v1/echo", body_of, "POST"), endpoint("/v1/fail/{how}", failing), endpoint("/v1/say/{what}", nothing))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A whole server whose v1 has endpoints of the test."""
    with (
        pytest.MonkeyPatch.context() as patch,
        served_with(patch, tmp_path_factory.mktemp("router"), *ROWS) as serving,
    ):
        yield serving


def served_with(patch: pytest.MonkeyPatch, folder: Path, *rows: Endpoint, log: Log | None = None) -> Any:
    ours = [row for row in ENDPOINTS if not row.path.startswith("/v1")]
    patch.setattr("meantime.web.app.ENDPOINTS", (*ours, *rows))
    return served(folder, log=log)


def test_the_application_says_that_it_has_started_and_stopped(server: Served) -> None:
    app: Any = server.app
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send_back(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send_back))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def problem(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json
    assert body["status"] == answer.status
    code: str = body["code"]
    assert body["type"] == f"/v1/problems/{code}"
    return code


class TestAnswers:
    @pytest.mark.parametrize("path", ["/v1/nope", "/v1", "//v1/", "/%761/x", "/v1/say", "/v1/say/a/b"])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"])
    def test_where_nothing_is_the_problem_says_so(self, server: Served, method: str, path: str) -> None:
        answer = server.ask(method, path)
        assert (answer.status, problem(answer)) == (404, "path-unknown")

    def test_a_path_is_said_again_but_not_all_of_it(self, server: Served) -> None:
        answer = server.ask("GET", "/v1/%1b<b>" + "x" * 10_000)
        assert len(answer.body) < 700
        assert "\x1b" not in answer.json["detail"]

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("POST", "/v1/say/x", "GET, HEAD, OPTIONS"),
            ("GET", "/v1/echo", "OPTIONS, POST"),
            ("HEAD", "/v1/echo", "OPTIONS, POST"),
            ("X" * 5000, "/v1/echo", "OPTIONS, POST"),
        ],
    )
    def test_another_method_is_405_with_allow(self, server: Served, method: str, path: str, allow: str) -> None:
        answer = server.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allow)
        assert len(answer.body) < 700
        if method != "HEAD":
            assert problem(answer) == "method-not-allowed"

    def test_options_says_what_there_is(self, server: Served) -> None:
        answer = server.ask("OPTIONS", "/v1/say/x/")
        assert (answer.status, answer.body, answer.headers) == (204, b"", {"allow": "GET, HEAD, OPTIONS"})

    def test_head_is_get_without_a_body(self, server: Served) -> None:
        head, get = server.ask("HEAD", "/v1/say/x"), server.ask("GET", "/v1/say/x")
        assert (head.status, head.headers, head.body) == (200, get.headers, b"")
        assert get.json == {"what": "x"}

    @pytest.mark.parametrize("host", ["example.org", "", "a b"])
    def test_another_host_is_a_problem(self, server: Served, host: str) -> None:
        answer = server.ask("GET", "/v1/say/x", headers={"Host": host})
        assert (answer.status, problem(answer)) in ((421, "host-not-allowed"), (400, "host-invalid"))
        # And not one under the classic API, whose errors have the contract's form.
        assert list(server.ask("GET", "/api/jobs", headers={"Host": host}).json) == ["status", "reason"]

    def test_an_error_of_ours_is_a_problem(self, server: Served) -> None:
        answer = server.ask("GET", "/v1/fail/unknown")
        assert (answer.status, problem(answer)) == (404, "job-unknown")

    def test_a_bug_is_described_in_the_log_only(self, server: Served) -> None:
        with capture_logs() as logs:
            answer = server.ask("GET", "/v1/fail/bug")
        assert (answer.status, problem(answer)) == (500, "internal")
        assert b"secret" not in answer.body
        [line] = [line for line in logs if line["event"] == "unforeseen error while answering"]
        assert isinstance(line["exc_info"], ValueError)

    def test_who_has_gone_gets_no_answer(self, server: Served) -> None:
        assert server.ask("GET", "/v1/fail/gone").status == 0


class TestBodies:
    def test_a_body_comes_whole(self, server: Served) -> None:
        assert server.ask("POST", "/v1/echo", body=b'{"a": 1}').body == b'{"a": 1}'
        assert server.ask("POST", "/v1/echo", body=[b'{"a"', b": 1", b"}"]).body == b'{"a": 1}'

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "multipart/form-data"],
    )
    def test_one_that_is_not_said_to_be_json_is_415(self, server: Served, content_type: str) -> None:
        answer = server.ask("POST", "/v1/echo", body=b"{}", headers={"Content-Type": content_type})
        assert (answer.status, problem(answer)) == (415, "body-not-json")

    def test_nor_is_one_without_a_type(self, server: Served) -> None:
        assert problem(server.ask("POST", "/v1/echo", body=b"{}", without=["content-type"])) == "body-not-json"

    @pytest.mark.parametrize("body", [b"x" * (BODY_LIMIT_BYTES + 1), [b"x" * 65_536] * 17])
    def test_one_that_is_too_long_is_413(self, server: Served, body: Any) -> None:
        answer = server.ask("POST", "/v1/echo", body=body)
        assert (answer.status, problem(answer)) == (413, "body-too-large")

    def test_one_that_is_cut_short_gets_no_answer(self, server: Served) -> None:
        answer = asyncio.run(send(server.app, "POST", "/v1/echo", body=[b"{"], is_cut_short=True))  # type: ignore[arg-type]  # Flask in other tests
        assert answer.status == 0


class TestNotes:
    def test_requests_are_counted_by_template(self, server: Served) -> None:
        server.ask("GET", "/v1/say/secret")
        server.ask("POST", "/v1/say/secret")
        server.ask("GET", "/v1/secret")
        text = server.ask("GET", "/metrics").body.decode()
        assert 'route="/v1/say/{what}",status="200"' in text
        assert 'route="/v1/say/{what}",status="405"' in text
        assert "secret" not in text

    def test_the_log_has_the_body_the_job_and_the_reason(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def accepting(_: Backend, request: HttpRequest) -> Reply:
            await request.read_body(100)
            return Reply(202, b"{}", job_id="job_id_7")

        async def streaming(_: Backend, request: HttpRequest) -> Stream:  # noqa: ARG001
            return Stream(200, pieces_of(b"a"), "text/plain", job_id="job_id_8")

        log = Log(tmp_path, size_mb=1, files=1, verbose=False, on_death=lambda *_: None)
        log.start()
        rows = (
            endpoint("/v1/accept", accepting, "POST"),
            endpoint("/v1/stream", streaming),
            endpoint("/v1/fail/{how}", failing),
        )
        with served_with(monkeypatch, tmp_path, *rows, log=log) as server:
            server.ask("POST", "/v1/accept", body=b'{"question": "Q7"}')
            server.ask("GET", "/v1/stream?since=3")
            server.ask("GET", "/v1/fail/unknown")
        log.close()
        text = (tmp_path / "webserver.log").read_text()
        for needed in ("Q7", "job_id_7", "job_id_8", "since=3", "There is no such job."):
            assert needed in text


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Watched:
    """A stream that says whether it was closed."""

    def __init__(self, *pieces: bytes, then: Exception | None = None, is_endless: bool = False) -> None:
        self._pieces, self._then, self._is_endless = pieces, then, is_endless
        self.is_closed = False

    async def __call__(self, _: Backend, request: HttpRequest) -> Stream:  # noqa: ARG002
        return Stream(200, self._made(), "text/plain", (("x-more", "1"),))

    async def _made(self) -> AsyncIterator[bytes]:
        try:
            for piece in self._pieces:
                yield piece
            if self._then:
                raise self._then
            if self._is_endless:
                await asyncio.Event().wait()
        finally:
            self.is_closed = True


class TestStreams:
    def test_pieces_come_as_they_are_made(self) -> None:
        stream = Watched(b"a", b"b")

        async def story() -> Client:
            client = Client(endpoint("/v1/s", stream))
            await client.ask("/v1/s")
            return client

        client = asyncio.run(story())
        assert client.sent[0] == {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"x-more", b"1")],
        }
        assert [(one["body"], one["more_body"]) for one in client.sent[1:]] == [
            (b"a", True),
            (b"b", True),
            (b"", False),
        ]
        assert stream.is_closed

    @pytest.mark.parametrize("pieces", [(b"a", b"b"), ()])
    def test_a_stream_ends_when_its_client_goes(self, pieces: tuple[bytes, ...]) -> None:
        stream = Watched(*pieces, is_endless=True)

        async def story() -> Client:
            client = Client(endpoint("/v1/s", stream))
            answering = asyncio.ensure_future(client.ask("/v1/s"))
            if pieces:
                await client.has(3)
            client.leave()
            async with asyncio.timeout(60):
                await answering
            return client

        client = asyncio.run(story())
        assert stream.is_closed
        assert all(one.get("more_body", True) for one in client.sent)

    def test_a_server_that_stops_ends_it(self) -> None:
        stream = Watched(b"a", is_endless=True)

        async def story() -> None:
            client = Client(endpoint("/v1/s", stream))
            answering = asyncio.ensure_future(client.ask("/v1/s"))
            await client.has(2)
            answering.cancel()
            with pytest.raises(asyncio.CancelledError):
                await answering

        asyncio.run(story())
        assert stream.is_closed

    def test_what_goes_wrong_before_the_first_piece_is_a_problem(self) -> None:
        async def story() -> Client:
            client = Client(endpoint("/v1/s", Watched(then=JobUnknown("It is gone."))))
            await client.ask("/v1/s")
            return client

        start, body = asyncio.run(story()).sent
        assert start["status"] == 404
        assert json.loads(body["body"])["code"] == "job-unknown"

    def test_what_goes_wrong_later_leaves_an_answer_that_does_not_look_whole(self) -> None:
        async def story() -> Client:
            client = Client(endpoint("/v1/s", Watched(b"a", then=ValueError("bug"))))
            await client.ask("/v1/s")
            return client

        with capture_logs() as logs:
            client = asyncio.run(story())
        assert [one.get("body") for one in client.sent] == [None, b"a"]
        assert client.sent[-1]["more_body"]
        assert [line["event"] for line in logs] == ["an answer was cut short"]

    def test_that_a_client_has_gone_is_nothing_to_note(self) -> None:
        async def story() -> Client:
            client = Client(endpoint("/v1/s", Watched(b"a", then=ClientGone())))
            await client.ask("/v1/s")
            return client

        with capture_logs() as logs:
            client = asyncio.run(story())
        assert client.sent[-1]["more_body"]
        assert logs == []

    def test_head_makes_no_piece(self) -> None:
        made = []

        async def pieces() -> AsyncIterator[bytes]:
            made.append(1)
            yield b"a"

        async def streaming(_: Backend, request: HttpRequest) -> Stream:  # noqa: ARG001
            return Stream(200, pieces(), "text/plain")

        async def story() -> Client:
            client = Client(endpoint("/v1/s", streaming))
            await client.ask("/v1/s", method="HEAD")
            return client

        client = asyncio.run(story())
        assert [one.get("body") for one in client.sent] == [None, b""]
        assert not made

    def test_an_iterator_that_cannot_be_closed_is_sent_too(self) -> None:
        class Once:
            def __init__(self) -> None:
                self.left = [b"a"]

            def __aiter__(self) -> Once:
                return self

            async def __anext__(self) -> bytes:
                if not self.left:
                    raise StopAsyncIteration
                return self.left.pop()

        async def streaming(_: Backend, request: HttpRequest) -> Stream:  # noqa: ARG001
            return Stream(200, Once(), "text/plain")

        async def story() -> Client:
            client = Client(endpoint("/v1/s", streaming))
            await client.ask("/v1/s")
            return client

        assert [one.get("body") for one in asyncio.run(story()).sent] == [None, b"a", b""]


def test_a_client_that_waits_when_the_server_stops_gets_an_answer() -> None:
    async def waiting(_: Backend, request: HttpRequest) -> Reply:
        await request.disconnected()
        raise AssertionError("the client stays")

    async def story() -> Client:
        client = Client(endpoint("/v1/w", waiting))
        answering = asyncio.ensure_future(client.ask("/v1/w"))
        await asyncio.sleep(0)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        return client

    start, body = asyncio.run(story()).sent
    assert (start["status"], json.loads(body["body"])["code"]) == (503, "shutting-down")


def test_gone_returns_when_the_client_goes_and_not_before() -> None:
    seen = []

    async def waiting(_: Backend, request: HttpRequest) -> Reply:
        await request.disconnected()
        seen.append("gone")
        raise ClientGone

    async def story() -> Client:
        client = Client(endpoint("/v1/w", waiting))
        answering = asyncio.ensure_future(client.ask("/v1/w"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not seen
        client.leave()
        await answering
        return client

    client = asyncio.run(story())
    assert (seen, client.sent) == (["gone"], [])
    # Counted as nginx does.
    assert b'route="/v1/w",status="499"' in client.metrics.read().body
