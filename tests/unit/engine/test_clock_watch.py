from __future__ import annotations

import time

import pytest

from meantime.engine import clock_watch
from meantime.engine.clock_watch import ClockWatch
from meantime.engine.ports import LastSeen
from meantime.model import JobState
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    ManualClock,
    RecordingObserver,
    end_of,
    make_engine,
    request,
    running,
    submit,
)
from tests.support.waiting import PATIENCE_S, wait_until

HOUR_S, DAY_S, YEAR_S = 3_600.0, 86_400.0, 365 * 86_400.0


class Times:
    """Two clocks that go at the same pace, unless the test sets the time of day."""

    def __init__(self) -> None:
        self.clock, self.running = ManualClock(), ManualClock(50.0)

    def watch(self, seen: LastSeen | None = None, newest_s: float | None = None) -> ClockWatch:
        watch = ClockWatch(clock=self.clock, running=self.running)
        watch.start(seen, newest_s)
        return watch

    def pass_time(self, seconds: float) -> None:
        self.clock.now_s += seconds
        self.running.now_s += seconds


def test_a_clock_that_goes_on_is_believed_however_long_nobody_looks() -> None:
    times = Times()
    watch = times.watch()
    times.pass_time(YEAR_S)
    assert watch.now_s() == times.clock.now_s
    assert watch.held_s == 0


def test_a_clock_that_is_set_by_less_than_an_hour_is_believed() -> None:
    times = Times()
    watch = times.watch()
    times.clock.now_s += HOUR_S
    assert watch.now_s() == times.clock.now_s


def test_a_clock_that_jumps_ahead_is_not_believed_for_a_day_of_running_time() -> None:
    times = Times()
    watch = times.watch()
    times.clock.now_s += YEAR_S
    assert watch.now_s() is None
    times.pass_time(DAY_S - 1)
    assert watch.now_s() is None
    assert watch.held_s == 1
    times.pass_time(1)
    assert watch.now_s() == times.clock.now_s  # it was not wrong for a moment


def test_a_clock_that_is_set_back_is_believed_and_its_way_forward_is_a_jump() -> None:
    times = Times()
    watch = times.watch()
    times.clock.now_s -= YEAR_S / 100
    assert watch.now_s() == times.clock.now_s
    times.clock.now_s += YEAR_S / 100
    assert watch.now_s() is None


@pytest.mark.parametrize("is_noted", [True, False], ids=["noted", "in a record"])
def test_a_start_much_later_than_the_last_run_is_not_believed_for_a_day(is_noted: bool) -> None:
    times = Times()
    before_s = times.clock.now_s
    times.clock.now_s += 3 * DAY_S + 1
    watch = times.watch(*((LastSeen(at_s=before_s, held_s=0), None) if is_noted else (None, before_s)))
    assert watch.held_s == DAY_S
    note = watch.note()
    assert note.ahead_s == 3 * DAY_S + 1


def test_a_start_after_a_long_weekend_or_without_anything_before_is_believed() -> None:
    times = Times()
    assert times.watch(LastSeen(at_s=times.clock.now_s - 3 * DAY_S, held_s=0)).now_s() == times.clock.now_s
    assert times.watch().now_s() == times.clock.now_s


def test_a_hold_goes_on_over_a_restart_even_if_the_clock_is_wrong_in_the_same_way() -> None:
    times = Times()
    watch = times.watch()
    times.clock.now_s += YEAR_S
    watch.now_s()
    times.pass_time(DAY_S / 2)
    watch.now_s()
    note = watch.note()
    assert note.seen == LastSeen(at_s=times.clock.now_s, held_s=DAY_S / 2)
    again = times.watch(note.seen)
    assert again.held_s == DAY_S / 2
    assert times.watch(LastSeen(at_s=times.clock.now_s, held_s=99 * DAY_S)).held_s == DAY_S  # no note holds longer


def test_the_time_is_noted_once_a_minute_and_a_jump_at_once_and_only_once() -> None:
    times = Times()
    watch = times.watch()
    assert watch.due_note() is not None
    assert watch.due_note() is None
    times.pass_time(59)
    watch.now_s()
    assert watch.due_note() is None
    times.pass_time(1)
    watch.now_s()
    note = watch.due_note()
    assert note is not None
    assert (note.seen.at_s, note.ahead_s) == (times.clock.now_s, None)
    times.clock.now_s += YEAR_S
    watch.now_s()
    note = watch.due_note()
    assert note is not None
    assert note.ahead_s == YEAR_S
    assert watch.due_note() is None


def test_running_time_is_counted_also_where_the_system_does_not_count_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    before_s = clock_watch.running_s()
    assert clock_watch.running_s() >= before_s
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert clock_watch.running_s() == pytest.approx(time.monotonic(), abs=PATIENCE_S)


class Notes:
    def __init__(self) -> None:
        self.seen: LastSeen | None = None

    def read(self) -> LastSeen | None:
        return self.seen

    def write(self, seen: LastSeen) -> None:
        self.seen = seen


def test_a_jump_of_the_clock_removes_no_job_is_told_and_ends_after_a_day() -> None:
    times, observer, notes = Times(), RecordingObserver(), Notes()
    with running(clock=times.clock, running=times.running, observer=observer, notes=notes) as engine:
        old = submit(engine, request())[0]
        end_of(engine, old)
        times.clock.now_s += YEAR_S
        new = submit(engine, request())[0]
        end_of(engine, new)
        wait_until(lambda: bool(observer.jumps), "the jump is told")
        assert engine.removal_held_s == DAY_S
        assert engine.jobs() == [(old, JobState.DONE), (new, JobState.DONE)]
        times.pass_time(DAY_S)
        last = submit(engine, request())[0]
        wait_until(lambda: engine.jobs() == [(last, JobState.DONE)], "the old jobs are removed")
        assert engine.removal_held_s == 0
    assert observer.jumps == [YEAR_S]
    assert notes.seen == LastSeen(at_s=times.clock.now_s, held_s=0)


def test_a_jump_over_restarts_removes_no_job_however_often_they_come() -> None:
    times, jobs, notes = Times(), MemoryJobStore(), Notes()
    jobs.close = lambda: None  # type: ignore[method-assign]  # it is used again
    with running(jobs=jobs, clock=times.clock, running=times.running, notes=notes) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
    times.clock.now_s += YEAR_S
    for _ in range(3):
        with running(jobs=jobs, clock=times.clock, running=times.running, notes=notes) as engine:
            assert engine.removal_held_s == DAY_S
            end_of(engine, submit(engine, request())[0])
            assert (number, JobState.DONE) in engine.jobs()


def test_too_many_jobs_are_removed_whatever_the_clock_says() -> None:
    times = Times()
    with running(clock=times.clock, running=times.running, keep_ended_jobs=1) as engine:
        times.clock.now_s += YEAR_S
        numbers = submit(engine, request(), request(), request())
        wait_until(lambda: len(engine.jobs()) == 1, "the oldest are removed")
        assert engine.removal_held_s
        assert engine.jobs()[0][0] in numbers


def test_an_engine_that_was_not_started_notes_the_time_when_it_stops() -> None:
    times, notes = Times(), Notes()
    make_engine(clock=times.clock, running=times.running, notes=notes).stop()
    assert notes.seen == LastSeen(at_s=times.clock.now_s, held_s=0)
