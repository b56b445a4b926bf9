"""What two hosts hear of each other through their database, and what the store refuses to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from meantime.engine.ports import Changes, KeyTaken, Transition
from meantime.errors import Failure, Fault, IllegalTransition, StoreBroken
from meantime.model import IdempotencyKey, JobState, Receipt
from tests.support.engine_fakes import request
from tests.support.postgres_store import execute, postgres_store
from tests.support.waiting import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from meantime.stores.postgres.store import PostgresJobStore

FAILURE = Failure(code="request-invalid", fault=Fault.CALLER, reason="No.")
RECEIPT = Receipt(checksum="0" * 32, size_bytes=7, method_version=3)


class Host:
    """A store that has joined, and all that it has heard."""

    def __init__(self, address: str, name: str, **more: Any) -> None:
        self.store: PostgresJobStore = postgres_store(address, name=name, **more)
        self.heard: list[Changes] = []
        self.at_work: dict[int, float] = {}
        self.order: list[str] = []

    def join(self) -> Host:
        list(self.store.jobs())
        self.store.join(self._hear, self._work)
        return self

    def _hear(self, changes: Changes) -> None:
        self.heard.append(changes)
        self.order.append("heard")

    def _work(self) -> Mapping[int, float]:
        return dict(self.at_work)

    def catch_up(self) -> None:
        caught_up = self.store.catch_up()
        assert caught_up is not None
        caught_up.result(PATIENCE_S)

    def jobs(self) -> list[Any]:
        return [record for changes in self.heard for record in changes.jobs]


MakeHost = Callable[..., Host]


@pytest.fixture
def host(jobs_database: str) -> Iterator[MakeHost]:
    made: list[Host] = []

    def make(name: str, **more: Any) -> Host:
        made.append(Host(jobs_database, name, **more))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


def test_a_change_is_heard_by_others_once_and_not_by_who_made_it(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    two.catch_up()
    two.catch_up()
    one.catch_up()
    assert (one.jobs(), two.jobs()) == ([], [job])


def test_what_others_did_before_is_heard_before_a_call_resolves(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    added = two.store.add([request()], at_s=1.0)
    added.add_done_callback(lambda _: two.order.append("resolved"))
    assert [record.number for record in added.result(PATIENCE_S)] == [2]
    wait_until(lambda: "resolved" in two.order, "the callback did not come")
    assert two.order[:2] == ["heard", "resolved"]
    assert two.jobs() == [job]


def test_a_change_wakes_the_others(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    wait_until(lambda: two.jobs() == [job], "the other host never heard of it")


def test_of_two_hosts_that_claim_a_job_one_gets_it_and_the_other_hears_which(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    jobs = one.store.add([request(), request()], at_s=1.0).result(PATIENCE_S)
    first, second = ([Transition(job, job.start(at_s=2.0, host=each.store.me)) for job in jobs] for each in (one, two))
    assert one.store.update(first[:1]).result(PATIENCE_S) == frozenset()
    assert two.store.update(second).result(PATIENCE_S) == {1}
    assert [record.host for record in one.store.jobs()] == [one.store.me, two.store.me]
    assert two.jobs()[-1] == first[0].after


def test_the_fencing_token_is_host_and_attempt(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    started = job.start(at_s=2.0, host=one.store.me)
    one.store.update([Transition(job, started)]).result(PATIENCE_S)
    back = started.give_back(attempt_counts=True)
    two.store.update([Transition(started, back)]).result(PATIENCE_S)
    again = back.start(at_s=3.0, host=two.store.me)
    two.store.update([Transition(back, again)]).result(PATIENCE_S)
    stale = Transition(started, started.finish(RECEIPT, at_s=4.0))
    assert one.store.update([stale]).result(PATIENCE_S) == {1}
    assert one.store.get(1) == again
    done = again.finish(RECEIPT, at_s=5.0)
    two.store.update([Transition(again, done)]).result(PATIENCE_S)
    two.store.remove([1]).result(PATIENCE_S)
    assert one.store.update([stale]).result(PATIENCE_S) == {1}  # gone, and not by this host's doing
    assert isinstance(two.store.update([Transition(job, started)]).exception(PATIENCE_S), type(None))


def test_a_wrong_move_of_ones_own_job_is_an_error(host: MakeHost) -> None:
    one = host("one").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    wrong = one.store.update([Transition(job.start(at_s=1.0), job)])
    right = one.store.add([request()], at_s=1.0)
    assert isinstance(wrong.exception(PATIENCE_S), IllegalTransition)
    assert [record.number for record in right.result(PATIENCE_S)] == [2]


def test_a_removal_is_told_with_the_record(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    ended = job.cancel(FAILURE, at_s=2.0)
    one.store.update([Transition(job, ended)]).result(PATIENCE_S)
    two.catch_up()
    assert one.store.remove([1]).result(PATIENCE_S) == [ended]
    two.catch_up()
    assert [record for changes in two.heard for record in changes.removed] == [ended]


def test_a_wish_to_cancel_is_told_and_is_told_to_those_who_join_later(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    two.store.ask_to_cancel(1).result(PATIENCE_S)
    one.catch_up()
    assert [changes.cancelling for changes in one.heard if changes.cancelling] == [[1]]
    three = host("three").join()
    assert three.heard[0].cancelling == [1]
    job = one.store.get(1)
    assert job is not None
    assert one.store.update([Transition(job, job.cancel(FAILURE, at_s=2.0))]).result(PATIENCE_S) == frozenset()


def test_what_threads_have_is_shown_to_others_and_its_end_too(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    one.at_work = {7: 0.25}
    one.catch_up()
    two.catch_up()
    wait_until(lambda: any(changes.at_work == {7: 0.25} for changes in two.heard), "it was never shown")
    one.at_work = {}
    wait_until(lambda: _shown(one) == "{}", "it is still shown")


def _shown(host: Host) -> str:
    return host.store._writer._shown


def test_a_host_that_has_left_is_lost_at_once(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    two.catch_up()
    me = one.store.me
    assert me is not None
    assert not two.store.is_lost(me)
    one.store.close()
    wait_until(lambda: two.store.is_lost(me), "it still counts as there")
    assert any(me in changes.lost for changes in two.heard)


def test_a_key_that_another_host_has_just_used_makes_no_second_job(host: MakeHost) -> None:
    one, two = host("one").join(), host("two").join()
    key = IdempotencyKey(key="k", digest="d")
    one.store.add([request()], at_s=1.0, idempotency_key=key).result(PATIENCE_S)
    assert isinstance(two.store.add([request()], at_s=1.0, idempotency_key=key).exception(PATIENCE_S), KeyTaken)
    other = two.store.add([request()], at_s=1.0, idempotency_key=IdempotencyKey(key="l", digest="d"))
    assert [record.number for record in other.result(PATIENCE_S)] == [2]  # no number was lost


def test_a_host_keeps_its_number_over_restarts_and_a_copy_of_it_stops_the_first(host: MakeHost) -> None:
    broken: list[StoreBroken] = []
    one = host("one", on_broken=broken.append).join()
    again = host("one")
    assert again.store.me == one.store.me
    refused = one.store.add([request()], at_s=1.0)
    assert isinstance(refused.exception(PATIENCE_S), StoreBroken)
    assert "host-name" in str(broken[0])
    assert isinstance(one.store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreBroken)
    assert again.store.add([request()], at_s=1.0).result(PATIENCE_S)


def test_a_host_that_has_missed_removals_starts_again(host: MakeHost, jobs_database: str) -> None:
    broken: list[StoreBroken] = []
    one = host("one", on_broken=broken.append).join()
    one.catch_up()
    execute(jobs_database, "UPDATE meantime.counters SET forgotten = 1000")
    caught_up = one.store.catch_up()
    assert caught_up is not None
    assert isinstance(caught_up.exception(PATIENCE_S), StoreBroken)
    assert "away for too long" in str(broken[0])


def test_removals_are_forgotten_after_many_changes(host: MakeHost, jobs_database: str) -> None:
    one = host("one").join()
    [job] = one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    one.store.update([Transition(job, job.cancel(FAILURE, at_s=2.0))]).result(PATIENCE_S)
    one.store.remove([1]).result(PATIENCE_S)
    assert execute(jobs_database, "SELECT count(*) FROM meantime.removed") == [(1,)]
    execute(jobs_database, "UPDATE meantime.counters SET last_change = 199999")
    one.store.add([request()], at_s=1.0).result(PATIENCE_S)
    assert execute(jobs_database, "SELECT count(*) FROM meantime.removed") == [(0,)]


def test_a_damaged_row_is_a_failed_job_with_nothing_but_its_number(host: MakeHost, jobs_database: str) -> None:
    one = host("one").join()
    key = IdempotencyKey(key="k", digest="d")
    one.store.add([request(), request()], at_s=1.0, idempotency_key=key).result(PATIENCE_S)
    execute(jobs_database, "UPDATE meantime.jobs SET dataset = 'others' WHERE number = 1")
    record = one.store.get(1)
    assert record is not None
    assert record.is_damaged
    assert [each.is_damaged for each in one.store.jobs()] == [True, False]
    assert [each.number for each in one.store.accepted_under("k")] == [2]
    execute(jobs_database, "UPDATE meantime.jobs SET host = 5 WHERE number = 2")
    assert [each.is_damaged for each in one.store.jobs()] == [True, True]
    assert one.store.remove([1]).result(PATIENCE_S) == [record]


def test_a_sound_row_that_says_nonsense_is_damaged_too(host: MakeHost) -> None:
    from meantime.stores.job_rows import sealed, values_of
    from meantime.stores.postgres.rows import record_of

    [job] = host("one").store.add([request()], at_s=1.0).result(PATIENCE_S)
    values = list(values_of(job))
    values[1] = "flying"
    assert record_of(sealed((*values, None))).is_damaged
    assert record_of(sealed((*values_of(msgspec.structs.replace(job, state=JobState.QUEUED)), 3))).host == 3


def test_calls_about_one_job_keep_their_order_within_a_commit() -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed: make cluster")

    from meantime.engine.futures import uncancellable_future
    from meantime.stores.postgres.transactions import Call, _stages

    def call(kind: Any, *numbers: int) -> Call:
        return Call(kind=kind, future=uncancellable_future(), numbers=numbers)

    calls = [call("update", 1), call("add"), call("update", 2), call("remove", 1), call("update", 1), call("remove", 2)]
    assert [(kind, [each.numbers for each in group]) for kind, group in _stages(calls)] == [
        ("update", [(1,), (2,)]),
        ("add", [()]),
        ("remove", [(1,), (2,)]),
        ("update", [(1,)]),
    ]
