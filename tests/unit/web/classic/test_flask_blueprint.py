"""Flask carries the same answers as the main server, and leaves the application around it alone.

Here the same requests, which change nothing, go to both, and every byte is compared; what classic/test_contract.py and
test_app.py do to a server that changes runs over both.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from flask import Blueprint, Flask, Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from meantime.errors import BodyInvalid, BodyTooLarge
from meantime.web.classic import contract, flask_blueprint
from meantime.web.http import bodies
from tests.conformance.test_jobs import NO_IDS
from tests.conformance.test_refusals import UNREADABLE
from tests.support import flask_app
from tests.support.web_app import FRAMEWORKS, OBESITY, Answer, Served, served, using_framework

ASK = json.dumps({"question": OBESITY}).encode()
READS = ("jobs", "num_jobs", "graceful_shutdown", "get_results/job_id_1")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "ODD")
# One of each kind: what reads, what writes, what asks for the methods, what nobody knows.
FEW_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "ODD")
TIDIED = (
    "/api/jobs/",
    "/api//jobs",
    "//api/jobs",
    "/api/jobs//",
    "/api/%6Aobs",
    "/api/get_results",
    "/api/get_results/",
)
NOWHERE = ("/api", "/api/", "/api//", "/api/nope", "/api/states_mean/x", "/api/Jobs", "/api/%00", "/api/%FF", "/api/..")
OUTSIDE = (
    "/nope",
    "/docs",
    "/%00",
    "/",
    "/livez",
    "/readyz",
    "/openapi.json",
    "//livez/",
    "/livez/x",
    "/" + "x" * 3000,
)
HOSTS = (
    *("localhost", "LOCALHOST:80", "[::1]:5000", "127.0.0.1", "a.example", "example.org", "[::2]"),
    *("", "localhost:x", "localhost:123456", "a b", "localhost/", "user@localhost", "::1", "[::1", "\xff:\xff"),
)
TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", ";", "x" * 9000)


class Sent(NamedTuple):
    method: str
    target: str
    more: dict[str, Any]


def refused_requests() -> dict[str, Sent]:
    """Requests that change nothing, whichever framework answers them."""
    requests: dict[str, Sent] = {}

    def add(method: str, target: str, **more: Any) -> None:
        options = "-".join(f"{key}={value!r:.40}" for key, value in more.items())
        requests[f"{method} {target[:60]} {options}"] = Sent(method, target, more)

    for method in METHODS:
        for name in READS:
            # Without leave, so that it changes nothing.
            add(method, f"/api/{name}", headers={"Origin": "https://elsewhere.example"})
        if method != "POST":
            add(method, "/api/states_mean")
    for method in FEW_METHODS:
        for target in (*TIDIED, *NOWHERE, *OUTSIDE):
            # The first page has its own test, below.
            if target != "/" or method not in ("GET", "HEAD"):
                add(method, target)
    for name in contract.STATISTICS:
        add("GET", f"/api/{name}")
    for text in NO_IDS.values():
        add("GET", f"/api/get_results/{text}")
    for body in UNREADABLE.values():
        add("POST", "/api/state_mean", body=body)
        add("POST", "/api/states_mean", body=[body])
    for kind in TYPES:
        add("POST", "/api/states_mean", body=ASK, headers={"content-type": kind})
    add("POST", "/api/states_mean", body=ASK, without=["content-type"])
    add("POST", "/api/states_mean", body=b" " * (1024 * 1024 + 1))
    add("POST", "/api/states_mean", body=[b" " * 1024] * 1025)
    add("POST", "/api/states_mean", body=b"", headers={"content-length": "9" * 400})
    for statistic in contract.STATISTICS:
        for question in (OBESITY[:-1], "\u202e\x00", 7):
            add("POST", f"/api/{statistic}", body=json.dumps({"question": question, "state": "Utah"}).encode())
        add("POST", f"/api/{statistic}", body=json.dumps({"question": OBESITY, "state": "Uta"}).encode() * 2)
    for state in ("Utha", "Guam", "", None):
        add("POST", "/api/state_mean", body=json.dumps({"question": OBESITY, "state": state}).encode())
    for host in HOSTS:
        for method, target in (
            ("GET", "/api/jobs"),
            ("GET", "/api/nope"),
            ("PUT", "/api/states_mean"),
            ("GET", "/nope"),
        ):
            add(method, target, headers={"Host": host})
    add("GET", "/api/jobs", without=["host"])
    add("GET", "/api/jobs", headers=[("Host", "localhost"), ("Host", "localhost")])
    for peer in ("192.168.1.7", None, "testclient"):
        add("GET", "/api/graceful_shutdown", peer=peer)
    for header in ("Forwarded", "X-Forwarded-For", "Via", "Origin", "Sec-Purpose", "X-Admin-Key"):
        add("GET", "/api/graceful_shutdown", headers={header: "x"})
    return requests


REFUSED = refused_requests()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    with ExitStack() as stack:
        servers = {}
        for name in FRAMEWORKS:
            with using_framework(name):
                folder = tmp_path_factory.mktemp(name)
                servers[name] = stack.enter_context(served(folder, allowed_hosts=["a.example"], admin_key="s3same"))
            servers[name].result("mean_by_category", question=OBESITY)
        yield servers
        for server in servers.values():
            assert len(server.engine.jobs()) == 1
            assert server.engine.is_accepting


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
def test_the_same_request_has_the_same_answer(servers: dict[str, Served], sent: Sent) -> None:
    answers = {
        name: server.ask(sent.method, sent.target, **sent.more)
        for name, server in servers.items()
        if name != "blueprint" or sent.target.lstrip("/").startswith("api")
    }
    expected = answers.pop("asgi")
    for name, answer in answers.items():
        assert _told(answer, sent.method) == _told(expected, sent.method), name


def test_what_is_loaded_is_the_same_but_for_the_v1_api_which_flask_does_not_serve(servers: dict[str, Served]) -> None:
    ours, flasks = (servers[name].ask("GET", "/", headers={"Accept": "application/json"}) for name in ("asgi", "flask"))
    assert b"/v1" in ours.body
    assert b"/v1" not in flasks.body
    assert {**ours.json, "v1": None} == {**flasks.json, "v1": None}
    assert {**ours.headers, "content-length": ""} == {**flasks.headers, "content-length": ""}


def test_the_page_of_flask_is_its_own_since_the_explorer_asks_the_v1_api(servers: dict[str, Served]) -> None:
    ours, flasks = (servers[name].ask("GET", "/", headers={"Accept": "text/html"}) for name in ("asgi", "flask"))
    assert b"<script" in ours.body
    assert b"<script" not in flasks.body
    assert b"/v1" not in flasks.body


@pytest.mark.parametrize("statistic", contract.STATISTICS)
def test_the_same_question_has_the_same_result(statistic: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = []
    for name in FRAMEWORKS:
        with using_framework(name), served(tmp_path_factory.mktemp(name)) as server:
            parameters = {"question": OBESITY, "state": "Utah"}
            accepted = server.post(statistic, **parameters)
            answers.append((accepted, server.result(statistic, **parameters), server.ask("GET", "/api/jobs")))
    assert answers[0] == answers[1] == answers[2]


def _told(answer: Answer, method: str) -> tuple[int, bytes, dict[str, str]]:
    headers = dict(answer.headers)
    if method == "HEAD" or answer.status == 204:
        # No body is sent, by the server at the latest. The length that it would have differs with that of the prefix.
        headers.pop("content-length", None)
    return answer.status, b"" if method == "HEAD" else answer.body, headers


class TestInAForeignApplication:
    @pytest.fixture
    def foreign(self, servers: dict[str, Served]) -> Flask:
        app = servers["blueprint"].app
        assert isinstance(app, Flask)
        return app

    @staticmethod
    def ask(app: Flask, method: str, target: str, **more: Any) -> tuple[int, bytes]:
        # Of the application's own: it trusts another name than we do.
        status, _, body = flask_app.send(app, method, target, headers={"Host": "foreign.example"}, **more)
        return status, body

    def test_its_own_routes_stay_its_own_also_below_our_prefix(self, foreign: Flask) -> None:
        prefix = flask_app.PREFIX
        assert self.ask(foreign, "GET", "/") == (200, b"foreign home")
        assert self.ask(foreign, "GET", "/some/page") == (200, b"foreign page some/page")
        assert self.ask(foreign, "POST", f"{prefix}/own", body=b"12345") == (200, b"12345")
        assert self.ask(foreign, "GET", f"{prefix}/folder/") == (200, b"foreign folder")

    def test_its_errors_keep_its_own_words(self, foreign: Flask) -> None:
        for method, path, message in (
            ("POST", "/some/page", b"405"),
            ("GET", "/broken", b"ZeroDivisionError"),
            ("PUT", f"{flask_app.PREFIX}/own", b"405"),
        ):
            status, body = self.ask(foreign, method, path)
            assert status == 418
            assert message in body

    def test_its_limit_holds_for_its_own_routes(self, foreign: Flask) -> None:
        status, body = self.ask(foreign, "POST", f"{flask_app.PREFIX}/own", body=b"x" * 100)
        assert (status, b"413" in body) == (418, True)

    def test_a_page_for_everything_does_not_take_what_is_ours(self, foreign: Flask) -> None:
        status, _, body = flask_app.send(foreign, "GET", f"{flask_app.PREFIX}/states_mean")
        assert status == 405
        assert json.loads(body)["status"] == "error"


@pytest.fixture
def parts(servers: dict[str, Served]) -> tuple[Any, Any]:
    return servers["asgi"].engine, servers["asgi"].catalog


def test_a_before_request_of_the_application_may_refuse(parts: tuple[Any, Any]) -> None:
    app = Flask("guarded")

    @app.before_request
    def log_in() -> None:
        if request.headers.get("Authorization") != "me":
            abort(401)

    app.register_blueprint(flask_blueprint.create_blueprint(*parts))
    for target in ("/api/jobs", "/api/nope", "/api/states_mean"):
        assert flask_app.send(app, "GET", target)[0] == 401
    assert flask_app.send(app, "GET", "/api/jobs", headers={"Authorization": "me"})[0] == 200


def test_an_after_request_of_the_application_sees_our_answers(parts: tuple[Any, Any]) -> None:
    app = Flask("added")

    @app.after_request
    def add(response: Response) -> Response:
        response.headers["X-Added"] = "1"
        return response

    app.register_blueprint(flask_blueprint.create_blueprint(*parts))
    status, headers, _ = flask_app.send(app, "GET", "/api/jobs")
    assert (status, headers["x-added"]) == (200, "1")


def test_flask_knows_the_routes_by_name(parts: tuple[Any, Any]) -> None:
    app = Flask("named")
    app.register_blueprint(flask_blueprint.create_blueprint(*parts, url_prefix="/x/api/"))
    adapter = app.url_map.bind("localhost")
    assert adapter.build("meantime.states_mean") == "/x/api/states_mean"
    assert adapter.build("meantime.get_results", {"job_id": "job_id_1"}) == "/x/api/get_results/job_id_1"
    assert flask_app.send(app, "GET", "/x/api/jobs")[0] == 200


def test_a_blueprint_can_be_nested_or_be_the_whole(parts: tuple[Any, Any]) -> None:
    app = Flask("nested")
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(flask_blueprint.create_blueprint(*parts, url_prefix="/in"))
    app.register_blueprint(outer)
    assert flask_app.send(app, "GET", "/outer/in/jobs")[0] == 200
    assert flask_app.send(app, "GET", "/outer/in/nope")[0] == 404
    root = Flask("root", static_folder=None)
    root.register_blueprint(flask_blueprint.create_blueprint(*parts, url_prefix="/"))
    assert flask_app.send(root, "GET", "/jobs")[0] == 200
    status, _, body = flask_app.send(root, "GET", "/nope")
    assert (status, json.loads(body)["status"]) == (404, "error")


def test_what_a_proxy_says_of_its_client_neither_stops_the_server_nor_names_it(parts: tuple[Any, Any]) -> None:
    app = Flask("proxied")
    app.register_blueprint(flask_blueprint.create_blueprint(*parts))
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_host=1)  # type: ignore[method-assign]
    stop = flask_app.send(app, "GET", "/api/graceful_shutdown", headers={"X-Forwarded-For": "127.0.0.1"})
    assert stop[0] == 403
    named = {"Host": "example.org", "X-Forwarded-Host": "localhost"}
    assert flask_app.send(app, "GET", "/api/jobs", headers=named)[0] == 421


def test_an_unforeseen_error_is_in_the_applications_log(
    parts: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    app = Flask("logged")
    app.register_blueprint(flask_blueprint.create_blueprint(*parts))
    monkeypatch.setattr(parts[0], "jobs", broken)
    monkeypatch.setattr("structlog.is_configured", lambda: False)
    with caplog.at_level(logging.ERROR, logger="logged"):
        status, _, body = flask_app.send(app, "GET", "/api/jobs")
    assert status == 500
    assert b"secret" not in body
    assert "secret" in caplog.text


def test_a_fork_of_a_process_in_which_it_ran_says_so(parts: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask("forked")
    app.register_blueprint(flask_blueprint.create_blueprint(*parts))
    monkeypatch.setattr("os.getpid", lambda: -1)
    status, _, body = flask_app.send(app, "POST", "/api/states_mean", body=ASK)
    assert status == 503
    assert "preload" in json.loads(body)["reason"]


def test_without_the_path_as_it_was_sent_the_decoded_one_does(parts: tuple[Any, Any]) -> None:
    app = Flask("plain")
    app.register_blueprint(flask_blueprint.create_blueprint(*parts))

    def without(environ: dict[str, Any], start_response: Any) -> Any:
        del environ["RAW_URI"]
        return inner(environ, start_response)

    inner = app.wsgi_app
    app.wsgi_app = without  # type: ignore[method-assign]
    status, _, body = flask_app.send(app, "GET", "/api/get_results/job%5Fid_1")
    assert (status, json.loads(body)["status"]) == (200, "done")


class TestReadingAStream:
    def test_reads_what_was_announced_and_not_a_byte_more(self) -> None:
        stream = io.BytesIO(b"12345next request")
        assert bodies.read_stream(stream.read, 5) == b"12345"
        assert stream.read() == b"next request"

    def test_reads_to_the_end_where_nothing_was_announced(self) -> None:
        assert bodies.read_stream(io.BytesIO(b"12345").read, None) == b"12345"
        assert bodies.read_stream(io.BytesIO().read, 0) == b""

    def test_a_body_that_ends_early_is_refused(self) -> None:
        with pytest.raises(BodyInvalid, match="cut off"):
            bodies.read_stream(io.BytesIO(b"1234").read, 5)

    def test_a_body_over_the_limit_is_refused(self) -> None:
        limit = bodies.BODY_LIMIT_BYTES
        assert len(bodies.read_stream(io.BytesIO(b"x" * limit).read, None)) == limit
        for announced in (limit + 1, None):
            with pytest.raises(BodyTooLarge):
                bodies.read_stream(io.BytesIO(b"x" * (limit + 1)).read, announced)
