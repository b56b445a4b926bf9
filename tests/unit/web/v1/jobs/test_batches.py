from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest

from meantime.did_you_mean import closest
from meantime.errors import (
    RequestInvalid,
)
from meantime.statistics.check import check_job
from meantime.web.checking import _CHECKERS
from tests.support.engine_fakes import FakeGate
from tests.support.v1_calls import SUBMISSION, body_of, running_backend
from tests.support.v1_jobs import problem_codes, submit_batch
from tests.support.waiting import PATIENCE_S


def test_a_batch_is_answered_with_its_jobs_in_the_order_of_the_requests() -> None:
    asked = [{**SUBMISSION, "label": f"{number}"} for number in range(600)]  # long enough to be read in a thread
    with running_backend() as api:
        reply = submit_batch(api, {"requests": asked})
    assert reply.status == 202
    assert [job["label"] for job in body_of(reply)["jobs"]] == [each["label"] for each in asked]
    assert [job["id"] for job in body_of(reply)["jobs"]] == [f"job_id_{number}" for number in range(1, 601)]


def test_a_batch_that_was_accepted_is_answered_without_waiting_for_the_checks_of_others() -> None:
    checks = threading.Event()
    with running_backend() as api:
        add = api.engine.submit

        def accept(*given: Any, **more: Any) -> Any:
            accepted = add(*given, **more)
            # From now on, all threads that check have something to do for long.
            for _ in range(2):
                _CHECKERS.submit(checks.wait, PATIENCE_S)
            return accepted

        with mock.patch.object(api.engine, "submit", accept):
            try:
                reply = submit_batch(api, {"requests": [SUBMISSION] * 600})
            finally:
                checks.set()
    assert len(body_of(reply)["jobs"]) == 600


def test_of_a_batch_with_one_wrong_request_nothing_is_accepted() -> None:
    wrong = {"statistic": "states_mean", "parameters": {"question": "?"}}
    with running_backend() as api:
        with pytest.raises(RequestInvalid) as refused:
            submit_batch(api, {"requests": [SUBMISSION, wrong, 7, SUBMISSION]})
        assert api.engine.jobs() == []
    assert problem_codes(refused) == {"/requests/1/parameters/question": "unknown", "/requests/2": "type"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/requests": "missing"}),
        ({"requests": {}}, {"/requests": "type"}),
        ({"requests": []}, {"/requests": "length"}),
        ({"requests": [SUBMISSION] * 1001}, {"/requests": "length"}),
        ({"requests": [SUBMISSION], "request": 1}, {"/request": "unknown-key"}),
    ],
)
def test_a_batch_is_a_list_of_one_to_a_thousand_requests(body: Mapping[str, Any], expected: dict[str, str]) -> None:
    with running_backend() as api, pytest.raises(RequestInvalid) as refused:
        submit_batch(api, body)
    assert problem_codes(refused) == expected


def test_a_thousand_requests_may_be_sent() -> None:
    with running_backend() as api:
        assert len(body_of(submit_batch(api, {"requests": [SUBMISSION] * 1000}))["jobs"]) == 1000


def test_equal_requests_of_a_batch_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def counted(name: str, *given: Any, **more: Any) -> Any:
        checked.append(name)
        return check_job(name, *given, **more)

    monkeypatch.setattr("meantime.web.v1.jobs.requests.check_job", counted)
    # RunningBackend the gate: whoever works on a request checks it too.
    with running_backend(gate=FakeGate(closed=["table"])) as api:
        submit_batch(api, {"requests": [SUBMISSION, {**SUBMISSION, "statistic": "global_mean"}] * 50})
        assert sorted(checked) == ["global_mean", "states_mean"]


def test_nothing_is_looked_at_behind_the_hundredth_problem_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return closest(*given)

    monkeypatch.setattr("meantime.statistics.check.closest", counted)
    wrong = [{"statistic": "states_mean", "parameters": {"question": f"Q{number}"}} for number in range(1000)]
    with running_backend() as api, pytest.raises(RequestInvalid) as refused:
        submit_batch(api, {"requests": wrong})
    assert looks == 100
    assert "/requests/99/parameters/question" in problem_codes(refused)
    assert problem_codes(refused)[""] == "too-many"
