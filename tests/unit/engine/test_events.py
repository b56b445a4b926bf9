from __future__ import annotations

import threading

from meantime.engine.events import Event, EventDispatcher
from meantime.engine.jobs import ActiveJob, JobDetail
from meantime.model import JobRecord, JobState
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    FULL,
    FailingResultStore,
    end_of,
    request,
    running,
    stored,
    submit,
)
from tests.support.waiting import PATIENCE_S


def job(number: int) -> ActiveJob:
    return ActiveJob(JobRecord(number=number, request=request(), created_at_s=0.0))


def accepted(number: int) -> Event:
    return Event("accepted", JobDetail(job(number).record, JobState.QUEUED, 0.0, 5))


class Harness:
    """A dispatcher with a lock, and the errors it reports."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.errors: list[tuple[int, BaseException]] = []
        self.events = EventDispatcher(
            self.lock,
            position_of=lambda _: 5,
            on_error=lambda record, error: self.errors.append((record.number, error)),
        )

    def happen(self, *numbers: int) -> None:
        with self.lock:
            self.events.add("accepted", [job(number) for number in numbers])
        self.events.dispatch()


def test_followers_are_called_with_all_events_until_they_leave() -> None:
    harness, seen = Harness(), list[Event]()
    harness.happen(1)
    unfollow = harness.events.follow(seen.append)
    harness.happen(2, 3)
    unfollow()
    unfollow()
    harness.happen(4)
    assert seen == [accepted(2), accepted(3)]
    assert not harness.events.is_followed


def test_one_who_follows_twice_and_leaves_once_still_follows() -> None:
    harness, seen = Harness(), list[Event]()
    unfollow = harness.events.follow(seen.append)
    harness.events.follow(seen.append)
    unfollow()
    harness.happen(1)
    assert len(seen) == 1


def test_no_lock_is_held_while_somebody_is_called() -> None:
    harness, is_free = Harness(), list[bool]()

    def check_lock(_: Event) -> None:
        is_free.append(harness.lock.acquire(blocking=False))
        harness.lock.release()

    harness.events.follow(check_lock)
    harness.happen(1)
    assert is_free == [True]


def test_what_happens_while_others_are_called_comes_after_that_also_from_another_thread() -> None:
    harness, seen = Harness(), list[int]()

    def follower(event: Event) -> None:
        number = event.detail.record.number
        if number == 1:
            other = threading.Thread(target=harness.happen, args=(2,))  # leaves its events to us
            other.start()
            other.join(PATIENCE_S)
            assert not other.is_alive()
            harness.happen(3)
        seen.append(number)

    harness.events.follow(follower)
    harness.happen(1)
    assert seen == [1, 2, 3]
    harness.happen(4)
    assert seen == [1, 2, 3, 4]


def test_the_error_of_a_follower_is_reported_and_the_others_are_called() -> None:
    harness, seen = Harness(), list[Event]()
    error = ZeroDivisionError()

    def failing(_: Event) -> None:
        raise error

    harness.events.follow(failing)
    harness.events.follow(seen.append)
    harness.happen(1, 2)
    assert len(seen) == 2
    assert harness.errors == [(1, error), (2, error)]


# The events of jobs


def test_followers_get_the_events_of_each_job_from_acceptance_to_removal_in_order() -> None:
    seen: list[Event] = []
    with running(jobs=(jobs := MemoryJobStore()), threads=1) as engine:
        unfollow = engine.follow(seen.append)
        [number] = submit(engine, request())
        end_of(engine, number)
        record = stored(jobs, number)
        engine.remove(number).result(PATIENCE_S)
        unfollow()
        submit(engine, request())
        assert engine.wait_drained(PATIENCE_S)
    assert [event.kind for event in seen] == ["accepted", "started", "progress", "ended", "removed"]
    assert [event.detail.state for event in seen[:3]] == [JobState.QUEUED, JobState.RUNNING, JobState.RUNNING]
    assert [event.detail.position for event in seen] == [0, None, None, None, None]
    assert seen[3].detail == seen[4].detail == JobDetail(record, JobState.DONE, 1.0, None)


def test_of_many_jobs_at_once_the_events_of_each_come_in_order() -> None:
    seen: list[Event] = []
    with running(threads=4) as engine:
        engine.follow(seen.append)
        numbers = [number for _ in range(20) for number in submit(engine, *[request()] * 10)]
        assert engine.wait_drained(PATIENCE_S)
    for number in numbers:
        kinds = [event.kind for event in seen if event.detail.record.number == number]
        assert kinds == ["accepted", "started", "progress", "ended"]


def test_an_expired_job_is_announced_as_removed() -> None:
    seen: list[Event] = []
    removed = threading.Event()

    def note(event: Event) -> None:
        seen.append(event)
        if event.kind == "removed":
            removed.set()

    with running(keep_ended_jobs=1) as engine:
        [one] = submit(engine, request())
        end_of(engine, one)
        engine.follow(note)
        end_of(engine, submit(engine, request())[0])
        assert removed.wait(PATIENCE_S)
    assert [event.detail.record.number for event in seen if event.kind == "removed"] == [one]


def test_a_job_given_back_because_the_disk_is_full_is_announced_and_begins_again_from_nothing() -> None:
    results, seen = FailingResultStore(), list[Event]()
    results.error = FULL
    with running(results=results, threads=1) as engine:
        engine.follow(seen.append)
        [number] = submit(engine, request())
        assert results.failed.acquire(timeout=PATIENCE_S)
        results.error = None
        end_of(engine, number)
    kinds = [event.kind for event in seen]
    assert kinds[:5] == ["accepted", "started", "progress", "given-back", "started"]
    back = seen[3].detail
    assert (back.state, back.progress, back.position) == (JobState.QUEUED, 0.0, 0)


def test_a_lost_result_that_is_computed_again_is_no_event() -> None:
    results, seen = MemoryResultStore(), list[Event]()
    with running(results=results) as engine:
        [number] = submit(engine, request())
        end_of(engine, number)
        results.remove(number)
        engine.follow(seen.append)
        assert engine.read_result(number).result(PATIENCE_S) == b"[]"
    assert seen == []
