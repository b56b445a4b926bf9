"""The classic contract, byte for byte, over the whole application in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from meantime import errors
from meantime.model import JobRecord
from meantime.statistics.registry import STATISTICS
from meantime.web.classic import contract
from tests.support.web_app import FRAMEWORKS, OBESITY, WALKS, Answer, Served, send, served, using_framework

INVALID = b'{"status":"error","reason":"Invalid job_id"}'
SHUTTING_DOWN = b'{"status":"error","reason":"shutting down","job_id":-1}'
ASK = json.dumps({"question": OBESITY}).encode()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # For requests that change nothing, classic/test_flask_blueprint.py compares Flask's answers byte for byte.
    frameworks = FRAMEWORKS[:1] if "shared" in metafunc.fixturenames else FRAMEWORKS
    metafunc.parametrize("framework", frameworks, indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def framework(request: pytest.FixtureRequest) -> Iterator[str]:
    with using_framework(request.param):
        yield request.param


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as serving:
        yield serving


@pytest.fixture(scope="module")
def shared(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For requests that change nothing; one job is there, and stays the only one."""
    with served(tmp_path_factory.mktemp(f"shared-{framework}"), allowed_hosts=["meantime.example"]) as serving:
        serving.result("global_mean", question=OBESITY)
        yield serving
        assert len(serving.engine.jobs()) == 1
        assert serving.engine.is_accepting


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, is_loaded=False) as serving:
        yield serving


def test_the_contract_has_nine_statistics_and_each_is_registered() -> None:
    assert len(contract.STATISTICS) == 9
    assert set(contract.STATISTICS) <= STATISTICS.keys()


def test_a_job_is_answered_with_its_id_and_ids_count_from_one(server: Served) -> None:
    answers = [server.post("states_mean", question=OBESITY) for _ in range(3)]
    assert [answer.body for answer in answers] == [b'{"job_id":"job_id_%d"}' % number for number in (1, 2, 3)]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].headers == {"content-type": "application/json", "content-length": "21"}


@pytest.mark.parametrize(
    ("statistic", "more", "data"),
    [
        ("states_mean", {}, '{"Utah":22.75,"National":29.1,"Ohio":30.0}'),
        ("state_mean", {"state": "Utah"}, '{"Utah":22.75}'),
        ("best5", {}, '{"Utah":22.75,"National":29.1,"Ohio":30.0}'),
        ("worst5", {}, '{"Ohio":30.0,"National":29.1,"Utah":22.75}'),
        ("global_mean", {}, '{"global_mean":26.15}'),
        ("state_diff_from_mean", {"state": "Utah"}, '{"Utah":3.4}'),
        (
            "mean_by_category",
            {},
            "{\"('Ohio', 'Sex', 'Male')\":30.0,\"('Utah', 'Sex', 'Female')\":25.5,\"('Utah', 'Sex', 'Male')\":20.0}",
        ),
        (
            "state_mean_by_category",
            {"state": "Utah"},
            "{\"Utah\":{\"('Sex', 'Female')\":25.5,\"('Sex', 'Male')\":20.0}}",
        ),
    ],
)
def test_a_result_is_put_between_status_and_brace_as_it_was_computed(
    server: Served, statistic: str, more: dict[str, str], data: str
) -> None:
    answer = server.result(statistic, question=OBESITY, **more)
    assert answer.status == 200
    assert answer.body.startswith(b'{"status":"done","data":')
    assert answer.body == b'{"status":"done","data":%b}' % data.encode()


def test_differences_come_in_the_order_of_the_means(server: Served) -> None:
    data = server.result("diff_from_mean", question=OBESITY).json["data"]
    assert list(data) == ["Utah", "National", "Ohio"]
    assert data["Utah"] == pytest.approx(3.4)


def test_the_bytes_of_a_result_are_not_looked_at(server: Served) -> None:
    server.result("global_mean", question=OBESITY)
    receipt = server.engine.describe(1).record.receipt
    assert receipt is not None
    body = server.results.open(1, receipt)
    assert body is not None
    assert server.ask("GET", "/api/get_results/job_id_1").body == b'{"status":"done","data":' + body + b"}"


def test_a_lost_result_is_made_again_to_the_same_bytes(server: Served) -> None:
    before = server.result("states_mean", question=OBESITY)
    server.results.remove(1)
    assert server.ask("GET", "/api/get_results/job_id_1").body == before.body


@pytest.mark.parametrize(
    "text",
    [
        "job_id_2",
        "job_id_01",
        "job_id_+1",
        "job_id_1_0",
        "job_id_0",
        "job_id_-1",
        "job_id_",
        "job_id_%EF%BC%91",  # a full-width 1
        "job_id_1%0A",
        "job_id_1%00",
        "%20job_id_1",
        "job_id_1/",
        "job_id_1//",
        "/job_id_1",
        "job_id_1/x",
        "../x",
        "../../etc/passwd",
        "%2e%2e%2fx",
        "..%2f..%2fetc%2fpasswd",
        "%FF",
        "%",
        "%zz",
        "JOB_ID_1",
        "1",
        "",
        "job_id_" + "9" * 19,
        "job_id_" + "9" * 18,
        "x" * 10_000,
    ],
)
def test_an_id_that_was_never_given_is_invalid_and_still_200(shared: Served, text: str) -> None:
    answer = shared.ask("GET", f"/api/get_results/{text}")
    assert (answer.status, answer.body) == (200, INVALID)


def test_an_id_may_come_percent_encoded(shared: Served) -> None:
    assert shared.ask("GET", "/api/get_results/job%5Fid_%31").json["status"] == "done"


def test_jobs_are_listed_by_number_with_the_words_of_the_contract(loading: Served) -> None:
    assert loading.ask("GET", "/api/jobs").body == b'{"status":"done","data":[]}'
    loading.post("states_mean", question=OBESITY)
    loading.post("states_mean", question="no such question")
    assert (
        loading.ask("GET", "/api/jobs").body
        == b'{"status":"done","data":[{"job_id_1":"running"},{"job_id_2":"running"}]}'
    )
    assert loading.ask("GET", "/api/num_jobs").body == b'{"status":"done","num_jobs":2}'
    loading.load()
    assert loading.engine.wait_drained(30)
    assert (
        loading.ask("GET", "/api/jobs").body == b'{"status":"done","data":[{"job_id_1":"done"},{"job_id_2":"error"}]}'
    )
    assert loading.ask("GET", "/api/num_jobs").body == b'{"status":"done","num_jobs":0}'


def test_while_the_data_set_loads_a_job_is_accepted_and_fails_later_with_the_reason(loading: Served) -> None:
    assert loading.post("states_mean", question="Percent with obesity").body == b'{"job_id":"job_id_1"}'
    assert loading.ask("GET", "/api/get_results/job_id_1").body == b'{"status":"running"}'
    loading.load()
    assert loading.engine.wait_drained(30)
    answer = loading.ask("GET", "/api/get_results/job_id_1")
    assert answer.status == 200
    assert list(answer.json) == ["status", "reason"]
    assert answer.json["status"] == "error"
    assert OBESITY in answer.json["reason"]  # the closest


def test_a_cancelled_job_is_an_error_with_a_reason(loading: Served) -> None:
    loading.post("states_mean", question=OBESITY)
    loading.engine.cancel(1).result(30)
    assert loading.ask("GET", "/api/jobs").body == b'{"status":"done","data":[{"job_id_1":"error"}]}'
    assert "cancelled" in loading.ask("GET", "/api/get_results/job_id_1").json["reason"]


def test_a_data_set_that_failed_to_load_is_refused_with_its_reason(tmp_path: Path) -> None:
    broken = errors.SourceEmpty("table.csv is empty.")
    with served(tmp_path, outcomes={"table": broken}) as server:
        answer = server.post("states_mean", question=OBESITY)
        assert answer.status == 503
        assert "table.csv is empty." in answer.json["reason"]
        assert "retry-after" not in answer.headers  # it will not pass by itself
        assert server.engine.jobs() == []


@pytest.mark.parametrize(
    ("statistic", "parameters", "message"),
    [
        ("states_mean", {"question": "Percent of adults who have obesity"}, OBESITY),
        ("states_mean", {}, "question"),
        ("states_mean", {"question": 7}, "question"),
        ("states_mean", {"question": None}, "question"),
        ("state_mean", {"question": OBESITY}, "state"),
        ("state_mean", {"question": OBESITY, "state": "Utha"}, "Utah"),
        ("state_mean", {"question": OBESITY, "state": "Guam"}, "withheld"),
        ("state_mean", {"question": WALKS, "state": "Ohio"}, "no row"),
        ("best5", {"question": WALKS}, "low or a high value better"),
        ("state_mean", {"question": "x\x00" * 1000, "state": "\u202e"}, "question"),
    ],
)
def test_what_cannot_be_answered_is_400_with_the_reason_and_no_job(
    shared: Served, statistic: str, parameters: dict[str, object], message: str
) -> None:
    answer = shared.post(statistic, **parameters)
    assert answer.status == 400
    assert list(answer.json) == ["status", "reason"]
    assert answer.json["status"] == "error"
    assert message in answer.json["reason"]
    assert len(shared.engine.jobs()) == 1


def test_all_problems_are_reported_at_once(shared: Served) -> None:
    reason = shared.post("state_mean", question=1, state=2).json["reason"]
    assert "question" in reason
    assert "state" in reason


def test_keys_that_are_not_known_are_ignored(server: Served) -> None:
    assert server.post("states_mean", question=OBESITY, state="Utah", colour="blue").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{",
        b"question=x",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b'{"question":"\xff"}',
        b'{"question":"\\ud800"}',
        b'{"question":NaN}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100_000,
        b'{"question":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf",
        '{"question":"x"}'.encode("utf-16"),
        b'{"question":"x"} and more',
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_json_object_is_400_and_no_job(shared: Served, body: bytes) -> None:
    answer = shared.ask("POST", "/api/states_mean", body=body)
    assert answer.status == 400
    assert list(answer.json) == ["status", "reason"]
    assert len(shared.engine.jobs()) == 1


def test_a_byte_order_mark_before_the_body_is_ignored(server: Served) -> None:
    assert server.ask("POST", "/api/states_mean", body=b"\xef\xbb\xbf" + ASK).status == 200
    utf16 = server.ask("POST", "/api/states_mean", body=ASK.decode().encode("utf-16"))
    assert "The body is UTF-16; write it as UTF-8" in utf16.json["reason"]


def test_of_a_key_that_comes_twice_the_last_one_counts(server: Served) -> None:
    body = b'{"question":"first","question":%b}' % json.dumps(OBESITY).encode()
    assert server.ask("POST", "/api/states_mean", body=body).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", ";", "x" * 9000]
)
def test_another_content_type_is_415(shared: Served, content_type: str) -> None:
    answer = shared.ask("POST", "/api/states_mean", body=ASK, headers={"content-type": content_type})
    assert (answer.status, answer.json["status"]) == (415, "error")
    assert len(shared.engine.jobs()) == 1


def test_no_content_type_is_415(shared: Served) -> None:
    assert shared.ask("POST", "/api/states_mean", body=ASK, without=["content-type"]).status == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"]
)
def test_charset_and_case_of_the_content_type_do_not_matter(server: Served, content_type: str) -> None:
    assert server.ask("POST", "/api/states_mean", body=ASK, headers={"content-type": content_type}).status == 200


def test_a_body_over_a_mebibyte_is_413_announced_or_not(server: Served) -> None:
    limit = 1024 * 1024
    fits = ASK + b" " * (limit - len(ASK))
    assert server.ask("POST", "/api/states_mean", body=fits).status == 200
    assert server.ask("POST", "/api/states_mean", body=[fits[:1000], fits[1000:]]).status == 200
    too_long = [
        server.ask("POST", "/api/states_mean", body=fits + b" "),
        server.ask("POST", "/api/states_mean", body=[fits, b" "]),
        server.ask("POST", "/api/states_mean", body=[b" " * 65_536] * 100),
        server.ask("POST", "/api/states_mean", body=b"", headers={"content-length": "9" * 400}),
    ]
    assert [answer.status for answer in too_long] == [413] * 4
    assert len(server.engine.jobs()) == 2


def test_a_client_that_goes_away_in_the_middle_of_its_body_makes_no_job(shared: Served) -> None:
    answer = shared.ask("POST", "/api/states_mean", body=[ASK], is_cut_short=True)
    assert answer.status in (0, 400)  # a WSGI application cannot but answer, though nobody hears it
    assert len(shared.engine.jobs()) == 1


def test_a_full_queue_is_503_with_retry_after(tmp_path: Path) -> None:
    with served(tmp_path, queue_limit=2, is_loaded=False) as server:
        for _ in range(2):
            assert server.post("states_mean", question=OBESITY).status == 200
        answer = server.post("states_mean", question=OBESITY)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert list(answer.json) == ["status", "reason"]
        assert len(server.engine.jobs()) == 2


@pytest.mark.parametrize(
    ("error", "is_temporary"), [(errors.StoreFull("The disk is full."), True), (errors.StoreBroken("broken"), False)]
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_store_that_cannot_write_is_503(
    server: Served,
    monkeypatch: pytest.MonkeyPatch,
    error: errors.MeantimeError,
    is_temporary: bool,
    is_at_once: bool,
) -> None:
    def submit(*_: object, **_more: object) -> Future[list[JobRecord]]:
        if is_at_once:
            raise error
        failed: Future[list[JobRecord]] = Future()
        failed.set_exception(error)
        return failed

    monkeypatch.setattr(server.engine, "submit", submit)
    answer = server.post("states_mean", question=OBESITY)
    assert (answer.status, answer.json) == (503, {"status": "error", "reason": str(error)})
    assert ("retry-after" in answer.headers) is is_temporary


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.JobUnknown("expired between two looks"), 200, "Invalid job_id"),
        (errors.ResultGone("made by an older method"), 200, "made by an older method"),
        (ZeroDivisionError("secret"), 500, "internal error; the server's log has the details"),
    ],
)
def test_a_result_that_cannot_be_read_says_why(
    server: Served, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, reason: str
) -> None:
    def read_result(_: int) -> Future[bytes]:
        failed: Future[bytes] = Future()
        failed.set_exception(error)
        return failed

    server.result("global_mean", question=OBESITY)
    monkeypatch.setattr(server.engine, "read_result", read_result)
    with capture_logs() as events:
        answer = server.ask("GET", "/api/get_results/job_id_1")
    assert [event["exc_info"] for event in events] == ([] if isinstance(error, errors.MeantimeError) else [error])
    assert (answer.status, answer.json) == (status, {"status": "error", "reason": reason})


@pytest.mark.parametrize(
    "error",
    [
        errors.StoreBroken("The store of jobs failed.").for_operator("/srv/state/jobs.sqlite3 failed."),
        errors.StoreFull("The disk is full."),
        errors.ShuttingDown("The server is stopping."),
    ],
    ids=lambda error: error.code,
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_done_job_is_running_while_the_server_has_a_trouble_of_its_own(
    server: Served, monkeypatch: pytest.MonkeyPatch, error: errors.MeantimeError, is_at_once: bool
) -> None:
    def read_result(_: int) -> Future[bytes]:
        if is_at_once:
            raise error
        failed: Future[bytes] = Future()
        failed.set_exception(error)
        return failed

    done = server.result("global_mean", question=OBESITY)
    with monkeypatch.context() as trouble:
        trouble.setattr(server.engine, "read_result", read_result)
        answer = server.ask("GET", "/api/get_results/job_id_1")
    assert (answer.status, answer.json) == (200, {"status": "running"})
    assert server.ask("GET", "/api/get_results/job_id_1").body == done.body


def test_many_jobs_at_once_each_get_an_id_of_their_own(server: Served) -> None:
    async def all_at_once(app: ASGIApp) -> list[Answer]:
        return await asyncio.gather(*(send(app, "POST", "/api/global_mean", body=ASK) for _ in range(200)))

    if not isinstance(server.app, Flask):
        answers = asyncio.run(all_at_once(server.app))
    else:
        with ThreadPoolExecutor(20) as clients:
            answers = list(clients.map(lambda _: server.ask("POST", "/api/global_mean", body=ASK), range(200)))
    ids = [answer.json["job_id"] for answer in answers]
    assert sorted(ids, key=lambda text: int(text[7:])) == [f"job_id_{n}" for n in range(1, 201)]


class TestShutdown:
    def test_says_running_while_jobs_remain_and_then_done(self, loading: Served) -> None:
        loading.post("states_mean", question=OBESITY)
        for _ in range(2):
            assert loading.ask("GET", "/api/graceful_shutdown").body == b'{"status":"running"}'
        loading.load()
        assert loading.engine.wait_drained(30)
        for method in ("GET", "POST"):
            answer = loading.ask(method, "/api/graceful_shutdown")
            assert (answer.status, answer.body) == (200, b'{"status":"done"}')

    def test_then_every_request_for_a_job_is_503_before_its_body_is_looked_at(self, server: Served) -> None:
        server.ask("GET", "/api/graceful_shutdown")
        for statistic in contract.STATISTICS:
            for body in (ASK, b"nonsense", b""):
                answer = server.ask("POST", f"/api/{statistic}", body=body, headers={"content-type": "text/plain"})
                assert (answer.status, answer.body) == (503, SHUTTING_DOWN)
        assert server.engine.jobs() == []

    def test_then_every_get_still_works(self, framework: str, server: Served) -> None:
        before = server.result("states_mean", question=OBESITY)
        server.ask("GET", "/api/graceful_shutdown")
        assert server.ask("GET", "/api/get_results/job_id_1").body == before.body
        assert server.ask("GET", "/api/jobs").body == b'{"status":"done","data":[{"job_id_1":"done"}]}'
        assert server.ask("GET", "/api/num_jobs").body == b'{"status":"done","num_jobs":0}'
        if framework == "blueprint":
            return  # what follows is the application's there
        for path in ("/", "/livez", "/metrics", "/openapi.json"):
            assert server.ask("GET", path).status == 200
        assert server.ask("GET", "/readyz").json["status"] == "shutting down"

    @pytest.mark.parametrize(
        ("headers", "peer"),
        [
            ({}, "192.168.1.7"),
            ({}, None),
            ({}, "testclient"),
            ({"Forwarded": "for=127.0.0.1"}, "127.0.0.1"),
            ({"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1"),
            ({"X-Forwarded-Proto": "http"}, "127.0.0.1"),
            ({"X-Real-IP": "127.0.0.1"}, "127.0.0.1"),
            ({"Via": "1.1 proxy"}, "127.0.0.1"),
            ({"Origin": "http://localhost:5000"}, "127.0.0.1"),
            ({"Origin": "null"}, "127.0.0.1"),
            ({"Host": "meantime.example"}, "127.0.0.1"),
            ({"Host": "meantime.example", "Sec-Fetch-Site": "none"}, "127.0.0.1"),
            ({"Referer": "http://localhost:5000/"}, "127.0.0.1"),
            ({"Sec-Fetch-Site": "cross-site"}, "127.0.0.1"),
            ({"Sec-Fetch-Site": "same-site"}, "127.0.0.1"),
            ({"Purpose": "prefetch"}, "127.0.0.1"),
            ({"Sec-Purpose": "prefetch;prerender"}, "127.0.0.1"),
            ({"X-Moz": "prefetch"}, "127.0.0.1"),
            ({"X-Admin-Key": "wrong"}, "127.0.0.1"),
            ({"X-Admin-Key": ""}, "127.0.0.1"),
        ],
    )
    def test_is_403_without_permission_and_says_what_to_do(
        self, shared: Served, headers: dict[str, str], peer: str | None
    ) -> None:
        for method in ("GET", "POST", "HEAD"):
            answer = shared.ask(method, "/api/graceful_shutdown", headers=headers, peer=peer)
            assert answer.status == 403
        assert shared.engine.is_accepting
        assert "admin_key" in shared.ask("GET", "/api/graceful_shutdown", headers=headers, peer=peer).json["reason"]

    @pytest.mark.parametrize(
        ("peer", "host"),
        [
            ("127.0.0.1", "localhost:5000"),
            ("127.8.8.8", "127.0.0.1"),
            ("::1", "[::1]:5000"),
            ("::ffff:127.0.0.1", "LOCALHOST"),
        ],
    )
    def test_is_permitted_from_the_machine_itself(self, server: Served, peer: str, host: str) -> None:
        headers = {"Sec-Fetch-Site": "none", "User-Agent": "a browser whose user typed it", "Host": host}
        assert server.ask("GET", "/api/graceful_shutdown", headers=headers, peer=peer).status == 200
        assert not server.engine.is_accepting

    def test_the_key_counts_from_anywhere_and_a_wrong_one_nowhere(self, tmp_path: Path) -> None:
        with served(tmp_path, admin_key="s3same") as server:
            for wrong in ("S3same", "s3same ", "", "é"):
                assert server.ask("GET", "/api/graceful_shutdown", headers={"X-Admin-Key": wrong}).status == 403
            assert server.engine.is_accepting
            headers = {"X-Admin-Key": "s3same", "Via": "1.1 proxy", "Origin": "https://example.org"}
            assert server.ask("POST", "/api/graceful_shutdown", headers=headers, peer="10.0.0.1").status == 200
            assert not server.engine.is_accepting

    def test_head_only_looks(self, server: Served) -> None:
        answer = server.ask("HEAD", "/api/graceful_shutdown")
        assert (answer.status, answer.body) == (200, b"")
        assert server.engine.is_accepting
