from __future__ import annotations

import pytest

from meantime.engine.engine import JobView
from meantime.errors import (
    Fault,
    JobUnknown,
)
from meantime.model import JobState, Request, Work
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
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


def test_a_submitted_job_is_known_at_once_and_gets_its_result() -> None:
    with running() as engine:
        [number] = submit(engine, request(question="Q"))
        assert engine.look_up(number).number == 1
        assert end_of(engine, number) == JobView(1, JobState.DONE)
        assert engine.read_result(number).result(PATIENCE_S) == b"[('question', 'Q')]"


def test_jobs_are_listed_by_number_with_their_states() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held), threads=1) as engine:
        one = submit(engine, request())
        end_of(engine, one[0])
        submit(engine, request("hold"), request())
        held.wait_begun()
        assert engine.jobs() == [(1, JobState.DONE), (2, JobState.RUNNING), (3, JobState.QUEUED)]
        assert engine.unfinished == 2


def test_stats_count_jobs_by_state_and_threads_at_work() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held), threads=1) as engine:
        submit(engine, request("hold"), request(), request())
        held.wait_begun()
        facts = engine.stats()
    assert facts.jobs == {
        JobState.QUEUED: 2,
        JobState.RUNNING: 1,
        JobState.DONE: 0,
        JobState.FAILED: 0,
        JobState.CANCELLED: 0,
    }
    assert (facts.queue_depth, facts.working, facts.threads) == (2, 1, 1)


def test_a_failed_job_says_why_and_has_no_result() -> None:
    def bug(request: Request, work: Work) -> bytes:  # noqa: ARG001 - the task is to fail
        raise SystemExit

    observer = RecordingObserver()
    with running(FakeCompute(bug=bug), observer=observer) as engine:
        [number] = submit(engine, request("bug"))
        view = end_of(engine, number)
        assert view.failure is not None
        assert (view.state, view.failure.fault) == (JobState.FAILED, Fault.SERVER)
        with pytest.raises(ValueError, match="is failed"):
            engine.read_result(number)
        end_of(engine, submit(engine, request())[0])  # the thread is still there
    assert [number for number, _ in observer.troubles] == [number]


def test_an_unknown_number_is_unknown_to_every_question() -> None:
    with running() as engine:
        for ask in (engine.look_up, engine.read_result, engine.cancel, lambda number: engine.watch(number, print)):
            with pytest.raises(JobUnknown, match="job_id_5"):
                ask(5)


def test_a_queued_job_has_no_result_yet() -> None:
    with running(gate=FakeGate(closed=["toys"])) as engine, pytest.raises(ValueError, match="is queued"):
        engine.read_result(submit(engine, request())[0])


def test_a_claimed_job_is_shown_as_queued_until_a_thread_works_on_it() -> None:
    held, jobs = HeldTask(), MemoryJobStore()
    with running(FakeCompute(hold=held), jobs=jobs, threads=1) as engine:
        one, two = submit(engine, request("hold"), request())
        held.wait_begun()
        assert stored(jobs, two).state is JobState.RUNNING  # its attempt is counted
        assert engine.look_up(two).state is JobState.QUEUED
        assert engine.look_up(one).state is JobState.RUNNING


def test_progress_of_a_running_job_can_be_seen() -> None:
    held = HeldTask()

    def half(request: Request, work: Work) -> bytes:
        work.progress(0.5)
        return held(request, work)

    with running(FakeCompute(half=half)) as engine:
        [number] = submit(engine, request("half"))
        held.wait_begun()
        assert engine.look_up(number).progress == 0.5
        held.go_on.set()
        end_of(engine, number)


def test_waits_and_runs_are_observed_and_never_negative() -> None:
    clock, observer, held, gate = ManualClock(100.0), RecordingObserver(), HeldTask(), FakeGate(closed=["toys"])
    with running(FakeCompute(hold=held), clock=clock, observer=observer, gate=gate) as engine:
        [number] = submit(engine, request("hold"))
        clock.now_s = 103.0
        gate.open("toys")
        held.wait_begun()
        clock.now_s = 105.0
        held.go_on.set()
        end_of(engine, number)
        clock.now_s = 50.0  # set back by hand
        end_of(engine, submit(engine, request())[0])
    assert observer.started == [3.0, 0.0]
    assert observer.ended == [(JobState.DONE, 2.0), (JobState.DONE, 0.0)]


def test_changes_grow_when_jobs_come_end_or_go_and_not_when_one_begins() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held), threads=1) as engine:
        seen = [engine.changes]
        [number] = submit(engine, request("hold"))
        seen.append(engine.changes)
        held.wait_begun()
        assert engine.changes == seen[-1]
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)
        seen.append(engine.changes)
        engine.remove(number).result(PATIENCE_S)
        seen.append(engine.changes)
        assert len(set(seen)) == 4
        assert seen == sorted(seen)
