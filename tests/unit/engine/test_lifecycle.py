from __future__ import annotations

import threading
from typing import Any

import pytest

from meantime.engine.engine import JobDetail
from meantime.errors import (
    IllegalTransition,
    ShuttingDown,
    StoreBroken,
)
from meantime.model import JobState
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    BROKEN,
    FULL,
    ControlledJobStore,
    FailingResultStore,
    FakeCompute,
    FakeGate,
    Fatal,
    HeldTask,
    RecordingObserver,
    end_of,
    is_done,
    is_start,
    make_engine,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S, wait_until

# What only a restart can help


def test_a_broken_store_is_fatal_once_and_then_nothing_is_accepted_but_reads_go_on() -> None:
    jobs, fatal, results = ControlledJobStore(), Fatal(), MemoryResultStore()
    with running(jobs=jobs, results=results, on_fatal=fatal) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        jobs.error = BROKEN
        assert engine.submit([request()]).exception(PATIENCE_S) is BROKEN
        assert fatal.wait() is BROKEN
        for _ in range(2):
            with pytest.raises(StoreBroken, match="The disk is gone"):
                engine.submit([request()])
        with pytest.raises(StoreBroken):
            engine.cancel(number)
        assert not engine.is_accepting
        assert engine.look_up(number).state is JobState.DONE
        assert engine.read_result(number).result(0) == b"[]"
        results.remove(number)
        assert engine.read_result(number).result(PATIENCE_S) == b"[]"
    assert fatal.errors == [BROKEN]


def test_what_breaks_twice_is_reported_once() -> None:
    jobs, fatal = ControlledJobStore(), Fatal()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs, on_fatal=fatal) as engine:
        accepted = [engine.submit([request()]), engine.submit([request()])]
        jobs.error = BROKEN
        for release in jobs.held:
            release()
        assert [future.exception(0) for future in accepted] == [BROKEN, BROKEN]
    assert fatal.errors == [BROKEN]


@pytest.mark.parametrize("error", [BROKEN, IllegalTransition("a bug")])
@pytest.mark.parametrize("fails_on", [is_start, is_done], ids=["start", "done"])
def test_a_job_that_cannot_be_updated_is_fatal_and_nobody_waits_for_a_drain(error: Any, fails_on: Any) -> None:
    jobs, fatal, gate = ControlledJobStore(), Fatal(), FakeGate(closed=["toys"])
    jobs.fails_on, jobs.error = fails_on, error
    with running(jobs=jobs, on_fatal=fatal, gate=gate) as engine:
        submit(engine, request())
        gate.open("toys")
        assert fatal.wait() is error
        assert not engine.wait_drained(None)


def test_results_that_cannot_be_written_are_fatal_and_their_job_is_given_back() -> None:
    jobs, results, fatal = MemoryJobStore(), FailingResultStore(), Fatal()
    results.error = StoreBroken("no permission")
    with running(jobs=jobs, results=results, on_fatal=fatal) as engine:
        [number] = submit(engine, request())
        assert fatal.wait() is results.error
    assert (stored(jobs, number).state, stored(jobs, number).attempts) == (JobState.QUEUED, 0)


def test_a_bug_in_a_thread_of_the_engine_is_fatal() -> None:
    class Buggy(RecordingObserver):
        def job_started(self, _wait_s: float) -> None:
            raise ZeroDivisionError

    fatal = Fatal()
    with running(observer=Buggy(), on_fatal=fatal) as engine:
        submit(engine, request())
        assert isinstance(fatal.wait(), ZeroDivisionError)


def test_a_bug_in_what_follows_a_commit_is_fatal() -> None:
    class Buggy(RecordingObserver):
        def job_ended(self, _state: JobState, _run_s: float) -> None:
            raise ZeroDivisionError

    fatal = Fatal()
    with running(observer=Buggy(), on_fatal=fatal) as engine:
        submit(engine, request())
        assert isinstance(fatal.wait(), ZeroDivisionError)


# Stopping


def test_drained_means_that_nothing_is_unfinished() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held)) as engine:
        assert engine.wait_drained(0)
        submit(engine, request("hold"))
        held.wait_begun()
        engine.stop_accepting()
        assert not engine.wait_drained(0)
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)


def test_a_stop_gives_back_what_runs_and_what_is_claimed_without_counting_the_attempt() -> None:
    jobs, held = MemoryJobStore(), HeldTask()
    with running(FakeCompute(hold=held), jobs=jobs, threads=1) as engine:
        submit(engine, request("hold"), request(), request())
        held.wait_begun()
        assert engine.stop() == 0
        assert engine.stop() == 0
    assert [(job.state, job.attempts) for job in jobs.jobs()] == [(JobState.QUEUED, 0)] * 3


def test_an_end_that_is_being_committed_at_the_stop_is_committed() -> None:
    jobs = ControlledJobStore()
    jobs.holds_on = is_done
    with running(jobs=jobs) as engine:
        [number] = submit(engine, request())
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        real_close = jobs.close

        def close() -> None:
            jobs.held.pop()()  # as a store does: what was asked is committed before it closes
            real_close()

        jobs.close = close  # type: ignore[method-assign]
        engine.stop()
        jobs.close = real_close  # type: ignore[method-assign]
    assert stored(jobs, number).state is JobState.DONE


@pytest.mark.parametrize("is_accepted", [False, True], ids=["with its acceptance", "after it"])
def test_a_start_that_is_being_committed_at_the_stop_is_given_back(is_accepted: bool) -> None:
    jobs, gate = ControlledJobStore(), FakeGate(closed=["toys"] if is_accepted else [])
    jobs.holds_on = is_start if is_accepted else lambda kind, _: kind == "add"
    with running(jobs=jobs, gate=gate) as engine:
        accepted = engine.submit([request()])
        gate.open("toys")
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        stopping = threading.Thread(target=engine.stop)
        stopping.start()
        wait_until(lambda: not engine.is_accepting, "the stop has not begun")
        jobs.held.pop()()
        stopping.join(PATIENCE_S)
        assert not stopping.is_alive()
    [job] = accepted.result(PATIENCE_S)
    assert (stored(jobs, job.number).state, stored(jobs, job.number).attempts) == (JobState.QUEUED, 0)


@pytest.mark.parametrize("full", [False, True], ids=["result fits", "disk full"])
def test_a_stop_that_does_not_wait_gives_back_work_that_never_checks_and_discards_its_outcome(full: bool) -> None:
    jobs, held, results = MemoryJobStore(), HeldTask(is_polite=False), FailingResultStore()
    with running(FakeCompute(hold=held), jobs=jobs, results=results, threads=1) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        cancelled = engine.cancel(number)
        views: list[JobDetail] = []
        engine.watch(number, views.append)
        assert engine.stop(wait_s=0) == 1
        given_back = stored(jobs, number)
        assert (given_back.state, given_back.attempts) == (JobState.QUEUED, 0)
        assert isinstance(cancelled.exception(PATIENCE_S), ShuttingDown)
        results.error = FULL if full else None
        held.go_on.set()
        assert engine.stop(wait_s=PATIENCE_S) == 0
    assert stored(jobs, number) == given_back
    assert [view.state for view in views] == [JobState.QUEUED]


def test_a_second_stop_that_does_not_wait_overtakes_a_first_that_does() -> None:
    jobs, held = MemoryJobStore(), HeldTask(is_polite=False)
    with running(FakeCompute(hold=held), jobs=jobs, threads=1) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        patient = threading.Thread(target=engine.stop)
        patient.start()
        wait_until(lambda: not engine.is_accepting, "the stop has not begun")
        assert engine.stop(wait_s=0) == 1
        assert stored(jobs, number).state is JobState.QUEUED
        held.go_on.set()
        patient.join(PATIENCE_S)
        assert not patient.is_alive()
    assert stored(jobs, number).state is JobState.QUEUED


def test_a_stop_before_the_start_closes_the_store() -> None:
    jobs = MemoryJobStore()
    assert make_engine(jobs=jobs).stop() == 0
    assert isinstance(jobs.add([request()], at_s=0.0).exception(0), ShuttingDown)


def test_nothing_is_changed_after_the_stop_and_nobody_waits_for_a_drain() -> None:
    with running(gate=FakeGate(closed=["toys"])) as engine:
        [number] = submit(engine, request())
        engine.stop()
        assert not engine.wait_drained(None)
        with pytest.raises(ShuttingDown):
            engine.cancel(number)
