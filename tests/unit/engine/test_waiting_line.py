from __future__ import annotations

from meantime.engine.ledger import LiveJob
from meantime.engine.retry import RetryPolicy
from meantime.engine.waiting_line import CLAIM_LIMIT, WaitingLine
from meantime.model import Job
from tests.support.engine_fakes import request


def live(number: int, *, attempts: int = 0, dataset: str = "toys") -> LiveJob:
    return LiveJob(Job(number=number, request=request(dataset=dataset), created_at_s=0.0, attempts=attempts))


def line(*lives: LiveJob) -> WaitingLine:
    made = WaitingLine(RetryPolicy(most_attempts=3))
    made.join(lives)
    return made


def claim(line: WaitingLine) -> list[int]:
    """Claim, with the starts committed."""
    lives = line.claim()
    for live in lives:
        live.job = live.job.start(at_s=1.0)
    line.claimed()
    return [live.job.number for live in lives]


def take(line: WaitingLine) -> LiveJob:
    taken = line.take()
    assert taken is not None
    return taken


def test_an_empty_line_has_nobody_to_claim_or_take() -> None:
    empty = line()
    assert empty.claim() == []
    assert empty.take() is None


def test_fresh_jobs_are_claimed_some_at_a_time_and_taken_in_order() -> None:
    fresh = line(*[live(number) for number in range(1, 40)])
    assert claim(fresh) == list(range(1, CLAIM_LIMIT + 1))
    assert claim(fresh) == []  # enough are claimed
    assert [take(fresh).job.number for _ in range(20)] == list(range(1, 21))
    assert claim(fresh) == list(range(CLAIM_LIMIT + 1, 40))
    assert fresh.working == 20


def test_while_starts_are_committed_nobody_else_is_claimed() -> None:
    fresh = line(live(1))
    lives = fresh.claim()
    fresh.join([live(2)])
    assert fresh.claim() is lives
    assert fresh.is_claiming


def test_jobs_whose_starts_could_not_be_committed_are_claimed_again_in_their_order() -> None:
    fresh = line(live(1), live(2), live(3))
    fresh.claim()
    fresh.unclaim()
    fresh.join([live(4)])
    assert claim(fresh) == [1, 2, 3, 4]
    suspects = line(live(8, attempts=1), live(9, attempts=1))
    suspects.claim()
    suspects.unclaim()
    assert claim(suspects) == [8]


def test_suspects_are_claimed_singly_one_at_a_time_by_number_and_fresh_jobs_beside_them() -> None:
    mixed = line(live(7, attempts=1), live(3, attempts=1), live(9), live(10))
    assert claim(mixed) == [3]
    assert claim(mixed) == [9, 10]
    assert claim(mixed) == []
    suspect = take(mixed)
    assert suspect.job.number == 3
    assert claim(mixed) == []
    mixed.leave(suspect)
    assert claim(mixed) == [7]


def test_a_suspect_on_its_last_attempt_waits_until_all_others_have_ended_and_works_alone() -> None:
    mixed = line(live(5))
    claim(mixed)
    mixed.join([live(3, attempts=2), live(6)])
    assert claim(mixed) == []  # 5 is claimed
    five = take(mixed)
    assert claim(mixed) == []  # 5 is at work
    mixed.leave(five)
    assert claim(mixed) == [3]
    assert claim(mixed) == []
    three = take(mixed)
    assert claim(mixed) == []
    mixed.leave(three)
    assert claim(mixed) == [6]


def test_parked_jobs_wait_until_their_data_set_is_decided() -> None:
    gated = line()
    gated.park([live(1, dataset="slow"), live(2, dataset="other"), live(3, dataset="slow")])
    assert claim(gated) == []
    gated.unpark("slow")
    gated.unpark("unheard of")
    assert claim(gated) == [1, 3]


def test_a_withdrawn_job_is_passed_over_wherever_it_waits() -> None:
    parked, waiting, suspect, claimed, kept = (
        live(1, dataset="slow"),
        live(2),
        live(3, attempts=1),
        live(4),
        live(5),
    )
    mixed = line(claimed)
    claim(mixed)
    mixed.join([waiting, suspect, kept])
    mixed.park([parked])
    assert all(mixed.withdraw(job) for job in (parked, waiting, suspect, claimed))
    mixed.unpark("slow")
    assert claim(mixed) == [5]
    assert take(mixed) is kept
    assert mixed.take() is None


def test_a_job_that_a_thread_has_or_whose_start_is_being_committed_is_not_withdrawn() -> None:
    one = live(1)
    mixed = line(one)
    mixed.claim()
    assert not mixed.withdraw(one)
    mixed.claimed()
    take(mixed)
    assert not mixed.withdraw(one)


def test_a_job_taken_again_comes_before_others_and_is_not_at_work_until_then() -> None:
    mixed = line(live(1), live(2))
    claim(mixed)
    one = take(mixed)
    mixed.take_again(one)
    assert (mixed.working, one.is_working) == (0, False)
    assert take(mixed) is one


def test_leaving_says_whether_the_job_was_worked_on() -> None:
    mixed = line(live(1), live(2))
    claim(mixed)
    one, two = take(mixed), live(2)
    assert mixed.leave(one)
    assert not mixed.leave(two)
    assert mixed.working == 0


def test_positions_count_those_that_are_let_in_before() -> None:
    one, two, three, parked = live(1), live(2), live(3), live(4, dataset="slow")
    mixed = line(one, two, three)
    mixed.park([parked])
    assert [mixed.position(job) for job in (one, two, three, parked)] == [0, 1, 2, 3]
    claim(mixed)
    assert [mixed.position(job) for job in (one, two, three, parked)] == [0, 1, 2, 3]
    assert take(mixed) is one
    assert mixed.withdraw(two)
    assert [mixed.position(job) for job in (one, two, three, parked)] == [None, None, 0, 1]
    mixed.take_again(one)
    assert [mixed.position(job) for job in (one, three, parked)] == [0, 1, 2]
    mixed.unpark("slow")
    mixed.join([late := live(5)])
    assert [mixed.position(job) for job in (parked, late)] == [2, 3]


def test_suspects_stand_in_a_line_of_their_own_by_number() -> None:
    seven, three, fresh = live(7, attempts=1), live(3, attempts=1), live(9)
    mixed = line(seven, fresh, three)
    assert [mixed.position(job) for job in (three, seven, fresh)] == [0, 1, 0]
    claim(mixed)
    assert take(mixed) is three
    assert [mixed.position(job) for job in (three, seven)] == [None, 0]
    mixed.take_again(three)
    assert [mixed.position(job) for job in (three, seven)] == [0, 1]
