from __future__ import annotations

from typing import Any

import pytest

from meantime.errors import (
    StoreFull,
)
from meantime.model import JobState
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    FULL,
    ControlledJobStore,
    FailingResultStore,
    FakeCompute,
    FakeGate,
    HeldTask,
    RecordingObserver,
    crashed,
    end_of,
    is_done,
    is_start,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S


def test_a_submission_is_refused_while_the_disk_is_full_and_accepted_afterwards() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs) as engine:
        jobs.error = FULL
        assert isinstance(engine.submit([request()]).exception(PATIENCE_S), StoreFull)
        assert engine.unfinished == 0
        jobs.error = None
        assert submit(engine, request()) == [1]


@pytest.mark.parametrize("fails_on", [is_start, is_done], ids=["start", "done"])
def test_a_full_disk_delays_a_job_and_costs_it_no_attempt(fails_on: Any) -> None:
    jobs, gate = ControlledJobStore(), FakeGate(closed=["toys"])
    jobs.fails_on, jobs.error = fails_on, FULL
    with running(jobs=jobs, gate=gate) as engine:
        [number] = submit(engine, request())
        gate.open("toys")
        for _ in range(3):
            assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        assert end_of(engine, number).state is JobState.DONE
        assert stored(jobs, number).attempts == 1


def test_a_result_that_does_not_fit_on_the_disk_delays_its_job_and_costs_it_no_attempt() -> None:
    jobs, results = MemoryJobStore(), FailingResultStore()
    results.error = FULL
    with running(jobs=jobs, results=results) as engine:
        [number] = submit(engine, request())
        for _ in range(3):
            assert results.failed.acquire(timeout=PATIENCE_S)
        results.error = None
        assert end_of(engine, number).state is JobState.DONE
        assert stored(jobs, number).attempts == 1


def test_jobs_of_a_crashed_server_are_recovered_when_there_is_space_again() -> None:
    jobs = ControlledJobStore()
    crashed(request(), store=jobs)
    jobs.error = FULL
    with running(jobs=jobs) as engine:
        assert engine.look_up(1).state is JobState.QUEUED
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        assert end_of(engine, 1).state is JobState.DONE


def test_waiting_for_space_ends_at_the_stop_and_what_could_not_be_written_is_reported() -> None:
    jobs, observer = ControlledJobStore(), RecordingObserver()
    jobs.fails_on = is_done
    jobs.error = FULL
    with running(jobs=jobs, observer=observer) as engine:
        [number] = submit(engine, request())
        assert jobs.failed.acquire(timeout=PATIENCE_S)
    assert (number, FULL) in observer.troubles
    assert stored(jobs, number).state is JobState.RUNNING  # found as after a crash


def test_a_job_whose_result_does_not_fit_on_the_disk_is_given_back_at_the_stop() -> None:
    jobs, results = MemoryJobStore(), FailingResultStore()
    results.error = FULL
    with running(jobs=jobs, results=results) as engine:
        [number] = submit(engine, request())
        assert results.failed.acquire(timeout=PATIENCE_S)
    assert (stored(jobs, number).state, stored(jobs, number).attempts) == (JobState.QUEUED, 0)


def test_ends_that_come_while_others_are_committed_share_the_next_commit() -> None:
    jobs, last = ControlledJobStore(), HeldTask()
    jobs.holds_on = is_done
    with running(FakeCompute(last=last), jobs=jobs, threads=1) as engine:
        numbers = submit(engine, request(), request(), request(), request("last"))
        last.wait_begun()  # the one thread has worked on the others
        jobs.held[0]()
        assert [engine.look_up(number).state for number in numbers[:2]] == [JobState.DONE, JobState.RUNNING]
        jobs.held[1]()
        assert [engine.look_up(number).state for number in numbers[1:3]] == [JobState.DONE] * 2
        jobs.holds_on = lambda kind, subject: False  # noqa: ARG005
        last.go_on.set()
        end_of(engine, numbers[3])
    assert len(jobs.held) == 2


def test_ends_that_have_gathered_are_committed_at_the_stop() -> None:
    jobs, last = ControlledJobStore(), HeldTask()
    jobs.holds_on = is_done
    with running(FakeCompute(last=last), jobs=jobs, threads=1) as engine:
        numbers = submit(engine, request(), request(), request("last"))
        last.wait_begun()
        jobs.held[0].commit()  # of which nobody hears before the stop
        jobs.holds_on = lambda kind, subject: False  # noqa: ARG005
    assert [stored(jobs, number).state for number in numbers] == [JobState.DONE, JobState.DONE, JobState.QUEUED]
