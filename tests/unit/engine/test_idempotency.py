from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from meantime.engine.engine import Engine
from meantime.errors import (
    KeyReused,
    QueueFull,
    ShuttingDown,
    StoreFull,
)
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import (
    FULL,
    ControlledJobStore,
    FakeCompute,
    HeldTask,
    end_of,
    request,
    running,
    submit,
)
from tests.support.waiting import PATIENCE_S

KEY = IdempotencyKey(key="k", digest="d")


def submit_under_key(engine: Engine, *requests: Request, key: IdempotencyKey = KEY) -> list[int]:
    return [job.number for job in engine.submit(requests, key=key).result(PATIENCE_S)]


def test_the_same_key_and_digest_give_the_same_jobs_in_every_state() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held)) as engine:
        numbers = submit_under_key(engine, request("hold"), request(), request())
        assert submit_under_key(engine, request("hold"), request(), request()) == numbers
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)
        assert submit_under_key(engine, request("hold"), request(), request()) == numbers
        assert submit_under_key(engine, request(), key=IdempotencyKey(key="other", digest="d")) == [4]


def test_the_same_key_with_another_digest_is_refused_also_in_flight() -> None:
    jobs = ControlledJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as engine:
        accepted = engine.submit([request()], key=KEY)
        other = IdempotencyKey(key="k", digest="other")
        with pytest.raises(KeyReused, match="idempotency key"):
            engine.submit([request()], key=other)
        jobs.held[0]()
        accepted.result(PATIENCE_S)
        with pytest.raises(KeyReused, match="idempotency key"):
            engine.submit([request()], key=other)
        assert len(engine.jobs()) == 1


def test_the_same_key_in_flight_waits_for_the_same_jobs() -> None:
    jobs = ControlledJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as engine:
        first, second = engine.submit([request()], key=KEY), engine.submit([request()], key=KEY)
        assert not second.done()
        jobs.held[0]()
        assert first.result(PATIENCE_S) == second.result(PATIENCE_S)
        assert len(engine.jobs()) == len(jobs.held) == 1


def test_a_key_whose_submission_failed_is_free_again() -> None:
    jobs = ControlledJobStore()
    jobs.error = FULL
    with running(jobs=jobs) as engine:
        again: list[Future[list[JobRecord]]] = []

        def retry(failed: Future[list[JobRecord]]) -> None:
            jobs.error = None
            assert isinstance(failed.exception(), StoreFull)
            again.append(engine.submit([request()], key=IdempotencyKey(key="k", digest="other")))

        engine.submit([request()], key=KEY).add_done_callback(retry)
        assert [job.number for job in again[0].result(PATIENCE_S)] == [1]


def test_a_key_whose_submission_was_refused_is_free_again() -> None:
    with running(queue_limit=1) as engine:
        with pytest.raises(QueueFull):
            engine.submit([request(), request()], key=KEY)
        assert submit_under_key(engine, request()) == [1]


def test_a_submission_under_the_same_key_in_flight_fails_with_the_same_error() -> None:
    looking, go_on = threading.Event(), threading.Event()

    class Slow(MemoryJobStore):
        def accepted_under(self, key: str) -> list[JobRecord]:
            looking.set()
            assert go_on.wait(PATIENCE_S)
            return super().accepted_under(key)

    refused: list[BaseException] = []
    with running(jobs=Slow(), queue_limit=1) as engine:

        def ask() -> None:
            try:
                engine.submit([request(), request()], key=KEY)
            except QueueFull as error:
                refused.append(error)

        first = threading.Thread(target=ask)
        first.start()
        assert looking.wait(PATIENCE_S)
        second = engine.submit([request(), request()], key=KEY)
        go_on.set()
        first.join(PATIENCE_S)
        assert [second.exception(PATIENCE_S)] == refused


def test_a_key_is_free_when_its_last_job_is_removed() -> None:
    with running() as engine:
        one, two = submit_under_key(engine, request(), request())
        assert engine.wait_drained(PATIENCE_S)
        engine.remove(one).result(PATIENCE_S)
        assert submit_under_key(engine, request(), request()) == [two]
        engine.remove(two).result(PATIENCE_S)
        assert submit_under_key(engine, request(), key=IdempotencyKey(key="k", digest="other")) == [3]


def test_a_key_is_free_though_the_record_of_a_removed_job_is_still_there() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs, keep_ended_jobs=1) as engine:
        submit_under_key(engine, request())
        assert engine.wait_drained(PATIENCE_S)
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        end_of(engine, submit(engine, request())[0])
        assert jobs.failed.acquire(timeout=PATIENCE_S)  # it has expired, but its record cannot be removed
        assert jobs.get(1) is not None
        assert submit_under_key(engine, request(), key=IdempotencyKey(key="k", digest="other")) == [3]
        jobs.error = None


def test_a_key_gives_its_jobs_also_when_new_jobs_are_refused_until_the_stop() -> None:
    with running() as engine:
        numbers = submit_under_key(engine, request())
        engine.stop_accepting()
        assert submit_under_key(engine, request()) == numbers
        with pytest.raises(ShuttingDown):
            engine.submit([request()], key=IdempotencyKey(key="new", digest="d"))
        engine.stop()
        with pytest.raises(ShuttingDown):
            engine.submit([request()], key=KEY)


def test_of_many_threads_that_race_for_a_key_one_makes_the_jobs() -> None:
    with running() as engine, ThreadPoolExecutor(8) as clients:
        made = list(clients.map(lambda _: submit_under_key(engine, request(), request()), range(64)))
        assert made == [[1, 2]] * 64
        assert len(engine.jobs()) == 2
