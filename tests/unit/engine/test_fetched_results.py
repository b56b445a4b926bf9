"""A result that another host has is fetched from there, and computed again only if it does not come."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import pytest

from meantime.engine.ports import Transition
from meantime.errors import JobUnknown, ShuttingDown, StorePaused
from meantime.model import JobRecord, Receipt
from meantime.stores.memory import MemoryJobStore
from tests.support.engine_fakes import FULL, FailingResultStore, FakeCompute, request, running
from tests.support.waiting import PATIENCE_S, wait_for

BODY = b"[]"  # what echo answers without parameters


class Elsewhere:
    """Another host, which answers as the test says."""

    def __init__(self, answer: Callable[[], bytes | None]) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def fetch(self, record: JobRecord) -> bytes | None:
        self.asked.append(record.number)
        return self.answer()


def done_elsewhere() -> MemoryJobStore:
    """A store with a job that another host has done."""
    receipt = Receipt(checksum=hashlib.blake2b(BODY, digest_size=16).hexdigest(), size_bytes=2, method_version=1)
    jobs = MemoryJobStore()
    [job] = jobs.add([request()], at_s=1.0).result()
    started = job.start(at_s=2.0, host=2)
    jobs.update([Transition(job, started), Transition(started, started.finish(receipt, at_s=3.0))]).result()
    return jobs


def fails(error: Exception) -> Callable[[], bytes | None]:
    def answer() -> bytes | None:
        raise error

    return answer


def test_a_result_that_another_host_has_is_fetched_once_and_kept() -> None:
    compute, elsewhere = FakeCompute(), Elsewhere(lambda: BODY)
    with running(compute, jobs=done_elsewhere(), elsewhere=elsewhere) as engine:
        assert engine.read_result(1).result(PATIENCE_S) == BODY
        assert engine.read_result(1).result(PATIENCE_S) == BODY
    assert (elsewhere.asked, compute.requests) == ([1], [])


def test_one_that_cannot_be_kept_is_answered_all_the_same() -> None:
    results = FailingResultStore()
    results.error = FULL
    with running(jobs=done_elsewhere(), elsewhere=Elsewhere(lambda: BODY), results=results) as engine:
        assert engine.read_result(1).result(PATIENCE_S) == BODY


@pytest.mark.parametrize("answer", [lambda: None, lambda: b"another", fails(ValueError("a bug"))])
def test_one_that_does_not_come_is_computed_again(answer: Callable[[], bytes | None]) -> None:
    compute = FakeCompute()
    with running(compute, jobs=done_elsewhere(), elsewhere=Elsewhere(answer)) as engine:
        assert engine.read_result(1).result(PATIENCE_S) == BODY
    assert len(compute.requests) == 1


def test_an_owner_that_does_not_answer_is_waited_for() -> None:
    compute = FakeCompute()
    with running(compute, jobs=done_elsewhere(), elsewhere=Elsewhere(fails(StorePaused("later")))) as engine:
        assert isinstance(engine.read_result(1).exception(PATIENCE_S), StorePaused)
    assert compute.requests == []


def test_a_job_without_a_record_is_not_asked_for_elsewhere() -> None:
    jobs, elsewhere = done_elsewhere(), Elsewhere(lambda: BODY)
    with running(jobs=jobs, elsewhere=elsewhere) as engine:
        jobs._jobs.clear()
        assert isinstance(engine.read_result(1).exception(PATIENCE_S), JobUnknown)
    assert elsewhere.asked == []


def test_a_stop_answers_those_who_wait_for_another_host() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def answer() -> bytes | None:
        asked.set()
        wait_for(go_on, "the test never let the other host answer")
        return None

    with running(jobs=done_elsewhere(), elsewhere=Elsewhere(answer)) as engine:
        reading = engine.read_result(1)
        reading.add_done_callback(lambda _: go_on.set())
        wait_for(asked, "the other host was never asked")
    assert isinstance(reading.exception(PATIENCE_S), ShuttingDown)
