from __future__ import annotations

import pytest

from meantime.engine import job_index
from meantime.engine.clock_watch import ClockWatch
from meantime.engine.job_index import JobIndex
from meantime.engine.jobs import EndedJob
from meantime.engine.retention import STEP_LIMIT, Retention
from meantime.model import JobRecord, JobState
from tests.support.engine_fakes import ManualClock, request


def ended(number: int, *, at_s: float) -> JobRecord:
    return JobRecord(number=number, request=request(), created_at_s=0.0, state=JobState.DONE, ended_at_s=at_s)


def index_of(*records: JobRecord) -> JobIndex:
    index = JobIndex()
    index.add_ended((record.number, EndedJob.of(record)) for record in records)
    return index


def trusting(clock: ManualClock) -> ClockWatch:
    return ClockWatch(clock=clock, running=clock)


def test_of_too_many_jobs_those_that_ended_first_go() -> None:
    index = index_of(ended(1, at_s=30.0), ended(2, at_s=10.0), ended(3, at_s=20.0))
    retention = Retention(index, watch=trusting(ManualClock(31.0)), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [2, 3]
    assert sorted(index.ended) == [1]
    assert index.ended_counts[JobState.DONE] == 1


def test_jobs_that_ended_too_long_ago_go() -> None:
    index = index_of(ended(1, at_s=10.0), ended(2, at_s=20.0))
    retention = Retention(index, watch=trusting(ManualClock(25.0)), keep_s=10.0, keep_jobs=100)
    assert retention.begin_step() == [1]


def test_nothing_to_remove_is_no_step() -> None:
    retention = Retention(index_of(), watch=trusting(ManualClock()), keep_s=10.0, keep_jobs=100)
    assert retention.begin_step() == []
    assert retention.begin_step() == []


def test_removal_goes_in_small_steps_one_at_a_time() -> None:
    index = index_of(*[ended(number, at_s=float(number)) for number in range(1, STEP_LIMIT + 11)])
    retention = Retention(index, watch=trusting(ManualClock(10_000.0)), keep_s=1.0, keep_jobs=100)
    first = retention.begin_step()
    assert first == list(range(1, STEP_LIMIT + 1))
    assert retention.begin_step() == []
    retention.end_step(first, is_removed=True)
    assert len(retention.begin_step()) == 10


def test_a_step_is_due_as_long_as_it_would_have_jobs_to_delete() -> None:
    index, clock = index_of(ended(1, at_s=10.0)), ManualClock(15.0)
    retention = Retention(index, watch=trusting(clock), keep_s=10.0, keep_jobs=100)
    assert [retention.is_due, retention.begin_step()] == [False, []]
    clock.now_s = 25.0
    assert [retention.is_due, retention.begin_step(), retention.is_due] == [True, [1], False]
    retention.end_step([1], is_removed=False)
    assert [retention.is_due, retention.begin_step()] == [True, [1]]
    retention.end_step([1], is_removed=True)
    assert not retention.is_due


def test_what_could_not_be_removed_is_in_the_next_step() -> None:
    index = index_of(ended(1, at_s=1.0))
    retention = Retention(index, watch=trusting(ManualClock()), keep_s=1.0, keep_jobs=100)
    retention.end_step(retention.begin_step(), is_removed=False)
    index.add_ended([(2, EndedJob.of(ended(2, at_s=2.0)))])
    assert retention.begin_step() == [1, 2]


def test_a_job_that_was_removed_meanwhile_does_not_count_and_is_not_removed_again() -> None:
    index = index_of(*[ended(number, at_s=float(number)) for number in (1, 2, 3, 4)])
    for number in (1, 3, 3):
        index.forget(number)
    retention = Retention(index, watch=trusting(ManualClock(5.0)), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [2]
    assert index.ended_counts[JobState.DONE] == 1


def test_thousands_of_jobs_removed_after_an_old_one_leave_no_numbers_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_index, "_STALE_LIMIT", 10)
    index = index_of(ended(1, at_s=1.0))
    for number in range(2, 1000):
        index.add_ended([(number, EndedJob.of(ended(number, at_s=float(number))))])
        index.forget(number)
        assert len(index._oldest_first) <= 13
    retention = Retention(index, watch=trusting(ManualClock(5000.0)), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [1]
