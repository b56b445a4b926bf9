"""Clients take turns in the queue, whatever is claimed, withdrawn, put back or given back meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from meantime.engine.jobs import ActiveJob
from meantime.engine.queue import CLAIM_LIMIT, JobQueue, QueueState
from meantime.engine.retry import RetryPolicy
from meantime.model import JobRecord
from tests.support.engine_fakes import request

# Claimed jobs are the suspects of a crash, each of which is later run by itself.
SUSPECTS_AT_MOST = 3 * CLAIM_LIMIT


def job(number: int, client: str = "", *, attempts: int = 0, dataset: str = "toys") -> ActiveJob:
    record = JobRecord(number=number, request=request(dataset=dataset), created_at_s=0.0, attempts=attempts)
    return ActiveJob(record, client)


def jobs_of(client: str, numbers: Iterable[int]) -> list[ActiveJob]:
    return [job(number, client) for number in numbers]


def claim(queue: JobQueue) -> list[ActiveJob]:
    for job in queue.claim():
        job.record = job.record.start(at_s=1.0)
    return queue.claimed()


def next_job(queue: JobQueue) -> ActiveJob | None:
    """Do as a thread does: claim if anything is to be claimed, then take."""
    claim(queue)
    return queue.take()


def order(queue: JobQueue) -> list[str]:
    """Take all jobs and return whose they were."""
    taken = []
    while (job := next_job(queue)) is not None:
        taken.append(job.client)
        queue.remove(job)
    return taken


def queue_of(*jobs: ActiveJob) -> JobQueue:
    queue = JobQueue(RetryPolicy(max_attempts=3))
    queue.add(jobs)
    return queue


def test_clients_take_turns_in_the_order_in_which_they_came() -> None:
    queue = queue_of(*jobs_of("a", range(1, 4)))
    queue.add(jobs_of("b", range(4, 6)))
    queue.add(jobs_of("c", [6]))
    assert "".join(order(queue)) == "abcaba"


def test_a_job_behind_a_batch_of_a_thousand_is_the_next_or_the_next_but_one() -> None:
    queue = queue_of(*jobs_of("batch", range(1, 1001)))
    for _ in range(5):
        next_job(queue)
    late = job(1001, "late")
    queue.add([late])
    assert queue.position(late) == 1
    assert [job.client for job in (next_job(queue), next_job(queue)) if job] == ["batch", "late"]


def test_a_job_that_comes_when_others_are_claimed_is_claimed_and_taken_in_its_turn() -> None:
    queue = queue_of(*jobs_of("batch", range(1, 1001)))
    claim(queue)
    next_job(queue)
    late = job(1001, "late")
    queue.add([late])
    assert [each.number for each in claim(queue)] == [1001]
    assert claim(queue) == []
    next_job(queue)
    assert next_job(queue) is late


def test_a_client_whose_jobs_are_all_gone_joins_for_the_next_turn() -> None:
    cancelled = jobs_of("a", range(1, 1001))
    queue = queue_of(*cancelled)
    queue.add(jobs_of("b", range(1001, 1101)))
    for each in cancelled:
        queue.withdraw(each)
    again = job(1101, "a")
    queue.add([again])
    assert queue.position(again) == 1


def test_many_new_clients_are_claimed_one_by_one_before_jobs_that_are_claimed_already() -> None:
    queue = queue_of(*jobs_of("batch", range(1, 1001)))
    claim(queue)
    next_job(queue)
    claimed = 31
    for number in range(500):
        queue.add([job(2000 + number, f"client {number}")])
        claimed += len(claim(queue))
    assert claimed <= SUSPECTS_AT_MOST
    taken = [each.client for _ in range(501) if (each := next_job(queue))]
    assert taken == ["batch", *(f"client {number}" for number in range(500))]


def test_parked_jobs_take_turns_when_their_data_set_is_there() -> None:
    queue = queue_of()
    queue.park(job(number, "a", dataset="slow") for number in range(1, 4))
    queue.park([parked := job(4, "b", dataset="slow")])
    assert queue.position(parked) == 1
    queue.unpark("slow")
    assert queue.position(parked) == 1
    assert "".join(order(queue)) == "abaa"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 60)), max_size=8))
@settings(deadline=None)
def test_each_round_has_one_job_of_each_client_that_has_any(batches: list[tuple[str, int]]) -> None:
    queue, number = queue_of(), 0
    left: Counter[str] = Counter()
    for client, count in batches:
        queue.add(jobs_of(client, range(number, number + count)))
        number += count
        left[client] += count
    taken = iter(order(queue))
    while +left:
        waiting = set(+left)
        assert {next(taken) for _ in waiting} == waiting
        left.subtract(waiting)
    assert next(taken, None) is None


class QueueMachine(RuleBasedStateMachine):
    """Any calls in any order: no job is lost or doubled, positions are true, and nobody starves."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = JobQueue(RetryPolicy(max_attempts=3))
        self.number = 0
        self.waiting: dict[int, ActiveJob] = {}  # no thread has them
        self.working: dict[int, ActiveJob] = {}
        self.parked: dict[int, ActiveJob] = {}
        self.put_back: set[int] = set()
        # For each fresh job that waits: how many jobs of each other client were taken for the first time since it came.
        self.overtaken: dict[int, Counter[str]] = {}
        # How many jobs its client has sent since it last had none that waited, also those withdrawn since.
        self.turns: dict[int, int] = {}
        self.sent: Counter[str] = Counter()

    @rule(client=st.sampled_from("abc"), count=st.integers(1, 50))
    def add(self, client: str, count: int) -> None:
        self.queue.add(made := self._made(client, count, attempts=0))
        self._join(made)

    @rule(client=st.sampled_from("abc"))
    def add_a_suspect(self, client: str) -> None:
        self.queue.add(made := self._made(client, 1, attempts=1))
        self.waiting |= {each.number: each for each in made}

    @rule(client=st.sampled_from("abc"), count=st.integers(1, 5))
    def park(self, client: str, count: int) -> None:
        self.queue.park(made := self._made(client, count, attempts=0, dataset="slow"))
        self.parked |= {each.number: each for each in made}

    @rule()
    def unpark(self) -> None:
        self.queue.unpark("slow")
        self._join(list(self.parked.values()))
        self.parked.clear()

    @rule()
    def claim(self) -> None:
        claim(self.queue)

    @rule()
    def fail_to_claim(self) -> None:
        self.queue.claim()
        self.queue.unclaim()

    @rule(times=st.integers(1, 20))
    def take(self, times: int) -> None:
        for _ in range(times):
            if (job := next_job(self.queue)) is None:
                return
            del self.waiting[job.number]
            self.working[job.number] = job
            self.overtaken.pop(job.number, None)
            if job.record.attempts == 1 and job.number not in self.put_back:
                for number, others in self.overtaken.items():
                    others[job.client] += self.waiting[number].client != job.client

    @precondition(lambda self: self.working)
    @rule(pick=st.integers(0, 1000), is_put_back=st.booleans())
    def end(self, pick: int, is_put_back: bool) -> None:
        number = sorted(self.working)[pick % len(self.working)]
        job = self.working.pop(number)
        if is_put_back:
            self.queue.put_back(job)
            self.waiting[number] = job
            self.put_back.add(number)
        else:
            self.queue.remove(job)

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 1000))
    def withdraw(self, pick: int) -> None:
        number = sorted(self.waiting)[pick % len(self.waiting)]
        job = self.waiting.pop(number)
        assert self.queue.withdraw(job)
        self.queue.remove(job)
        self.overtaken.pop(number, None)

    @invariant()
    def positions_are_a_ranking(self) -> None:
        fresh = [each for each in self.waiting.values() if each.line is self.queue._fresh_line]
        suspects = [each for each in self.waiting.values() if each.line is self.queue._suspect_line]
        assert len(fresh) + len(suspects) == len(self.waiting)
        for line in (fresh, suspects):
            positions = [self.queue.position(each) for each in line]
            assert sorted(position for position in positions if position is not None) == list(range(len(line)))
        assert all(self.queue.position(each) is None for each in self.working.values())
        assert self.queue.working == len(self.working)

    @invariant()
    def suspects_of_a_crash_are_few(self) -> None:
        claimed = [each for each in self.waiting.values() if each.queue_state is QueueState.CLAIMED]
        assert len(claimed) <= SUSPECTS_AT_MOST + 1

    @invariant()
    def nobody_is_overtaken_for_long(self) -> None:
        for number, others in self.overtaken.items():
            assert max(others.values(), default=0) <= self.turns[number] + 1

    def teardown(self) -> None:
        self.unpark()
        for job in [*self.working.values()]:
            self.queue.remove(job)
        while (left := next_job(self.queue)) is not None:
            del self.waiting[left.number]
            self.queue.remove(left)
        assert not self.waiting

    def _made(self, client: str, count: int, **about: Any) -> list[ActiveJob]:
        first = self.number + 1
        self.number += count
        return [job(number, client, **about) for number in range(first, first + count)]

    def _join(self, jobs: list[ActiveJob]) -> None:
        for each in jobs:
            if not any(self.waiting[number].client == each.client for number in self.overtaken):
                self.sent[each.client] = 0
            self.sent[each.client] += 1
            self.turns[each.number] = self.sent[each.client]
            self.waiting[each.number] = each
            self.overtaken[each.number] = Counter()


TestQueueMachine: Any = QueueMachine.TestCase
TestQueueMachine.settings = settings(stateful_step_count=40)
