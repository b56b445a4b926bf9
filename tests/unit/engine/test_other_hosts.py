"""Two engines over one store: each job is worked on once, and either engine knows and changes all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from meantime.engine.engine import Engine, Event, JobView
from meantime.engine.futures import failed_future
from meantime.engine.ports import Alone, Changes, EncodedResult, Transition
from meantime.errors import JobEnded, JobUnknown, KeyReused, StorePaused, Unavailable
from meantime.model import IdempotencyKey, JobState
from meantime.stores.memory import MemoryResultStore
from tests.support.engine_fakes import (
    FULL,
    FakeCompute,
    FakeGate,
    HeldTask,
    request,
    running,
    submit,
)
from tests.support.shared_memory import MemoryHost, SharedMemory
from tests.support.waiting import PATIENCE_S, poll, wait_until


class Host:
    """A host, with what its engine is made of."""

    def __init__(self, shared: SharedMemory, me: int, stack: ExitStack, **more: Any) -> None:
        self.jobs = shared.host(me)
        self.gate = FakeGate(closed=more.pop("closed", ()))
        self.results = MemoryResultStore()
        self.compute = FakeCompute(**more.pop("tasks", {}))
        self.engine: Engine = stack.enter_context(
            running(
                self.compute,
                jobs=self.jobs,
                hosts=self.jobs,
                gate=self.gate,
                can_answer=self.gate.can_answer,
                results=self.results,
                **more,
            )
        )
        self.events: list[tuple[str, int]] = []
        self.engine.follow(self._note)

    def _note(self, event: Event) -> None:
        self.events.append((event.kind, event.detail.record.number))

    def look_up(self, number: int) -> JobView:
        self.catch_up()
        return self.engine.look_up(number)

    def catch_up(self) -> None:
        caught_up = self.engine.catch_up()
        assert caught_up is not None
        caught_up.result(PATIENCE_S)

    def end_of(self, number: int) -> JobView:
        return poll(lambda: self.look_up(number), lambda view: view.state.is_ended)

    def kinds(self, number: int) -> list[str]:
        """What followers here have heard of a job, but for its progress."""
        return [kind for kind, about in self.events if about == number and kind != "progress"]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def shared() -> SharedMemory:
    return SharedMemory()


def _all_ended(views: list[JobView]) -> bool:
    return all(view.state.is_ended for view in views)


def idle(shared: SharedMemory, me: int, stack: ExitStack, **more: Any) -> Host:
    """A host whose data set loads for ever, so that it works on nothing."""
    return Host(shared, me, stack, closed=["toys"], **more)


def test_an_engine_alone_has_nobody_to_catch_up_with() -> None:
    with running() as engine:
        assert engine.catch_up() is None
    with pytest.raises(ValueError, match="no other host"):
        Alone().ask_to_cancel(1)


def test_a_job_of_either_host_is_known_at_both_and_worked_on_once(shared: SharedMemory, stack: ExitStack) -> None:
    hosts = [Host(shared, me, stack) for me in (1, 2)]
    numbers = [number for turn in range(20) for number in submit(hosts[turn % 2].engine, request(turn=turn), request())]
    for number in numbers:
        poll(lambda number=number: [host.look_up(number) for host in hosts], _all_ended)  # type: ignore[misc]
    for host in hosts:
        assert {host.end_of(number).state for number in numbers} == {JobState.DONE}
        assert host.engine.jobs() == [(number, JobState.DONE) for number in sorted(numbers)]
        assert host.engine.unfinished == 0
    assert len(hosts[0].compute.requests) + len(hosts[1].compute.requests) == len(numbers)


def test_a_follower_at_one_host_hears_of_each_job_of_the_other_in_order(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = Host(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(one.engine, request())
    one.end_of(number)
    two.end_of(number)
    wait_until(lambda: two.kinds(number) == ["accepted", "started", "ended"], f"events {two.events}")
    [ours] = submit(two.engine, request())
    one.end_of(ours)
    two.end_of(ours)
    wait_until(lambda: two.kinds(ours) == ["accepted", "started", "ended"], f"events {two.events}")


def test_a_job_at_work_elsewhere_is_shown_with_its_progress(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, tasks={"hold": held}), idle(shared, 2, stack)
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    with one.engine._lifecycle.lock:
        one.engine._index.active[number].progress = 0.5
    one.catch_up()  # with which it tells the others
    assert two.look_up(number) == JobView(number, JobState.RUNNING, None, 0.5)
    assert two.engine.stats().jobs[JobState.RUNNING] == 1
    assert two.engine.describe(number).position is None
    two.catch_up()
    wait_until(lambda: two.events == [(kind, number) for kind in ("accepted", "started", "progress")], "no progress")
    held.go_on.set()
    assert two.end_of(number).state is JobState.DONE


def test_the_job_of_a_lost_host_runs_again_and_whatever_that_host_still_does_is_refused(
    shared: SharedMemory, stack: ExitStack
) -> None:
    stalled = HeldTask(is_polite=False)
    one, two = Host(shared, 1, stack, threads=1, tasks={"hold": stalled}), idle(shared, 2, stack)
    one.gate.closed.add("toys")
    number, claimed = submit(one.engine, request("hold"), request())
    one.gate.open("toys")
    stalled.wait_begun()
    two.catch_up()
    shared.lost.add(1)
    two.catch_up()
    two.gate.open("toys")
    assert two.end_of(number).state is JobState.DONE
    assert two.end_of(claimed).state is JobState.DONE
    receipt = shared.rows[number].record.receipt
    assert (shared.rows[number].record.attempts, shared.rows[number].record.host) == (2, 2)
    # It wakes before it has heard of that: its move is refused, and it hears of it with the refusal.
    stalled.go_on.set()
    assert one.end_of(number).state is JobState.DONE
    one.catch_up()
    assert (shared.rows[number].record.receipt, shared.rows[number].record.host) == (receipt, 2)
    wait_until(lambda: one.engine.stats().working == 0, "a thread of the lost host still has the job")
    wait_until(
        lambda: two.kinds(number) == ["accepted", "given-back", "started", "ended"], f"events {two.kinds(number)}"
    )


def test_work_that_another_host_has_taken_over_stops_at_its_next_check(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, tasks={"hold": held}), idle(shared, 2, stack)
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    two.catch_up()
    shared.lost.add(1)
    two.catch_up()
    one.gate.closed.add("toys")
    one.catch_up()
    wait_until(lambda: one.engine.stats().working == 0, "the work goes on")
    assert one.engine.look_up(number).state is JobState.QUEUED
    assert shared.rows[number].record.attempts == 1


def test_a_job_whose_hosts_were_lost_three_times_fails(shared: SharedMemory, stack: ExitStack) -> None:
    [host] = [idle(shared, 9, stack)]
    [number] = submit(host.engine, request())
    lost = shared.host(1)
    for attempt in (1, 2, 3):
        before = shared.rows[number].record
        lost.update([Transition(before, before.start(at_s=1.0, host=1))]).result(PATIENCE_S)
        host.catch_up()
        assert host.engine.look_up(number).state is JobState.QUEUED
        shared.lost.add(1)
        host.catch_up()
        assert shared.rows[number].record.state is (JobState.QUEUED if attempt < 3 else JobState.FAILED)
        shared.lost.discard(1)
    view = host.end_of(number)
    assert view.failure is not None
    assert view.failure.code == "lost-thrice"
    lost.close()


def test_of_hosts_that_find_one_lost_one_gives_its_jobs_back(shared: SharedMemory, stack: ExitStack) -> None:
    hosts = [idle(shared, me, stack) for me in (2, 3)]
    [number] = submit(hosts[0].engine, request())
    lost = shared.host(1)
    before = shared.rows[number].record
    lost.update([Transition(before, before.start(at_s=1.0, host=1))]).result(PATIENCE_S)
    for host in hosts:
        host.catch_up()
    shared.lost.add(1)
    for _ in range(3):
        for host in hosts:
            host.catch_up()
    assert (shared.rows[number].record.state, shared.rows[number].record.attempts) == (JobState.QUEUED, 1)
    lost.close()


def test_a_restarted_host_takes_over_its_own_jobs_and_leaves_those_of_others(
    shared: SharedMemory, stack: ExitStack
) -> None:
    before = shared.host(1)
    one, two = before.add([request(), request()], at_s=1.0).result(PATIENCE_S)
    before.update([Transition(one, one.start(at_s=2.0, host=1)), Transition(two, two.start(at_s=2.0, host=2))]).result(
        PATIENCE_S
    )
    before.close()
    host = Host(shared, 1, stack)
    assert host.end_of(one.number).state is JobState.DONE
    assert (shared.rows[two.number].record.state, shared.rows[two.number].record.host) == (JobState.RUNNING, 2)
    assert host.look_up(two.number).state is JobState.QUEUED


def test_a_job_at_work_elsewhere_is_cancelled_there(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, tasks={"hold": held}), idle(shared, 2, stack)
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    two.catch_up()
    cancellation = two.engine.cancel(number)
    two.catch_up()
    assert one.end_of(number).state is JobState.CANCELLED
    two.catch_up()
    assert cancellation.result(PATIENCE_S).state is JobState.CANCELLED
    with pytest.raises(JobEnded):
        two.engine.cancel(number)


def test_a_claimed_job_that_no_thread_has_is_cancelled_from_elsewhere(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, threads=1, tasks={"hold": held}), idle(shared, 2, stack)
    _, number = submit(one.engine, request("hold"), request())
    held.wait_begun()
    two.catch_up()
    cancellation = two.engine.cancel(number)
    two.catch_up()
    one.catch_up()
    assert one.end_of(number).state is JobState.CANCELLED
    two.catch_up()
    assert cancellation.result(PATIENCE_S).state is JobState.CANCELLED
    held.go_on.set()


def test_a_cancellation_that_comes_too_late_says_how_the_job_ended(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask(is_polite=False)
    one, two = Host(shared, 1, stack, tasks={"hold": held}), idle(shared, 2, stack)
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    two.catch_up()
    cancellation = two.engine.cancel(number)
    two.catch_up()
    held.go_on.set()
    one.end_of(number)
    two.catch_up()
    assert isinstance(cancellation.exception(PATIENCE_S), JobEnded)


def test_a_waiting_job_is_cancelled_by_the_host_that_is_asked(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = idle(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(one.engine, request())
    two.catch_up()
    assert two.engine.cancel(number).result(PATIENCE_S).state is JobState.CANCELLED
    assert one.look_up(number).state is JobState.CANCELLED


def test_a_job_that_is_claimed_elsewhere_in_the_moment_of_its_cancellation_is_cancelled_there(
    shared: SharedMemory, stack: ExitStack
) -> None:
    held = HeldTask()
    two = idle(shared, 2, stack)
    [number] = submit(two.engine, request("hold"))
    one = Host(shared, 1, stack, tasks={"hold": held})
    held.wait_begun()
    cancellation = two.engine.cancel(number)  # it still takes the job for a waiting one
    assert one.end_of(number).state is JobState.CANCELLED
    two.catch_up()
    assert cancellation.result(PATIENCE_S).state is JobState.CANCELLED


def test_a_cancellation_that_cannot_be_written_fails(shared: SharedMemory, stack: ExitStack) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, tasks={"hold": held}), idle(shared, 2, stack)
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    two.catch_up()
    two.jobs.error = FULL
    assert isinstance(two.engine.cancel(number).exception(PATIENCE_S), StorePaused)
    two.jobs.error = None
    held.go_on.set()
    one.end_of(number)
    two.jobs.ask_to_cancel(number).result(PATIENCE_S)  # for nobody
    two.jobs.error = FULL
    two.engine._others.ask_to_cancel(99)  # which is gone meanwhile
    assert isinstance(two.jobs.ask_to_cancel(99).exception(PATIENCE_S), StorePaused)
    two.jobs.error = None
    two.engine._others._apply(Changes(cancelling=[99]))


def test_a_job_that_was_given_back_before_its_cancellation_was_heard_of_is_cancelled(
    shared: SharedMemory, stack: ExitStack
) -> None:
    host = idle(shared, 2, stack)
    [number] = submit(host.engine, request())
    other = shared.host(1)
    before = shared.rows[number].record
    started = before.start(at_s=1.0, host=1)
    other.update([Transition(before, started)]).result(PATIENCE_S)
    other.ask_to_cancel(number).result(PATIENCE_S)
    other.update([Transition(started, started.give_back(attempt_counts=True))]).result(PATIENCE_S)
    assert host.end_of(number).state is JobState.CANCELLED
    other.close()


def test_a_removed_job_is_gone_at_both_with_both_files_and_one_host_announces_it_first(
    shared: SharedMemory, stack: ExitStack
) -> None:
    one, two = Host(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(one.engine, request())
    one.end_of(number)
    receipt = shared.rows[number].record.receipt
    assert receipt is not None
    two.end_of(number)
    two.results.put(number, EncodedResult(b"a copy", 1))
    one.engine.remove(number).result(PATIENCE_S)
    two.catch_up()
    for host in (one, two):
        with pytest.raises(JobUnknown):
            host.engine.look_up(number)
        assert host.results.open(number, receipt) is None
        assert host.engine.jobs() == []
        wait_until(lambda host=host: host.kinds(number)[-1] == "removed", "no removal was announced")  # type: ignore[misc]
    assert two.kinds(number).count("removed") == 1


def test_a_job_that_ended_and_was_removed_while_a_host_did_not_look_is_gone_there_too(
    shared: SharedMemory, stack: ExitStack
) -> None:
    one, two = Host(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(two.engine, request())
    one.end_of(number)
    one.engine.remove(number).result(PATIENCE_S)
    assert two.engine.unfinished == 1  # it has heard of nothing yet
    two.catch_up()
    assert (two.engine.unfinished, two.engine.jobs()) == (0, [])
    with pytest.raises(JobUnknown):
        two.engine.look_up(number)
    wait_until(lambda: two.kinds(number) == ["accepted", "started", "ended", "removed"], f"events {two.kinds(number)}")


def test_a_job_that_ended_and_changed_no_more_is_left_alone(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = Host(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(one.engine, request())
    one.end_of(number)
    two.end_of(number)
    shared.rows[number].change = shared.last_change = shared.last_change + 1  # as if it had been written once more
    two.catch_up()
    assert two.kinds(number) == ["accepted", "started", "ended"]


def test_a_key_makes_its_jobs_once_whichever_hosts_it_is_sent_to(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = idle(shared, 1, stack), idle(shared, 2, stack)
    key = IdempotencyKey(key="k", digest="d")
    [first] = one.engine.submit([request()], key=key).result(PATIENCE_S)
    two.catch_up()
    [again] = two.engine.submit([request()], key=key).result(PATIENCE_S)
    assert again.number == first.number
    with pytest.raises(KeyReused):
        two.engine.submit([request()], key=IdempotencyKey(key="k", digest="e"))


class Hasty(MemoryHost):
    """Finds no jobs of a key the first time: another host adds them in the moment after."""

    def __init__(self, shared: SharedMemory, me: int, *, looks_in_vain: int = 1) -> None:
        super().__init__(shared, me)
        self.looks_in_vain = looks_in_vain

    def accepted_under(self, key: str) -> Any:
        found = super().accepted_under(key)
        if found and self.looks_in_vain and not self._shared.lock._is_owned():  # type: ignore[attr-defined]
            self.looks_in_vain -= 1
            return []
        return found


@pytest.mark.parametrize(
    ("digest", "looks_in_vain", "refusal"), [("d", 1, None), ("e", 1, KeyReused), ("d", 2, StorePaused)]
)
def test_of_two_hosts_that_use_a_key_in_the_same_moment_one_makes_the_jobs(
    shared: SharedMemory, digest: str, looks_in_vain: int, refusal: type[Exception] | None
) -> None:
    other = shared.host(1)
    [first] = other.add([request()], at_s=1.0, idempotency_key=IdempotencyKey(key="k", digest="d")).result(PATIENCE_S)
    jobs = Hasty(shared, 2, looks_in_vain=looks_in_vain)
    with running(jobs=jobs, hosts=jobs, gate=FakeGate(closed=["toys"])) as engine:
        accepted = engine.submit([request()], key=IdempotencyKey(key="k", digest=digest))
        if refusal is None:
            assert [job.number for job in accepted.result(PATIENCE_S)] == [first.number]
        else:
            assert isinstance(accepted.exception(PATIENCE_S), refusal)
        assert engine.unfinished == 1
    other.close()


def test_a_host_that_stops_hands_back_what_it_has_not_begun_and_ends_what_it_has(
    shared: SharedMemory, stack: ExitStack
) -> None:
    held = HeldTask()
    one, two = Host(shared, 1, stack, threads=1, tasks={"hold": held}), idle(shared, 2, stack)
    one.gate.closed.add("toys")
    first, *rest = submit(one.engine, request("hold"), request(), request())
    one.gate.open("toys")
    held.wait_begun()  # all of them are claimed
    one.engine.stop_accepting()
    assert not one.engine.wait_drained(0.01)
    assert {shared.rows[number].record.state for number in rest} == {JobState.QUEUED}
    assert {shared.rows[number].record.attempts for number in rest} == {0}
    two.gate.open("toys")
    assert {two.end_of(number).state for number in rest} == {JobState.DONE}
    held.go_on.set()
    one.engine.wait_drained(PATIENCE_S)
    assert shared.rows[first].record.state is JobState.DONE
    assert one.engine.wait_drained(0)


def test_what_is_worked_on_elsewhere_is_not_given_back_at_a_stop(shared: SharedMemory) -> None:
    with ExitStack() as first, ExitStack() as second:
        held = HeldTask()
        one = Host(shared, 1, first, tasks={"hold": held})
        two = idle(shared, 2, second)
        [number] = submit(one.engine, request("hold"))
        held.wait_begun()
        two.catch_up()
        second.close()
        assert (shared.rows[number].record.state, shared.rows[number].record.host) == (JobState.RUNNING, 1)
        held.go_on.set()
        assert one.end_of(number).state is JobState.DONE


def test_a_job_that_a_host_cannot_answer_is_left_to_others_until_it_can(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = idle(shared, 1, stack), Host(shared, 2, stack)
    two.gate.unserved.add("toys")
    numbers = submit(one.engine, request(), request())
    two.catch_up()
    assert [two.look_up(number).state for number in numbers] == [JobState.QUEUED] * 2
    assert two.compute.requests == []
    assert two.engine.cancel(numbers[1]).result(PATIENCE_S).state is JobState.CANCELLED
    two.gate.unserved.clear()
    assert two.end_of(numbers[0]).state is JobState.DONE
    assert len(two.compute.requests) == 1


def test_a_job_that_nobody_could_answer_may_end_elsewhere(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = idle(shared, 1, stack), Host(shared, 2, stack)
    two.gate.unserved.add("toys")
    [number] = submit(one.engine, request())
    two.catch_up()
    one.gate.open("toys")
    assert one.end_of(number).state is JobState.DONE
    assert two.end_of(number).state is JobState.DONE
    two.gate.unserved.clear()
    two.catch_up()
    assert two.compute.requests == []


class TakenForAMoment(MemoryHost):
    """Another host claims each job just before this one moves it, and gives it back bound to a snapshot."""

    def __init__(self, shared: SharedMemory, me: int, *, attempt_counts: bool) -> None:
        super().__init__(shared, me)
        self.other = shared.host(99)
        self.attempt_counts = attempt_counts
        self.is_on = True
        self.fails = False

    def update(self, transitions: Any) -> Any:
        before, _ = transitions[0]
        if self.is_on and before.state is JobState.QUEUED:
            self.is_on = False
            started = before.start(at_s=1.0, host=99, request=request(fingerprint="f1"))
            self.other.update([Transition(before, started)]).result(PATIENCE_S)
            back = started.give_back(attempt_counts=self.attempt_counts)
            self.other.update([Transition(started, back)]).result(PATIENCE_S)
            if self.fails:
                caught_up = self.catch_up()
                assert caught_up is not None
                caught_up.result(PATIENCE_S)
                return failed_future(FULL)
        return super().update(transitions)

    def close(self) -> None:
        super().close()
        self.other.close()


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("attempt_counts", [False, True])
def test_a_job_that_another_host_had_for_a_moment_is_worked_on_once(
    shared: SharedMemory, attempt_counts: bool, fails: bool
) -> None:
    jobs = TakenForAMoment(shared, 1, attempt_counts=attempt_counts)
    jobs.fails = fails
    compute, gate = FakeCompute(), FakeGate(closed=["toys"])
    with running(compute, jobs=jobs, hosts=jobs, gate=gate) as engine:
        [number] = submit(engine, request(fingerprint=None))
        gate.open("toys")
        poll(lambda: engine.look_up(number), lambda view: view.state.is_ended)
        assert engine.unfinished == 0
    assert len(compute.requests) == 1
    assert shared.rows[number].record.attempts == 1 + attempt_counts


def test_a_suspect_that_another_host_had_for_a_moment_is_worked_on_once(shared: SharedMemory) -> None:
    before = shared.host(1)
    [job] = before.add([request(fingerprint=None)], at_s=1.0).result(PATIENCE_S)
    before.update([Transition(job, job.start(at_s=1.0, host=1))]).result(PATIENCE_S)
    before.close()
    jobs, compute = TakenForAMoment(shared, 1, attempt_counts=False), FakeCompute()
    with running(compute, jobs=jobs, hosts=jobs, gate=FakeGate()) as engine:
        view = poll(lambda: engine.look_up(job.number), lambda view: view.state.is_ended)
    assert view.state is JobState.DONE
    assert len(compute.requests) == 1


class Losing(MemoryHost):
    """Says that another host has a job, and reports no change of it: somebody has deleted its row by hand."""

    def update(self, transitions: Any) -> Any:
        for before, _ in transitions:
            self._shared.rows.pop(before.number, None)
            self._shared.last_number = max(self._shared.last_number, before.number)
        return super().update(transitions)


def test_a_job_whose_record_is_gone_is_not_claimed_again_and_again(shared: SharedMemory) -> None:
    jobs, compute, gate = Losing(shared, 1), FakeCompute(), FakeGate(closed=["toys"])
    with running(compute, jobs=jobs, hosts=jobs, gate=gate) as engine:
        [number] = submit(engine, request())
        gate.open("toys")
        wait_until(lambda: engine.describe(number).position is None, "the job still waits for a thread")
        assert engine.look_up(number).state is JobState.QUEUED
    assert compute.requests == []


@pytest.mark.parametrize("attempt_counts", [False, True])
def test_a_waiting_job_that_another_host_had_for_a_moment_is_cancelled(
    shared: SharedMemory, attempt_counts: bool
) -> None:
    jobs = TakenForAMoment(shared, 1, attempt_counts=attempt_counts)
    with running(jobs=jobs, hosts=jobs, gate=FakeGate(closed=["toys"])) as engine:
        [number] = submit(engine, request(fingerprint=None))
        assert engine.cancel(number).result(PATIENCE_S).state is JobState.CANCELLED
        assert engine.unfinished == 0


def test_the_end_of_a_job_that_was_taken_over_and_handed_back_is_discarded_and_the_job_runs_again(
    shared: SharedMemory, stack: ExitStack
) -> None:
    held = HeldTask(is_polite=False)
    one = Host(shared, 1, stack, tasks={"hold": held})
    [number] = submit(one.engine, request("hold"))
    held.wait_begun()
    other = shared.host(99)
    before = shared.rows[number].record
    other.update([Transition(before, before.give_back(attempt_counts=True))]).result(PATIENCE_S)
    held.go_on.set()  # its end is refused, and with the refusal it hears that the job waits again
    wait_until(lambda: len(one.compute.requests) == 2, "the job has not run again")
    assert one.end_of(number).state is JobState.DONE
    assert shared.rows[number].record.attempts == 2
    assert len(one.compute.requests) == 2
    other.close()


def test_what_cannot_be_looked_at_for_the_moment_is_as_it_was(shared: SharedMemory, stack: ExitStack) -> None:
    one, two = idle(shared, 1, stack), idle(shared, 2, stack)
    [number] = submit(one.engine, request())
    two.catch_up()
    two.jobs.error = FULL
    caught_up = two.engine.catch_up()
    assert caught_up is not None
    assert isinstance(caught_up.exception(PATIENCE_S), Unavailable)
    assert two.engine.look_up(number).state is JobState.QUEUED
    two.jobs.error = None


def test_the_move_of_a_job_that_has_no_record_any_more_comes_to_nothing(shared: SharedMemory) -> None:
    jobs = Losing(shared, 1)
    with running(jobs=jobs, hosts=jobs, gate=FakeGate(closed=["toys"])) as engine:
        [number] = submit(engine, request())
        assert not engine.cancel(number).done()
        engine.catch_up()
        assert engine.look_up(number).state is JobState.QUEUED
