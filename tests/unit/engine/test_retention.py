from __future__ import annotations

import pytest

from meantime.engine import ledger as ledger_module
from meantime.engine.ledger import Ended, Ledger
from meantime.engine.retention import STEP_LIMIT, Retention
from meantime.model import Job, JobState
from tests.support.engine_fakes import ManualClock, request


def ended(number: int, *, at_s: float) -> Job:
    return Job(number=number, request=request(), created_at_s=0.0, state=JobState.DONE, ended_at_s=at_s)


def ledger(*jobs: Job) -> Ledger:
    made = Ledger()
    made.admit_ended((job.number, Ended.of(job)) for job in jobs)
    return made


def test_jobs_beyond_the_number_kept_go_oldest_end_first() -> None:
    kept = ledger(ended(1, at_s=30.0), ended(2, at_s=10.0), ended(3, at_s=20.0))
    retention = Retention(kept, clock=ManualClock(31.0), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [2, 3]
    assert sorted(kept.ended) == [1]
    assert kept.ended_count[JobState.DONE] == 1


def test_jobs_older_than_is_kept_go() -> None:
    kept = ledger(ended(1, at_s=10.0), ended(2, at_s=20.0))
    retention = Retention(kept, clock=ManualClock(25.0), keep_s=10.0, keep_jobs=100)
    assert retention.begin_step() == [1]


def test_nothing_to_remove_is_no_step() -> None:
    retention = Retention(ledger(), clock=ManualClock(), keep_s=10.0, keep_jobs=100)
    assert retention.begin_step() == []
    assert retention.begin_step() == []


def test_removal_goes_in_small_steps_one_at_a_time() -> None:
    kept = ledger(*[ended(number, at_s=float(number)) for number in range(1, STEP_LIMIT + 11)])
    retention = Retention(kept, clock=ManualClock(10_000.0), keep_s=1.0, keep_jobs=100)
    first = retention.begin_step()
    assert first == list(range(1, STEP_LIMIT + 1))
    assert retention.begin_step() == []
    retention.end_step(first, is_removed=True)
    assert len(retention.begin_step()) == 10


def test_what_could_not_be_removed_is_in_the_next_step() -> None:
    kept = ledger(ended(1, at_s=1.0))
    retention = Retention(kept, clock=ManualClock(), keep_s=1.0, keep_jobs=100)
    retention.end_step(retention.begin_step(), is_removed=False)
    kept.admit_ended([(2, Ended.of(ended(2, at_s=2.0)))])
    assert retention.begin_step() == [1, 2]


def test_a_job_that_was_removed_meanwhile_takes_no_place_and_is_not_removed_again() -> None:
    kept = ledger(*[ended(number, at_s=float(number)) for number in (1, 2, 3, 4)])
    for number in (1, 3, 3):
        kept.forget(number)
    retention = Retention(kept, clock=ManualClock(5.0), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [2]
    assert kept.ended_count[JobState.DONE] == 1


def test_jobs_removed_by_the_thousand_behind_an_old_one_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_STALE_LIMIT", 10)
    kept = ledger(ended(1, at_s=1.0))
    for number in range(2, 1000):
        kept.admit_ended([(number, Ended.of(ended(number, at_s=float(number))))])
        kept.forget(number)
        assert len(kept._oldest_first) <= 13
    retention = Retention(kept, clock=ManualClock(5000.0), keep_s=100.0, keep_jobs=1)
    assert retention.begin_step() == [1]
