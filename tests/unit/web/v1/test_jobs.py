from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.did_you_mean import closest
from meantime.errors import (
    BodyInvalid,
    CursorInvalid,
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
from meantime.model import JobState, Request, Work
from meantime.statistics.check import check
from meantime.web.http.replies import ClientGone
from meantime.web.v1.events import one_job
from meantime.web.v1.jobs import deletion, listing, resource, submission
from meantime.web.v1.jobs import endpoints as job_endpoints
from meantime.web.v1.results import endpoints as result_endpoints
from meantime.web.v1.results import handlers as results
from tests.support.engine_fakes import PATIENCE_S, ControlledJobStore, FakeGate, HeldTask
from tests.support.http_requests import FakeRequest, job_request
from tests.support.v1_calls import ASKED, Behind, Tables, behind, body_of, headers_of, turns_until
from tests.support.web_app import OBESITY


def submit(there: Behind, body: Any = ASKED, **headers: str) -> Any:
    return there.run(submission.submit, lambda: job_request("POST", body=body, **headers))


def submit_batch(there: Behind, body: Any, **headers: str) -> Any:
    return there.run(submission.submit_batch, lambda: job_request("POST", body=body, **headers))


def look(there: Behind, job_id: str, **headers: str) -> Any:
    return body_of(there.run(listing.get_job, lambda: job_request(job_id=job_id, **headers)))


def page(there: Behind, query: str = "") -> Any:
    return body_of(there.run(listing.list_jobs, lambda: job_request(query=query)))


def dismiss(there: Behind, job_id: str, query: str = "") -> Any:
    return there.run(deletion.delete_job, lambda: job_request("DELETE", job_id=job_id, query=query))


def problems_of(refused: pytest.ExceptionInfo[RequestInvalid]) -> dict[str, str]:
    return {problem.pointer: problem.code for problem in refused.value.problems}


# Submitting


def test_an_accepted_request_is_answered_with_its_job_and_where_it_lives() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}) as there:
        reply = submit(there, {**ASKED, "label": "mine"})
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
    with behind() as there:
        assert body_of(submit(there))["fingerprint"] == "f" * 64


def test_while_the_data_set_is_loading_only_the_form_is_checked() -> None:
    gate = FakeGate(closed=["table"])
    with behind(tables=Tables(table=None), gate=gate) as there:
        job = body_of(submit(there, {"statistic": "states_mean", "parameters": {"question": "Never heard of"}}))
        assert (job["state"], job["fingerprint"], job["position"]) == ("queued", None, 0)
        with pytest.raises(RequestInvalid) as refused:
            submit(there, {"statistic": "states_mean", "parameters": {"question": 7}})
    assert problems_of(refused) == {"/parameters/question": "type"}


def test_jobs_of_a_data_set_that_failed_to_load_are_refused() -> None:
    tables = Tables()
    tables.failed.add("table")
    with behind(tables=tables) as there, pytest.raises(DatasetNotReady):
        submit(there)


def test_a_server_that_takes_no_new_jobs_says_so() -> None:
    with behind() as there:
        there.engine.stop_accepting()
        with pytest.raises(ShuttingDown):
            submit(there)


def test_a_full_queue_refuses() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}, queue_limit=1, threads=1) as there:
        there.submit()
        held.wait_begun()
        submit(there)
        with pytest.raises(QueueFull):
            submit(there)
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
        ({**ASKED, "label": 7}, {"/label": "type"}),
        ({**ASKED, "label": "x" * 201}, {"/label": "length"}),
        ({**ASKED, "dataset": "tabel"}, {"/dataset": "unknown"}),
        ({**ASKED, "dataset": None}, {"/dataset": "type"}),
        ({**ASKED, "parametres": {}}, {"/parametres": "unknown-key"}),
        ({**ASKED, "a/b~": 1}, {"/a~1b~0": "unknown-key"}),
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
    with behind() as there:
        with pytest.raises(RequestInvalid) as refused:
            submit(there, body)
        assert there.engine.jobs() == []
    assert problems_of(refused) == expected


@pytest.mark.parametrize(
    ("body", "pointer", "meant"),
    [
        ({**ASKED, "parametres": {}}, "/parametres", "parameters"),
        ({**ASKED, "dataset": "tabel"}, "/dataset", "table"),
        ({"statistic": "states_mien"}, "/statistic", "states_mean"),
        (
            {"statistic": "states_mean", "parameters": {"question": "adults who have obesety"}},
            "/parameters/question",
            OBESITY,
        ),
    ],
)
def test_what_may_have_been_meant_is_suggested(body: Mapping[str, Any], pointer: str, meant: str) -> None:
    with behind() as there, pytest.raises(RequestInvalid) as refused:
        submit(there, body)
    [problem] = refused.value.problems
    assert problem.pointer == pointer
    assert problem.closest[0] == meant
    assert meant in problem.detail


def test_a_label_may_be_as_long_as_the_limit_and_may_be_null() -> None:
    with behind() as there:
        assert body_of(submit(there, {**ASKED, "label": "ü" * 200}))["label"] == "ü" * 200
        assert body_of(submit(there, {**ASKED, "label": None}))["label"] is None


@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"7", b"{", b'{"a":"\xff"}', b'{"a":' * 100_000])
def test_a_body_that_is_no_object_is_refused_with_one_to_send_instead(body: bytes) -> None:
    with behind() as there:
        with pytest.raises(BodyInvalid, match=re.escape('send {"statistic": ')):
            submit(there, body)
        with pytest.raises(BodyInvalid, match=re.escape('send {"requests": [{"statistic": ')):
            submit_batch(there, body)


def test_however_much_is_wrong_no_more_than_a_hundred_problems_are_told() -> None:
    with behind() as there, pytest.raises(RequestInvalid) as refused:
        submit(there, dict.fromkeys(map(str, range(5000)), 1))
    problems = problems_of(refused)
    assert len(problems) == 101
    assert problems[""] == "too-many"


@pytest.mark.parametrize(
    "handle",
    [submission.submit, submission.submit_batch, listing.get_job, one_job.follow_job, results.get_result],
)
def test_what_stands_in_a_query_by_mistake_is_refused_and_not_passed_over(handle: Any) -> None:
    with behind() as there:
        job_id = there.done()
        with pytest.raises(RequestInvalid) as refused:
            there.run(handle, lambda: job_request(job_id=job_id, query="format=csv", body=ASKED))
        assert problems_of(refused) == {"/format": "unknown-parameter"}
        assert len(page(there)["jobs"]) == 1


# Waiting for the result


def test_the_result_is_the_answer_where_it_comes_in_the_time_that_is_granted() -> None:
    with behind() as there:
        reply = submit(there, prefer="wait=10")
        job_id = reply.job_id
        headers = headers_of(reply)
        assert look(there, str(job_id))["state"] == "done"
    assert reply.status == 200
    assert {row["location"] for row in body_of(reply)["rows"]} == {"Utah", "Ohio", "National"}
    assert headers["preference-applied"] == "wait=10"
    assert headers["location"] == f"/v1/jobs/{job_id}"
    assert headers["content-location"] == f"/v1/jobs/{job_id}/results"


def test_the_result_comes_in_the_form_that_the_client_takes() -> None:
    with behind() as there:
        reply = submit(there, prefer="wait=10", accept="text/csv")
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "text/csv")


def test_a_form_that_there_is_not_is_refused_before_there_is_a_job() -> None:
    with behind() as there:
        with pytest.raises(NotAcceptable):
            submit(there, prefer="wait=10", accept="image/gif")
        assert there.engine.jobs() == []


def test_who_does_not_wait_gets_the_job_as_json_whatever_he_accepts() -> None:
    with behind() as there:
        assert submit(there, accept="image/gif").status == 202


def test_the_job_is_the_answer_where_the_time_is_up_before() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}) as there:
        reply = submit(there, prefer="wait=0")
        held.go_on.set()
    assert (reply.status, headers_of(reply)["preference-applied"]) == (202, "wait=0")


def failing(request: Request, work: Work) -> bytes:  # noqa: ARG001 - a task is handed both
    raise RuntimeError("a bug of ours")


def test_a_job_that_fails_while_it_is_waited_for_is_a_problem_that_names_it() -> None:
    with behind(tasks={"states_mean": failing}) as there, pytest.raises(JobFailed, match="job_id_1 ") as failed:
        submit(there, prefer="wait=10")
    assert getattr(failed.value.failure, "code", None) == "internal"


def test_a_job_that_is_cancelled_while_it_is_waited_for_is_a_problem() -> None:
    held = HeldTask()

    async def story(there: Behind) -> None:
        waiting = asyncio.ensure_future(
            submission.submit(there.backend, job_request("POST", body=ASKED, prefer="wait=60"))
        )
        await turns_until(lambda: there.backend.waiters.watched == 1)
        await deletion.delete_job(there.backend, job_request("DELETE", job_id="job_id_1"))
        with pytest.raises(JobCancelled):
            await waiting

    with behind(tasks={"states_mean": held}) as there:
        asyncio.run(story(there))


def test_a_client_that_goes_away_while_it_waits_leaves_nothing_behind_but_its_job() -> None:
    held = HeldTask()

    async def story(there: Behind) -> None:
        call = job_request("POST", body=ASKED, prefer="wait=60")
        waiting = asyncio.ensure_future(submission.submit(there.backend, call))
        await turns_until(lambda: there.backend.waiters.watched == 1)
        call.left.set()
        with pytest.raises(ClientGone):
            await waiting
        assert there.backend.waiters.watched == 0
        await turns_until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    with behind(tasks={"states_mean": held}) as there:
        asyncio.run(story(there))
        held.go_on.set()
        assert there.engine.wait_drained(PATIENCE_S)
        assert look(there, "job_id_1")["state"] == "done"


# Idempotency


def test_the_same_request_under_the_same_key_is_the_same_job_whatever_its_white_space() -> None:
    with behind() as there:
        first = submit(there, b'{"statistic":"states_mean","parameters":{"question":"Walks a week"}}', **KEY)
        again = submit(there, b'{ "parameters" : {"question":"Walks a week"}, "statistic":"states_mean"}\n', **KEY)
        assert len(there.engine.jobs()) == 1
    assert (first.status, again.status) == (202, 202)
    assert body_of(first)["id"] == body_of(again)["id"]
    assert headers_of(first)["location"] == headers_of(again)["location"]


KEY = {"idempotency_key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def test_another_request_under_the_same_key_is_refused() -> None:
    with behind() as there:
        submit(there, **KEY)
        with pytest.raises(KeyReused):
            submit(there, {**ASKED, "label": "another"}, **KEY)
        with pytest.raises(KeyReused):
            submit_batch(there, {"requests": [ASKED]}, **KEY)
        assert len(there.engine.jobs()) == 1


def test_the_same_request_that_now_waits_gets_the_result_of_the_first() -> None:
    with behind() as there:
        job_id = body_of(submit(there, **KEY))["id"]
        reply = submit(there, **KEY, prefer="wait=10")
        assert len(there.engine.jobs()) == 1
    assert (reply.status, reply.job_id) == (200, job_id)


def test_a_batch_under_the_same_key_is_the_same_jobs() -> None:
    with behind() as there:
        first = submit_batch(there, {"requests": [ASKED, ASKED]}, **KEY)
        assert there.engine.wait_drained(PATIENCE_S)
        again = submit_batch(there, {"requests": [ASKED, ASKED]}, **KEY)
    assert [job["id"] for job in body_of(first)["jobs"]] == [job["id"] for job in body_of(again)["jobs"]]
    assert [job["state"] for job in body_of(again)["jobs"]] == ["done", "done"]


def test_a_job_that_is_removed_while_it_is_answered_is_answered_as_it_was_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def removed(number: int) -> Any:
        raise JobUnknown(f"There is no job {number}.")

    with behind() as there:
        monkeypatch.setattr(there.engine, "describe", removed)
        reply = submit(there)
        batch = submit_batch(there, {"requests": [ASKED]})
    assert (reply.status, body_of(reply)["state"]) == (202, "queued")
    assert (batch.status, body_of(batch)["jobs"][0]["state"]) == (202, "queued")


def test_of_many_clients_that_race_for_a_key_one_makes_the_job() -> None:
    with behind() as there:
        with ThreadPoolExecutor(8) as clients:
            replies = list(clients.map(lambda _: submit(there, **KEY), range(32)))
        assert len({body_of(reply)["id"] for reply in replies}) == 1
        assert len(there.engine.jobs()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "ä", "one, two"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with behind() as there, pytest.raises(HeaderInvalid):
        submit(there, idempotency_key=key)


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03"', "!~"])
def test_a_key_may_be_any_visible_text(key: str) -> None:
    with behind() as there:
        assert submit(there, idempotency_key=key).status == 202


# Batches


def test_a_batch_is_answered_with_its_jobs_in_the_order_of_the_requests() -> None:
    asked = [{**ASKED, "label": f"{number}"} for number in range(600)]  # long enough to be read in a thread
    with behind() as there:
        reply = submit_batch(there, {"requests": asked})
    assert reply.status == 202
    assert [job["label"] for job in body_of(reply)["jobs"]] == [each["label"] for each in asked]
    assert [job["id"] for job in body_of(reply)["jobs"]] == [f"job_id_{number}" for number in range(1, 601)]


def test_of_a_batch_with_one_wrong_request_nothing_is_accepted() -> None:
    wrong = {"statistic": "states_mean", "parameters": {"question": "?"}}
    with behind() as there:
        with pytest.raises(RequestInvalid) as refused:
            submit_batch(there, {"requests": [ASKED, wrong, 7, ASKED]})
        assert there.engine.jobs() == []
    assert problems_of(refused) == {"/requests/1/parameters/question": "unknown", "/requests/2": "type"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/requests": "missing"}),
        ({"requests": {}}, {"/requests": "type"}),
        ({"requests": []}, {"/requests": "length"}),
        ({"requests": [ASKED] * 1001}, {"/requests": "length"}),
        ({"requests": [ASKED], "request": 1}, {"/request": "unknown-key"}),
    ],
)
def test_a_batch_is_a_list_of_one_to_a_thousand_requests(body: Mapping[str, Any], expected: dict[str, str]) -> None:
    with behind() as there, pytest.raises(RequestInvalid) as refused:
        submit_batch(there, body)
    assert problems_of(refused) == expected


def test_a_thousand_requests_may_be_sent() -> None:
    with behind() as there:
        assert len(body_of(submit_batch(there, {"requests": [ASKED] * 1000}))["jobs"]) == 1000


def test_equal_requests_of_a_batch_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def counted(name: str, *given: Any, **more: Any) -> Any:
        checked.append(name)
        return check(name, *given, **more)

    monkeypatch.setattr("meantime.web.v1.jobs.requests.check", counted)
    # Behind the gate: whoever works on a request checks it too.
    with behind(gate=FakeGate(closed=["table"])) as there:
        submit_batch(there, {"requests": [ASKED, {**ASKED, "statistic": "global_mean"}] * 50})
        assert sorted(checked) == ["global_mean", "states_mean"]


def test_nothing_is_looked_at_behind_the_hundredth_problem_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return closest(*given)

    monkeypatch.setattr("meantime.statistics.check.closest", counted)
    wrong = [{"statistic": "states_mean", "parameters": {"question": f"Q{number}"}} for number in range(1000)]
    with behind() as there, pytest.raises(RequestInvalid) as refused:
        submit_batch(there, {"requests": wrong})
    assert looks == 100
    assert "/requests/99/parameters/question" in problems_of(refused)
    assert problems_of(refused)[""] == "too-many"


# Looking


def test_a_job_shows_where_it_stands_through_its_life() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}, threads=1) as there:
        first, second = there.submit(), there.submit()
        held.wait_begun()
        running, queued = look(there, first), look(there, second)
        held.go_on.set()
        assert there.engine.wait_drained(PATIENCE_S)
        done = look(there, first)
    assert (running["state"], running["position"], running["attempts"]) == ("running", None, 1)
    assert (queued["state"], queued["position"], queued["started_at"]) == ("queued", 0, None)
    assert (done["state"], done["progress"], done["failure"]) == ("done", 1.0, None)
    assert done["created_at"] <= done["started_at"] <= done["ended_at"] < done["expires_at"]


def test_a_failed_job_says_why_and_whose_fault_it_is() -> None:
    with behind(tasks={"states_mean": failing}) as there:
        job = look(there, there.done())
    assert job["state"] == "failed"
    assert (job["failure"]["code"], job["failure"]["fault"]) == ("internal", "server")


def test_jobs_of_the_classic_api_are_jobs_too() -> None:
    with behind() as there:
        assert look(there, there.done(view="classic"))["api"] == "classic"


@pytest.mark.parametrize("job_id", ["job_id_2", "job_id_0", "7", "batch", "job_id_１", "x" * 10_000, '"\n'])
def test_a_job_that_there_is_not_is_unknown(job_id: str) -> None:
    with behind() as there:
        there.done()
        for handle in (listing.get_job, deletion.delete_job):
            with pytest.raises(JobUnknown) as unknown:
                there.run(handle, lambda: job_request(job_id=job_id))
            assert len(str(unknown.value)) < 400


def test_a_look_that_waits_is_answered_when_the_job_has_ended() -> None:
    held = HeldTask()

    async def story(there: Behind) -> Any:
        waiting = asyncio.ensure_future(
            listing.get_job(there.backend, job_request(job_id="job_id_1", prefer="wait=60"))
        )
        await turns_until(lambda: there.backend.waiters.watched == 1)
        held.go_on.set()
        return await asyncio.wait_for(waiting, PATIENCE_S)

    with behind(tasks={"states_mean": held}) as there:
        there.submit()
        reply = asyncio.run(story(there))
    assert body_of(reply)["state"] == "done"
    assert headers_of(reply)["preference-applied"] == "wait=60"
    assert headers_of(reply)["vary"] == "Prefer"


def test_a_look_that_waits_in_vain_is_answered_with_the_job_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.jobs.listing.preferred_wait", lambda _: 1e-9)  # as soon as can be
    held = HeldTask()
    with behind(tasks={"states_mean": held}) as there:
        job_id = there.submit()
        held.wait_begun()
        job = look(there, job_id, prefer="wait=1")
        held.go_on.set()
        assert (job["state"], there.backend.waiters.watched) == ("running", 0)


# Listing


def test_pages_have_all_jobs_once_the_newest_first_while_others_arrive_and_go() -> None:
    with behind() as there:
        ids = [there.done() for _ in range(5)]
        seen, query = [], "limit=2"
        for _ in range(3):
            shown = page(there, query)
            seen += [job["id"] for job in shown["jobs"]]
            there.done()
            if shown["next"] is None:
                break
            assert shown["links"]["next"] == f"/v1/jobs?limit=2&cursor={shown['next']}"
            query = shown["links"]["next"].partition("?")[2]
        assert seen == ids[::-1]
        assert shown["next"] is None


def test_the_next_page_is_linked_in_the_header_too() -> None:
    with behind() as there:
        there.done(label="ä b")
        there.done(label="ä b")
        reply = there.run(listing.list_jobs, lambda: job_request(query="limit=1&label=%C3%A4+b"))
        assert headers_of(reply)["link"] == f'<{body_of(reply)["links"]["next"]}>; rel="next"'
        assert page(there, body_of(reply)["links"]["next"].partition("?")[2])["jobs"][0]["id"] == "job_id_1"
        assert "link" not in headers_of(there.run(listing.list_jobs, FakeRequest))


def test_jobs_are_found_by_what_is_known_of_them() -> None:
    with behind(tasks={"best5": failing}) as there:
        plain, labelled = there.done(), there.done(label="mine")
        failed, classic = there.done(statistic="best5"), there.done(view="classic", statistic="global_mean")

        def found(query: str) -> list[str]:
            return [job["id"] for job in page(there, query)["jobs"]]

        assert found("") == [classic, failed, labelled, plain]
        assert found("state=failed") == [failed]
        assert found("state=failed&state=done") == [classic, failed, labelled, plain]
        assert found("state=queued") == []
        assert found("label=mine") == [labelled]
        assert found("statistic=states_mean") == [labelled, plain]
        assert found("dataset=elsewhere") == []
        assert found("dataset=table&statistic=states_mean&label=mine&state=done") == [labelled]


def test_a_time_of_creation_is_in_the_span_that_begins_with_it_and_not_in_the_one_that_ends() -> None:
    with behind() as there:
        created = look(there, there.done())["created_at"]
        assert len(page(there, f"created_after={created}")["jobs"]) == 1
        assert page(there, f"created_before={created}")["jobs"] == []
        assert len(page(there, "created_after=2001-01-01T00:00:00%2B01:00")["jobs"]) == 1
        assert len(page(there, "created_after=2001-01-01T00:00:00+01:00")["jobs"]) == 1  # the plus became a space


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=ended&limit=0", {"/state": "unknown", "/limit": "range"}),
        ("limit=1001", {"/limit": "range"}),
        ("limit=%D9%A1", {"/limit": "range"}),
        ("limit=1&limit=2", {"/limit": "repeated"}),
        ("created_after=yesterday", {"/created_after": "type"}),
        ("created_before=2026-11-24T09:30:00", {"/created_before": "type"}),
        ("created_before=2026-13-24T09:30:00Z", {"/created_before": "type"}),
        ("lable=x", {"/lable": "unknown-parameter"}),
        ("label=a&label=b&statistic=a&statistic=b", {"/label": "repeated", "/statistic": "repeated"}),
    ],
)
def test_everything_that_is_wrong_with_a_query_is_told_at_once(query: str, expected: dict[str, str]) -> None:
    with behind() as there, pytest.raises(RequestInvalid) as refused:
        page(there, query)
    assert problems_of(refused) == expected


def test_a_cursor_goes_on_with_its_own_list_only() -> None:
    with behind() as there:
        there.done()
        there.done()
        cursor = page(there, "limit=1")["next"]
        assert page(there, f"limit=7&cursor={cursor}")["jobs"][0]["id"] == "job_id_1"  # the length may change
        with pytest.raises(CursorInvalid):
            page(there, f"limit=1&state=done&cursor={cursor}")


@given(st.floats(0, 4e9))
def test_a_time_is_never_shown_later_than_it_was(at_s: float) -> None:
    assert 0 <= at_s - resource._moment(at_s).timestamp() < 2e-6


# Dismissing


def test_a_queued_job_is_cancelled_and_stays() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}, threads=1) as there:
        there.submit()
        held.wait_begun()
        queued = there.submit()
        reply = dismiss(there, queued)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (
            200,
            "cancelled",
            "cancelled",
        )
        assert look(there, queued)["state"] == "cancelled"
        held.go_on.set()


def test_a_running_job_is_cancelled_at_its_next_check() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}) as there:
        job_id = there.submit()
        held.wait_begun()
        reply = dismiss(there, job_id)
    assert (reply.status, body_of(reply)["outcome"]) == (200, "cancelled")
    assert body_of(reply)["job"]["failure"]["code"] == "cancelled"


def test_a_running_job_that_does_not_look_up_is_said_to_be_cancelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.jobs.deletion.CANCEL_WAIT_S", 0.0)
    held = HeldTask(is_polite=False)
    with behind(tasks={"states_mean": held}) as there:
        job_id = there.submit()
        held.wait_begun()
        reply = dismiss(there, job_id)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (
            202,
            "cancelling",
            "running",
        )
        assert headers_of(reply)["location"] == f"/v1/jobs/{job_id}"
        assert headers_of(reply)["retry-after"] == "1"
        held.go_on.set()


def test_an_ended_job_is_removed_with_its_result_and_then_unknown() -> None:
    with behind() as there:
        job_id = there.done()
        reply = dismiss(there, job_id)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "removed", "done")
        for _ in range(2):
            with pytest.raises(JobUnknown):
                dismiss(there, job_id)
        assert page(there)["jobs"] == []


def test_who_only_wants_to_cancel_removes_nothing_however_often_he_asks() -> None:
    with behind() as there:
        job_id = there.done()
        for _ in range(2):
            reply = dismiss(there, job_id, "if=unfinished")
            assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "ended", "done")
        assert look(there, job_id)["state"] == "done"


def test_who_only_wants_to_cancel_cancels() -> None:
    with behind(tables=Tables(table=None), gate=FakeGate(closed=["table"])) as there:
        job_id = there.submit()
        assert body_of(dismiss(there, job_id, "if=unfinished"))["outcome"] == "cancelled"
        assert look(there, job_id)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("if=done", {"/if": "unknown"}),
        ("if=", {"/if": "unknown"}),
        ("if=unfinished&if=unfinished", {"/if": "repeated"}),
        ("iff=unfinished", {"/iff": "unknown-parameter"}),
    ],
)
def test_a_condition_that_is_no_condition_removes_nothing(query: str, expected: dict[str, str]) -> None:
    with behind() as there:
        job_id = there.done()
        with pytest.raises(RequestInvalid) as refused:
            dismiss(there, job_id, query)
        assert problems_of(refused) == expected
        assert look(there, job_id)["state"] == "done"


def test_a_job_that_ends_before_it_is_cancelled_is_left_as_it_is() -> None:
    # Its result is made, and the commit of that is under way.
    store = ControlledJobStore()
    store.holds_on = lambda kind, moves: kind == "update" and moves[0].after.state is JobState.DONE

    async def story(there: Behind) -> Any:
        dismissing = asyncio.ensure_future(deletion.delete_job(there.backend, job_request("DELETE", job_id="job_id_1")))
        await asyncio.sleep(0)
        [release] = store.held
        release()
        return await dismissing

    with behind(jobs=store) as there:
        there.submit()
        assert store.holding.acquire(timeout=PATIENCE_S)
        reply = asyncio.run(story(there))
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "ended", "done")
        assert look(there, "job_id_1")["state"] == "done"


def test_a_job_that_ends_between_the_look_and_the_cancellation_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}) as there:
        cancel = there.engine.cancel

        def comes_late(number: int) -> Any:
            held.go_on.set()
            assert there.engine.wait_drained(PATIENCE_S)
            return cancel(number)

        monkeypatch.setattr(there.engine, "cancel", comes_late)
        reply = dismiss(there, there.submit())
        assert (body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == ("ended", "done")
        assert look(there, "job_id_1")["state"] == "done"


def test_a_job_that_waits_for_its_data_set_is_cancelled_at_once() -> None:
    with behind(tables=Tables(table=None), gate=FakeGate(closed=["table"])) as there:
        job_id = there.submit()
        reply = dismiss(there, job_id)
        assert (reply.status, body_of(reply)["outcome"]) == (200, "cancelled")
        assert look(there, job_id)["state"] == "cancelled"


def test_a_job_that_is_claimed_and_waits_for_its_thread_is_cancelled_without_being_run() -> None:
    held = HeldTask()
    with behind(tasks={"states_mean": held}, threads=1) as there:
        # Accepted in one commit, they are claimed in one.
        submit_batch(there, {"requests": [ASKED] * 3})
        held.wait_begun()
        reply = dismiss(there, "job_id_3")
        assert (body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == ("cancelled", "cancelled")
        held.go_on.set()
        assert there.engine.wait_drained(PATIENCE_S)
    assert held.begun.acquire(blocking=False)  # of the second
    assert not held.begun.acquire(blocking=False)


# The rows


def test_every_example_is_what_its_type_says() -> None:
    for endpoint in (*job_endpoints.ENDPOINTS, *result_endpoints.ENDPOINTS):
        if endpoint.body is not None:
            msgspec.convert(endpoint.body_example, endpoint.body)
        for outcome in endpoint.outcomes:
            if (kind := outcome.content.get("application/json")) is not None:
                assert msgspec.to_builtins(msgspec.convert(outcome.example, kind)) == outcome.example


def test_every_state_and_time_of_a_job_is_in_its_schema() -> None:
    _, components = msgspec.json.schema_components([resource.JobResource])
    with behind() as there:
        job = look(there, there.done())
    assert set(job) == set(components["JobResource"]["properties"])
    assert set(components["JobState"]["enum"]) == {str(state) for state in JobState}


def test_links_lead_to_operations_that_there_are() -> None:
    names = {endpoint.name for endpoint in job_endpoints.ENDPOINTS} | {"get_result"}
    assert {
        link.operation
        for endpoint in job_endpoints.ENDPOINTS
        for outcome in endpoint.outcomes
        for link in outcome.links
    } <= names
