from __future__ import annotations

from meantime.engine.retry import Again, GiveUp, RetryPolicy
from meantime.errors import Fault, RequestInvalid, StoreFull
from meantime.model import Job
from tests.support.engine_fakes import request

POLICY = RetryPolicy(most_attempts=3, first_wait_s=1.0, longest_wait_s=10.0)


def job(*, attempts: int) -> Job:
    return Job(number=7, request=request(), created_at_s=0.0, attempts=attempts)


def test_the_wait_for_space_doubles_up_to_the_longest_and_never_ends() -> None:
    waits = [POLICY.after_error(StoreFull("full"), setbacks=setbacks) for setbacks in (1, 2, 3, 4, 5, 10**6)]
    assert waits == [Again(1.0), Again(2.0), Again(4.0), Again(8.0), Again(10.0), Again(10.0)]


def test_any_other_error_is_given_up_on_with_its_failure() -> None:
    decision = POLICY.after_error(RequestInvalid("no such question"), setbacks=1)
    assert isinstance(decision, GiveUp)
    assert decision.failure.reason == "no such question"


def test_a_job_lost_once_or_twice_is_run_again_and_the_third_time_not() -> None:
    assert POLICY.after_crash(job(attempts=1)) == Again(0.0)
    assert POLICY.after_crash(job(attempts=2)) == Again(0.0)
    decision = POLICY.after_crash(job(attempts=3))
    assert isinstance(decision, GiveUp)
    assert (decision.failure.code, decision.failure.fault) == ("lost-thrice", Fault.SERVER)
    assert "job_id_7 was started 3 times" in decision.failure.reason


def test_the_last_attempt_is_the_one_after_which_it_is_given_up_on() -> None:
    assert [POLICY.is_last_attempt(job(attempts=attempts)) for attempts in (0, 1, 2)] == [False, False, True]
