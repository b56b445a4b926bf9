from __future__ import annotations

from meantime.errors import (
    Failure,
    Fault,
)
from meantime.model import JobState, Request, Work
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    ControlledJobStore,
    FakeCompute,
    FakeGate,
    HeldTask,
    RecordingObserver,
    echo,
    end_of,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S


def test_jobs_wait_for_their_data_set_without_a_thread_and_others_go_on() -> None:
    gate, compute = FakeGate(closed=["slow"]), FakeCompute()
    with running(compute, gate=gate, threads=1) as engine:
        [waiting] = submit(engine, request(dataset="slow", fingerprint=None))
        [other] = submit(engine, request(dataset="quick"))
        end_of(engine, other)
        assert engine.look_up(waiting).state is JobState.QUEUED
        assert not engine.wait_drained(0)
        gate.open("slow")
        assert end_of(engine, waiting).state is JobState.DONE
        assert engine.wait_drained(PATIENCE_S)
    assert [request.dataset for request in compute.requests] == ["quick", "slow"]


def test_a_stop_does_not_wait_for_jobs_whose_data_set_is_held() -> None:
    gate, held = FakeGate(closed=["slow"]), HeldTask()
    with running(FakeCompute(hold=held), gate=gate, threads=1) as engine:
        submit(engine, request(dataset="slow", fingerprint=None))
        [working] = submit(engine, request("hold"))
        held.wait_begun()
        gate.held.add("slow")
        assert not engine.wait_drained(0)  # one is worked on
        held.go_on.set()
        end_of(engine, working)
        # It would wait for ever otherwise; nobody says that the job is done.
        assert not engine.wait_drained(None)


def test_a_job_that_gets_memory_later_is_done() -> None:
    errors = [MemoryError(), MemoryError()]

    def hungry(request: Request, work: Work) -> bytes:
        if errors:
            raise errors.pop()
        return echo(request, work)

    with running(FakeCompute(hungry=hungry)) as engine:
        assert end_of(engine, submit(engine, request("hungry"))[0]).state is JobState.DONE


def test_a_data_set_that_opens_just_before_its_job_is_parked_is_not_missed() -> None:
    class Racing(FakeGate):
        def is_open(self, dataset: str) -> bool:
            was_open = super().is_open(dataset)
            if not was_open and len(looks) == 1:
                self.open(dataset)  # right after the look, before the job is parked
            looks.append(dataset)
            return was_open

    looks: list[str] = []
    with running(gate=Racing(closed=["toys"])) as engine:
        assert end_of(engine, submit(engine, request(fingerprint=None))[0]).state is JobState.DONE


def test_a_request_is_bound_durably_at_acceptance_if_the_data_set_is_loaded() -> None:
    jobs, gate = ControlledJobStore(), FakeGate()
    jobs.holds_on = lambda kind, _: kind == "update"
    with running(jobs=jobs, gate=gate) as engine:
        [number] = submit(engine, request(fingerprint=None))
        gate.fingerprint = "f2"  # reloaded while the job waits
        assert stored(jobs, number).request.fingerprint == "f1"
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        jobs.holds_on = lambda *_: False
        jobs.held.pop()()
        end_of(engine, number)
        assert stored(jobs, number).request.fingerprint == "f1"


def test_a_request_is_bound_durably_when_it_is_claimed_if_the_data_set_was_loading() -> None:
    jobs, gate, held = MemoryJobStore(), FakeGate(closed=["toys"]), HeldTask()
    compute = FakeCompute(hold=held)
    with running(compute, jobs=jobs, gate=gate) as engine:
        [number] = submit(engine, request("hold", fingerprint=None))
        gate.fingerprint = "f9"
        gate.open("toys")
        held.wait_begun()
        assert stored(jobs, number).request.fingerprint == "f9"
        assert compute.requests[0].fingerprint == "f9"


def test_a_job_whose_data_set_failed_to_load_fails_with_that_reason() -> None:
    gate, compute, jobs = FakeGate(failed=["toys"]), FakeCompute(), MemoryJobStore()
    with running(compute, jobs=jobs, gate=gate) as engine:
        view = end_of(engine, submit(engine, request(fingerprint=None))[0])
        assert view.failure == Failure(code="dataset-not-ready", fault=Fault.OPERATOR, reason="toys failed to load.")
    assert stored(jobs, 1).attempts == 1
    assert compute.requests == []


def test_a_bug_in_binding_fails_the_job_not_the_thread() -> None:
    class Buggy(FakeGate):
        def bind(self, _request: Request) -> Request:
            raise ZeroDivisionError

    observer = RecordingObserver()
    gate = Buggy(closed=["toys"])
    with running(gate=gate, observer=observer) as engine:
        [number] = submit(engine, request(fingerprint=None))
        gate.open("toys")
        view = end_of(engine, number)
        assert view.failure is not None
        assert view.failure.code == "internal"
    assert len(observer.troubles) == 1
