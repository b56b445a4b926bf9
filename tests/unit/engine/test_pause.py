from __future__ import annotations

from meantime.engine.pause import Pause
from meantime.engine.retry import RetryPolicy
from tests.support.engine_fakes import FULL, ManualClock


def test_a_full_disk_pauses_longer_each_time_in_a_row() -> None:
    clock = ManualClock(0.0)
    pause = Pause(RetryPolicy(first_wait_s=1.0, longest_wait_s=100.0), monotonic=clock)
    assert pause.left_s == 0
    for wait_s in (1.0, 2.0, 4.0):
        assert pause.begin(FULL)
        assert pause.left_s == wait_s
        clock.now_s += wait_s
        assert pause.left_s == 0


def test_several_threads_that_find_the_same_full_disk_are_one_setback() -> None:
    pause = Pause(RetryPolicy(first_wait_s=1.0), monotonic=ManualClock(0.0))
    assert pause.begin(FULL)
    assert pause.begin(FULL)
    assert pause.left_s == 1.0


def test_the_pause_ends_at_once_when_something_got_through_and_begins_small_again() -> None:
    clock = ManualClock(0.0)
    pause = Pause(RetryPolicy(first_wait_s=1.0), monotonic=clock)
    pause.begin(FULL)
    clock.now_s += 1.0
    pause.begin(FULL)
    pause.end()
    assert pause.left_s == 0
    pause.begin(FULL)
    assert pause.left_s == 1.0


def test_an_error_that_does_not_pass_is_no_pause() -> None:
    pause = Pause(RetryPolicy(), monotonic=ManualClock())
    assert not pause.begin(OSError("I/O error"))
    assert pause.left_s == 0
