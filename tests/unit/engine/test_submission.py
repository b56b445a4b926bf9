from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from meantime.engine.engine import Engine
from meantime.engine.events import Event
from meantime.engine.queue import CLAIM_LIMIT
from meantime.engine.scheduler import Admission, Scheduler
from meantime.errors import (
    QueueFull,
    ShuttingDown,
    StoreFull,
)
from meantime.model import IdempotencyKey, JobState
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import (
    FULL,
    ControlledJobStore,
    FakeCompute,
    FakeGate,
    HeldTask,
    end_of,
    make_engine,
    request,
    running,
    submit,
)
from tests.support.shared_memory import SharedMemory
from tests.support.waiting import PATIENCE_S, wait_for


def test_a_full_queue_refuses_before_anything_is_written_and_counts_what_is_being_accepted() -> None:
    jobs = ControlledJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs, queue_limit=3, gate=FakeGate(closed=["toys"])) as engine:
        accepted = engine.submit([request(), request()])
        assert engine.unfinished == 2
        with pytest.raises(QueueFull, match="queue_limit"):
            engine.submit([request(), request()])
        jobs.held[0]()
        assert len(accepted.result(PATIENCE_S)) == 2
        engine.submit([request()])
        with pytest.raises(QueueFull):
            engine.submit([request()])
        jobs.held[1]()
    assert len(jobs.held) == 2


def test_running_jobs_do_not_count_toward_the_queue_limit() -> None:
    held = HeldTask()
    with running(FakeCompute(hold=held), queue_limit=1, threads=1) as engine:
        submit(engine, request("hold"))
        held.wait_begun()
        submit(engine, request())
        with pytest.raises(QueueFull):
            engine.submit([request()])


def test_one_client_cannot_fill_the_queue_for_others() -> None:
    with running(queue_limit=100, gate=FakeGate(closed=["toys"])) as engine:

        def fill(client: str) -> int:
            """Submit until a job is refused, and return how many were accepted."""
            before = engine.unfinished
            with suppress(QueueFull):
                for _ in range(1_000):
                    engine.submit([request()], client=client).result(PATIENCE_S)
            return engine.unfinished - before

        # One client has what the setting says. Of the tenth beyond it, each further client gets half of the rest.
        assert [fill(client) for client in ("a", "b", "c", "d", "e")] == [100, 5, 2, 1, 1]
        assert fill("a") == 0
        with pytest.raises(QueueFull):
            engine.submit([request(), request()], client="f")


@pytest.mark.parametrize("queue_limit", [1, 2])
def test_however_few_jobs_may_wait_there_is_a_place_for_another_client(queue_limit: int) -> None:
    with running(queue_limit=queue_limit, gate=FakeGate(closed=["toys"])) as engine:
        engine.submit([request()] * queue_limit, client="a").result(PATIENCE_S)
        with pytest.raises(QueueFull):
            engine.submit([request()], client="a")
        engine.submit([request()], client="b").result(PATIENCE_S)


def test_places_are_free_again_when_jobs_have_ended_or_were_refused_by_the_store() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs, queue_limit=2, threads=1) as engine:
        for _ in range(5):
            engine.submit([request(), request()], client="a").result(PATIENCE_S)
            assert engine.wait_drained(PATIENCE_S)
        jobs.error = FULL
        for _ in range(5):
            with pytest.raises(StoreFull):
                engine.submit([request(), request()], client="a").result(PATIENCE_S)
        jobs.error = None
        engine.submit([request(), request()], client="a").result(PATIENCE_S)


def test_a_job_of_another_client_runs_next_or_next_but_one_behind_a_batch_of_a_thousand() -> None:
    held = HeldTask()
    compute = FakeCompute(hold=held)
    with running(compute, queue_limit=2000, threads=1) as engine:
        submit(engine, request("hold"))
        held.wait_begun()
        engine.submit([request(index=index) for index in range(1000)], client="batch").result(PATIENCE_S)
        [late] = engine.submit([request("late")], client="late").result(PATIENCE_S)
        assert engine.describe(late.number).position == 1
        held.go_on.set()
        assert engine.wait_drained(PATIENCE_S)
    assert "late" in [each.statistic for each in compute.requests[1:3]]


def test_jobs_of_a_client_that_are_repeated_under_their_key_stay_those_of_the_first_time() -> None:
    with running(gate=FakeGate(closed=["toys"])) as engine:
        key = IdempotencyKey(key="k", digest="d")
        first = engine.submit([request()], key=key, client="a").result(PATIENCE_S)
        assert engine.submit([request()], key=key, client="b").result(PATIENCE_S) == first
        assert engine.unfinished == 1


def test_a_request_that_cannot_be_kept_leaves_no_trace() -> None:
    with running() as engine:
        with pytest.raises(TypeError):
            engine.submit([request(what=object())])
        assert engine.unfinished == 0


def test_submitting_nothing_gives_nothing() -> None:
    with running() as engine:
        assert submit(engine) == []


def engine_accepts(engine: Engine) -> bool:
    return engine.is_accepting


def test_nothing_is_accepted_before_the_start_or_after_stop_accepting() -> None:
    engine = make_engine()
    assert not engine_accepts(engine)
    with pytest.raises(ShuttingDown):
        engine.submit([request()])
    engine.start()
    assert engine_accepts(engine)
    engine.stop_accepting()
    assert not engine_accepts(engine)
    with pytest.raises(ShuttingDown):
        engine.submit([request()])
    engine.stop()
    with pytest.raises(ShuttingDown):
        engine.submit([request()])


def test_the_future_of_a_submission_cannot_be_cancelled() -> None:
    jobs = ControlledJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as engine:
        future = engine.submit([request()])
        assert not future.cancel()
        jobs.held[0]()
        assert [job.number for job in future.result(PATIENCE_S)] == [1]


def test_a_job_that_need_not_wait_is_started_in_the_commit_that_accepts_it() -> None:
    jobs, calls = ControlledJobStore(), []

    def note(kind: str, subject: Sequence[Any]) -> bool:
        calls.append((kind, subject))
        return False

    jobs.holds_on = note
    with running(jobs=jobs) as engine:
        [job] = engine.submit([request()]).result(PATIENCE_S)
        assert (job.state, job.attempts) == (JobState.RUNNING, 1)
        assert end_of(engine, job.number).state is JobState.DONE
    assert [kind for kind, _ in calls] == ["add", "update"]
    assert [move.after.state for move in calls[1][1]] == [JobState.DONE]


def test_submissions_that_one_commit_accepts_are_taken_in_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in: list[int] = []
    schedule_accepted = Scheduler.schedule_accepted

    def noted(scheduler: Scheduler, submissions: Sequence[Admission]) -> None:
        taken_in.append(len(submissions))
        schedule_accepted(scheduler, submissions)

    monkeypatch.setattr(Scheduler, "schedule_accepted", noted)
    told: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def follow(event: Event) -> None:
        told.append(event.detail.record.number)
        begun.set()
        wait_for(go_on, "the test has not submitted the others")

    store = SqliteJobStore(tmp_path / "jobs.sqlite3", on_broken=lambda _: None)
    with running(jobs=store, gate=FakeGate(closed=["toys"])) as engine:
        engine.follow(follow)
        futures = [engine.submit([request()])]
        wait_for(begun, "nobody was told of the first job")
        # The store's thread is telling of the first job, so what comes now is committed together.
        futures += [engine.submit([request(), request()], client=f"client {number}") for number in range(5)]
        go_on.set()
        numbers = [[job.number for job in future.result(PATIENCE_S)] for future in futures]
        assert numbers == [[1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
        assert engine.unfinished == 11
    assert taken_in == [1, 5]
    assert told == list(range(1, 12))


def test_a_job_waits_to_be_claimed_if_its_data_set_is_not_open_or_not_known() -> None:
    with running(gate=FakeGate(closed=["toys"], failed=["lost"])) as engine:
        accepted = [engine.submit([request(fingerprint=None, dataset=dataset)]) for dataset in ("toys", "lost")]
        assert [future.result(PATIENCE_S)[0].state for future in accepted] == [JobState.QUEUED] * 2


def test_jobs_that_could_not_be_accepted_take_no_place_of_those_that_may_be_started() -> None:
    jobs = ControlledJobStore()
    with running(jobs=jobs) as engine:
        jobs.error = FULL
        assert engine.submit([request()] * CLAIM_LIMIT).exception(PATIENCE_S) is FULL
        with suppress(TypeError):
            engine.submit([request(what=object())] * CLAIM_LIMIT)
        jobs.error = None
        accepted = engine.submit([request()] * (CLAIM_LIMIT + 1)).result(PATIENCE_S)
        assert [job.attempts for job in accepted] == [1] * CLAIM_LIMIT + [0]


def test_a_host_beside_others_starts_no_more_new_jobs_than_it_has_threads_for() -> None:
    store = SharedMemory().host(1)
    held = HeldTask()
    with running(FakeCompute(hold=held), jobs=store, hosts=store, threads=2) as engine:
        first = engine.submit([request("hold")]).result(PATIENCE_S)
        held.wait_begun()
        accepted = engine.submit([request()] * 3).result(PATIENCE_S)
        assert [(job.attempts, job.host) for job in (*first, *accepted)] == [(1, 1), (1, 1), (0, None), (0, None)]
        held.go_on.set()
