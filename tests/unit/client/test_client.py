"""Both clients, told once: what they say to a server, and what they make of its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from meantime import Ask
from meantime.client.described import Dataset
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
    Asking,
    Script,
    Time,
    asynchronous,
    blocking,
    done,
    job,
    not_ready,
    problem,
    standing,
)

pytestmark = pytest.mark.parametrize("asking", [blocking, asynchronous])
REFUSED = httpx.ConnectError("Connection refused")
LOST = httpx.ReadError("Connection reset by peer")


def test_an_answer_that_is_soon_there_takes_one_request(asking: Asking) -> None:
    script = Script(done())
    result = asking(script).ask("states_mean", question=QUESTION)
    assert result.document == RESULT
    [request] = script.heard
    assert (request.method, request.url.path) == ("POST", "/v1/jobs")
    assert json.loads(request.content) == {"statistic": "states_mean", "parameters": {"question": QUESTION}}
    assert request.headers["Prefer"] == "wait=25"
    assert request.headers["Idempotency-Key"]


def test_what_is_said_of_data_set_and_label_goes_along(asking: Asking) -> None:
    script = Script(done())
    asking(script).ask("states_mean", dataset="cdc", label="mine", question=QUESTION)
    assert json.loads(script.heard[0].content) == {
        "statistic": "states_mean",
        "parameters": {"question": QUESTION},
        "dataset": "cdc",
        "label": "mine",
    }


def test_a_longer_job_is_waited_for_without_asking_again_and_again(asking: Asking) -> None:
    time = Time()
    script = Script(job(status=202), not_ready(), done())
    assert asking(script, time=time).ask("states_mean", question=QUESTION).document == RESULT
    assert script.lines == ["POST /v1/jobs", *["GET /v1/jobs/job_id_7/results"] * 2]
    assert {request.headers["Prefer"] for request in script.heard} == {"wait=25"}
    assert time.slept_s == [0.2]


def test_who_has_waited_long_enough_is_told_how_the_job_is_found_again(asking: Asking) -> None:
    time = Time()
    script = Script(job(status=202), not_ready(), not_ready())

    def slowly(request: httpx.Request) -> httpx.Response:
        time.now_s += 0.5
        return script(request)

    with pytest.raises(ResultNotReady, match=r"job_id_7 has not ended in 1\.1 s"):
        asking(slowly, time=time).ask("states_mean", question=QUESTION, timeout_s=1.1)
    assert [request.headers["Prefer"] for request in script.heard] == ["wait=2", "wait=1", "wait=0"]


def test_each_question_has_a_key_of_its_own(asking: Asking) -> None:
    script = Script(done(), done())
    client = asking(script)
    client.ask("states_mean", question=QUESTION)
    client.ask("states_mean", question=QUESTION)
    assert len({request.headers["Idempotency-Key"] for request in script.heard}) == 2


def test_parameters_may_come_out_of_a_data_frame(asking: Asking) -> None:
    script = Script(done())
    asking(script).ask("summary", limit=np.int64(5), quantiles=np.array([0.5, 0.9]), question=np.str_(QUESTION))
    assert json.loads(script.heard[0].content)["parameters"] == {
        "limit": 5,
        "quantiles": [0.5, 0.9],
        "question": QUESTION,
    }
    with pytest.raises(TypeError, match="a parameter cannot be <object"):
        asking(script).ask("summary", question=object())


@pytest.mark.parametrize("missing", [float("nan"), np.float64("nan"), [float("inf")]])
def test_what_is_missing_in_a_data_frame_does_not_make_another_question_of_it(asking: Asking, missing: object) -> None:
    script = Script()
    with pytest.raises(ValueError, match="leave out what is missing"):
        asking(script).ask("summary", question=QUESTION, limit=missing)
    assert script.heard == []


# What there is


def test_every_data_set_is_described_in_the_server_s_order_and_the_default_one_is_found(asking: Asking) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/datasets":
            listed = [{"name": "b c", "is_default": False}, {"name": "a", "is_default": True}]
            return httpx.Response(200, json={"datasets": listed})
        name = {b"/v1/datasets/b%20c": "b c", b"/v1/datasets/a": "a"}[request.url.raw_path]
        return httpx.Response(200, json=described(name))

    client = asking(server)
    assert list(client.datasets) == ["b c", "a"]
    assert client.dataset().name == "a"
    assert repr(client.dataset("b c")) == "<Dataset b c: loading>"


def described(name: str) -> dict[str, Any]:
    unknown = dict.fromkeys((*Dataset.__struct_fields__, "a field of tomorrow"))
    return unknown | {"name": name, "is_default": name == "a", "status": "loading"}


def test_statistics_are_listed_in_short_and_described_one_by_one(asking: Asking) -> None:
    in_short = {"name": "states_mean", "help": "mean by location", "estimates": "rows as they come", "links": {}}
    column = {"name": "mean", "kind": "number", "unit": None, "meaning": "of the rows"}
    more = {"parameters": {"type": "object"}, "columns": [column], "method_version": 1, "example": {"parameters": {}}}
    client = asking(
        Script(httpx.Response(200, json={"statistics": [in_short]}), httpx.Response(200, json=in_short | more))
    )
    assert [each.help for each in client.statistics.values()] == ["mean by location"]
    assert [each.name for each in client.statistic("states_mean").columns] == ["mean"]


# What is tried again, and what is not


def test_a_server_that_comes_up_late_is_found(asking: Asking) -> None:
    time = Time()
    script = Script(REFUSED, REFUSED, done())
    asking(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == [0.1, 0.2]


def test_a_submission_whose_answer_was_lost_is_sent_again_under_its_key(asking: Asking) -> None:
    """The server below does what ours does with keys: one job each, however often it arrives."""
    made: dict[str, str] = {}

    def server(request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        is_new = key not in made
        job_id = made.setdefault(key, f"job_id_{len(made) + 1}")
        if is_new:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return job(status=202, id=job_id)

    assert asking(server).submit("states_mean", question=QUESTION).id == "job_id_1"
    assert len(made) == 1


def test_a_server_that_says_when_is_asked_then(asking: Asking) -> None:
    time = Time()
    script = Script(problem("queue-full", 503, retry_after="3"), done())
    asking(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == [3.1]


def test_patience_has_an_end(asking: Asking) -> None:
    time = Time()
    script = Script(*[problem("queue-full", 503, "100 jobs wait.", retry_after="4")] * 4)
    with pytest.raises(QueueFull, match="100 jobs wait") as caught:
        asking(script, time=time, retry_for_s=14).ask("states_mean", question=QUESTION)
    assert caught.value.retry_after_s == 4
    assert script.is_over
    assert sum(time.slept_s) <= 14


def test_who_has_no_patience_asks_once(asking: Asking) -> None:
    script = Script(REFUSED)
    with pytest.raises(ServerUnreachable, match=r"No server answers at http://server .*meantime serve") as caught:
        asking(script, retry_for_s=0).ask("states_mean", question=QUESTION)
    assert caught.value.__cause__ is REFUSED


def test_a_server_that_stopped_in_the_middle_is_said_to_have(asking: Asking) -> None:
    with pytest.raises(ServerUnreachable, match="stopped answering: Connection reset"):
        asking(Script(LOST), retry_for_s=0).job("job_id_7")


@pytest.mark.parametrize(
    "refusal",
    [
        problem("request-invalid", 400),
        problem("internal", 500),
        problem("store-broken", 503),
        problem("job-failed", 424),
    ],
)
def test_any_other_refusal_is_final(asking: Asking, refusal: httpx.Response) -> None:
    script, time = Script(refusal), Time()
    with pytest.raises(MeantimeError):
        asking(script, time=time).ask("states_mean", question=QUESTION)
    assert time.slept_s == []


# Refusals as errors


def test_everything_that_is_wrong_with_a_question_is_said_and_carried(asking: Asking) -> None:
    problems = [
        {"pointer": "/parameters/question", "code": "unknown", "detail": "No such question.", "closest": [QUESTION]},
        {"pointer": "/parameters/state", "code": "missing", "detail": "State is missing."},
    ]
    script = Script(problem("request-invalid", 400, "2 things are wrong. The first: ...", problems=problems))
    with pytest.raises(RequestInvalid, match=r"(?s)2 things.*No such question.*State is missing") as caught:
        asking(script).ask("state_mean", question="obesety")
    assert [(each.pointer, each.closest) for each in caught.value.problems] == [
        ("/parameters/question", (QUESTION,)),
        ("/parameters/state", ()),
    ]


def test_a_job_that_failed_says_why_and_whose_fault_it_is(asking: Asking) -> None:
    failure = {"code": "time-limit", "fault": "operator", "reason": "It worked longer than 600 s."}
    script = Script(problem("job-failed", 424, "job_id_7 failed.", failure=failure))
    with pytest.raises(JobFailed, match="job_id_7 failed") as caught:
        asking(script).ask("states_mean", question=QUESTION)
    assert caught.value.failure is not None
    assert caught.value.failure.reason == "It worked longer than 600 s."
    assert caught.value.__notes__ == ["Do this."]


def test_a_refusal_of_a_kind_that_came_later_is_told_by_whose_fault_it_is(asking: Asking) -> None:
    with pytest.raises(RequestRefused, match="No tea"):
        asking(Script(problem("teapot", 418, "No tea."))).job("job_id_7")
    with pytest.raises(MeantimeError, match="Broken"):
        asking(Script(problem("broken", 500, "Broken."))).job("job_id_7")


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
def test_what_is_not_meantime_is_said_to_be_none(asking: Asking, answer: httpx.Response) -> None:
    with pytest.raises(NotMeantime, match="http://server is not a Meantime"):
        asking(Script(answer)).job("job_id_7")


# Jobs


def test_a_submitted_job_is_known_as_it_was_and_looked_at_again_when_asked(asking: Asking) -> None:
    script = Script(job(status=202, label="mine"), job("running", progress=0.5))
    submitted = asking(script).submit("states_mean", label="mine", question=QUESTION)
    assert (submitted.id, submitted.state, submitted.progress, submitted.label) == ("job_id_7", "queued", 0.0, "mine")
    assert "Prefer" not in script.heard[0].headers
    submitted.refresh()
    assert (submitted.state, submitted.progress, submitted.failure) == ("running", 0.5, None)
    assert repr(submitted) == "<Job job_id_7: states_mean, running, 50%>"


def test_a_job_is_waited_for_to_its_end(asking: Asking) -> None:
    script = Script(job(status=202), job("running"), job("done"), done())
    submitted = asking(script).submit("states_mean", question=QUESTION)
    submitted.wait()
    assert submitted.state == "done"
    assert submitted.result().document == RESULT
    assert [request.headers.get("Prefer") for request in script.heard] == [None, "wait=25", "wait=25", "wait=25"]


def test_a_job_is_waited_for_as_long_as_was_said(asking: Asking) -> None:
    time = Time()
    script = Script(job("running"), job("running"), job("running"))
    found = asking(script, time=time).job("job_id_7")
    found.wait(0.2)
    assert found.state == "running"
    assert [request.headers.get("Prefer") for request in script.heard] == [None, "wait=1", "wait=0"]


def test_who_watches_sees_progress_every_second(asking: Asking) -> None:
    script = Script(job(status=202), job("running", progress=0.1), job("running", progress=0.6), job("done"))
    seen = []
    submitted = asking(script).submit("states_mean", question=QUESTION)
    submitted.wait(on_look=lambda known: seen.append((known.state, known.progress)))
    assert seen == [("running", 0.1), ("running", 0.6), ("done", 0.0)]
    assert {request.headers["Prefer"] for request in script.heard[1:]} == {"wait=1"}


CANCEL = "DELETE /v1/jobs/job_id_7?if=unfinished"


def dismissed(outcome: str, state: str) -> httpx.Response:
    return httpx.Response(200, json={"outcome": outcome, "job": standing(state)})


def test_a_cancelled_job_stays(asking: Asking) -> None:
    script = Script(job("running"), dismissed("cancelled", "cancelled"))
    found = asking(script).job("job_id_7")
    assert found.cancel() == "cancelled"
    assert found.state == "cancelled"
    assert script.lines[1:] == [CANCEL]


def test_to_cancel_a_job_that_has_ended_does_not_remove_it(asking: Asking) -> None:
    script = Script(job("running"), dismissed("ended", "done"))
    found = asking(script).job("job_id_7")
    assert (found.cancel(), found.state) == ("ended", "done")
    assert script.lines[1:] == [CANCEL]


def test_a_cancellation_whose_answer_was_lost_is_sent_again_since_it_removes_nothing(asking: Asking) -> None:
    script = Script(job("running"), LOST, dismissed("ended", "cancelled"))
    found = asking(script).job("job_id_7")
    assert (found.cancel(), found.state) == ("ended", "cancelled")
    assert script.lines[1:] == [CANCEL, CANCEL]


def test_a_job_that_nobody_knows_is_said_to_be_unknown(asking: Asking) -> None:
    script = Script(problem("job-unknown", 404, "There is no job."))
    with pytest.raises(JobUnknown, match="There is no job"):
        asking(script).job("../api/graceful_shutdown")
    assert script.lines == ["GET /v1/jobs/..%2Fapi%2Fgraceful_shutdown"]


def test_jobs_are_listed_page_by_page_as_they_are_filtered(asking: Asking) -> None:
    script = Script(
        httpx.Response(200, json={"jobs": [standing(id="job_id_3"), standing(id="job_id_2")], "next": "more+"}),
        httpx.Response(200, json={"jobs": [standing(id="job_id_1")], "next": None}),
    )
    since = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    listed = asking(script).jobs(state=["queued", "running"], label="mine", created_after=since)
    assert [each.id for each in listed] == ["job_id_3", "job_id_2", "job_id_1"]
    first, second = (request.url.params.multi_items() for request in script.heard)
    assert first[:3] == [("state", "queued"), ("state", "running"), ("label", "mine")]
    assert datetime.fromisoformat(first[3][1]) == since
    assert second == [*first, ("cursor", "more+")]


# Many questions


def accepted(*numbers: int) -> httpx.Response:
    return httpx.Response(202, json={"jobs": [standing(id=f"job_id_{number}") for number in numbers]})


def test_many_questions_are_one_batch_answered_in_order(asking: Asking) -> None:
    script = Script(accepted(1, 2), done(), not_ready(), done())
    questions = [Ask("state_mean", question=QUESTION, state=state) for state in ("Utah", "Ohio")]
    results = asking(script).ask_all(questions)
    assert [result.document for result in results] == [RESULT, RESULT]
    assert json.loads(script.heard[0].content) == {
        "requests": [
            {"statistic": "state_mean", "parameters": {"question": QUESTION, "state": state}}
            for state in ("Utah", "Ohio")
        ]
    }
    assert script.heard[0].headers["Idempotency-Key"]
    assert script.lines == [
        "POST /v1/jobs/batch",
        "GET /v1/jobs/job_id_1/results",
        "GET /v1/jobs/job_id_2/results",
        "GET /v1/jobs/job_id_2/results",
    ]


def test_one_job_that_fails_is_raised_or_kept_in_its_place(asking: Asking) -> None:
    def script() -> Script:
        return Script(accepted(1, 2, 3), done(), problem("job-failed", 424, "job_id_2 failed."), done())

    questions = [Ask("states_mean", question=QUESTION)] * 3
    with pytest.raises(JobFailed, match="job_id_2 failed"):
        asking(script()).ask_all(questions)
    first, second, third = asking(script()).ask_all(questions, keep_errors=True)
    assert (first, third) == (third, first)
    assert isinstance(second, JobFailed)


def test_a_job_that_was_cancelled_by_another_is_kept_too_but_a_server_that_is_gone_is_raised(asking: Asking) -> None:
    cancelled = Script(accepted(1), problem("cancelled", 410, "It was cancelled."))
    [kept] = asking(cancelled).ask_all([Ask("states_mean", question=QUESTION)], keep_errors=True)
    assert isinstance(kept, JobCancelled)
    gone = Script(accepted(1), problem("shutting-down", 503, "It stops."))
    with pytest.raises(ShuttingDown):
        asking(gone).ask_all([Ask("states_mean", question=QUESTION)], keep_errors=True)


def test_more_questions_than_a_batch_may_have_are_several_and_problems_point_into_the_whole(asking: Asking) -> None:
    wrong = [{"pointer": "/requests/1/parameters/question", "code": "unknown", "detail": "No such question."}]
    script = Script(
        accepted(*range(1, 1001)), *[done()] * 1000, problem("request-invalid", 400, "Wrong.", problems=wrong)
    )
    with pytest.raises(RequestInvalid) as caught:
        asking(script).ask_all([Ask("states_mean", question=QUESTION)] * 1003)
    assert [each.pointer for each in caught.value.problems] == ["/requests/1001/parameters/question"]
    assert [len(json.loads(request.content)["requests"]) for request in script.heard if request.method == "POST"] == [
        1000,
        3,
    ]


def test_no_questions_are_no_request(asking: Asking) -> None:
    assert asking(Script()).ask_all([]) == []


# Addresses


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://localhost", "http://", "http://host:port", ""])
def test_what_is_no_address_is_said_to_be_none(asking: Asking, url: str) -> None:
    kind = type(asking(Script())) if asking is blocking else type(asking(Script())._inner)
    with pytest.raises(ServerUnreachable, match=r"no address of a server .*http://127\.0\.0\.1:5000"):
        kind(url)


def test_a_client_says_whom_it_asks(asking: Asking) -> None:
    assert repr(asking(Script())) == "<Client of http://server>"


def test_the_rows_behind_a_result_come_page_by_page_and_are_put_together(asking: Asking) -> None:
    more = done()
    more.headers["Link"] = '</v1/jobs/job_id_7/rows?row=3&page_rows=10000&cursor=c%2B1>; rel="next"'
    script = Script(job("done"), more, done())
    rows = asking(script).job("job_id_7").rows_behind(3)
    assert list(rows.document.table.column("location")) == ["Utah", "Ohio", "Guam"] * 2
    assert script.lines[1:] == [
        "GET /v1/jobs/job_id_7/rows?row=3&page_rows=10000",
        "GET /v1/jobs/job_id_7/rows?row=3&page_rows=10000&cursor=c%2B1",
    ]


def test_without_a_row_they_are_those_of_all_of_it(asking: Asking) -> None:
    script = Script(job("done"), done())
    assert asking(script).job("job_id_7").rows_behind().document == RESULT
    assert script.lines[1:] == ["GET /v1/jobs/job_id_7/rows?page_rows=10000"]


def test_a_row_is_explained_in_words(asking: Asking) -> None:
    told = {
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
    script = Script(job("done"), httpx.Response(200, json=told))
    found = asking(script).job("job_id_7").explanation()
    assert str(found) == "states_mean: Utah, Naps\n2 rows have a value.\nSo it is their mean.\n    30 / 2 = 15.0"
    assert found.programs.computes == ("mean",)
    assert script.lines[1:] == ["GET /v1/jobs/job_id_7/explanation?row=0"]
