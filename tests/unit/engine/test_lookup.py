from __future__ import annotations

from typing import Any

import pytest

from meantime.engine.engine import JobDetail
from meantime.engine.ports import JobFilter
from meantime.errors import (
    JobUnknown,
)
from meantime.model import JobRecord, JobState
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    FULL,
    ControlledJobStore,
    FakeCompute,
    FakeGate,
    HeldTask,
    RecordingObserver,
    end_of,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S, wait_until

# Watching


def test_a_watcher_is_called_at_each_change_in_order_until_the_watch_ends() -> None:
    held, seen, other = HeldTask(), [], []
    gate = FakeGate(closed=["toys"])
    with running(FakeCompute(hold=held), gate=gate) as engine:
        [number] = submit(engine, request("hold"))
        engine.watch(number, lambda detail: seen.append((detail.state, detail.progress, detail.position)))
        unwatch = engine.watch(number, lambda detail: other.append(detail.state))
        unwatch()
        unwatch()
        gate.open("toys")
        held.wait_begun()
        held.go_on.set()
        end_of(engine, number)
        engine.wait_drained(PATIENCE_S)
    assert seen == [(JobState.RUNNING, 0.0, None), (JobState.RUNNING, 1.0, None), (JobState.DONE, 1.0, None)]
    assert other == []


def test_a_watcher_of_an_ended_job_is_called_at_once() -> None:
    seen: list[JobDetail] = []
    with running(jobs=(jobs := MemoryJobStore())) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        engine.watch(number, seen.append)()
        assert seen == [JobDetail(stored(jobs, number), JobState.DONE, 1.0, None)]


def test_the_error_of_a_watcher_is_reported_and_harms_no_job() -> None:
    observer, held = RecordingObserver(), HeldTask()

    def angry(_: JobDetail) -> None:
        raise ZeroDivisionError

    with running(FakeCompute(hold=held), observer=observer) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        engine.watch(number, angry)
        held.go_on.set()
        assert end_of(engine, number).state is JobState.DONE
    assert [type(error) for _, error in observer.troubles] == [ZeroDivisionError] * 2  # at 100 %, and at the end


# Removal


def test_a_watcher_is_called_when_the_job_is_given_back() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held)) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        seen: list[JobState] = []
        engine.watch(number, lambda view: seen.append(view.state))
        engine.stop()
    assert seen == [JobState.QUEUED]


# Describing and finding


def test_a_job_is_described_in_every_state() -> None:
    held, jobs = HeldTask(), MemoryJobStore()
    with running(FakeCompute(hold=held), jobs=jobs, threads=1) as engine:
        one, two, three = submit(engine, request("hold"), request(), request())
        held.wait_begun()
        assert engine.describe(one) == JobDetail(stored(jobs, one), JobState.RUNNING, 0.0, None)
        assert engine.describe(two) == JobDetail(stored(jobs, two), JobState.QUEUED, 0.0, 0)
        assert engine.describe(three).position == 1
        engine.cancel(two).result(PATIENCE_S)
        assert engine.describe(two) == JobDetail(stored(jobs, two), JobState.CANCELLED, 0.0, None)
        assert engine.describe(three).position == 0
        held.go_on.set()
        end_of(engine, one)
        assert engine.describe(one) == JobDetail(stored(jobs, one), JobState.DONE, 1.0, None)


def test_a_job_is_at_hand_while_a_thread_has_it_or_takes_it_next() -> None:
    held, gate = HeldTask(), FakeGate(closed=["shut"])
    with running(FakeCompute(hold=held), gate=gate, threads=1) as engine:
        works, follows, parked = submit(engine, request("hold"), request(), request(dataset="shut"))
        held.wait_begun()
        assert [engine.is_at_hand(number) for number in (works, parked, 99)] == [True, False, False]
        wait_until(lambda: engine.is_at_hand(follows), "the next job is not claimed")
        held.go_on.set()
        end_of(engine, follows)
        assert not engine.is_at_hand(works)


def test_a_job_that_is_removed_while_it_is_described_is_unknown() -> None:
    class Vanishing(MemoryJobStore):
        def get(self, number: int) -> JobRecord | None:
            self.remove([number]).result()
            return super().get(number)

    with running(jobs=Vanishing()) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        with pytest.raises(JobUnknown, match="job_id_1"):
            engine.describe(number)


def test_a_job_is_found_by_the_state_that_is_shown_of_it() -> None:
    held, jobs = HeldTask(), MemoryJobStore()
    with running(FakeCompute(hold=held), jobs=jobs, threads=1) as engine:
        done, _ = submit(engine, request(), request("hold"))
        held.wait_begun()
        running_one, claimed = done + 1, submit(engine, request())[0]
        engine.cancel(submit(engine, request())[0]).result(PATIENCE_S)

        def numbers(*states: JobState, **more: Any) -> list[int]:
            details = engine.find(JobFilter(states=frozenset(states) or None), **({"limit": 10} | more))
            assert details == [engine.describe(detail.record.number) for detail in details]
            return [detail.record.number for detail in details]

        assert numbers() == [4, claimed, running_one, done]
        assert numbers(JobState.QUEUED) == [claimed]
        assert numbers(JobState.RUNNING) == [running_one]
        assert numbers(JobState.DONE, JobState.CANCELLED) == [4, done]
        assert numbers(before=4, limit=1) == [claimed]
        assert numbers(JobState.QUEUED, JobState.DONE, limit=1) == [claimed]
        assert numbers(JobState.QUEUED, before=claimed) == []
        assert numbers(limit=0) == []
        held.go_on.set()


def test_a_job_that_ends_during_a_search_is_found_as_ended() -> None:
    held = HeldTask()

    class Slow(MemoryJobStore):
        def find(self, wanted: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
            numbers = super().find(wanted, before=before, limit=limit)
            held.go_on.set()
            assert engine.wait_drained(PATIENCE_S)
            return numbers

    with running(FakeCompute(hold=held), jobs=(jobs := Slow())) as engine:
        [number] = submit(engine, request("hold"))
        held.wait_begun()
        assert engine.find(JobFilter(), limit=10) == [JobDetail(stored(jobs, number), JobState.DONE, 1.0, None)]


def test_a_job_that_is_being_accepted_or_removed_is_not_found() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs, keep_ended_jobs=1, threads=1) as engine:
        submit(engine, request(), request())
        assert engine.wait_drained(PATIENCE_S)
        wait_until(lambda: jobs.get(1) is None, "the record is not deleted")
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        end_of(engine, submit(engine, request())[0])
        assert jobs.failed.acquire(timeout=PATIENCE_S)  # 2 has expired, but its record is still there
        # As a real store has a record for a moment before the engine hears of it.
        jobs.add([request()], at_s=1.0).result()
        assert [detail.record.number for detail in engine.find(JobFilter(), limit=10)] == [3]
        jobs.error = None


def test_the_position_of_a_parked_job_is_after_all_that_go_before_it() -> None:
    gate, held = FakeGate(closed=["slow"]), HeldTask()
    with running(FakeCompute(hold=held), gate=gate, threads=1) as engine:
        parked, other = submit(engine, request(dataset="slow"), request(dataset="slow"))
        submit(engine, request("hold"))
        held.wait_begun()
        assert [engine.describe(number).position for number in (parked, other)] == [0, 1]
        [fresh] = submit(engine, request())
        assert [engine.describe(number).position for number in (fresh, parked, other)] == [0, 1, 2]
        gate.open("slow")
        assert [engine.describe(number).position for number in (fresh, parked, other)] == [0, 1, 2]
        held.go_on.set()
