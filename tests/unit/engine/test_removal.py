from __future__ import annotations

import threading

import pytest

from meantime.engine.engine import Event, JobDetail
from meantime.engine.ports import Transition
from meantime.errors import (
    Failure,
    Fault,
    JobUnfinished,
    JobUnknown,
    StoreBroken,
)
from meantime.model import JobState
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    BROKEN,
    FULL,
    ControlledJobStore,
    FakeCompute,
    Fatal,
    HeldTask,
    ManualClock,
    end_of,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S, wait_until


def test_the_oldest_ended_jobs_are_removed_with_record_and_result() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results, keep_ended_jobs=2) as engine:
        for number in range(1, 5):
            end_of(engine, submit(engine, request(n=number))[0])
        wait_until(lambda: [number for number, _ in engine.jobs()] == [3, 4], "retention has not forgotten the others")
        with pytest.raises(JobUnknown):
            engine.look_up(1)
    assert [job.number for job in jobs.jobs()] == [3, 4]
    assert sorted(results._bodies) == [3, 4]


def test_jobs_that_are_too_old_are_removed_at_the_start() -> None:
    clock, jobs = ManualClock(1000.0), MemoryJobStore()
    [old] = jobs.add([request()], at_s=1.0).result()
    jobs.update([Transition(old, old.cancel(Failure(code="c", fault=Fault.CALLER, reason="r"), at_s=10.0))]).result()
    with running(jobs=jobs, clock=clock, keep_ended_s=100.0) as engine:
        wait_until(lambda: [number for number, _ in engine.jobs()] == [], "retention has not forgotten the others")
    assert list(jobs.jobs()) == []


def test_a_removal_without_space_is_done_when_there_is_some() -> None:
    jobs = ControlledJobStore()
    jobs.fails_on = lambda kind, _: kind == "remove"
    with running(jobs=jobs, keep_ended_jobs=1) as engine:
        jobs.error = FULL
        one, two = submit(engine, request(), request())
        assert engine.wait_drained(PATIENCE_S)
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        end_of(engine, submit(engine, request())[0])
        wait_until(lambda: [number for number, _ in engine.jobs()] == [3], "retention has not forgotten the others")
        wait_until(lambda: not (jobs.get(one) or jobs.get(two)), "the records are not deleted")
    assert [job.number for job in jobs.jobs()] == [3]


def test_a_removal_that_a_stop_overtakes_is_left_to_the_next_start() -> None:
    removing, go_on = threading.Event(), threading.Event()

    class Slow(MemoryResultStore):
        def remove(self, number: int) -> None:
            removing.set()
            go_on.wait(PATIENCE_S)
            super().remove(number)

    jobs = MemoryJobStore()
    with running(jobs=jobs, results=Slow(), keep_ended_jobs=1, threads=1) as engine:
        submit(engine, request(), request())
        assert removing.wait(PATIENCE_S)
        assert engine.stop(wait_s=0) == 1
        go_on.set()
    assert [job.number for job in jobs.jobs()] == [1, 2]


def test_an_ended_job_is_removed_with_record_and_result_and_its_number_is_unknown() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results) as engine:
        one, two = submit(engine, request(), request())
        assert engine.wait_drained(PATIENCE_S)
        receipt = stored(jobs, one).receipt
        assert receipt is not None
        engine.remove(one).result(PATIENCE_S)
        assert results.open(one, receipt) is None
        assert jobs.get(one) is None
        assert engine.jobs() == [(two, JobState.DONE)]
        assert engine.stats().jobs[JobState.DONE] == 1
        for ask in (engine.look_up, engine.describe, engine.read_result, engine.remove):
            with pytest.raises(JobUnknown):
                ask(one)


def test_an_unfinished_job_is_not_removed() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held), threads=1) as engine:
        numbers = submit(engine, request("hold"), request())
        held.wait_begun()
        for number in numbers:
            with pytest.raises(JobUnfinished, match="Cancel it first"):
                engine.remove(number)
        held.go_on.set()


# Whether the first of two removals is committed when the other is asked for; its caller hears of it later in any case.
either_commit = pytest.mark.parametrize("is_committed", [False, True], ids=["uncommitted", "committed"])


either_order = pytest.mark.parametrize("is_last_first", [False, True], ids=["in order", "last first"])


@either_commit
@either_order
def test_a_removal_by_a_client_and_by_retention_at_once_is_announced_once(
    is_committed: bool, is_last_first: bool
) -> None:
    jobs, seen = ControlledJobStore(), list[Event]()
    with running(jobs=jobs, keep_ended_jobs=1) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        record = stored(jobs, number)
        engine.follow(seen.append)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = engine.remove(number)
        if is_committed:
            jobs.held[0].commit()
        end_of(engine, submit(engine, request())[0])  # so that one too many are kept
        for _ in ("the client's", "retention's"):
            assert jobs.holding.acquire(timeout=PATIENCE_S)
        with pytest.raises(JobUnknown):
            engine.look_up(number)
        for release in reversed(jobs.held) if is_last_first else jobs.held:
            release()
        assert removal.result(PATIENCE_S) is None
    assert [event for event in seen if event.kind == "removed"] == [
        Event("removed", JobDetail(record, JobState.DONE, 1.0, None))
    ]


@either_commit
@either_order
def test_two_removals_of_a_job_at_once_both_succeed_and_are_counted_and_announced_once(
    is_committed: bool, is_last_first: bool
) -> None:
    jobs, seen = ControlledJobStore(), list[Event]()
    with running(jobs=jobs) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        record = stored(jobs, number)
        engine.follow(seen.append)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removals = [engine.remove(number)]
        if is_committed:
            jobs.held[0].commit()
        removals.append(engine.remove(number))
        for release in reversed(jobs.held) if is_last_first else jobs.held:
            release()
            with pytest.raises(JobUnknown):  # for a client that has heard that it is removed
                engine.look_up(number)
        assert [removal.result(PATIENCE_S) for removal in removals] == [None, None]
        assert engine.stats().jobs[JobState.DONE] == 0
    assert seen == [Event("removed", JobDetail(record, JobState.DONE, 1.0, None))]


@either_commit
def test_a_follower_that_connects_during_a_removal_gets_the_event(is_committed: bool) -> None:
    jobs, seen = ControlledJobStore(), list[Event]()
    with running(jobs=jobs) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        record = stored(jobs, number)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = engine.remove(number)
        if is_committed:
            jobs.held[0].commit()
        engine.follow(seen.append)
        jobs.held[0]()
        removal.result(PATIENCE_S)
    assert seen == [Event("removed", JobDetail(record, JobState.DONE, 1.0, None))]


def test_a_job_that_retention_cannot_remove_yet_is_announced_when_it_is_removed() -> None:
    jobs, removed = ControlledJobStore(), list[int]()
    both = threading.Event()

    def note(event: Event) -> None:
        if event.kind == "removed":
            removed.append(event.detail.record.number)
            if len(removed) == 2:
                both.set()

    with running(jobs=jobs, keep_ended_jobs=1) as engine:
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        engine.follow(note)
        submit(engine, request(), request())
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        assert removed == []
        jobs.error = None
        end_of(engine, submit(engine, request())[0])
        assert both.wait(PATIENCE_S)
    assert len(set(removed)) == 2


def test_a_removal_without_space_fails_and_the_job_is_still_there_with_its_result() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs) as engine:
        [number] = submit(engine, request(question="Q"))
        end_of(engine, number)
        jobs.fails_on = lambda kind, _: kind == "remove"
        jobs.error = FULL
        assert engine.remove(number).exception(PATIENCE_S) is FULL
        assert engine.read_result(number).result(PATIENCE_S) == b"[('question', 'Q')]"
        jobs.error = None
        assert engine.remove(number).result(PATIENCE_S) is None


def test_a_removal_that_breaks_the_store_is_fatal() -> None:
    jobs, fatal = ControlledJobStore(), Fatal()
    with running(jobs=jobs, on_fatal=fatal) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        jobs.error = BROKEN
        assert engine.remove(number).exception(PATIENCE_S) is BROKEN
        assert fatal.wait() is BROKEN
        with pytest.raises(StoreBroken):
            engine.remove(number)


def test_a_result_that_is_computed_again_while_its_job_is_removed_leaves_no_file() -> None:
    held, results, jobs = HeldTask(), MemoryResultStore(), MemoryJobStore()
    held.go_on.set()
    with running(FakeCompute(hold=held), results=results, jobs=jobs) as engine:
        [number] = submit(engine, request("hold"))
        end_of(engine, number)
        receipt = stored(jobs, number).receipt
        assert receipt is not None
        held.wait_begun()
        held.go_on.clear()
        results.remove(number)
        reading = engine.read_result(number)
        held.wait_begun()
        engine.remove(number).result(PATIENCE_S)
        held.go_on.set()
        assert reading.result(PATIENCE_S) == b"[]"  # asked for before it was removed
        assert results.open(number, receipt) is None


def test_a_result_that_is_computed_again_before_the_removal_is_durable_leaves_no_file() -> None:
    results, jobs = MemoryResultStore(), ControlledJobStore()
    with running(results=results, jobs=jobs) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        receipt = stored(jobs, number).receipt
        assert receipt is not None
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = engine.remove(number)
        assert engine.read_result(number).result(PATIENCE_S) == b"[]"
        assert results.open(number, receipt) == b"[]"
        jobs.held[0]()
        removal.result(PATIENCE_S)
        assert results.open(number, receipt) is None
