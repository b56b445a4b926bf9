from __future__ import annotations

import pytest

from meantime.errors import (
    Fault,
    JobEnded,
)
from meantime.model import JobState
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    ControlledJobStore,
    FakeCompute,
    FakeGate,
    HeldTask,
    ManualClock,
    RecordingObserver,
    end_of,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S


def test_a_waiting_job_is_cancelled_at_once_and_durably() -> None:
    jobs, compute = MemoryJobStore(), FakeCompute()
    gate = FakeGate(closed=["toys"])
    with running(compute, jobs=jobs, gate=gate) as engine:
        [number] = submit(engine, request())
        job = engine.cancel(number).result(PATIENCE_S)
        assert job.state is JobState.CANCELLED
        assert stored(jobs, number) == job
        gate.open("toys")
        assert engine.look_up(number).failure == job.failure
        assert engine.wait_drained(PATIENCE_S)
    assert compute.requests == []


def test_a_claimed_job_that_no_thread_has_is_cancelled_at_once() -> None:
    held, compute = HeldTask(), FakeCompute()
    compute.tasks = {"hold": held}
    with running(compute, threads=1) as engine:
        _, two = submit(engine, request("hold"), request())
        held.wait_begun()
        assert engine.cancel(two).result(PATIENCE_S).state is JobState.CANCELLED
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)
    assert len(compute.requests) == 1


def test_a_running_job_is_cancelled_at_its_next_check_however_often_that_is_requested() -> None:
    held, observer = HeldTask(), RecordingObserver()
    with running(FakeCompute(hold=held), observer=observer) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        both = [engine.cancel(number), engine.cancel(number)]
        assert [future.result(PATIENCE_S).state for future in both] == [JobState.CANCELLED] * 2
        view = end_of(engine, number)
        assert view.failure is not None
        assert view.failure.code == "cancelled"


def test_a_job_whose_start_is_being_committed_is_cancelled_before_it_is_computed() -> None:
    jobs, compute, gate = ControlledJobStore(), FakeCompute(), FakeGate(closed=["toys"])
    jobs.holds_on = lambda kind, _: kind == "update"
    with running(compute, jobs=jobs, gate=gate) as engine:
        [number] = submit(engine, request())
        gate.open("toys")
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        jobs.holds_on = lambda *_: False
        cancelled = engine.cancel(number)
        assert not cancelled.done()
        jobs.held.pop()()
        assert cancelled.result(PATIENCE_S).state is JobState.CANCELLED
    assert compute.requests == []


def test_an_ended_job_cannot_be_cancelled() -> None:
    with running() as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        with pytest.raises(JobEnded, match="is done already"):
            engine.cancel(number)


def test_a_job_that_ends_before_its_next_check_is_done_and_the_cancellation_fails() -> None:
    held = HeldTask(is_polite=False)
    with running(FakeCompute(hold=held)) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        cancelled = engine.cancel(number)
        held.go_on.set()
        assert isinstance(cancelled.exception(PATIENCE_S), JobEnded)
        assert engine.look_up(number).state is JobState.DONE


def test_a_job_that_works_longer_than_the_limit_fails_and_names_the_setting() -> None:
    held, clock = HeldTask(), ManualClock(0.0)
    with running(FakeCompute(hold=held), monotonic=clock, job_time_limit_s=60.0) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        clock.now_s = 61.0
        view = end_of(engine, number)
    assert view.failure is not None
    assert (view.failure.code, view.failure.fault) == ("time-limit", Fault.OPERATOR)
    assert "job_time_limit_s" in view.failure.reason
