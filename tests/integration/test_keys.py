"""Keys over HTTP: who may do what, in both APIs and both servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meantime.access.keys import KeyFile, KeyRing, Role
from meantime.access.rates import RateLimit
from meantime.web.http.access import Access
from tests.support.logs import logging_to
from tests.support.web_app import OBESITY, Answer, Served, send, served, using_framework

ASK = {"question": OBESITY}
OTHER_MACHINE = "192.0.2.7"


class Keys:
    """A state directory with a key of each role, and a server that knows them."""

    def __init__(self, folder: Path) -> None:
        self.file = KeyFile(folder)
        self.tokens = {str(role): self.file.create(role, name=str(role), at_s=1.0)[1] for role in Role}
        self.tokens["other"] = self.file.create(Role.SUBMIT, name="other", at_s=1.0)[1]

    def headers(self, whose: str | None, **more: str) -> dict[str, str]:
        return more | ({"Authorization": f"Bearer {self.tokens[whose]}"} if whose else {})

    def id_of(self, whose: str) -> str:
        return self.tokens[whose].split("_")[1]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "state")


@pytest.fixture(params=["asgi", "flask"])
def framework(request: pytest.FixtureRequest) -> Iterator[str]:
    with using_framework(request.param):
        yield request.param


@pytest.fixture
def server(tmp_path: Path, keys: Keys) -> Iterator[Served]:
    with served(tmp_path, access=Access(KeyRing(keys.file, "s3same"))) as serving:
        yield serving


CLASSIC = [
    # (method, path, the least role)
    ("GET", "/", "read"),
    ("GET", "/readyz", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/api/jobs", "read"),
    ("HEAD", "/api/jobs", "read"),
    ("GET", "/api/num_jobs", "read"),
    ("GET", "/api/get_results/job_id_1", "read"),
    ("POST", "/api/states_mean", "submit"),
]
V1 = [
    ("GET", "/v1/datasets", "read"),
    ("GET", f"/v1/statistics/states_mean?question={OBESITY.replace(' ', '%20')}", "read"),
    ("GET", "/v1/jobs", "read"),
    ("POST", "/v1/jobs", "submit"),
    ("POST", "/v1/jobs/batch", "submit"),
]


def ask(server: Served, method: str, path: str, headers: dict[str, str], **more: Any) -> Answer:
    body = json.dumps(ASK if path.startswith("/api") else {"statistic": "states_mean", "parameters": ASK})
    if path.endswith("batch"):
        body = json.dumps({"requests": [json.loads(body)]})
    if path == "/":
        headers = headers | {"Accept": "application/json"}
    return server.ask(method, path, headers=headers, body=body.encode() if method == "POST" else b"", **more)


def check_roles(server: Served, keys: Keys, method: str, path: str, least: str) -> None:
    roles = list(Role)
    without = ask(server, method, path, {})
    assert without.status == 401
    assert without.headers["www-authenticate"].startswith("Bearer")
    assert ask(server, method, path, {"Authorization": "Bearer meantime_00000000_" + "x" * 43}).status == 401
    assert ask(server, method, path, {"Authorization": "Basic dXNlcjpwYXNz"}).status == 401
    assert ask(server, method, path, {"X-Admin-Key": "wrong"}).status == 401
    for role in roles:
        answer = ask(server, method, path, keys.headers(str(role)))
        assert answer.status in ((200, 202) if role.includes(Role(least)) else (403,)), role
    for admin in ({"X-Admin-Key": "s3same"}, {"Authorization": "bearer  s3same"}):
        assert ask(server, method, path, admin).status in (200, 202)


@pytest.mark.usefixtures("framework")
@pytest.mark.parametrize(("method", "path", "least"), CLASSIC)
def test_the_classic_api_asks_for_a_role(server: Served, keys: Keys, method: str, path: str, least: str) -> None:
    check_roles(server, keys, method, path, least)
    assert set(ask(server, "GET", "/api/jobs", {}).json) == {"status", "reason"}


@pytest.mark.parametrize(("method", "path", "least"), V1)
def test_the_v1_api_asks_for_a_role(server: Served, keys: Keys, method: str, path: str, least: str) -> None:
    check_roles(server, keys, method, path, least)
    assert ask(server, method, path, {}).json["code"] == "key-required"
    if least != "read":
        assert ask(server, method, path, keys.headers("read")).json["code"] == "key-not-allowed"


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/openapi.json", "/v1", "/v1/openapi.json", "/v1/problems/key-required"]
)
def test_pages_and_documentation_are_for_everybody(server: Served, path: str) -> None:
    assert server.ask("GET", path, peer=OTHER_MACHINE).status == 200


def test_in_flask_the_page_has_data_and_needs_a_key(tmp_path: Path, keys: Keys) -> None:
    with using_framework("flask"), served(tmp_path, access=Access(KeyRing(keys.file))) as server:
        assert server.ask("GET", "/").status == 401
        assert server.ask("GET", "/", headers=keys.headers("read")).status == 200
        assert server.ask("GET", "/livez").status == 200


@pytest.mark.usefixtures("framework")
def test_a_key_that_is_revoked_or_made_counts_at_once(server: Served, keys: Keys) -> None:
    assert ask(server, "GET", "/api/jobs", keys.headers("read")).status == 200
    keys.file.revoke(keys.id_of("read"))
    assert ask(server, "GET", "/api/jobs", keys.headers("read")).status == 401
    _, token = keys.file.create(Role.READ, name="new", at_s=2.0)
    assert ask(server, "GET", "/api/jobs", {"Authorization": f"Bearer {token}"}).status == 200


def test_keys_are_looked_at_once_for_all_requests_of_a_turn_of_the_event_loop(
    server: Served, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    current = KeyRing._current

    def noted(ring: KeyRing) -> Any:
        if not ring._is_held:
            looks.append("look")
        return current(ring)

    monkeypatch.setattr(KeyRing, "_current", noted)
    app: Any = server.app

    async def ask_together() -> list[int]:
        path, headers = "/api/num_jobs", keys.headers("read")
        answers = await asyncio.gather(*(send(app, "GET", path, headers=headers) for _ in range(5)))
        return [answer.status for answer in answers]

    async def ask_twice() -> list[int]:
        statuses = await ask_together()
        keys.file.revoke(keys.id_of("read"))
        return statuses + await ask_together()

    assert asyncio.run(ask_twice()) == [200] * 5 + [401] * 5
    assert len(looks) == 2


def test_a_job_is_removed_by_who_submitted_it_or_by_the_operator(server: Served, keys: Keys) -> None:
    def submitted(path: str, whose: str) -> str:
        answer = ask(server, "POST", path, keys.headers(whose)).json
        job_id = answer["job_id"] if "job_id" in answer else (answer["jobs"][0] if "jobs" in answer else answer)["id"]
        assert server.engine.wait_drained(30)
        return str(job_id)

    for path in ("/api/states_mean", "/v1/jobs", "/v1/jobs/batch"):
        job = f"/v1/jobs/{submitted(path, 'submit')}"
        for query in ("", "?if=unfinished"):
            assert server.ask("DELETE", job + query, headers=keys.headers("read")).status == 403
            refused = server.ask("DELETE", job + query, headers=keys.headers("other"))
            assert (refused.status, refused.json["code"]) == (403, "key-not-allowed")
        assert server.ask("GET", job, headers=keys.headers("other")).status == 200
        assert server.ask("DELETE", job, headers=keys.headers("submit")).json["outcome"] == "removed"
        job = f"/v1/jobs/{submitted(path, 'submit')}"
        assert server.ask("DELETE", job, headers=keys.headers("operate")).json["outcome"] == "removed"


@pytest.mark.usefixtures("framework")
def test_only_the_operator_stops_the_server(server: Served, keys: Keys) -> None:
    path = "/api/graceful_shutdown"
    for whose in ("read", "submit"):
        assert ask(server, "GET", path, keys.headers(whose)).status == 403
    assert ask(server, "GET", path, {}, peer=OTHER_MACHINE).status == 403
    assert ask(server, "GET", path, {"Authorization": "Bearer guessed"}).status == 401
    assert server.engine.is_accepting
    # From the machine itself no key is needed, as ever.
    assert ask(server, "HEAD", path, {}).status == 200
    assert ask(server, "GET", path, keys.headers("operate"), peer=OTHER_MACHINE).status == 200
    assert not server.engine.is_accepting


@pytest.mark.usefixtures("framework")
@pytest.mark.parametrize(
    ("has_keys", "listens_to_others", "allow_anonymous", "status"),
    [
        (False, False, False, 200),
        (True, False, False, 401),
        (False, True, False, 401),
        (False, True, True, 200),
        (True, False, True, 200),
    ],
)
def test_when_keys_are_required(
    tmp_path: Path, has_keys: bool, listens_to_others: bool, allow_anonymous: bool, status: int
) -> None:
    file = KeyFile(tmp_path / "state")
    if has_keys:
        file.create(Role.READ, name="", at_s=1.0)
    access = Access(KeyRing(file), listens_to_others=listens_to_others, allow_anonymous=allow_anonymous)
    with served(tmp_path, access=access) as server:
        for method, path, _ in CLASSIC:
            assert ask(server, method, path, {}).status == status
        assert ask(server, "GET", "/api/graceful_shutdown", {}, peer=OTHER_MACHINE).status == 403


def test_who_has_no_key_leaves_the_jobs_of_keys_alone(tmp_path: Path, keys: Keys) -> None:
    with served(tmp_path, access=Access(KeyRing(keys.file), allow_anonymous=True)) as server:
        ask(server, "POST", "/v1/jobs", keys.headers("submit"))
        ask(server, "POST", "/v1/jobs", {})
        assert server.engine.wait_drained(30)
        assert server.ask("DELETE", "/v1/jobs/job_id_1").status == 403
        assert server.ask("DELETE", "/v1/jobs/job_id_2").status == 200
        # A key that was revoked is not silently nobody's.
        keys.file.revoke(keys.id_of("read"))
        assert ask(server, "GET", "/v1/jobs", keys.headers("read")).status == 401


@pytest.mark.usefixtures("framework")
def test_without_keys_an_authorization_of_somebody_else_is_ignored(tmp_path: Path) -> None:
    with served(tmp_path, access=Access(KeyRing(KeyFile(tmp_path), "s3same"))) as server:
        for header in ("Bearer of.another.kind", "Basic dXNlcjpwYXNz", "", "Bearer", "\xff"):
            assert ask(server, "GET", "/api/jobs", {"Authorization": header}).status == 200


@pytest.mark.usefixtures("framework")
def test_the_rate_is_limited_by_key_and_by_address(tmp_path: Path, keys: Keys) -> None:
    access = Access(KeyRing(keys.file), allow_anonymous=True, rate=RateLimit(0.1, clock=lambda: 0.0))
    with served(tmp_path, access=access) as server:

        def statuses(headers: dict[str, str], peer: str, number: int = 3) -> list[int]:
            return [ask(server, "GET", "/api/num_jobs", headers, peer=peer).status for _ in range(number)]

        assert statuses({}, OTHER_MACHINE) == [200, 429, 429]
        assert statuses({}, "192.0.2.8", 1) == [200]
        assert statuses({}, "2001:db8::1", 1) + statuses({}, "2001:db8::2", 1) == [200, 429]
        assert statuses(keys.headers("read"), OTHER_MACHINE) == [200, 429, 429]
        assert statuses(keys.headers("read"), "192.0.2.9", 1) == [429]
        assert statuses(keys.headers("submit"), OTHER_MACHINE, 1) == [200]
        assert statuses({"Authorization": "Bearer guessed"}, "192.0.2.10", 2) == [401, 429]
        assert statuses({}, "127.0.0.1", 5) == [200] * 5
        assert server.ask("GET", "/livez", peer=OTHER_MACHINE).status == 200
        answer = ask(server, "GET", "/api/num_jobs", {}, peer=OTHER_MACHINE)
        assert answer.headers["retry-after"] == "10"


@pytest.mark.usefixtures("framework")
def test_secrets_are_in_no_log_metric_or_error(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with logging_to(folder) as log, served(tmp_path, access=Access(KeyRing(keys.file, "s3same")), log=log) as server:
        seen = []
        for method, path, _ in CLASSIC:
            for headers in (
                *(keys.headers(whose) for whose in keys.tokens),
                {"X-Admin-Key": "s3same"},
                {"Authorization": f"Bearer {keys.tokens['read'][:-1]}"},
            ):
                answer = ask(server, method, path, headers)
                seen.append(answer.body.decode() + json.dumps(answer.headers))
        seen.append(repr(keys.file.read()))
    seen += [path.read_text() for path in folder.iterdir()]
    everything = "".join(seen)
    assert "path=/api/states_mean" in everything
    for secret in [token.split("_", 2)[2] for token in keys.tokens.values()] + ["s3same"]:
        assert secret[:40] not in everything


@pytest.mark.usefixtures("framework")
def test_the_log_says_by_which_key_a_request_was_allowed(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with logging_to(folder) as log, served(tmp_path, access=Access(KeyRing(keys.file, "s3same")), log=log) as server:
        for headers in (keys.headers("read"), {"X-Admin-Key": "s3same"}, {}):
            ask(server, "GET", "/api/num_jobs", headers)
        ask(server, "POST", "/api/global_mean", keys.headers("read"))
    [lines] = [path.read_text(encoding="utf-8").splitlines() for path in folder.iterdir()]
    by_key, by_admin, by_nobody, refused = [line for line in lines if " exit " in line]
    assert f" status=200 key={keys.id_of('read')} ms=" in by_key
    assert " status=200 key=admin ms=" in by_admin
    assert " status=401 ms=" in by_nobody
    # Of a key that is not allowed to, the reason is for who sent it.
    assert " status=403 ms=" in refused


class TestPagesOfOtherSites:
    ORIGIN = "https://example.org"

    def test_by_default_no_page_may_read_anything(self, tmp_path: Path) -> None:
        with served(tmp_path) as server:
            for method in ("GET", "OPTIONS"):
                answer = server.ask(method, "/api/jobs", headers={"Origin": self.ORIGIN})
                assert not [name for name in answer.headers if name.startswith("access-control")]

    def test_pages_of_an_allowed_origin_may(self, tmp_path: Path, keys: Keys) -> None:
        access = Access(KeyRing(keys.file))
        with served(tmp_path, access=access, origins=[self.ORIGIN]) as server:
            preflight = {
                "Origin": self.ORIGIN,
                "Access-Control-Request-Method": "DELETE",
                "Access-Control-Request-Headers": "authorization",
            }
            # A browser sends no key with its question.
            allowed = server.ask("OPTIONS", "/v1/jobs/job_id_1", headers=preflight)
            assert allowed.status == 204
            assert allowed.headers["access-control-allow-origin"] == self.ORIGIN
            assert "DELETE" in allowed.headers["access-control-allow-methods"]
            assert "authorization" in allowed.headers["access-control-allow-headers"]
            assert "origin" in allowed.headers["vary"]
            answer = server.ask("GET", "/v1/jobs", headers=keys.headers("read", Origin=self.ORIGIN))
            assert answer.headers["access-control-allow-origin"] == self.ORIGIN
            assert "access-control-allow-credentials" not in answer.headers
            # Refusals can be read too, and what a cache keeps is for one origin.
            refused = server.ask("GET", "/v1/jobs", headers={"Origin": self.ORIGIN})
            assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, self.ORIGIN)
            assert "origin" in server.ask("GET", "/v1").headers["vary"]
            for other in ("https://example.org.evil.example", "http://example.org", "null"):
                for headers in ({"Origin": other}, preflight | {"Origin": other}):
                    method = "OPTIONS" if len(headers) > 1 else "GET"
                    answer = server.ask(method, "/v1", headers=headers)
                    assert "access-control-allow-origin" not in answer.headers
                    assert "origin" in answer.headers["vary"]

    def test_all_origins_are_a_star_and_never_with_credentials(self, tmp_path: Path) -> None:
        with served(tmp_path, origins=["*"]) as server:
            answer = server.ask("GET", "/v1", headers={"Origin": self.ORIGIN})
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers

    def test_an_allowed_page_does_not_stop_the_server(self, tmp_path: Path) -> None:
        with served(tmp_path, origins=["*"]) as server:
            headers = {"Origin": self.ORIGIN}
            assert server.ask("POST", "/api/graceful_shutdown", headers=headers).status == 403


class TestProxies:
    def counted(self, server: Served, peer: str, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
        return ask(server, "GET", "/api/num_jobs", headers, peer=peer).status

    @pytest.mark.parametrize("proxies", [["10.0.0.1"], ["10.0.0.0/8"]])
    def test_a_trusted_proxy_is_believed_and_nobody_else(self, tmp_path: Path, proxies: list[str]) -> None:
        access = Access(rate=RateLimit(0.1, clock=lambda: 0.0))
        with served(tmp_path, access=access, proxies=proxies) as server:
            counted: Callable[[str, str], int] = lambda peer, forwarded: self.counted(server, peer, forwarded)  # noqa: E731
            assert [counted("10.0.0.1", f"192.0.2.{number}") for number in (1, 2, 1)] == [200, 200, 429]
            # What the client itself has written before the proxy does not count.
            assert counted("10.0.0.1", "203.0.113.9, 192.0.2.1") == 429
            # A client that is no proxy stays who it is.
            assert [counted("192.0.2.50", f"198.51.100.{number}") for number in (1, 2)] == [200, 429]

    def test_what_comes_through_a_trusted_proxy_is_not_from_this_machine(self, tmp_path: Path) -> None:
        with served(tmp_path, proxies=["127.0.0.1"]) as server:
            for forwarded in ("127.0.0.1", "localhost", "::1"):
                headers = {"X-Forwarded-For": forwarded}
                assert server.ask("GET", "/api/graceful_shutdown", headers=headers).status == 403
