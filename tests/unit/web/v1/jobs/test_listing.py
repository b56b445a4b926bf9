from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.errors import (
    CursorInvalid,
    JobUnknown,
    RequestInvalid,
)
from meantime.web.v1.jobs import deletion, listing, resource
from tests.support.engine_fakes import HeldTask
from tests.support.http_requests import FakeRequest, job_request
from tests.support.v1_calls import RunningBackend, body_of, headers_of, running_backend, turns_until
from tests.support.v1_jobs import failing_task, list_jobs, problem_codes, read_job
from tests.support.waiting import PATIENCE_S

# Looking


def test_a_job_shows_where_it_stands_through_its_life() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}, threads=1) as api:
        first, second = api.submit(), api.submit()
        held.wait_begun()
        running, queued = read_job(api, first), read_job(api, second)
        held.go_on.set()
        assert api.engine.wait_drained(PATIENCE_S)
        done = read_job(api, first)
    assert (running["state"], running["position"], running["attempts"]) == ("running", None, 1)
    assert (queued["state"], queued["position"], queued["started_at"]) == ("queued", 0, None)
    assert (done["state"], done["progress"], done["failure"]) == ("done", 1.0, None)
    assert done["created_at"] <= done["started_at"] <= done["ended_at"] < done["expires_at"]


def test_a_failed_job_says_why_and_whose_fault_it_is() -> None:
    with running_backend(tasks={"states_mean": failing_task}) as api:
        job = read_job(api, api.done())
    assert job["state"] == "failed"
    assert (job["failure"]["code"], job["failure"]["fault"]) == ("internal", "server")


def test_jobs_of_the_classic_api_are_jobs_too() -> None:
    with running_backend() as api:
        assert read_job(api, api.done(view="classic"))["api"] == "classic"


@pytest.mark.parametrize("job_id", ["job_id_2", "job_id_0", "7", "batch", "job_id_１", "x" * 10_000, '"\n'])
def test_a_job_that_there_is_not_is_unknown(job_id: str) -> None:
    with running_backend() as api:
        api.done()
        for handle in (listing.get_job, deletion.delete_job):
            with pytest.raises(JobUnknown) as unknown:
                api.run(handle, lambda: job_request(job_id=job_id))
            assert len(str(unknown.value)) < 400


def test_a_look_that_waits_is_answered_when_the_job_has_ended() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> Any:
        waiting = asyncio.ensure_future(listing.get_job(api.backend, job_request(job_id="job_id_1", prefer="wait=60")))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        held.go_on.set()
        return await asyncio.wait_for(waiting, PATIENCE_S)

    with running_backend(tasks={"states_mean": held}) as api:
        api.submit()
        reply = asyncio.run(story(api))
    assert body_of(reply)["state"] == "done"
    assert headers_of(reply)["preference-applied"] == "wait=60"
    assert headers_of(reply)["vary"] == "Prefer"


def test_a_look_that_waits_in_vain_is_answered_with_the_job_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.jobs.listing.preferred_wait", lambda _: 1e-9)  # as soon as can be
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        job_id = api.submit()
        held.wait_begun()
        job = read_job(api, job_id, prefer="wait=1")
        held.go_on.set()
        assert (job["state"], api.backend.waiters.watched) == ("running", 0)


# Listing


def test_pages_have_all_jobs_once_the_newest_first_while_others_arrive_and_go() -> None:
    with running_backend() as api:
        ids = [api.done() for _ in range(5)]
        seen, query = [], "limit=2"
        for _ in range(3):
            shown = list_jobs(api, query)
            seen += [job["id"] for job in shown["jobs"]]
            api.done()
            if shown["next"] is None:
                break
            assert shown["links"]["next"] == f"/v1/jobs?limit=2&cursor={shown['next']}"
            query = shown["links"]["next"].partition("?")[2]
        assert seen == ids[::-1]
        assert shown["next"] is None


def test_the_next_page_is_linked_in_the_header_too() -> None:
    with running_backend() as api:
        api.done(label="ä b")
        api.done(label="ä b")
        reply = api.run(listing.list_jobs, lambda: job_request(query="limit=1&label=%C3%A4+b"))
        assert headers_of(reply)["link"] == f'<{body_of(reply)["links"]["next"]}>; rel="next"'
        assert list_jobs(api, body_of(reply)["links"]["next"].partition("?")[2])["jobs"][0]["id"] == "job_id_1"
        assert "link" not in headers_of(api.run(listing.list_jobs, FakeRequest))


def test_jobs_are_found_by_what_is_known_of_them() -> None:
    with running_backend(tasks={"best5": failing_task}) as api:
        plain, labelled = api.done(), api.done(label="mine")
        failed, classic = api.done(statistic="best5"), api.done(view="classic", statistic="global_mean")

        def found(query: str) -> list[str]:
            return [job["id"] for job in list_jobs(api, query)["jobs"]]

        assert found("") == [classic, failed, labelled, plain]
        assert found("state=failed") == [failed]
        assert found("state=failed&state=done") == [classic, failed, labelled, plain]
        assert found("state=queued") == []
        assert found("label=mine") == [labelled]
        assert found("statistic=states_mean") == [labelled, plain]
        assert found("dataset=elsewhere") == []
        assert found("dataset=table&statistic=states_mean&label=mine&state=done") == [labelled]


def test_a_time_of_creation_is_in_the_span_that_begins_with_it_and_not_in_the_one_that_ends() -> None:
    with running_backend() as api:
        created = read_job(api, api.done())["created_at"]
        assert len(list_jobs(api, f"created_after={created}")["jobs"]) == 1
        assert list_jobs(api, f"created_before={created}")["jobs"] == []
        assert len(list_jobs(api, "created_after=2001-01-01T00:00:00%2B01:00")["jobs"]) == 1
        assert len(list_jobs(api, "created_after=2001-01-01T00:00:00+01:00")["jobs"]) == 1  # the plus became a space


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
    with running_backend() as api, pytest.raises(RequestInvalid) as refused:
        list_jobs(api, query)
    assert problem_codes(refused) == expected


def test_a_cursor_goes_on_with_its_own_list_only() -> None:
    with running_backend() as api:
        api.done()
        api.done()
        cursor = list_jobs(api, "limit=1")["next"]
        assert list_jobs(api, f"limit=7&cursor={cursor}")["jobs"][0]["id"] == "job_id_1"  # the length may change
        with pytest.raises(CursorInvalid):
            list_jobs(api, f"limit=1&state=done&cursor={cursor}")


@given(st.floats(0, 4e9))
def test_a_time_is_never_shown_later_than_it_was(at_s: float) -> None:
    assert 0 <= at_s - resource._moment(at_s).timestamp() < 2e-6
