from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from meantime.errors import (
    BodyInvalid,
    DatasetNotReady,
    HeaderInvalid,
    JobCancelled,
    JobFailed,
    JobUnknown,
    KeyReused,
    NotAcceptable,
    QueueFull,
    RequestInvalid,
    ShuttingDown,
)
from meantime.statistics.check import Named
from meantime.statistics.cost import CostLimit, CostLimits
from meantime.web.http.replies import ClientGone
from meantime.web.v1.events import one_job
from meantime.web.v1.jobs import deletion, listing, submission
from meantime.web.v1.results import handlers as results
from tests.support.engine_fakes import FakeGate, HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import SUBMISSION, RunningBackend, Tables, body_of, headers_of, running_backend, turns_until
from tests.support.v1_jobs import failing_task, list_jobs, problem_codes, read_job, submit_batch, submit_job
from tests.support.waiting import PATIENCE_S
from tests.support.web_app import OBESITY

# Submitting


def test_an_accepted_request_is_answered_with_its_job_and_where_it_lives() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        reply = submit_job(api, {**SUBMISSION, "label": "mine"})
        job = body_of(reply)
        held.go_on.set()
    assert reply.status == 202
    assert headers_of(reply)["location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert headers_of(reply)["retry-after"] == "1"
    assert reply.job_id == job["id"]
    assert (job["label"], job["dataset"], job["statistic"], job["api"]) == ("mine", "table", "states_mean", "v1")
    assert job["parameters"] == {"question": OBESITY}
    assert (job["ended_at"], job["expires_at"], job["failure"]) == (None, None, None)


def test_a_job_is_bound_to_the_snapshot_that_its_request_was_checked_against() -> None:
    with running_backend() as api:
        assert body_of(submit_job(api))["fingerprint"] == "f" * 64


def test_while_the_data_set_is_loading_only_the_form_is_checked() -> None:
    gate = FakeGate(closed=["table"])
    with running_backend(tables=Tables(table=None), gate=gate) as api:
        job = body_of(submit_job(api, {"statistic": "states_mean", "parameters": {"question": "Never heard of"}}))
        assert (job["state"], job["fingerprint"], job["position"]) == ("queued", None, 0)
        with pytest.raises(RequestInvalid) as refused:
            submit_job(api, {"statistic": "states_mean", "parameters": {"question": 7}})
    assert problem_codes(refused) == {"/parameters/question": "type"}


# A statistic of this table has about a kilobyte.
SMALL_JOBS = CostLimits(job=CostLimit(seconds=600.0, answer_bytes=1_000))


def test_a_job_that_costs_too_much_is_refused_with_what_it_costs() -> None:
    with running_backend(limits=SMALL_JOBS) as api:
        with pytest.raises(RequestInvalid) as refused:
            submit_job(api, {"statistic": "summary", "parameters": {"question": OBESITY, "by": ["location"]}})
        assert api.engine.jobs() == []
    assert problem_codes(refused) == {"/parameters": "too-large"}
    assert refused.value.reason == (
        "This summary reads 5 values, less than 0.1 s of computing; its answer has less than 1 MB. A job is limited to "
        "600 s of computing and 0.001 MB. Ask for fewer locations, groups or years, or have the settings job_cost_s "
        "and job_size_mb raised."
    )


def test_what_is_seen_to_cost_too_much_by_its_number_of_cells_is_not_even_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared: list[Named] = []
    monkeypatch.setattr(Named, "prepared", prepared.append)
    limits = CostLimits(job=CostLimit(seconds=1e-7, answer_bytes=10**9))
    with running_backend(limits=limits) as api, pytest.raises(RequestInvalid) as refused:
        submit_job(api, {"statistic": "summary", "parameters": {"question": OBESITY}})
    assert prepared == []
    assert refused.value.reason.startswith(
        "This summary goes through 5 values, less than 0.1 s of computing. A job is limited to "
    )


def test_a_job_that_was_accepted_while_loading_and_costs_too_much_fails_with_what_it_costs() -> None:
    tables, gate = Tables(table=None), FakeGate(closed=["table"])
    with running_backend(tables=tables, gate=gate, limits=SMALL_JOBS) as api:
        job = body_of(submit_job(api, {"statistic": "summary", "parameters": {"question": OBESITY}}))
        tables.load("table")
        gate.open("table")
        assert api.engine.wait_drained(PATIENCE_S)
        failure = read_job(api, job["id"])["failure"]
    assert failure["code"] == "request-invalid"
    assert failure["reason"].startswith("This summary reads 5 values, less than 0.1 s of computing;")


def test_jobs_of_a_data_set_that_failed_to_load_are_refused() -> None:
    tables = Tables()
    tables.failed.add("table")
    with running_backend(tables=tables) as api, pytest.raises(DatasetNotReady):
        submit_job(api)


def test_a_server_that_takes_no_new_jobs_says_so() -> None:
    with running_backend() as api:
        api.engine.stop_accepting()
        with pytest.raises(ShuttingDown):
            submit_job(api)


def test_a_full_queue_refuses() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}, queue_limit=1, threads=1) as api:
        api.submit()
        held.wait_begun()
        submit_job(api)
        with pytest.raises(QueueFull):
            submit_job(api)
        held.go_on.set()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/statistic": "missing"}),
        ({"statistic": 7}, {"/statistic": "type"}),
        ({"statistic": "states_mien", "parameters": {}}, {"/statistic": "unknown-statistic"}),
        ({"statistic": "states_mean"}, {"/parameters/question": "missing"}),
        ({"statistic": "states_mean", "parameters": []}, {"/parameters": "type"}),
        ({"statistic": "states_mean", "parameters": None}, {"/parameters": "type"}),
        (
            {"statistic": "state_mean", "parameters": {"question": 1, "state": None}},
            {"/parameters/question": "type", "/parameters/state": "type"},
        ),
        ({**SUBMISSION, "label": 7}, {"/label": "type"}),
        ({**SUBMISSION, "label": "x" * 201}, {"/label": "length"}),
        ({**SUBMISSION, "dataset": "tabel"}, {"/dataset": "unknown"}),
        ({**SUBMISSION, "dataset": None}, {"/dataset": "type"}),
        ({**SUBMISSION, "parametres": {}}, {"/parametres": "unknown-key"}),
        ({**SUBMISSION, "a/b~": 1}, {"/a~1b~0": "unknown-key"}),
        (
            {"parametres": {}, "label": [], "dataset": "nowhere", "statistic": "best5", "parameters": {"state": "x"}},
            {
                "/parametres": "unknown-key",
                "/label": "type",
                "/dataset": "unknown",
                "/parameters/question": "missing",
                "/parameters/state": "unknown-key",
            },
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_once_and_there_is_no_job(
    body: Mapping[str, Any], expected: dict[str, str]
) -> None:
    with running_backend() as api:
        with pytest.raises(RequestInvalid) as refused:
            submit_job(api, body)
        assert api.engine.jobs() == []
    assert problem_codes(refused) == expected


@pytest.mark.parametrize(
    ("body", "pointer", "meant"),
    [
        ({**SUBMISSION, "parametres": {}}, "/parametres", "parameters"),
        ({**SUBMISSION, "dataset": "tabel"}, "/dataset", "table"),
        ({"statistic": "states_mien"}, "/statistic", "states_mean"),
        (
            {"statistic": "states_mean", "parameters": {"question": "adults who have obesety"}},
            "/parameters/question",
            OBESITY,
        ),
    ],
)
def test_what_may_have_been_meant_is_suggested(body: Mapping[str, Any], pointer: str, meant: str) -> None:
    with running_backend() as api, pytest.raises(RequestInvalid) as refused:
        submit_job(api, body)
    [problem] = refused.value.problems
    assert problem.pointer == pointer
    assert problem.closest[0] == meant
    assert meant in problem.detail


def test_a_label_may_be_as_long_as_the_limit_and_may_be_null() -> None:
    with running_backend() as api:
        assert body_of(submit_job(api, {**SUBMISSION, "label": "ü" * 200}))["label"] == "ü" * 200
        assert body_of(submit_job(api, {**SUBMISSION, "label": None}))["label"] is None


@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"7", b"{", b'{"a":"\xff"}', b'{"a":' * 100_000])
def test_a_body_that_is_no_object_is_refused_with_one_to_send_instead(body: bytes) -> None:
    with running_backend() as api:
        with pytest.raises(BodyInvalid, match=re.escape('send {"statistic": ')):
            submit_job(api, body)
        with pytest.raises(BodyInvalid, match=re.escape('send {"requests": [{"statistic": ')):
            submit_batch(api, body)


def test_however_much_is_wrong_no_more_than_a_hundred_problems_are_told() -> None:
    with running_backend() as api, pytest.raises(RequestInvalid) as refused:
        submit_job(api, dict.fromkeys(map(str, range(5000)), 1))
    problems = problem_codes(refused)
    assert len(problems) == 101
    assert problems[""] == "too-many"


@pytest.mark.parametrize(
    "handle",
    [submission.submit, submission.submit_batch, listing.get_job, one_job.follow_job, results.get_result],
)
def test_what_stands_in_a_query_by_mistake_is_refused_and_not_passed_over(handle: Any) -> None:
    with running_backend() as api:
        job_id = api.done()
        with pytest.raises(RequestInvalid) as refused:
            api.run(handle, lambda: job_request(job_id=job_id, query="format=csv", body=SUBMISSION))
        assert problem_codes(refused) == {"/format": "unknown-parameter"}
        assert len(list_jobs(api)["jobs"]) == 1


# Waiting for the result


def test_the_result_is_the_answer_where_it_comes_in_the_time_that_is_granted() -> None:
    with running_backend() as api:
        reply = submit_job(api, prefer="wait=10")
        job_id = reply.job_id
        headers = headers_of(reply)
        assert read_job(api, str(job_id))["state"] == "done"
    assert reply.status == 200
    assert {row["location"] for row in body_of(reply)["rows"]} == {"Utah", "Ohio", "National"}
    assert headers["preference-applied"] == "wait=10"
    assert headers["location"] == f"/v1/jobs/{job_id}"
    assert headers["content-location"] == f"/v1/jobs/{job_id}/results"


def test_the_result_comes_in_the_form_that_the_client_takes() -> None:
    with running_backend() as api:
        reply = submit_job(api, prefer="wait=10", accept="text/csv")
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "text/csv")


def test_a_form_that_there_is_not_is_refused_before_there_is_a_job() -> None:
    with running_backend() as api:
        with pytest.raises(NotAcceptable):
            submit_job(api, prefer="wait=10", accept="image/gif")
        assert api.engine.jobs() == []


def test_who_does_not_wait_gets_the_job_as_json_whatever_he_accepts() -> None:
    with running_backend() as api:
        assert submit_job(api, accept="image/gif").status == 202


def test_the_job_is_the_answer_where_the_time_is_up_before() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        reply = submit_job(api, prefer="wait=0")
        held.go_on.set()
    assert (reply.status, headers_of(reply)["preference-applied"]) == (202, "wait=0")


def test_a_job_that_fails_while_it_is_waited_for_is_a_problem_that_names_it() -> None:
    with (
        running_backend(tasks={"states_mean": failing_task}) as api,
        pytest.raises(JobFailed, match="job_id_1 ") as failed,
    ):
        submit_job(api, prefer="wait=10")
    assert getattr(failed.value.failure, "code", None) == "internal"


def test_a_job_that_is_cancelled_while_it_is_waited_for_is_a_problem() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> None:
        waiting = asyncio.ensure_future(
            submission.submit(api.backend, job_request("POST", body=SUBMISSION, prefer="wait=60"))
        )
        await turns_until(lambda: api.backend.waiters.watched == 1)
        await deletion.delete_job(api.backend, job_request("DELETE", job_id="job_id_1"))
        with pytest.raises(JobCancelled):
            await waiting

    with running_backend(tasks={"states_mean": held}) as api:
        asyncio.run(story(api))


def test_a_client_that_goes_away_while_it_waits_leaves_nothing_behind_but_its_job() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> None:
        call = job_request("POST", body=SUBMISSION, prefer="wait=60")
        waiting = asyncio.ensure_future(submission.submit(api.backend, call))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        call.left.set()
        with pytest.raises(ClientGone):
            await waiting
        assert api.backend.waiters.watched == 0
        await turns_until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    with running_backend(tasks={"states_mean": held}) as api:
        asyncio.run(story(api))
        held.go_on.set()
        assert api.engine.wait_drained(PATIENCE_S)
        assert read_job(api, "job_id_1")["state"] == "done"


# Idempotency


def test_the_same_request_under_the_same_key_is_the_same_job_whatever_its_white_space() -> None:
    with running_backend() as api:
        first = submit_job(api, b'{"statistic":"states_mean","parameters":{"question":"Walks a week"}}', **KEY)
        again = submit_job(api, b'{ "parameters" : {"question":"Walks a week"}, "statistic":"states_mean"}\n', **KEY)
        assert len(api.engine.jobs()) == 1
    assert (first.status, again.status) == (202, 202)
    assert body_of(first)["id"] == body_of(again)["id"]
    assert headers_of(first)["location"] == headers_of(again)["location"]


KEY = {"idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def test_another_request_under_the_same_key_is_refused() -> None:
    with running_backend() as api:
        submit_job(api, **KEY)
        with pytest.raises(KeyReused):
            submit_job(api, {**SUBMISSION, "label": "another"}, **KEY)
        with pytest.raises(KeyReused):
            submit_batch(api, {"requests": [SUBMISSION]}, **KEY)
        assert len(api.engine.jobs()) == 1


def test_the_same_request_that_now_waits_gets_the_result_of_the_first() -> None:
    with running_backend() as api:
        job_id = body_of(submit_job(api, **KEY))["id"]
        reply = submit_job(api, **KEY, prefer="wait=10")
        assert len(api.engine.jobs()) == 1
    assert (reply.status, reply.job_id) == (200, job_id)


def test_a_batch_under_the_same_key_is_the_same_jobs() -> None:
    with running_backend() as api:
        first = submit_batch(api, {"requests": [SUBMISSION, SUBMISSION]}, **KEY)
        assert api.engine.wait_drained(PATIENCE_S)
        again = submit_batch(api, {"requests": [SUBMISSION, SUBMISSION]}, **KEY)
    assert [job["id"] for job in body_of(first)["jobs"]] == [job["id"] for job in body_of(again)["jobs"]]
    assert [job["state"] for job in body_of(again)["jobs"]] == ["done", "done"]


def test_a_job_that_is_removed_while_it_is_answered_is_answered_as_it_was_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def removed(number: int) -> Any:
        raise JobUnknown(f"There is no job {number}.")

    # While the table is read, no job begins before its answer is written.
    with running_backend(tables=Tables(table=None), gate=FakeGate(closed=["table"])) as api:
        monkeypatch.setattr(api.engine, "describe", removed)
        reply = submit_job(api)
        batch = submit_batch(api, {"requests": [SUBMISSION]})
    assert (reply.status, body_of(reply)["state"]) == (202, "queued")
    assert (batch.status, body_of(batch)["jobs"][0]["state"]) == (202, "queued")


def test_of_many_clients_that_race_for_a_key_one_makes_the_job() -> None:
    with running_backend() as api:
        with ThreadPoolExecutor(8) as clients:
            replies = list(clients.map(lambda _: submit_job(api, **KEY), range(32)))
        assert len({body_of(reply)["id"] for reply in replies}) == 1
        assert len(api.engine.jobs()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "ä", "one, two"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with running_backend() as api, pytest.raises(HeaderInvalid):
        submit_job(api, idempotency_key=key)


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03"', "!~"])
def test_a_key_may_be_any_visible_text(key: str) -> None:
    with running_backend() as api:
        assert submit_job(api, idempotency_key=key).status == 202
