from __future__ import annotations

from meantime.errors import (
    JobUnknown,
    ResultGone,
    ShuttingDown,
    StorePaused,
)
from meantime.model import JobRecord, Receipt
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    FakeCompute,
    HeldTask,
    end_of,
    request,
    running,
    submit,
)
from tests.support.waiting import PATIENCE_S, wait_until


def test_a_lost_result_is_computed_again_once_however_many_ask() -> None:
    held, results = HeldTask(), MemoryResultStore()
    compute = FakeCompute()
    with running(compute, results=results) as engine:
        [number] = submit(engine, request(question="Q"))
        end_of(engine, number)
        results.remove(number)
        compute.tasks = {"echo": held}
        readers = [engine.read_result(number) for _ in range(3)]
        held.wait_begun()
        readers.append(engine.read_result(number))
        assert not readers[0].cancel()
        held.go_on.set()
        assert {reader.result(PATIENCE_S) for reader in readers} == {b"[('question', 'Q')]"}
        assert len(compute.requests) == 2
        assert engine.read_result(number).done()


def test_a_lost_result_is_computed_before_waiting_jobs_and_while_the_queue_drains() -> None:
    held, results = HeldTask(), MemoryResultStore()
    compute = FakeCompute(hold=held)
    with running(compute, results=results, threads=1) as engine:
        [number] = submit(engine, request(first=1))
        end_of(engine, number)
        results.remove(number)
        submit(engine, request("hold"), request(second=2))
        held.wait_begun()
        engine.stop_accepting()
        reader = engine.read_result(number)
        held.go_on.set()
        assert reader.result(PATIENCE_S) == b"[('first', 1)]"
        engine.wait_drained(PATIENCE_S)
    assert [request.parameters for request in compute.requests[2:]] == [{"first": 1}, {"second": 2}]


def test_a_result_that_cannot_be_opened_for_the_moment_is_not_lost() -> None:
    class Short(MemoryResultStore):
        def open(self, number: int, receipt: Receipt) -> bytes | None:  # noqa: ARG002 - the port has it
            raise StorePaused("No descriptors.")

    compute = FakeCompute()
    with running(compute, results=Short()) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        assert isinstance(engine.read_result(number).exception(PATIENCE_S), StorePaused)
    assert len(compute.requests) == 1


def test_a_lost_result_whose_record_is_damaged_is_gone() -> None:
    class Damaged(MemoryJobStore):
        def get(self, number: int) -> JobRecord | None:
            return JobRecord.damaged(number)

    results = MemoryResultStore()
    with running(jobs=Damaged(), results=results) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        results.remove(number)
        error = engine.read_result(number).exception(PATIENCE_S)
        assert isinstance(error, ResultGone)
        assert "record of what it is about is damaged" in error.reason


def test_a_lost_result_of_an_older_method_is_gone() -> None:
    compute, results = FakeCompute(), MemoryResultStore()
    with running(compute, results=results) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        results.remove(number)
        compute.method_version = 2
        assert isinstance(engine.read_result(number).exception(PATIENCE_S), ResultGone)
        compute.method_version = 1
        assert engine.read_result(number).result(PATIENCE_S) == b"[]"


def test_a_lost_result_whose_record_was_removed_is_unknown() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        results.remove(number)
        jobs.remove([number]).result()
        assert isinstance(engine.read_result(number).exception(PATIENCE_S), JobUnknown)


def test_a_result_that_expires_while_it_is_computed_again_leaves_no_file() -> None:
    held, results, compute = HeldTask(), MemoryResultStore(), FakeCompute()
    with running(compute, results=results, keep_ended_jobs=1) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        results.remove(number)
        compute.tasks = {"echo": held}
        reader = engine.read_result(number)
        held.wait_begun()
        [newer] = submit(engine, request("other"))
        end_of(engine, newer)
        wait_until(lambda: number not in dict(engine.jobs()), "retention has not forgotten the job")
        held.go_on.set()
        receipt = reader.result(PATIENCE_S)
        assert receipt == b"[]"
    assert list(results._bodies) == [newer]


def test_after_the_stop_a_sound_result_can_still_be_read_and_a_lost_one_not() -> None:
    results = MemoryResultStore()
    with running(results=results) as engine:
        one, two = submit(engine, request(), request())
        engine.wait_drained(PATIENCE_S)
        results.remove(two)
    assert engine.read_result(one).result(0) == b"[]"
    assert isinstance(engine.read_result(two).exception(0), ShuttingDown)


def test_readers_of_a_lost_result_are_answered_when_the_server_stops() -> None:
    held, results, compute = HeldTask(), MemoryResultStore(), FakeCompute()
    with running(compute, results=results, threads=1) as engine:
        one, two = submit(engine, request(), request())
        engine.wait_drained(PATIENCE_S)
        results.remove(one)
        results.remove(two)
        compute.tasks = {"echo": held}
        at_work, waiting = engine.read_result(one), engine.read_result(two)
        held.wait_begun()
    assert isinstance(at_work.exception(0), ShuttingDown)
    assert isinstance(waiting.exception(0), ShuttingDown)
