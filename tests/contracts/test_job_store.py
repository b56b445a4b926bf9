"""What every store of jobs does: one suite for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meantime.engine.ports import JobFilter, JobStore, Transition
from meantime.errors import Failure, Fault, IllegalTransition, ShuttingDown
from meantime.model import IdempotencyKey, JobRecord, JobState, Receipt, Request
from meantime.stores.memory import MemoryJobStore
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import request
from tests.support.postgres_store import postgres_store
from tests.support.shared_memory import SharedMemory
from tests.support.waiting import PATIENCE_S

FAILURE = Failure(code="request-invalid", fault=Fault.CALLER, reason="There is no “Utop\u00eda”.")
RECEIPT = Receipt(checksum="0" * 32, size_bytes=7, method_version=3)


def _sqlite(folder: Path) -> JobStore:
    return SqliteJobStore(folder / "jobs.sqlite3", on_broken=lambda error: pytest.fail(str(error)))


STORES: dict[str, Callable[[Path], JobStore]] = {
    "memory": lambda _: MemoryJobStore(),
    "sqlite": _sqlite,
    "shared memory": lambda _: SharedMemory().host(1),  # a fake of our tests, which has to be right too
}


@pytest.fixture(params=[*STORES, "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    if request.param == "postgres":
        made: JobStore = postgres_store(request.getfixturevalue("jobs_database"))
    else:
        made = STORES[request.param](tmp_path)
    yield made
    made.close()


def add(store: JobStore, *requests: Request, at_s: float = 10.0) -> list[JobRecord]:
    return store.add(requests, at_s=at_s).result(PATIENCE_S)


def updated(store: JobStore, before: JobRecord, after: JobRecord) -> JobRecord:
    """Make a transition, and return the new record."""
    store.update([Transition(before, after)]).result(PATIENCE_S)
    return after


def labelled(label: str, do: str = "echo", *, dataset: str = "toys") -> Request:
    return msgspec.structs.replace(request(do, dataset=dataset), label=label, submitted_by=label and "3f9a1c20")


def test_numbers_count_up_from_one_within_a_call_and_across_calls(store: JobStore) -> None:
    assert [job.number for job in add(store, request(), request())] == [1, 2]
    assert [job.number for job in add(store, request())] == [3]


def test_an_added_job_is_queued_and_is_read_as_it_was_returned(store: JobStore) -> None:
    [job] = add(store, request("mean", question="Qué?", nested={"a": [1, None, 2.5]}), at_s=12.5)
    assert (job.state, job.attempts, job.created_at_s) == (JobState.QUEUED, 0, 12.5)
    assert store.get(job.number) == job


def test_the_first_of_added_jobs_are_started_in_the_same_commit_and_go_on_from_there(store: JobStore) -> None:
    requests = [request(fingerprint="f1"), request(fingerprint="f1"), request()]
    jobs = store.add(requests, at_s=12.5, started=2).result(PATIENCE_S)
    assert [(job.state, job.attempts, job.started_at_s) for job in jobs] == [
        (JobState.RUNNING, 1, 12.5),
        (JobState.RUNNING, 1, 12.5),
        (JobState.QUEUED, 0, None),
    ]
    assert list(store.jobs()) == jobs
    done = updated(store, jobs[0], jobs[0].finish(RECEIPT, at_s=13.0))
    assert store.get(1) == done


@pytest.mark.parametrize("count", [2, 5, 85, 150])
def test_however_many_jobs_a_call_has_each_is_kept_and_changed(store: JobStore, count: int) -> None:
    jobs = add(store, *[request(n=number) for number in range(count)])
    assert list(store.jobs()) == jobs
    started = [job.start(at_s=11.0 + job.number) for job in jobs]
    assert store.update([Transition(*both) for both in zip(jobs, started, strict=True)]).result(PATIENCE_S) == set()
    assert list(store.jobs()) == started


def test_a_later_change_of_the_parameters_changes_no_job(store: JobStore) -> None:
    parameters: dict[str, Any] = {"question": "Q"}
    [job] = add(store, Request(dataset="d", statistic="s", parameters=parameters))
    parameters["question"] = "another"
    record = store.get(job.number)
    assert record is not None
    assert record.request.parameters == {"question": "Q"}


def test_adding_nothing_returns_nothing(store: JobStore) -> None:
    assert add(store) == []


def test_a_request_that_cannot_be_kept_is_refused_in_the_call(store: JobStore) -> None:
    with pytest.raises(TypeError):
        store.add([request(what=object())], at_s=0.0)
    assert [job.number for job in add(store, request())] == [1]


def test_every_legal_transition_is_kept_whole(store: JobStore) -> None:
    one, two, three, four = add(store, *[request(fingerprint=None)] * 4)
    bound = request(fingerprint="f2")
    done = updated(store, one, one.start(at_s=11.0, request=bound))
    done = updated(store, done, done.finish(RECEIPT, at_s=12.0))
    failed = updated(store, two, two.start(at_s=11.0))
    failed = updated(store, failed, failed.fail(FAILURE, at_s=12.0))
    cancelled = updated(store, three, three.cancel(FAILURE, at_s=12.0))
    back = updated(store, four, four.start(at_s=11.0))
    back = updated(store, back, back.give_back(attempt_counts=True))
    assert list(store.jobs()) == [done, failed, cancelled, back]
    assert [job.attempts for job in store.jobs()] == [1, 1, 0, 1]


def test_a_job_in_another_state_is_not_updated_nor_are_the_others_of_the_call(store: JobStore) -> None:
    one, two = add(store, request(), request())
    started = updated(store, one, one.start(at_s=11.0))
    future = store.update([Transition(two, two.start(at_s=12.0)), Transition(one, one.start(at_s=12.0))])
    assert isinstance(future.exception(PATIENCE_S), IllegalTransition)
    assert list(store.jobs()) == [started, two]


def test_a_job_with_other_attempts_is_not_updated(store: JobStore) -> None:
    [job] = add(store, request())
    started = updated(store, job, job.start(at_s=11.0))
    back = updated(store, started, started.give_back(attempt_counts=True))
    assert isinstance(store.update([Transition(job, job.start(at_s=12.0))]).exception(PATIENCE_S), IllegalTransition)
    assert store.get(job.number) == back


def test_a_job_that_is_not_there_cannot_be_updated(store: JobStore) -> None:
    [job] = add(store, request())
    other = JobRecord(number=99, request=job.request, created_at_s=0.0)
    assert isinstance(store.update([Transition(other, other.start(at_s=1.0))]).exception(PATIENCE_S), IllegalTransition)


def test_calls_take_effect_in_the_order_in_which_they_were_made(store: JobStore) -> None:
    [job] = add(store, request())
    started = job.start(at_s=11.0)
    done = started.finish(RECEIPT, at_s=12.0)
    futures: list[Future[Any]] = [
        store.update([Transition(job, started)]),
        store.update([Transition(started, done)]),
        store.remove([job.number]),
    ]
    assert [future.result(PATIENCE_S) for future in futures] == [frozenset(), frozenset(), [done]]
    assert store.get(job.number) is None


def test_updating_nothing_succeeds(store: JobStore) -> None:
    assert store.update([]).result(PATIENCE_S) == frozenset()


def test_only_ended_jobs_are_removed_and_their_numbers_are_not_used_again(store: JobStore) -> None:
    queued, running, ended = add(store, request(), request(), request())
    running = updated(store, running, running.start(at_s=11.0))
    ended = updated(store, ended, ended.cancel(FAILURE, at_s=11.0))
    assert store.remove([queued.number, running.number, ended.number, 99]).result(PATIENCE_S) == [ended]
    assert list(store.jobs()) == [queued, running]
    assert [job.number for job in add(store, request())] == [4]


def ended_jobs(store: JobStore, count: int) -> list[JobRecord]:
    requests = [labelled("“mine”", "mean")] * count
    jobs = store.add(requests, at_s=10.0, idempotency_key=IdempotencyKey(key="k", digest="d")).result(PATIENCE_S)
    started = [updated(store, job, job.start(at_s=11.0)) for job in jobs]
    return [updated(store, job, job.finish(RECEIPT, at_s=12.0)) for job in started]


def test_a_removal_returns_the_records_it_deleted_whole_and_by_number(store: JobStore) -> None:
    one, two, three = ended_jobs(store, 3)
    assert store.remove((3, 1, 3)).result(PATIENCE_S) == [one, three]
    assert list(store.jobs()) == [two]


def test_of_two_removals_of_the_same_jobs_each_returns_what_it_deleted_itself(store: JobStore) -> None:
    one, two, three = ended_jobs(store, 3)
    first, second = store.remove([1, 2]), store.remove([2, 3])
    assert (first.result(PATIENCE_S), second.result(PATIENCE_S)) == ([one, two], [three])
    assert store.remove([1, 2, 3]).result(PATIENCE_S) == []


def test_of_many_threads_that_remove_the_same_jobs_exactly_one_gets_each_record(store: JobStore) -> None:
    jobs = ended_jobs(store, 20)
    numbers = [job.number for job in jobs]
    with ThreadPoolExecutor(4) as removers:
        removals = list(removers.map(lambda _: store.remove(numbers), range(8)))
    deleted = [job for removal in removals for job in removal.result(PATIENCE_S)]
    assert sorted(deleted, key=lambda job: job.number) == jobs


def test_removing_nothing_returns_nothing(store: JobStore) -> None:
    assert store.remove([]).result(PATIENCE_S) == []


def test_fingerprints_are_those_that_kept_jobs_name(store: JobStore) -> None:
    assert store.fingerprints() == set()
    jobs = add(store, request(fingerprint="f1"), request(fingerprint="f1"), request(fingerprint=None))
    [other] = add(store, request(fingerprint="f2"))
    assert store.fingerprints() == {"f1", "f2"}
    updated(store, other, other.cancel(FAILURE, at_s=11.0))
    store.remove([other.number]).result(PATIENCE_S)
    updated(store, jobs[2], jobs[2].start(at_s=11.0, request=request(fingerprint="f3")))
    assert store.fingerprints() == {"f1", "f3"}


def test_a_label_and_a_key_are_kept_through_every_transition(store: JobStore) -> None:
    key = IdempotencyKey(key="k", digest="d")
    [job] = store.add([labelled("“mine”")], at_s=10.0, idempotency_key=key).result(PATIENCE_S)
    assert (job.request.label, job.idempotency_key) == ("“mine”", key)
    done = updated(store, updated(store, job, job.start(at_s=11.0)), job.start(at_s=11.0).finish(RECEIPT, at_s=12.0))
    assert store.get(job.number) == done
    assert list(store.jobs()) == [done]


def test_the_jobs_of_a_key_are_found_by_number_as_long_as_they_are_kept(store: JobStore) -> None:
    add(store, request())
    lower, upper = IdempotencyKey(key="k", digest="d"), IdempotencyKey(key="K", digest="d")
    one, two = store.add([request(), request()], at_s=10.0, idempotency_key=lower).result(PATIENCE_S)
    store.add([request()], at_s=10.0, idempotency_key=upper).result(PATIENCE_S)
    assert store.accepted_under("k") == [one, two]
    assert store.accepted_under("other") == []
    gone = updated(store, one, one.cancel(FAILURE, at_s=11.0))
    store.remove([gone.number]).result(PATIENCE_S)
    assert store.accepted_under("k") == [two]


def found_numbers(store: JobStore, job_filter: JobFilter, *, before: int | None = None, limit: int = 100) -> list[int]:
    jobs = store.find(job_filter, before=before, limit=limit)
    assert [store.get(job.number) for job in jobs] == jobs
    return [job.number for job in jobs]


def test_jobs_are_found_newest_first_page_by_page_while_others_come_and_go(store: JobStore) -> None:
    first, *_ = add(store, *[request()] * 5)
    assert found_numbers(store, JobFilter(), limit=2) == [5, 4]
    add(store, request())
    assert found_numbers(store, JobFilter(), before=4, limit=2) == [3, 2]
    updated(store, first, first.cancel(FAILURE, at_s=11.0))
    store.remove([first.number]).result(PATIENCE_S)
    assert found_numbers(store, JobFilter(), before=2, limit=2) == []
    assert found_numbers(store, JobFilter(), before=2**64, limit=1) == [6]  # from a cursor that somebody made up


@pytest.mark.parametrize(
    ("job_filter", "numbers"),
    [
        (JobFilter(), [4, 3, 2, 1]),
        (JobFilter(states=frozenset()), []),
        (JobFilter(states=frozenset({JobState.QUEUED})), [4, 2]),
        (JobFilter(states=frozenset({JobState.QUEUED, JobState.CANCELLED})), [4, 3, 2]),
        (JobFilter(states=frozenset({JobState.DONE})), []),
        (JobFilter(statistic="mean"), [2]),
        (JobFilter(statistic="MEAN"), []),
        (JobFilter(dataset="other"), [3]),
        (JobFilter(label="mine"), [4, 2]),
        (JobFilter(label=""), []),
        (JobFilter(created_after_s=12.0), [4, 3, 2]),
        (JobFilter(created_before_s=12.0), [1]),
        (JobFilter(created_after_s=12.0, created_before_s=13.0), [3, 2]),
        (JobFilter(states=frozenset({JobState.QUEUED}), label="mine", created_before_s=13.0), [2]),
    ],
)
def test_a_filter_finds_the_jobs_that_match(store: JobStore, job_filter: JobFilter, numbers: list[int]) -> None:
    [one] = add(store, request(), at_s=11.0)
    _, three = add(store, labelled("mine", "mean"), request(dataset="other"), at_s=12.0)
    add(store, labelled("mine"), at_s=13.0)
    updated(store, one, one.start(at_s=14.0))
    updated(store, three, three.cancel(FAILURE, at_s=14.0))
    assert found_numbers(store, job_filter) == numbers
    assert sorted(job.number for job in store.jobs() if job_filter.matches(job, job.state)) == sorted(numbers)


def test_a_callback_may_ask_the_store_for_more(store: JobStore) -> None:
    second: list[JobRecord] = []
    done = threading.Event()

    def note(added: Future[list[JobRecord]]) -> None:
        second.extend(added.result())
        done.set()

    def ask_again(_: object) -> None:
        store.add([request()], at_s=1.0).add_done_callback(note)

    store.add([request()], at_s=1.0).add_done_callback(ask_again)
    assert done.wait(PATIENCE_S)
    assert [job.number for job in second] == [2]


def test_a_future_cannot_be_cancelled(store: JobStore) -> None:
    future = store.add([request()], at_s=1.0)
    assert not future.cancel()
    assert [job.number for job in future.result(PATIENCE_S)] == [1]


def test_all_that_was_asked_before_close_is_done(store: JobStore) -> None:
    futures = [store.add([request()], at_s=1.0) for _ in range(1200)]
    store.close()
    assert [future.result(0)[0].number for future in futures] == list(range(1, 1201))


def test_after_close_nothing_is_written_and_close_may_be_called_again(store: JobStore) -> None:
    [job] = add(store, request())
    store.close()
    store.close()
    for future in (
        store.add([request()], at_s=1.0),
        store.update([Transition(job, job.start(at_s=1.0))]),
        store.remove([1]),
    ):
        assert isinstance(future.exception(PATIENCE_S), ShuttingDown)
