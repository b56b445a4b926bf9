"""Both clients: the requests that they send, and what they return or raise for the answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from meantime import Ask
from meantime.client.models import DatasetInfo
from meantime.errors import (
    JobCancelled,
    JobFailed,
    JobUnknown,
    MeantimeError,
    NotMeantime,
    QueueFull,
    RequestInvalid,
    RequestRefused,
    ResultNotReady,
    ServerUnreachable,
    ShuttingDown,
)
from tests.support.client_scripts import (
    QUESTION,
    RESULT,
    ClientFactory,
    FakeTime,
    Script,
    asynchronous,
    blocking,
    done,
    job,
    job_json,
    not_ready,
    problem,
)

pytestmark = pytest.mark.parametrize("make_client", [blocking, asynchronous])
REFUSED_CONNECTION = httpx.ConnectError("Connection refused")
LOST_ANSWER = httpx.ReadError("Connection reset by peer")


def test_a_result_that_is_ready_soon_takes_one_request(make_client: ClientFactory) -> None:
    script = Script(done())
    result = make_client(script).ask("states_mean", question=QUESTION)
    assert result.document == RESULT
    [request] = script.requests
    assert (request.method, request.url.path) == ("POST", "/v1/jobs")
    assert json.loads(request.content) == {"statistic": "states_mean", "parameters": {"question": QUESTION}}
    assert request.headers["Prefer"] == "wait=25"
    assert request.headers["Idempotency-Key"]


def test_a_result_that_is_ready_in_a_second_is_returned_at_once_otherwise_the_job(make_client: ClientFactory) -> None:
    script = Script(done(), job("running", status=202))
    client = make_client(script)
    assert client.start("states_mean", question=QUESTION).document == RESULT
    assert client.start("states_mean", question=QUESTION).id == "job_id_7"
    assert [request.headers["Prefer"] for request in script.requests] == ["wait=1", "wait=1"]


def test_data_set_and_label_are_sent(make_client: ClientFactory) -> None:
    script = Script(done())
    make_client(script).ask("states_mean", dataset="cdc", label="mine", question=QUESTION)
    assert json.loads(script.requests[0].content) == {
        "statistic": "states_mean",
        "parameters": {"question": QUESTION},
        "dataset": "cdc",
        "label": "mine",
    }


def test_a_longer_job_is_waited_for_without_polling(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(job(status=202), not_ready(), done())
    assert make_client(script, time=time).ask("states_mean", question=QUESTION).document == RESULT
    assert script.lines == ["POST /v1/jobs", *["GET /v1/jobs/job_id_7/results"] * 2]
    assert {request.headers["Prefer"] for request in script.requests} == {"wait=25"}
    assert time.slept_s == [0.2]


def test_the_error_after_a_timeout_names_the_job(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(job(status=202), not_ready(), not_ready())

    def slowly(request: httpx.Request) -> httpx.Response:
        time.now_s += 0.5
        return script(request)

    with pytest.raises(ResultNotReady, match=r"job_id_7 has not ended after 1\.1 s"):
        make_client(slowly, time=time).ask("states_mean", question=QUESTION, timeout_s=1.1)
    assert [request.headers["Prefer"] for request in script.requests] == ["wait=2", "wait=1", "wait=0"]


def test_each_submission_has_its_own_key(make_client: ClientFactory) -> None:
    script = Script(done(), done())
    client = make_client(script)
    client.ask("states_mean", question=QUESTION)
    client.ask("states_mean", question=QUESTION)
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 2


def test_parameters_may_come_from_a_data_frame(make_client: ClientFactory) -> None:
    script = Script(done())
    make_client(script).ask("summary", limit=np.int64(5), quantiles=np.array([0.5, 0.9]), question=np.str_(QUESTION))
    assert json.loads(script.requests[0].content)["parameters"] == {
        "limit": 5,
        "quantiles": [0.5, 0.9],
        "question": QUESTION,
    }
    with pytest.raises(TypeError, match="A parameter cannot be <object"):
        make_client(script).ask("summary", question=object())


@pytest.mark.parametrize("missing", [float("nan"), np.float64("nan"), [float("inf")]])
def test_missing_values_of_a_data_frame_are_refused_as_parameters(make_client: ClientFactory, missing: object) -> None:
    script = Script()
    with pytest.raises(ValueError, match="Leave out missing values"):
        make_client(script).ask("summary", question=QUESTION, limit=missing)
    assert script.requests == []


# Data sets and statistics


def test_data_sets_are_described_in_the_server_s_order_and_the_default_one_is_found(make_client: ClientFactory) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/datasets":
            listed = [{"name": "b c", "is_default": False}, {"name": "a", "is_default": True}]
            return httpx.Response(200, json={"datasets": listed})
        name = {b"/v1/datasets/b%20c": "b c", b"/v1/datasets/a": "a"}[request.url.raw_path]
        return httpx.Response(200, json=described(name))

    client = make_client(server)
    assert list(client.datasets) == ["b c", "a"]
    assert client.dataset().name == "a"
    assert repr(client.dataset("b c")) == "<Dataset b c: loading>"


def described(name: str) -> dict[str, Any]:
    unknown = dict.fromkeys((*DatasetInfo.__struct_fields__, "a field of tomorrow"))
    return unknown | {"name": name, "is_default": name == "a", "status": "loading"}


def test_statistics_are_listed_in_short_and_described_one_by_one(make_client: ClientFactory) -> None:
    in_short = {"name": "states_mean", "help": "mean by location", "estimates": "rows as they come", "links": {}}
    column = {"name": "mean", "kind": "number", "unit": None, "meaning": "of the rows"}
    more = {"parameters": {"type": "object"}, "columns": [column], "method_version": 1, "example": {"parameters": {}}}
    client = make_client(
        Script(httpx.Response(200, json={"statistics": [in_short]}), httpx.Response(200, json=in_short | more))
    )
    assert [each.help for each in client.statistics.values()] == ["mean by location"]
    assert [each.name for each in client.statistic("states_mean").columns] == ["mean"]


# Retries


def test_a_server_that_starts_late_is_found(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(REFUSED_CONNECTION, REFUSED_CONNECTION, done())
    make_client(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == [0.1, 0.2]


def test_a_submission_whose_answer_was_lost_is_sent_again_under_its_key(make_client: ClientFactory) -> None:
    """This server treats keys as ours does: one job per key, however often the request arrives."""
    job_ids: dict[str, str] = {}

    def server(request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        is_new = key not in job_ids
        job_id = job_ids.setdefault(key, f"job_id_{len(job_ids) + 1}")
        if is_new:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return job(status=202, id=job_id)

    assert make_client(server).submit("states_mean", question=QUESTION).id == "job_id_1"
    assert len(job_ids) == 1


def test_retry_after_is_respected(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(problem("queue-full", 503, retry_after="3"), done())
    make_client(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == [3.1]


def test_retries_end(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(*[problem("queue-full", 503, "100 jobs wait.", retry_after="4")] * 4)
    with pytest.raises(QueueFull, match="100 jobs wait") as caught:
        make_client(script, time=time, retry_for_s=14).ask("states_mean", question=QUESTION)
    assert caught.value.retry_after_s == 4
    assert script.is_over
    assert sum(time.slept_s) <= 14


def test_without_retries_a_request_is_sent_once(make_client: ClientFactory) -> None:
    script = Script(REFUSED_CONNECTION)
    with pytest.raises(ServerUnreachable, match=r"No server answers at http://server .*meantime serve") as caught:
        make_client(script, retry_for_s=0).ask("states_mean", question=QUESTION)
    assert caught.value.__cause__ is REFUSED_CONNECTION


def test_a_broken_connection_is_reported_as_one(make_client: ClientFactory) -> None:
    with pytest.raises(ServerUnreachable, match="stopped answering: Connection reset"):
        make_client(Script(LOST_ANSWER), retry_for_s=0).job("job_id_7")


@pytest.mark.parametrize(
    "refusal",
    [
        problem("request-invalid", 400),
        problem("internal", 500),
        problem("store-broken", 503),
        problem("job-failed", 424),
    ],
)
def test_no_other_error_is_retried(make_client: ClientFactory, refusal: httpx.Response) -> None:
    script, time = Script(refusal), FakeTime()
    with pytest.raises(MeantimeError):
        make_client(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == []


# Errors


def test_an_invalid_request_has_all_its_problems_in_the_message_and_as_data(make_client: ClientFactory) -> None:
    problems = [
        {"pointer": "/parameters/question", "code": "unknown", "detail": "No such question.", "closest": [QUESTION]},
        {"pointer": "/parameters/state", "code": "missing", "detail": "State is missing."},
    ]
    script = Script(problem("request-invalid", 400, "2 things are wrong. The first: ...", problems=problems))
    with pytest.raises(RequestInvalid, match=r"(?s)2 problems.*No such question.*State is missing") as caught:
        make_client(script).ask("state_mean", question="obesety")
    assert [(each.pointer, each.closest) for each in caught.value.problems] == [
        ("/parameters/question", (QUESTION,)),
        ("/parameters/state", ()),
    ]


def test_a_failed_job_has_its_failure(make_client: ClientFactory) -> None:
    failure = {"code": "time-limit", "fault": "operator", "reason": "It worked longer than 600 s."}
    script = Script(problem("job-failed", 424, "job_id_7 failed.", failure=failure))
    with pytest.raises(JobFailed, match="job_id_7 failed") as caught:
        make_client(script).ask("states_mean", question=QUESTION)
    assert caught.value.failure is not None
    assert caught.value.failure.reason == "It worked longer than 600 s."
    assert caught.value.__notes__ == ["Do this."]


def test_an_unknown_error_code_becomes_a_general_error(make_client: ClientFactory) -> None:
    with pytest.raises(RequestRefused, match="No tea"):
        make_client(Script(problem("teapot", 418, "No tea."))).job("job_id_7")
    with pytest.raises(MeantimeError, match="Broken"):
        make_client(Script(problem("broken", 500, "Broken."))).job("job_id_7")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"status": "fine"}),
        httpx.Response(404, text="<html>", headers={"Content-Type": "text/html"}),
        httpx.Response(404, text="{", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(500, json=["[" * 3], headers={"Content-Type": "application/problem+json"}),
    ],
)
def test_an_answer_of_another_program_is_reported_as_one(make_client: ClientFactory, answer: httpx.Response) -> None:
    with pytest.raises(NotMeantime, match="http://server is not a Meantime server"):
        make_client(Script(answer)).job("job_id_7")


# Jobs


def test_a_job_is_updated_when_it_is_refreshed(make_client: ClientFactory) -> None:
    script = Script(job(status=202, label="mine"), job("running", progress=0.5))
    submitted = make_client(script).submit("states_mean", label="mine", question=QUESTION)
    assert (submitted.id, submitted.state, submitted.progress, submitted.label) == ("job_id_7", "queued", 0.0, "mine")
    assert "Prefer" not in script.requests[0].headers
    submitted.refresh()
    assert (submitted.state, submitted.progress, submitted.failure) == ("running", 0.5, None)
    assert repr(submitted) == "<Job job_id_7: states_mean, running, 50%>"


def test_wait_returns_at_the_end_of_the_job(make_client: ClientFactory) -> None:
    script = Script(job(status=202), job("running"), job("done"), done())
    submitted = make_client(script).submit("states_mean", question=QUESTION)
    submitted.wait()
    assert submitted.state == "done"
    assert submitted.result().document == RESULT
    assert [request.headers.get("Prefer") for request in script.requests] == [None, "wait=25", "wait=25", "wait=25"]


def test_wait_returns_when_the_time_is_over(make_client: ClientFactory) -> None:
    time = FakeTime()
    script = Script(job("running"), job("running"), job("running"))
    known_job = make_client(script, time=time).job("job_id_7")
    known_job.wait(0.2)
    assert known_job.state == "running"
    assert [request.headers.get("Prefer") for request in script.requests] == [None, "wait=1", "wait=0"]


def test_a_watched_job_is_read_every_second(make_client: ClientFactory) -> None:
    script = Script(job(status=202), job("running", progress=0.1), job("running", progress=0.6), job("done"))
    seen = []
    submitted = make_client(script).submit("states_mean", question=QUESTION)
    submitted.wait(on_look=lambda watched: seen.append((watched.state, watched.progress)))
    assert seen == [("running", 0.1), ("running", 0.6), ("done", 0.0)]
    assert {request.headers["Prefer"] for request in script.requests[1:]} == {"wait=1"}


CANCEL = "DELETE /v1/jobs/job_id_7?if=unfinished"


def cancel_answer(outcome: str, state: str) -> httpx.Response:
    return httpx.Response(200, json={"outcome": outcome, "job": job_json(state)})


def test_a_cancelled_job_stays(make_client: ClientFactory) -> None:
    script = Script(job("running"), cancel_answer("cancelled", "cancelled"))
    known_job = make_client(script).job("job_id_7")
    assert known_job.cancel() == "cancelled"
    assert known_job.state == "cancelled"
    assert script.lines[1:] == [CANCEL]


def test_cancelling_a_job_that_has_ended_does_not_remove_it(make_client: ClientFactory) -> None:
    script = Script(job("running"), cancel_answer("ended", "done"))
    known_job = make_client(script).job("job_id_7")
    assert (known_job.cancel(), known_job.state) == ("ended", "done")
    assert script.lines[1:] == [CANCEL]


def test_a_cancellation_is_sent_again_when_its_answer_is_lost(make_client: ClientFactory) -> None:
    script = Script(job("running"), LOST_ANSWER, cancel_answer("ended", "cancelled"))
    known_job = make_client(script).job("job_id_7")
    assert (known_job.cancel(), known_job.state) == ("ended", "cancelled")
    assert script.lines[1:] == [CANCEL, CANCEL]


def test_an_unknown_job_is_an_error(make_client: ClientFactory) -> None:
    script = Script(problem("job-unknown", 404, "There is no job."))
    with pytest.raises(JobUnknown, match="There is no job"):
        make_client(script).job("../api/graceful_shutdown")
    assert script.lines == ["GET /v1/jobs/..%2Fapi%2Fgraceful_shutdown"]


def test_jobs_are_listed_page_by_page_with_filters(make_client: ClientFactory) -> None:
    script = Script(
        httpx.Response(200, json={"jobs": [job_json(id="job_id_3"), job_json(id="job_id_2")], "next": "more+"}),
        httpx.Response(200, json={"jobs": [job_json(id="job_id_1")], "next": None}),
    )
    since = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    listed = make_client(script).jobs(state=["queued", "running"], label="mine", created_after=since)
    assert [each.id for each in listed] == ["job_id_3", "job_id_2", "job_id_1"]
    first, second = (request.url.params.multi_items() for request in script.requests)
    assert first[:3] == [("state", "queued"), ("state", "running"), ("label", "mine")]
    assert datetime.fromisoformat(first[3][1]) == since
    assert second == [*first, ("cursor", "more+")]


# Many questions


def accepted(*numbers: int) -> httpx.Response:
    return httpx.Response(202, json={"jobs": [job_json(id=f"job_id_{number}") for number in numbers]})


def test_many_questions_are_one_batch_with_results_in_order(make_client: ClientFactory) -> None:
    script = Script(accepted(1, 2), done(), not_ready(), done())
    questions = [Ask("state_mean", question=QUESTION, state=state) for state in ("Utah", "Ohio")]
    results = make_client(script).ask_all(questions)
    assert [result.document for result in results] == [RESULT, RESULT]
    assert json.loads(script.requests[0].content) == {
        "requests": [
            {"statistic": "state_mean", "parameters": {"question": QUESTION, "state": state}}
            for state in ("Utah", "Ohio")
        ]
    }
    assert script.requests[0].headers["Idempotency-Key"]
    assert script.lines == [
        "POST /v1/jobs/batch",
        "GET /v1/jobs/job_id_1/results",
        "GET /v1/jobs/job_id_2/results",
        "GET /v1/jobs/job_id_2/results",
    ]


def test_a_failed_job_is_raised_or_kept_in_the_list(make_client: ClientFactory) -> None:
    def script() -> Script:
        return Script(accepted(1, 2, 3), done(), problem("job-failed", 424, "job_id_2 failed."), done())

    questions = [Ask("states_mean", question=QUESTION)] * 3
    with pytest.raises(JobFailed, match="job_id_2 failed"):
        make_client(script()).ask_all(questions)
    first, second, third = make_client(script()).ask_all(questions, keep_errors=True)
    assert (first, third) == (third, first)
    assert isinstance(second, JobFailed)


def test_a_cancelled_job_is_kept_in_the_list_but_a_stopping_server_is_raised(make_client: ClientFactory) -> None:
    cancelled = Script(accepted(1), problem("cancelled", 410, "It was cancelled."))
    [kept] = make_client(cancelled).ask_all([Ask("states_mean", question=QUESTION)], keep_errors=True)
    assert isinstance(kept, JobCancelled)
    gone = Script(accepted(1), problem("shutting-down", 503, "It stops."))
    with pytest.raises(ShuttingDown):
        make_client(gone).ask_all([Ask("states_mean", question=QUESTION)], keep_errors=True)


def test_many_questions_are_several_batches_and_problems_point_into_the_whole_list(
    make_client: ClientFactory,
) -> None:
    wrong = [{"pointer": "/requests/1/parameters/question", "code": "unknown", "detail": "No such question."}]
    script = Script(
        accepted(*range(1, 1001)), *[done()] * 1000, problem("request-invalid", 400, "Wrong.", problems=wrong)
    )
    with pytest.raises(RequestInvalid) as caught:
        make_client(script).ask_all([Ask("states_mean", question=QUESTION)] * 1003)
    assert [each.pointer for each in caught.value.problems] == ["/requests/1001/parameters/question"]
    assert [
        len(json.loads(request.content)["requests"]) for request in script.requests if request.method == "POST"
    ] == [
        1000,
        3,
    ]


def test_no_questions_send_no_request(make_client: ClientFactory) -> None:
    assert make_client(Script()).ask_all([]) == []


# Addresses


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://localhost", "http://", "http://host:port", ""])
def test_an_invalid_address_is_refused(make_client: ClientFactory, url: str) -> None:
    kind = type(make_client(Script())) if make_client is blocking else type(make_client(Script())._inner)
    with pytest.raises(ServerUnreachable, match=r"is not a server address .*http://127\.0\.0\.1:5000"):
        kind(url)


def test_a_client_shows_its_address(make_client: ClientFactory) -> None:
    assert repr(make_client(Script())) == "<Client of http://server>"


def test_source_rows_are_read_page_by_page_and_joined(make_client: ClientFactory) -> None:
    more = done()
    more.headers["Link"] = '</v1/jobs/job_id_7/rows?row=3&page_rows=10000&cursor=c%2B1>; rel="next"'
    script = Script(job("done"), more, done())
    rows = make_client(script).job("job_id_7").rows_behind(3)
    assert list(rows.document.table.column("location")) == ["Utah", "Ohio", "Guam"] * 2
    assert script.lines[1:] == [
        "GET /v1/jobs/job_id_7/rows?row=3&page_rows=10000",
        "GET /v1/jobs/job_id_7/rows?row=3&page_rows=10000&cursor=c%2B1",
    ]


def test_without_a_row_number_the_source_rows_are_those_of_the_whole_result(make_client: ClientFactory) -> None:
    script = Script(job("done"), done())
    assert make_client(script).job("job_id_7").rows_behind().document == RESULT
    assert script.lines[1:] == ["GET /v1/jobs/job_id_7/rows?page_rows=10000"]


def test_source_rows_are_those_of_the_database_where_asked(make_client: ClientFactory) -> None:
    script = Script(job("done"), done())
    make_client(script).job("job_id_7").rows_behind(3, in_database=True)
    assert script.lines[1:] == ["GET /v1/jobs/job_id_7/rows?row=3&page_rows=10000&in_database=yes"]


EXPLANATION: dict[str, Any] = {
    "title": "states_mean: Utah, Naps",
    "row": 0,
    "values": {"location": "Utah", "mean": 15.0},
    "number": "mean",
    "steps": [
        {"text": "2 rows have a value.", "formula": None, "numbers": {}},
        {"text": "So it is their mean.", "formula": "30 / 2 = 15.0", "numbers": {"mean": 15.0}},
    ],
    "assumptions": [],
    "warnings": [],
    "sources": [],
    "programs": {"python": "print(15)", "r": "print(15)", "computes": ["mean"], "leaves_out": []},
}


def test_the_explanation_of_a_row_prints_as_text(make_client: ClientFactory) -> None:
    script = Script(job("done"), httpx.Response(200, json=EXPLANATION))
    explained = make_client(script).job("job_id_7").explanation()
    assert str(explained) == "states_mean: Utah, Naps\n2 rows have a value.\nSo it is their mean.\n    30 / 2 = 15.0"
    assert explained.programs.computes == ("mean",)
    assert script.lines[1:] == ["GET /v1/jobs/job_id_7/explanation?row=0"]


def test_the_explanation_of_a_job_that_has_not_ended_is_waited_for(make_client: ClientFactory) -> None:
    script = Script(job("running"), not_ready(), job("running"), job("done"), httpx.Response(200, json=EXPLANATION))
    assert make_client(script).job("job_id_7").explanation().number == "mean"
    assert script.lines[1:] == [
        "GET /v1/jobs/job_id_7/explanation?row=0",
        "GET /v1/jobs/job_id_7",
        "GET /v1/jobs/job_id_7",
        "GET /v1/jobs/job_id_7/explanation?row=0",
    ]


def test_an_explanation_is_waited_for_as_long_as_is_said(make_client: ClientFactory) -> None:
    script = Script(job("running"), not_ready(), job("running"), not_ready())
    with pytest.raises(ResultNotReady):
        make_client(script).job("job_id_7").explanation(timeout_s=0)
