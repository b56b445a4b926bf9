from __future__ import annotations

from collections.abc import Iterator

from meantime.errors import RecordDamaged
from meantime.model import JobRecord, JobState
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    FakeCompute,
    HeldTask,
    ManualClock,
    RecordingObserver,
    crashed,
    end_of,
    make_engine,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S


def test_jobs_that_ran_are_run_again_and_jobs_that_waited_are_run() -> None:
    jobs = crashed(request(first=1))
    jobs.add([request(second=2)], at_s=1.0).result()
    with running(jobs=jobs) as engine:
        assert engine.wait_drained(PATIENCE_S)
        assert engine.jobs() == [(1, JobState.DONE), (2, JobState.DONE)]
        assert engine.read_result(1).result(0) == b"[('first', 1)]"
    assert [job.attempts for job in jobs.jobs()] == [2, 1]


def test_a_damaged_record_has_failed_is_reported_and_is_kept_from_now_on_and_the_others_run() -> None:
    class WithDamage(MemoryJobStore):
        def jobs(self) -> Iterator[JobRecord]:
            yield JobRecord.damaged(-5)  # a number that nobody could ask for
            yield from super().jobs()
            yield JobRecord.damaged(7)

    observer, clock = RecordingObserver(), ManualClock()
    jobs = WithDamage()
    jobs.add([request()], at_s=1.0).result()
    with running(jobs=jobs, observer=observer, clock=clock, keep_ended_s=10.0) as engine:
        assert end_of(engine, 1).state is JobState.DONE
        assert engine.jobs() == [(1, JobState.DONE), (7, JobState.FAILED)]
        failure = engine.look_up(7).failure
        assert failure is not None
        assert failure.code == "record-damaged"
        assert "damaged" in failure.reason
    assert [(number, type(error)) for number, error in observer.troubles] == [(-5, RecordDamaged), (7, RecordDamaged)]


def test_a_job_that_was_running_in_three_crashes_fails_at_the_start_and_does_not_run() -> None:
    compute = FakeCompute()
    with running(compute, jobs=crashed(request(), attempts=3)) as engine:
        view = engine.look_up(1)
        assert view.failure is not None
        assert (view.state, view.failure.code) == (JobState.FAILED, "lost-thrice")
    assert compute.requests == []


def test_ended_jobs_are_known_after_a_restart_with_failure_and_result() -> None:
    results, jobs = MemoryResultStore(), crashed(request(), attempts=3)
    first = make_engine(jobs=jobs, results=results)
    jobs.close = lambda: None  # type: ignore[method-assign]  # the same store again, as a file would be
    first.start()
    end_of(first, submit(first, request())[0])
    first.stop()
    with running(jobs=jobs, results=results) as engine:
        assert engine.jobs() == [(1, JobState.FAILED), (2, JobState.DONE)]
        assert engine.read_result(2).result(0) == b"[]"
        assert engine.stats().jobs[JobState.FAILED] == 1


def test_suspects_are_worked_on_one_at_a_time_while_other_jobs_go_on() -> None:
    held = HeldTask()
    jobs = crashed(request("hold"), request("hold"))
    with running(FakeCompute(hold=held), jobs=jobs, threads=3) as engine:
        held.wait_begun()
        end_of(engine, submit(engine, request())[0])
        assert [engine.look_up(number).state for number in (1, 2)] == [JobState.RUNNING, JobState.QUEUED]
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)


def test_a_job_on_its_last_attempt_works_alone() -> None:
    held = HeldTask()
    jobs = crashed(request("hold"), attempts=2)
    with running(FakeCompute(hold=held), jobs=jobs, threads=3) as engine:
        held.wait_begun()
        [other] = submit(engine, request())
        assert engine.look_up(other).state is JobState.QUEUED
        assert stored(jobs, other).attempts == 0
        held.go_on.set()
        assert end_of(engine, other).state is JobState.DONE
