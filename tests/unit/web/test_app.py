"""What every route has in common: errors in JSON, methods, hosts, and the line in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from meantime.log import Log
from meantime.web.classic import contract
from tests.support.web_app import OBESITY, Served, served, using_framework

GETS = (
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/api/jobs",
    "/api/num_jobs",
    "/api/graceful_shutdown",
    "/api/get_results/job_id_1",
)
POSTS = tuple(f"/api/{name}" for name in contract.STATISTICS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # For requests that change nothing, classic/test_flask_blueprint.py compares Flask's answers byte for byte.
    frameworks = ["asgi"] if "server" in metafunc.fixturenames else ["asgi", "flask"]
    metafunc.parametrize("framework", frameworks, indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def framework(request: pytest.FixtureRequest) -> Iterator[str]:
    with using_framework(request.param):
        yield request.param


@pytest.fixture(scope="module")
def server(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp(f"app-{framework}")) as serving:
        yield serving


@pytest.mark.parametrize(
    "path", ["/nope", "/api", "/api/", "/api/states_mean/x", "/docs", "/schema", "/schema/swagger", "/api/Jobs", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_in_json(server: Served, method: str, path: str) -> None:
    answer = server.ask(method, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["status", "reason"]


def test_an_unknown_path_is_said_again_but_not_all_of_it(server: Served) -> None:
    answer = server.ask("GET", "/%1b%0a<b>" + "x" * 10_000)
    assert answer.status == 404
    assert len(answer.body) < 500
    assert "\x1b" not in answer.json["reason"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_another_method_on_a_statistic_is_405_with_allow(server: Served, method: str, path: str) -> None:
    answer = server.ask(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    assert answer.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert list(answer.json) == ["status", "reason"]


@pytest.mark.parametrize("path", [path for path in GETS if path != "/api/graceful_shutdown"])
def test_a_post_where_there_is_only_something_to_read_is_405(server: Served, path: str) -> None:
    answer = server.ask("POST", path, body=b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", GETS)
def test_head_is_get_without_a_body(tmp_path: Path, path: str) -> None:
    with served(tmp_path) as server:
        head = server.ask("HEAD", path)
        get = server.ask("GET", path)
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.keys() == get.headers.keys()
    # The metrics count the request that came in between.
    if path != "/metrics":
        assert head.headers == get.headers


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_options_says_what_there_is(server: Served, path: str) -> None:
    answer = server.ask("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert "OPTIONS" in answer.headers["allow"]


@pytest.mark.parametrize("path", GETS[1:])
def test_json_is_said_to_be_json(tmp_path: Path, path: str) -> None:
    with served(tmp_path) as server:
        answer = server.ask("GET", path)
    if path == "/metrics":
        assert answer.headers["content-type"].startswith("text/plain")
    else:
        assert answer.headers["content-type"] == "application/json"
        assert isinstance(answer.json, dict)
    assert int(answer.headers["content-length"]) == len(answer.body)


class TestHost:
    @pytest.mark.parametrize(
        "host",
        ["localhost", "LOCALHOST:80", "127.0.0.1:5000", "127.0.0.1", "[::1]", "[::1]:5000", "a.example"],
    )
    def test_an_allowed_name_with_any_port_is_let_in(self, tmp_path: Path, host: str) -> None:
        with served(tmp_path, allowed_hosts=["A.example"]) as server:
            assert server.ask("GET", "/livez", headers={"Host": host}).status == 200

    @pytest.mark.parametrize("host", ["0.0.0.0:5000", "[::]:5000", "[0:0:0:0:0:0:0:0]"])
    def test_an_address_to_listen_on_is_no_name_even_if_it_is_allowed(self, tmp_path: Path, host: str) -> None:
        names = ["0.0.0.0", "::", "[::]", "0:0:0:0:0:0:0:0"]  # noqa: S104 - names, nothing is bound
        with served(tmp_path, allowed_hosts=names) as server:
            answer = server.ask("GET", "/livez", headers={"Host": host})
            assert answer.status == 421
            assert "localhost" in answer.json["reason"]

    @pytest.mark.parametrize(
        "host", ["example.org", "localhost.example.org", "127.0.0.1.example.org", "127.0.0.2", "[::2]", "xlocalhost"]
    )
    def test_another_name_is_421_and_says_what_to_set(self, server: Served, host: str) -> None:
        for method, path in (("GET", "/"), ("GET", "/nope"), ("POST", "/api/states_mean")):
            answer = server.ask(method, path, headers={"Host": host})
            assert answer.status == 421
            assert "allowed_hosts" in answer.json["reason"]
        assert server.engine.jobs() == []

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "localhost:x",
            "localhost:123456",
            "a b",
            "localhost/",
            "user@localhost",
            "::1",
            "[::1",
            "\xff:\xff",
            "x" * 9000 + " ",
        ],
    )
    def test_what_is_no_host_is_400(self, server: Served, host: str) -> None:
        answer = server.ask("GET", "/livez", headers={"Host": host})
        assert answer.status == 400
        assert len(answer.body) < 700

    def test_no_host_or_two_are_400(self, server: Served) -> None:
        assert server.ask("GET", "/livez", without=["host"]).status == 400
        twice = server.ask("GET", "/livez", headers=[("Host", "localhost"), ("Host", "localhost")])
        assert twice.status == 400
        assert "2 Host headers" in twice.json["reason"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_unforeseen_error_is_500_without_its_details_which_are_in_the_log(
    server: Served, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret of line 7")

    monkeypatch.setattr(server.engine, "jobs", broken)
    with capture_logs() as events:
        answer = server.ask(method, "/api/jobs")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/json"
    if method == "GET":
        assert answer.body == b'{"status":"error","reason":"internal error; the server\'s log has the details"}'
    [event] = events
    assert event["log_level"] == "error"
    assert isinstance(event["exc_info"], ZeroDivisionError)


class TestLogLines:
    """One line at entry and one at exit of every route."""

    def lines(self, tmp_path: Path, *requests: tuple[str, str, bytes]) -> list[str]:
        log = Log(tmp_path, size_mb=1, files=1, on_death=lambda *_: None)
        log.start()
        try:
            with served(tmp_path, log=log) as server:
                for method, target, body in requests:
                    server.ask(method, target, body=body)
        finally:
            log.close()
        text = (tmp_path / "webserver.log").read_text(encoding="utf-8")
        return [line.partition(" ")[2] for line in text.splitlines() if " enter " in line or " exit " in line]

    def test_have_number_parameters_status_and_job_id(self, tmp_path: Path) -> None:
        body = json.dumps({"question": OBESITY}).encode()
        lines = self.lines(
            tmp_path,
            ("POST", "/api/global_mean", body),
            ("GET", "/api/get_results/job_id_1?x=1", b""),
            ("GET", "/no", b""),
        )
        assert [line.partition(" ms=")[0] for line in lines] == [
            "info enter request=1 method=POST path=/api/global_mean "
            'parameters="{\\"question\\": \\"Percent of adults aged 18 years and older who have obesity\\"}"',
            "info exit request=1 method=POST path=/api/global_mean status=200 job_id=job_id_1",
            'info enter request=2 method=GET path=/api/get_results/job_id_1 parameters="x=1"',
            "info exit request=2 method=GET path=/api/get_results/job_id_1 status=200 job_id=job_id_1",
            'info enter request=3 method=GET path=/no parameters=""',
            "info exit request=3 method=GET path=/no status=404",
        ]

    def test_nothing_that_is_sent_can_forge_a_line_or_make_a_long_one(self, tmp_path: Path) -> None:
        forged = b'"\n2026-01-01T00:00:00Z info forged\r\n\x1b[31m \xe2\x80\xa8 \xff "'
        lines = self.lines(
            tmp_path,
            ("POST", "/api/global_mean", forged),
            ("POST", "/api/global_mean", b"x" * 1_000_000),
            ("GET", "/api/get_results/" + "x" * 10_000, b""),
            ("GET", "/?" + "y" * 10_000, b""),
        )
        assert len(lines) == 8
        assert max(map(len, lines)) < 1000
        assert "forged\\r\\n\\x1b[31m \\u2028 \\\\xff" in lines[0]

    def test_a_refused_request_has_its_two_lines_too(self, tmp_path: Path) -> None:
        lines = self.lines(tmp_path, ("POST", "/api/global_mean", b"x" * 2_000_000))
        assert [line.split()[:4] for line in lines] == [
            ["info", "enter", "request=1", "method=POST"],
            ["info", "exit", "request=1", "method=POST"],
        ]
        assert "status=413" in lines[1]
        assert "reason=" in lines[1]
