from __future__ import annotations

from meantime.engine.retry import Backoff, RetryPolicy
from meantime.errors import Fault
from meantime.model import JobRecord
from tests.support.engine_fakes import FULL, ManualClock, request

POLICY = RetryPolicy(max_attempts=3, initial_delay_s=1.0, max_delay_s=10.0)


def record(*, attempts: int) -> JobRecord:
    return JobRecord(number=7, request=request(), created_at_s=0.0, attempts=attempts)


def test_the_delay_doubles_up_to_the_longest_however_many_setbacks_there_are() -> None:
    delays = [POLICY.delay_s(setbacks) for setbacks in (1, 2, 3, 4, 5, 10**6)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_job_lost_once_or_twice_is_started_again_and_the_third_time_fails() -> None:
    assert POLICY.failure_after_crash(record(attempts=1)) is None
    assert POLICY.failure_after_crash(record(attempts=2)) is None
    failure = POLICY.failure_after_crash(record(attempts=3))
    assert failure is not None
    assert (failure.code, failure.fault) == ("lost-thrice", Fault.SERVER)
    assert "job_id_7 was started 3 times" in failure.reason


def test_the_last_attempt_is_the_one_after_which_a_job_fails() -> None:
    assert [POLICY.is_last_attempt(record(attempts=attempts)) for attempts in (0, 1, 2)] == [False, False, True]


def test_a_full_disk_pauses_longer_at_each_setback_in_a_row() -> None:
    clock = ManualClock(0.0)
    backoff = Backoff(RetryPolicy(initial_delay_s=1.0, max_delay_s=100.0), monotonic=clock)
    assert backoff.remaining_s == 0
    for delay_s in (1.0, 2.0, 4.0):
        assert backoff.start(FULL)
        assert backoff.remaining_s == delay_s
        clock.now_s += delay_s
        assert backoff.remaining_s == 0


def test_several_threads_that_run_into_the_same_full_disk_are_one_setback() -> None:
    backoff = Backoff(RetryPolicy(initial_delay_s=1.0), monotonic=ManualClock(0.0))
    assert backoff.start(FULL)
    assert backoff.start(FULL)
    assert backoff.remaining_s == 1.0


def test_a_reset_ends_the_pause_at_once_and_the_next_begins_short_again() -> None:
    clock = ManualClock(0.0)
    backoff = Backoff(RetryPolicy(initial_delay_s=1.0), monotonic=clock)
    backoff.start(FULL)
    clock.now_s += 1.0
    backoff.start(FULL)
    backoff.reset()
    assert backoff.remaining_s == 0
    backoff.start(FULL)
    assert backoff.remaining_s == 1.0


def test_an_error_that_does_not_pass_by_itself_starts_no_pause() -> None:
    backoff = Backoff(RetryPolicy(), monotonic=ManualClock())
    assert not backoff.start(OSError("I/O error"))
    assert backoff.remaining_s == 0
