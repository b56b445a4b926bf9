from __future__ import annotations

from meantime.engine.jobs import ActiveJob
from meantime.engine.queue import CLAIM_LIMIT, JobQueue
from meantime.engine.retry import RetryPolicy
from meantime.model import JobRecord
from tests.support.engine_fakes import request


def job(number: int, *, client: str = "", attempts: int = 0, dataset: str = "toys") -> ActiveJob:
    record = JobRecord(number=number, request=request(dataset=dataset), created_at_s=0.0, attempts=attempts)
    return ActiveJob(record, client)


def queue_of(*jobs: ActiveJob) -> JobQueue:
    queue = JobQueue(RetryPolicy(max_attempts=3))
    queue.add(jobs)
    return queue


def claim(queue: JobQueue) -> list[int]:
    """Claim, with the starts committed."""
    jobs = queue.claim()
    for job in jobs:
        job.record = job.record.start(at_s=1.0)
    queue.claimed()
    return [job.number for job in jobs]


def take(queue: JobQueue) -> ActiveJob:
    job = queue.take()
    assert job is not None
    return job


def test_an_empty_queue_has_no_job_to_claim_or_take() -> None:
    empty = queue_of()
    assert empty.claim() == []
    assert empty.take() is None


def test_fresh_jobs_are_claimed_some_at_a_time_and_taken_in_order() -> None:
    fresh = queue_of(*[job(number) for number in range(1, 40)])
    assert claim(fresh) == list(range(1, CLAIM_LIMIT + 1))
    assert claim(fresh) == []  # enough are claimed
    assert [take(fresh).number for _ in range(20)] == list(range(1, 21))
    assert claim(fresh) == list(range(CLAIM_LIMIT + 1, 40))
    assert fresh.working == 20


def test_while_starts_are_committed_no_other_job_is_claimed() -> None:
    fresh = queue_of(job(1))
    jobs = fresh.claim()
    fresh.add([job(2)])
    assert fresh.claim() is jobs
    assert fresh.is_claiming


def test_jobs_whose_starts_could_not_be_committed_are_claimed_again_in_their_order() -> None:
    fresh = queue_of(job(1), job(2), job(3))
    fresh.claim()
    fresh.unclaim()
    fresh.add([job(4)])
    assert claim(fresh) == [1, 2, 3, 4]
    suspects = queue_of(job(8, attempts=1), job(9, attempts=1))
    suspects.claim()
    suspects.unclaim()
    assert claim(suspects) == [8]


def test_suspects_are_claimed_one_at_a_time_by_number_and_fresh_jobs_in_parallel() -> None:
    mixed = queue_of(job(7, attempts=1), job(3, attempts=1), job(9), job(10))
    assert claim(mixed) == [3]
    assert claim(mixed) == [9, 10]
    assert claim(mixed) == []
    suspect = take(mixed)
    assert suspect.number == 3
    assert claim(mixed) == []
    mixed.remove(suspect)
    assert claim(mixed) == [7]


def test_a_suspect_on_its_last_attempt_waits_until_all_others_have_ended_and_works_alone() -> None:
    mixed = queue_of(job(5))
    claim(mixed)
    mixed.add([job(3, attempts=2), job(6)])
    assert claim(mixed) == []  # 5 is claimed
    five = take(mixed)
    assert claim(mixed) == []  # 5 is at work
    mixed.remove(five)
    assert claim(mixed) == [3]
    assert claim(mixed) == []
    three = take(mixed)
    assert claim(mixed) == []
    mixed.remove(three)
    assert claim(mixed) == [6]


def test_parked_jobs_wait_until_their_data_set_is_decided() -> None:
    gated = queue_of()
    gated.park([job(1, dataset="slow"), job(2, dataset="other"), job(3, dataset="slow")])
    assert claim(gated) == []
    gated.unpark("slow")
    gated.unpark("unheard of")
    assert claim(gated) == [1, 3]


def test_a_withdrawn_job_is_skipped_wherever_it_waits() -> None:
    parked, waiting, suspect, claimed, kept = (
        job(1, dataset="slow"),
        job(2),
        job(3, attempts=1),
        job(4),
        job(5),
    )
    mixed = queue_of(claimed)
    claim(mixed)
    mixed.add([waiting, suspect, kept])
    mixed.park([parked])
    assert all(mixed.withdraw(job) for job in (parked, waiting, suspect, claimed))
    mixed.unpark("slow")
    assert claim(mixed) == [5]
    assert take(mixed) is kept
    assert mixed.take() is None


def test_a_job_that_a_thread_has_or_whose_start_is_being_committed_is_not_withdrawn() -> None:
    one = job(1)
    mixed = queue_of(one)
    mixed.claim()
    assert not mixed.withdraw(one)
    mixed.claimed()
    take(mixed)
    assert not mixed.withdraw(one)


def test_a_job_put_back_comes_before_others_and_is_not_at_work_until_then() -> None:
    mixed = queue_of(job(1), job(2))
    claim(mixed)
    one = take(mixed)
    mixed.put_back(one)
    assert (mixed.working, one.is_working) == (0, False)
    assert take(mixed) is one


def test_removing_a_job_tells_whether_it_was_worked_on() -> None:
    mixed = queue_of(job(1), job(2))
    claim(mixed)
    one, two = take(mixed), job(2)
    assert mixed.remove(one)
    assert not mixed.remove(two)
    assert mixed.working == 0


def test_positions_count_the_jobs_that_go_before() -> None:
    one, two, three, parked = job(1), job(2), job(3), job(4, dataset="slow")
    mixed = queue_of(one, two, three)
    mixed.park([parked])
    assert [mixed.position(job) for job in (one, two, three, parked)] == [0, 1, 2, 3]
    claim(mixed)
    assert [mixed.position(job) for job in (one, two, three, parked)] == [0, 1, 2, 3]
    assert take(mixed) is one
    assert mixed.withdraw(two)
    assert [mixed.position(job) for job in (one, two, three, parked)] == [None, None, 0, 1]
    mixed.put_back(one)
    assert [mixed.position(job) for job in (one, three, parked)] == [0, 1, 2]
    mixed.unpark("slow")
    mixed.add([late := job(5)])
    assert [mixed.position(job) for job in (parked, late)] == [2, 3]


def test_suspects_have_a_line_of_their_own_by_number() -> None:
    seven, three, fresh = job(7, attempts=1), job(3, attempts=1), job(9)
    mixed = queue_of(seven, fresh, three)
    assert [mixed.position(job) for job in (three, seven, fresh)] == [0, 1, 0]
    claim(mixed)
    assert take(mixed) is three
    assert [mixed.position(job) for job in (three, seven)] == [None, 0]
    mixed.put_back(three)
    assert [mixed.position(job) for job in (three, seven)] == [0, 1]


def test_jobs_are_unclaimed_until_they_are_claimed() -> None:
    queue = queue_of()
    seen = [queue.has_unclaimed]
    queue.add([job(1), job(2, attempts=1)])
    while queue.has_unclaimed:
        seen.append(queue.has_unclaimed)
        claim(queue)
    assert seen == [False, True, True]


def test_new_jobs_are_started_with_their_acceptance_as_long_as_few_are_claimed() -> None:
    queue = queue_of()
    assert queue.begin_starting(3, most=5) == 3
    assert queue.is_starting
    assert queue.begin_starting(3, most=5) == 2
    queue.started(2, ())  # could not be accepted
    queue.started(3, [job(1), job(2), job(3)])
    assert queue.begin_starting(3, most=2) == 0
    assert [take(queue).number for _ in range(3)] == [1, 2, 3]
    assert queue.begin_starting(3, most=2) == 2


def test_new_jobs_are_not_started_before_others_that_wait_nor_beside_suspects_nor_after_the_close() -> None:
    queue = queue_of(job(1))
    assert queue.begin_starting(1, most=5) == 0
    assert claim(queue) == [1]
    assert queue.begin_starting(1, most=5) == 1
    queue.add([job(2, attempts=1)])
    assert queue.begin_starting(1, most=5) == 0
    assert claim(queue) == [2]
    assert queue.begin_starting(1, most=5) == 0

    closed = queue_of()
    closed.close()
    assert closed.begin_starting(1, most=5) == 0
