from __future__ import annotations

import asyncio
from typing import Any

import pytest

from meantime.errors import (
    JobUnknown,
    RequestInvalid,
)
from meantime.model import JobState
from meantime.web.v1.jobs import deletion
from tests.support.engine_fakes import ControlledJobStore, FakeGate, HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import SUBMISSION, RunningBackend, Tables, body_of, headers_of, running_backend
from tests.support.v1_jobs import delete_job, list_jobs, problem_codes, read_job, submit_batch
from tests.support.waiting import PATIENCE_S


def test_a_queued_job_is_cancelled_and_stays() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}, threads=1) as api:
        api.submit()
        held.wait_begun()
        queued = api.submit()
        reply = delete_job(api, queued)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (
            200,
            "cancelled",
            "cancelled",
        )
        assert read_job(api, queued)["state"] == "cancelled"
        held.go_on.set()


def test_a_running_job_is_cancelled_at_its_next_check() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        job_id = api.submit()
        held.wait_begun()
        reply = delete_job(api, job_id)
    assert (reply.status, body_of(reply)["outcome"]) == (200, "cancelled")
    assert body_of(reply)["job"]["failure"]["code"] == "cancelled"


def test_a_running_job_that_does_not_look_up_is_said_to_be_cancelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.jobs.deletion.CANCEL_WAIT_S", 0.0)
    held = HeldTask(is_polite=False)
    with running_backend(tasks={"states_mean": held}) as api:
        job_id = api.submit()
        held.wait_begun()
        reply = delete_job(api, job_id)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (
            202,
            "cancelling",
            "running",
        )
        assert headers_of(reply)["location"] == f"/v1/jobs/{job_id}"
        assert headers_of(reply)["retry-after"] == "1"
        held.go_on.set()


def test_an_ended_job_is_removed_with_its_result_and_then_unknown() -> None:
    with running_backend() as api:
        job_id = api.done()
        reply = delete_job(api, job_id)
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "removed", "done")
        for _ in range(2):
            with pytest.raises(JobUnknown):
                delete_job(api, job_id)
        assert list_jobs(api)["jobs"] == []


def test_who_only_wants_to_cancel_removes_nothing_however_often_he_asks() -> None:
    with running_backend() as api:
        job_id = api.done()
        for _ in range(2):
            reply = delete_job(api, job_id, "if=unfinished")
            assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "ended", "done")
        assert read_job(api, job_id)["state"] == "done"


def test_who_only_wants_to_cancel_cancels() -> None:
    with running_backend(tables=Tables(table=None), gate=FakeGate(closed=["table"])) as api:
        job_id = api.submit()
        assert body_of(delete_job(api, job_id, "if=unfinished"))["outcome"] == "cancelled"
        assert read_job(api, job_id)["state"] == "cancelled"


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
    with running_backend() as api:
        job_id = api.done()
        with pytest.raises(RequestInvalid) as refused:
            delete_job(api, job_id, query)
        assert problem_codes(refused) == expected
        assert read_job(api, job_id)["state"] == "done"


def test_a_job_that_ends_before_it_is_cancelled_is_left_as_it_is() -> None:
    # Its result is made, and the commit of that is under way.
    store = ControlledJobStore()
    store.holds_on = lambda kind, moves: kind == "update" and moves[0].after.state is JobState.DONE

    async def story(api: RunningBackend) -> Any:
        dismissing = asyncio.ensure_future(deletion.delete_job(api.backend, job_request("DELETE", job_id="job_id_1")))
        await asyncio.sleep(0)
        [release] = store.held
        release()
        return await dismissing

    with running_backend(jobs=store) as api:
        api.submit()
        assert store.holding.acquire(timeout=PATIENCE_S)
        reply = asyncio.run(story(api))
        assert (reply.status, body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == (200, "ended", "done")
        assert read_job(api, "job_id_1")["state"] == "done"


def test_a_job_that_ends_between_the_look_and_the_cancellation_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        cancel = api.engine.cancel

        def comes_late(number: int) -> Any:
            held.go_on.set()
            assert api.engine.wait_drained(PATIENCE_S)
            return cancel(number)

        monkeypatch.setattr(api.engine, "cancel", comes_late)
        reply = delete_job(api, api.submit())
        assert (body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == ("ended", "done")
        assert read_job(api, "job_id_1")["state"] == "done"


def test_a_job_that_waits_for_its_data_set_is_cancelled_at_once() -> None:
    with running_backend(tables=Tables(table=None), gate=FakeGate(closed=["table"])) as api:
        job_id = api.submit()
        reply = delete_job(api, job_id)
        assert (reply.status, body_of(reply)["outcome"]) == (200, "cancelled")
        assert read_job(api, job_id)["state"] == "cancelled"


def test_a_job_that_is_claimed_and_waits_for_its_thread_is_cancelled_without_being_run() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}, threads=1) as api:
        # Accepted in one commit, they are claimed in one.
        submit_batch(api, {"requests": [SUBMISSION] * 3})
        held.wait_begun()
        reply = delete_job(api, "job_id_3")
        assert (body_of(reply)["outcome"], body_of(reply)["job"]["state"]) == ("cancelled", "cancelled")
        held.go_on.set()
        assert api.engine.wait_drained(PATIENCE_S)
    assert held.begun.acquire(blocking=False)  # of the second
    assert not held.begun.acquire(blocking=False)
