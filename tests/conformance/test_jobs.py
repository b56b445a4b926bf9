"""Ids, states and results of jobs."""

from __future__ import annotations

import re

import pytest

from tests.conformance.api import JOB_ID, Api, Ask, Reply

pytestmark = pytest.mark.live

INVALID = Reply(200, "application/json", b'{"status":"error","reason":"Invalid job_id"}')

NO_IDS = {
    "without-number": "job_id_",
    "zero": "job_id_0",
    "leading-zero": "job_id_01",
    "plus": "job_id_+1",
    "minus": "job_id_-1",
    "underscore": "job_id_1_0",
    "decimal": "job_id_1.0",
    "exponent": "job_id_1e0",
    "space-before": "%20job_id_1",
    "space-after": "job_id_1%20",
    "newline-after": "job_id_1%0A",
    "nul-after": "job_id_1%00",
    "full-width-digit": "job_id_%EF%BC%91",
    "arabic-digit": "job_id_%D9%A1",
    "upper-case": "JOB_ID_1",
    "number-only": "1",
    "other-name": "job_1",
    "not-utf-8": "job_id_%FF",
    "nineteen-digits": "job_id_1000000000000000000",
    "never-given": "job_id_999999999999999999",
    "dots": "../x",
    "dots-escaped": "%2e%2e%2fx",
    "dots-to-a-file": "..%2f..%2f..%2fetc%2fpasswd",
    "absolute": "%2fetc%2fpasswd",
    "backslashes": "..%5cx",
    "long": "job_id_" + "1" * 10_000,
    "long-name": "x" * 10_000,
}


def _number(job_id: str) -> int:
    return int(job_id.removeprefix("job_id_"))


def test_an_accepted_request_is_answered_with_the_id_and_nothing_else(api: Api, question: str) -> None:
    reply = api.ask(Ask("states_mean", question))
    assert reply.status == 200
    assert reply.type == "application/json"
    assert re.fullmatch(rb'\{"job_id": ?"job_id_[1-9][0-9]*"\}', reply.body), reply


def test_numbers_rise(api: Api, question: str) -> None:
    numbers = [_number(api.submit(Ask("global_mean", question))) for _ in range(10)]
    assert numbers == sorted(set(numbers))


def test_an_id_can_be_asked_for_as_soon_as_it_was_given(api: Api, question: str) -> None:
    for _ in range(20):
        reply = api.get(f"/api/get_results/{api.submit(Ask('mean_by_category', question))}")
        assert reply.body == b'{"status":"running"}' or reply.body.startswith(b'{"status":"done","data":{'), reply


def test_a_result_is_the_status_and_then_the_data(api: Api, done: str) -> None:
    reply = api.get(f"/api/get_results/{done}")
    assert (reply.status, reply.type) == (200, "application/json")
    assert re.fullmatch(rb'\{"status":"done","data":\{"global_mean": ?[-+.0-9eE]+\}\}', reply.body), reply


def test_a_result_does_not_change(api: Api, done: str) -> None:
    assert len({api.get(f"/api/get_results/{done}") for _ in range(5)}) == 1


@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS.keys())
def test_what_was_never_given_as_an_id_is_an_invalid_one(api: Api, text: str) -> None:
    assert api.raw_get(f"/api/get_results/{text}") == INVALID


def test_jobs_are_listed_by_number_with_their_states(api: Api, question: str, done: str) -> None:
    newest = api.submit(Ask("global_mean", question))
    reply = api.get("/api/jobs")
    assert reply.status == 200
    assert reply.body.startswith(b'{"status":"done","data":[{"job_id_')
    body = reply.json()
    assert list(body) == ["status", "data"]
    assert all(len(job) == 1 for job in body["data"])
    listed = {job_id: state for job in body["data"] for job_id, state in job.items()}
    assert len(listed) == len(body["data"])
    assert all(JOB_ID.fullmatch(job_id) for job_id in listed)
    assert [_number(job_id) for job_id in listed] == sorted(map(_number, listed))
    assert set(listed.values()) <= {"running", "done", "error"}
    assert listed[done] == "done"
    assert listed[newest] in {"running", "done"}


def test_a_job_that_is_listed_as_done_has_a_result(api: Api, done: str) -> None:
    listed = {job_id: state for job in api.get("/api/jobs").json()["data"] for job_id, state in job.items()}
    finished = [job_id for job_id, state in listed.items() if state == "done"]
    assert done in finished
    # The newest: no other client's wish for a clean house has removed them in between.
    for job_id in finished[-20:]:
        assert api.get(f"/api/get_results/{job_id}").json()["status"] == "done"


def test_num_jobs_counts_what_is_not_ended(api: Api) -> None:
    reply = api.get("/api/num_jobs")
    assert (reply.status, reply.type) == (200, "application/json")
    assert re.fullmatch(rb'\{"status":"done","num_jobs":[0-9]+\}', reply.body), reply


def test_every_job_of_a_burst_ends(api: Api, question: str) -> None:
    ids = [api.submit(Ask("diff_from_mean", question)) for _ in range(100)]
    assert len(set(ids)) == 100
    assert len({api.wait(job_id) for job_id in ids}) == 1
