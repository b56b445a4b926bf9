from __future__ import annotations

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.errors import Failure, Fault, IllegalTransition, JobUnknown
from meantime.model import LEGAL_TRANSITIONS, JobRecord, JobState, Receipt, Request, Unwatched, job_id, job_number

REQUEST = Request(dataset="a", statistic="best5", parameters={"question": "Q"})
FAILURE = Failure(code="internal", fault=Fault.SERVER, reason="A reason.")
RECEIPT = Receipt(checksum="0" * 32, size_bytes=1, method_version=1)
QUEUED = JobRecord(number=7, request=REQUEST, created_at_s=1.0)
RUNNING = QUEUED.start(at_s=2.0)
IN_STATE = {
    JobState.QUEUED: QUEUED,
    JobState.RUNNING: RUNNING,
    JobState.DONE: RUNNING.finish(RECEIPT, at_s=3.0),
    JobState.FAILED: RUNNING.fail(FAILURE, at_s=3.0),
    JobState.CANCELLED: QUEUED.cancel(FAILURE, at_s=3.0),
}


def _move(job: JobRecord, to: JobState) -> JobRecord:
    match to:
        case JobState.QUEUED:
            return job.give_back(attempt_counts=True)
        case JobState.RUNNING:
            return job.start(at_s=4.0)
        case JobState.DONE:
            return job.finish(RECEIPT, at_s=4.0)
        case JobState.FAILED:
            return job.fail(FAILURE, at_s=4.0)
        case JobState.CANCELLED:
            return job.cancel(FAILURE, at_s=4.0)


@pytest.mark.parametrize(("start", "to"), list(product(JobState, JobState)))
def test_a_job_makes_the_legal_moves_and_no_other(start: JobState, to: JobState) -> None:
    job = IN_STATE[start]
    if to in LEGAL_TRANSITIONS[start]:
        moved = _move(job, to)
        assert moved.state is to
        assert (moved.number, moved.request, moved.created_at_s) == (job.number, job.request, job.created_at_s)
        assert (moved.ended_at_s is not None) is to.is_ended
    else:
        with pytest.raises(IllegalTransition, match=f"job_id_7 is {start} and cannot become {to}"):
            _move(job, to)
    assert job == IN_STATE[start]


def test_a_job_has_ended_when_no_move_leads_out_of_its_state() -> None:
    assert [state for state in JobState if state.is_ended] == [JobState.DONE, JobState.FAILED, JobState.CANCELLED]


def test_starting_counts_an_attempt_and_binds_the_request() -> None:
    bound = msgspec.structs.replace(REQUEST, fingerprint="f")
    job = QUEUED.start(at_s=2.0, request=bound)
    assert (job.attempts, job.started_at_s, job.request) == (1, 2.0, bound)


def test_a_job_given_back_keeps_its_attempt_only_if_that_counts() -> None:
    assert RUNNING.give_back(attempt_counts=True).attempts == 1
    again = RUNNING.give_back(attempt_counts=False)
    assert (again.attempts, again.started_at_s) == (0, None)


def test_a_job_survives_its_encoding() -> None:
    for job in IN_STATE.values():
        assert msgspec.json.decode(msgspec.json.encode(job), type=JobRecord) == job


@given(st.integers(1, 10**18 - 1))
def test_a_number_comes_back_from_its_id(number: int) -> None:
    assert job_number(job_id(number)) == number


@given(st.text(max_size=30))
def test_no_other_text_is_an_id(text: str) -> None:
    number = job_number(f"job_id_{text}")
    assert number is None or job_id(number) == f"job_id_{text}"
    assert job_number(text) is None or text.startswith("job_id_")


@pytest.mark.parametrize(
    "text", ["", "job_id_", "job_id_0", "job_id_1 ", " job_id_1", f"job_id_1{'0' * 18}", "JOB_ID_1"]
)
def test_what_is_almost_an_id_is_none(text: str) -> None:
    assert job_number(text) is None


def test_a_failure_says_of_our_errors_what_they_say_and_of_others_only_the_name() -> None:
    assert Failure.of(JobUnknown("No such job.")) == Failure(
        code="job-unknown", fault=Fault.CALLER, reason="No such job."
    )
    other = Failure.of(RuntimeError("/a/path/that/is/nobody/else's"))
    assert (other.code, other.fault) == ("internal", Fault.SERVER)
    assert "path" not in other.reason


def test_work_that_nobody_watches_goes_on() -> None:
    work = Unwatched()
    work.progress(0.5)
    work.check()
