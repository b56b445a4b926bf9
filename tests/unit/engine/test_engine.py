from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from meantime.engine.engine import Engine, Event, JobDetail, JobView
from meantime.engine.ports import Move, Wanted
from meantime.errors import (
    Failure,
    Fault,
    IllegalMove,
    JobEnded,
    JobUnfinished,
    JobUnknown,
    KeyReused,
    QueueFull,
    ResultGone,
    ShuttingDown,
    StoreBroken,
    StoreFull,
)
from meantime.model import Job, JobState, Once, Request, Work
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from tests.support.engine_fakes import (
    FULL,
    PATIENCE_S,
    Fatal,
    FillingResults,
    Held,
    ManualClock,
    MovableJobStore,
    Notes,
    ToyCompute,
    ToyGate,
    end_of,
    engine,
    request,
    running,
    submit,
)

BROKEN = StoreBroken("The disk is gone.")


def stored(jobs: MemoryJobStore, number: int) -> Job:
    job = jobs.get(number)
    assert job is not None
    return job


def crashed(*requests: Request, attempts: int = 1, store: MemoryJobStore | None = None) -> MemoryJobStore:
    """A store as a server leaves it that dies while it works on these, after so many attempts each."""
    store = store or MemoryJobStore()
    for added in store.add(requests, at_s=1.0).result():
        job = added
        for _ in range(attempts - 1):
            started = job.start(at_s=2.0)
            back = started.give_back(attempt_counts=True)
            store.move([Move(job, started), Move(started, back)]).result()
            job = back
        store.move([Move(job, job.start(at_s=3.0))]).result()
    return store


# From acceptance to result


def test_a_submitted_job_is_known_at_once_and_comes_to_its_result() -> None:
    with running() as room:
        [number] = submit(room, request(question="Q"))
        assert room.look_up(number).number == 1
        assert end_of(room, number) == JobView(1, JobState.DONE)
        assert room.read_result(number).result(PATIENCE_S) == b"[('question', 'Q')]"


def test_jobs_are_listed_by_number_with_their_states() -> None:
    held = Held()
    with running(ToyCompute(hold=held), threads=1) as room:
        one = submit(room, request())
        end_of(room, one[0])
        submit(room, request("hold"), request())
        held.wait_begun()
        assert room.jobs() == [(1, JobState.DONE), (2, JobState.RUNNING), (3, JobState.QUEUED)]
        assert room.unfinished == 2


def test_facts_count_jobs_by_state_and_say_who_waits_and_works() -> None:
    held = Held()
    with running(ToyCompute(hold=held), threads=1) as room:
        submit(room, request("hold"), request(), request())
        held.wait_begun()
        facts = room.facts()
    assert facts.jobs == {
        JobState.QUEUED: 2,
        JobState.RUNNING: 1,
        JobState.DONE: 0,
        JobState.FAILED: 0,
        JobState.CANCELLED: 0,
    }
    assert (facts.queue_depth, facts.working, facts.threads) == (2, 1, 1)


def test_a_failed_job_says_why_and_has_no_result() -> None:
    def bug(request: Request, work: Work) -> bytes:  # noqa: ARG001 - the deed is to fail
        raise SystemExit

    notes = Notes()
    with running(ToyCompute(bug=bug), observer=notes) as room:
        [number] = submit(room, request("bug"))
        view = end_of(room, number)
        assert view.failure is not None
        assert (view.state, view.failure.fault) == (JobState.FAILED, Fault.SERVER)
        with pytest.raises(ValueError, match="is failed"):
            room.read_result(number)
        end_of(room, submit(room, request())[0])  # the thread is still there
    assert [number for number, _ in notes.troubles] == [number]


def test_an_unknown_number_is_unknown_to_every_question() -> None:
    with running() as room:
        for ask in (room.look_up, room.read_result, room.cancel, lambda number: room.watch(number, print)):
            with pytest.raises(JobUnknown, match="job_id_5"):
                ask(5)


def test_a_queued_job_has_no_result_yet() -> None:
    with running(gate=ToyGate(closed=["toys"])) as room, pytest.raises(ValueError, match="is queued"):
        room.read_result(submit(room, request())[0])


def test_a_claimed_job_is_shown_as_queued_until_a_thread_works_on_it() -> None:
    held, jobs = Held(), MemoryJobStore()
    with running(ToyCompute(hold=held), jobs=jobs, threads=1) as room:
        one, two = submit(room, request("hold"), request())
        held.wait_begun()
        assert stored(jobs, two).state is JobState.RUNNING  # its attempt is counted
        assert room.look_up(two).state is JobState.QUEUED
        assert room.look_up(one).state is JobState.RUNNING


def test_progress_of_a_running_job_can_be_seen() -> None:
    held = Held()

    def half(request: Request, work: Work) -> bytes:
        work.progress(0.5)
        return held(request, work)

    with running(ToyCompute(half=half)) as room:
        [number] = submit(room, request("half"))
        held.wait_begun()
        assert room.look_up(number).progress == 0.5
        held.go_on.set()
        end_of(room, number)


def test_waits_and_runs_are_observed_and_never_negative() -> None:
    clock, notes, held = ManualClock(100.0), Notes(), Held()
    with running(ToyCompute(hold=held), clock=clock, observer=notes, gate=(gate := ToyGate(closed=["toys"]))) as room:
        [number] = submit(room, request("hold"))
        clock.now_s = 103.0
        gate.open("toys")
        held.wait_begun()
        clock.now_s = 105.0
        held.go_on.set()
        end_of(room, number)
        clock.now_s = 50.0  # set back by hand
        end_of(room, submit(room, request())[0])
    assert notes.started == [3.0, 0.0]
    assert notes.ended == [(JobState.DONE, 2.0), (JobState.DONE, 0.0)]


# Acceptance


def test_a_full_queue_refuses_before_anything_is_written_and_counts_what_is_being_accepted() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs, queue_limit=3, gate=ToyGate(closed=["toys"])) as room:
        accepted = room.submit([request(), request()])
        assert room.unfinished == 2
        with pytest.raises(QueueFull, match="queue_limit"):
            room.submit([request(), request()])
        jobs.held[0]()
        assert len(accepted.result(PATIENCE_S)) == 2
        room.submit([request()])
        with pytest.raises(QueueFull):
            room.submit([request()])
        jobs.held[1]()
    assert len(jobs.held) == 2


def test_jobs_at_work_take_no_place_in_the_queue() -> None:
    held = Held()
    with running(ToyCompute(hold=held), queue_limit=1, threads=1) as room:
        submit(room, request("hold"))
        held.wait_begun()
        submit(room, request())
        with pytest.raises(QueueFull):
            room.submit([request()])


def test_a_request_that_cannot_be_kept_leaves_no_trace() -> None:
    with running() as room:
        with pytest.raises(TypeError):
            room.submit([request(what=object())])
        assert room.unfinished == 0


def test_submitting_nothing_gives_nothing() -> None:
    with running() as room:
        assert submit(room) == []


def engine_accepts(room: Engine) -> bool:
    return room.is_accepting


def test_nothing_is_accepted_before_the_start_nor_after_the_word_to_stop() -> None:
    room = engine()
    assert not engine_accepts(room)
    with pytest.raises(ShuttingDown):
        room.submit([request()])
    room.start()
    assert engine_accepts(room)
    room.stop_accepting()
    assert not engine_accepts(room)
    with pytest.raises(ShuttingDown):
        room.submit([request()])
    room.stop()
    with pytest.raises(ShuttingDown):
        room.submit([request()])


def test_a_future_of_submit_cannot_be_cancelled_by_who_waits_for_it() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as room:
        future = room.submit([request()])
        assert not future.cancel()
        jobs.held[0]()
        assert [job.number for job in future.result(PATIENCE_S)] == [1]


# Data sets that are still loading


def test_jobs_wait_for_their_data_set_without_a_thread_and_others_go_on() -> None:
    gate, compute = ToyGate(closed=["slow"]), ToyCompute()
    with running(compute, gate=gate, threads=1) as room:
        [waiting] = submit(room, request(dataset="slow", fingerprint=None))
        [other] = submit(room, request(dataset="quick"))
        end_of(room, other)
        assert room.look_up(waiting).state is JobState.QUEUED
        assert not room.wait_drained(0)
        gate.open("slow")
        assert end_of(room, waiting).state is JobState.DONE
        assert room.wait_drained(PATIENCE_S)
    assert [asked.dataset for asked in compute.asked] == ["quick", "slow"]


def test_a_data_set_that_opens_between_look_and_parking_is_not_missed() -> None:
    class Racing(ToyGate):
        def is_open(self, dataset: str) -> bool:
            was_open = super().is_open(dataset)
            if not was_open and len(looks) == 1:
                self.open(dataset)  # right after the look, before the job is parked
            looks.append(dataset)
            return was_open

    looks: list[str] = []
    with running(gate=Racing(closed=["toys"])) as room:
        assert end_of(room, submit(room, request(fingerprint=None))[0]).state is JobState.DONE


def test_a_request_is_bound_durably_at_acceptance_where_the_data_set_is_there() -> None:
    jobs, gate = MovableJobStore(), ToyGate()
    jobs.holds_on = lambda kind, _: kind == "move"
    with running(jobs=jobs, gate=gate) as room:
        [number] = submit(room, request(fingerprint=None))
        gate.fingerprint = "f2"  # reloaded while the job waits
        assert stored(jobs, number).request.fingerprint == "f1"
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        jobs.holds_on = lambda *_: False
        jobs.held.pop()()
        end_of(room, number)
        assert stored(jobs, number).request.fingerprint == "f1"


def test_a_request_is_bound_durably_when_it_is_taken_where_the_data_set_was_loading() -> None:
    jobs, gate, held = MemoryJobStore(), ToyGate(closed=["toys"]), Held()
    compute = ToyCompute(hold=held)
    with running(compute, jobs=jobs, gate=gate) as room:
        [number] = submit(room, request("hold", fingerprint=None))
        gate.fingerprint = "f9"
        gate.open("toys")
        held.wait_begun()
        assert stored(jobs, number).request.fingerprint == "f9"
        assert compute.asked[0].fingerprint == "f9"


def test_a_job_whose_data_set_failed_to_load_fails_with_that_reason() -> None:
    gate, compute, jobs = ToyGate(failed=["toys"]), ToyCompute(), MemoryJobStore()
    with running(compute, jobs=jobs, gate=gate) as room:
        view = end_of(room, submit(room, request(fingerprint=None))[0])
        assert view.failure == Failure(code="dataset-not-ready", fault=Fault.OPERATOR, reason="toys failed to load.")
    assert stored(jobs, 1).attempts == 1
    assert compute.asked == []


def test_a_bug_in_binding_fails_the_job_not_the_thread() -> None:
    class Buggy(ToyGate):
        def bind(self, _request: Request) -> Request:
            raise ZeroDivisionError

    notes = Notes()
    gate = Buggy(closed=["toys"])
    with running(gate=gate, observer=notes) as room:
        [number] = submit(room, request(fingerprint=None))
        gate.open("toys")
        view = end_of(room, number)
        assert view.failure is not None
        assert view.failure.code == "internal"
    assert len(notes.troubles) == 1


# Cancelling


def test_a_waiting_job_is_cancelled_at_once_and_durably() -> None:
    jobs, compute = MemoryJobStore(), ToyCompute()
    gate = ToyGate(closed=["toys"])
    with running(compute, jobs=jobs, gate=gate) as room:
        [number] = submit(room, request())
        job = room.cancel(number).result(PATIENCE_S)
        assert job.state is JobState.CANCELLED
        assert stored(jobs, number) == job
        gate.open("toys")
        assert room.look_up(number).failure == job.failure
        assert room.wait_drained(PATIENCE_S)
    assert compute.asked == []


def test_a_claimed_job_that_no_thread_has_is_cancelled_at_once() -> None:
    held, compute = Held(), ToyCompute()
    compute.deeds = {"hold": held}
    with running(compute, threads=1) as room:
        _, two = submit(room, request("hold"), request())
        held.wait_begun()
        assert room.cancel(two).result(PATIENCE_S).state is JobState.CANCELLED
        held.go_on.set()
        assert room.wait_drained(PATIENCE_S)
    assert len(compute.asked) == 1


def test_a_running_job_is_cancelled_at_its_next_check_whoever_asks_how_often() -> None:
    held, notes = Held(), Notes()
    with running(ToyCompute(hold=held), observer=notes) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        both = [room.cancel(number), room.cancel(number)]
        assert [future.result(PATIENCE_S).state for future in both] == [JobState.CANCELLED] * 2
        view = end_of(room, number)
        assert view.failure is not None
        assert view.failure.code == "cancelled"


def test_a_job_whose_start_is_being_committed_is_cancelled_before_it_is_computed() -> None:
    jobs, compute = MovableJobStore(), ToyCompute()
    jobs.holds_on = lambda kind, _: kind == "move"
    with running(compute, jobs=jobs) as room:
        [number] = submit(room, request())
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        jobs.holds_on = lambda *_: False
        cancelled = room.cancel(number)
        assert not cancelled.done()
        jobs.held.pop()()
        assert cancelled.result(PATIENCE_S).state is JobState.CANCELLED
    assert compute.asked == []


def test_an_ended_job_cannot_be_cancelled() -> None:
    with running() as room:
        [number] = submit(room, request())
        end_of(room, number)
        with pytest.raises(JobEnded, match="is done already"):
            room.cancel(number)


def test_a_job_that_comes_to_its_end_before_its_next_check_is_done_and_says_so_to_who_cancelled() -> None:
    held = Held(is_polite=False)
    with running(ToyCompute(hold=held)) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        cancelled = room.cancel(number)
        held.go_on.set()
        assert isinstance(cancelled.exception(PATIENCE_S), JobEnded)
        assert room.look_up(number).state is JobState.DONE


def test_a_job_that_works_longer_than_the_limit_fails_and_names_the_setting() -> None:
    held, clock = Held(), ManualClock(0.0)
    with running(ToyCompute(hold=held), monotonic=clock, job_time_limit_s=60.0) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        clock.now_s = 61.0
        view = end_of(room, number)
    assert view.failure is not None
    assert (view.failure.code, view.failure.fault) == ("time-limit", Fault.OPERATOR)
    assert "job_time_limit_s" in view.failure.reason


# Watching


def test_a_watch_tells_each_change_in_order_until_it_is_ended() -> None:
    held, seen, other = Held(), [], []
    gate = ToyGate(closed=["toys"])
    with running(ToyCompute(hold=held), gate=gate) as room:
        [number] = submit(room, request("hold"))
        room.watch(number, lambda detail: seen.append((detail.state, detail.progress, detail.position)))
        unwatch = room.watch(number, lambda detail: other.append(detail.state))
        unwatch()
        unwatch()
        gate.open("toys")
        held.wait_begun()
        held.go_on.set()
        end_of(room, number)
        room.wait_drained(PATIENCE_S)
    assert seen == [(JobState.RUNNING, 0.0, None), (JobState.RUNNING, 1.0, None), (JobState.DONE, 1.0, None)]
    assert other == []


def test_a_watch_of_an_ended_job_is_told_at_once() -> None:
    seen: list[JobDetail] = []
    with running(jobs=(jobs := MemoryJobStore())) as room:
        [number] = submit(room, request())
        end_of(room, number)
        room.watch(number, seen.append)()
        assert seen == [JobDetail(stored(jobs, number), JobState.DONE, 1.0, None)]


def test_a_watcher_that_raises_is_trouble_for_nobody_but_the_log() -> None:
    notes, held = Notes(), Held()

    def angry(_: JobDetail) -> None:
        raise ZeroDivisionError

    with running(ToyCompute(hold=held), observer=notes) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        room.watch(number, angry)
        held.go_on.set()
        assert end_of(room, number).state is JobState.DONE
    assert [type(error) for _, error in notes.troubles] == [ZeroDivisionError] * 2  # at 100 %, and at the end


# Lost results


def test_a_lost_result_is_made_again_once_however_many_ask() -> None:
    held, results = Held(), MemoryResultStore()
    compute = ToyCompute()
    with running(compute, results=results) as room:
        [number] = submit(room, request(question="Q"))
        end_of(room, number)
        results.remove(number)
        compute.deeds = {"echo": held}
        readers = [room.read_result(number) for _ in range(3)]
        held.wait_begun()
        readers.append(room.read_result(number))
        assert not readers[0].cancel()
        held.go_on.set()
        assert {reader.result(PATIENCE_S) for reader in readers} == {b"[('question', 'Q')]"}
        assert len(compute.asked) == 2
        assert room.read_result(number).done()


def test_a_lost_result_is_made_before_waiting_jobs_are_worked_on_and_while_the_queue_drains() -> None:
    held, results = Held(), MemoryResultStore()
    compute = ToyCompute(hold=held)
    with running(compute, results=results, threads=1) as room:
        [number] = submit(room, request(first=1))
        end_of(room, number)
        results.remove(number)
        submit(room, request("hold"), request(second=2))
        held.wait_begun()
        room.stop_accepting()
        reader = room.read_result(number)
        held.go_on.set()
        assert reader.result(PATIENCE_S) == b"[('first', 1)]"
        room.wait_drained(PATIENCE_S)
    assert [asked.parameters for asked in compute.asked[2:]] == [{"first": 1}, {"second": 2}]


def test_a_lost_result_of_an_older_method_is_gone() -> None:
    compute, results = ToyCompute(), MemoryResultStore()
    with running(compute, results=results) as room:
        [number] = submit(room, request())
        end_of(room, number)
        results.remove(number)
        compute.method_version = 2
        assert isinstance(room.read_result(number).exception(PATIENCE_S), ResultGone)
        compute.method_version = 1
        assert room.read_result(number).result(PATIENCE_S) == b"[]"


def test_a_lost_result_whose_record_was_removed_is_unknown() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results) as room:
        [number] = submit(room, request())
        end_of(room, number)
        results.remove(number)
        jobs.remove([number]).result()
        assert isinstance(room.read_result(number).exception(PATIENCE_S), JobUnknown)


def test_a_result_that_expires_while_it_is_made_again_leaves_no_file() -> None:
    held, results, compute = Held(), MemoryResultStore(), ToyCompute()
    with running(compute, results=results, keep_ended_jobs=1) as room:
        [number] = submit(room, request())
        end_of(room, number)
        results.remove(number)
        compute.deeds = {"echo": held}
        reader = room.read_result(number)
        held.wait_begun()
        [newer] = submit(room, request("other"))
        end_of(room, newer)
        while number in dict(room.jobs()):
            pass  # forgotten by the other thread, which has nothing else to do
        held.go_on.set()
        receipt = reader.result(PATIENCE_S)
        assert receipt == b"[]"
    assert list(results._bodies) == [newer]


def test_after_the_stop_a_sound_result_can_still_be_read_and_a_lost_one_not() -> None:
    results = MemoryResultStore()
    with running(results=results) as room:
        one, two = submit(room, request(), request())
        room.wait_drained(PATIENCE_S)
        results.remove(two)
    assert room.read_result(one).result(0) == b"[]"
    assert isinstance(room.read_result(two).exception(0), ShuttingDown)


def test_who_waits_for_a_lost_result_is_told_when_the_server_stops() -> None:
    held, results, compute = Held(), MemoryResultStore(), ToyCompute()
    with running(compute, results=results, threads=1) as room:
        one, two = submit(room, request(), request())
        room.wait_drained(PATIENCE_S)
        results.remove(one)
        results.remove(two)
        compute.deeds = {"echo": held}
        at_work, waiting = room.read_result(one), room.read_result(two)
        held.wait_begun()
    assert isinstance(at_work.exception(0), ShuttingDown)
    assert isinstance(waiting.exception(0), ShuttingDown)


# After a crash


def test_jobs_that_ran_are_run_again_and_jobs_that_waited_are_run() -> None:
    jobs = crashed(request(first=1))
    jobs.add([request(second=2)], at_s=1.0).result()
    with running(jobs=jobs) as room:
        assert room.wait_drained(PATIENCE_S)
        assert room.jobs() == [(1, JobState.DONE), (2, JobState.DONE)]
        assert room.read_result(1).result(0) == b"[('first', 1)]"
    assert [job.attempts for job in jobs.jobs()] == [2, 1]


def test_a_job_lost_for_the_third_time_is_failed_at_the_start_and_not_run() -> None:
    compute = ToyCompute()
    with running(compute, jobs=crashed(request(), attempts=3)) as room:
        view = room.look_up(1)
        assert view.failure is not None
        assert (view.state, view.failure.code) == (JobState.FAILED, "lost-thrice")
    assert compute.asked == []


def test_ended_jobs_are_known_after_a_restart_with_failure_and_result() -> None:
    results, jobs = MemoryResultStore(), crashed(request(), attempts=3)
    first = engine(jobs=jobs, results=results)
    jobs.close = lambda: None  # type: ignore[method-assign]  # the same store again, as a file would be
    first.start()
    end_of(first, submit(first, request())[0])
    first.stop()
    with running(jobs=jobs, results=results) as room:
        assert room.jobs() == [(1, JobState.FAILED), (2, JobState.DONE)]
        assert room.read_result(2).result(0) == b"[]"
        assert room.facts().jobs[JobState.FAILED] == 1


def test_suspects_are_worked_on_one_at_a_time_while_others_go_on_beside() -> None:
    held = Held()
    jobs = crashed(request("hold"), request("hold"))
    with running(ToyCompute(hold=held), jobs=jobs, threads=3) as room:
        held.wait_begun()
        end_of(room, submit(room, request())[0])
        assert [room.look_up(number).state for number in (1, 2)] == [JobState.RUNNING, JobState.QUEUED]
        held.go_on.set()
        assert room.wait_drained(PATIENCE_S)


def test_a_job_on_its_last_attempt_works_alone() -> None:
    held = Held()
    jobs = crashed(request("hold"), attempts=2)
    with running(ToyCompute(hold=held), jobs=jobs, threads=3) as room:
        held.wait_begun()
        [beside] = submit(room, request())
        assert room.look_up(beside).state is JobState.QUEUED
        assert stored(jobs, beside).attempts == 0
        held.go_on.set()
        assert end_of(room, beside).state is JobState.DONE


# A full disk


def test_a_submission_that_the_disk_has_no_room_for_is_refused_and_the_next_may_pass() -> None:
    jobs = MovableJobStore()
    with running(jobs=jobs) as room:
        jobs.error = FULL
        assert isinstance(room.submit([request()]).exception(PATIENCE_S), StoreFull)
        assert room.unfinished == 0
        jobs.error = None
        assert submit(room, request()) == [1]


def is_start(kind: str, subject: Any) -> bool:
    return kind == "move" and subject[0].after.state is JobState.RUNNING


def is_done(kind: str, subject: Any) -> bool:
    return kind == "move" and subject[0].after.state is JobState.DONE


@pytest.mark.parametrize("fails_on", [is_start, is_done], ids=["start", "done"])
def test_a_full_disk_delays_a_job_and_costs_it_no_attempt(fails_on: Any) -> None:
    jobs = MovableJobStore()
    jobs.fails_on, jobs.error = fails_on, FULL
    with running(jobs=jobs) as room:
        [number] = submit(room, request())
        for _ in range(3):
            assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        assert end_of(room, number).state is JobState.DONE
        assert stored(jobs, number).attempts == 1


def test_a_result_without_room_delays_its_job_and_costs_it_no_attempt() -> None:
    jobs, results = MemoryJobStore(), FillingResults()
    results.error = FULL
    with running(jobs=jobs, results=results) as room:
        [number] = submit(room, request())
        for _ in range(3):
            assert results.failed.acquire(timeout=PATIENCE_S)
        results.error = None
        assert end_of(room, number).state is JobState.DONE
        assert stored(jobs, number).attempts == 1


def test_crashed_jobs_are_taken_up_when_there_is_space_again() -> None:
    jobs = MovableJobStore()
    crashed(request(), store=jobs)
    jobs.error = FULL
    with running(jobs=jobs) as room:
        assert room.look_up(1).state is JobState.QUEUED
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        assert end_of(room, 1).state is JobState.DONE


def test_waiting_for_space_ends_at_the_stop_and_what_could_not_be_written_is_told() -> None:
    jobs, notes = MovableJobStore(), Notes()
    jobs.fails_on = is_done
    jobs.error = FULL
    with running(jobs=jobs, observer=notes) as room:
        [number] = submit(room, request())
        assert jobs.failed.acquire(timeout=PATIENCE_S)
    assert (number, FULL) in notes.troubles
    assert stored(jobs, number).state is JobState.RUNNING  # found as after a crash


def test_a_job_without_room_for_its_result_is_given_back_at_the_stop() -> None:
    jobs, results = MemoryJobStore(), FillingResults()
    results.error = FULL
    with running(jobs=jobs, results=results) as room:
        [number] = submit(room, request())
        assert results.failed.acquire(timeout=PATIENCE_S)
    assert (stored(jobs, number).state, stored(jobs, number).attempts) == (JobState.QUEUED, 0)


# What only a restart can help


def test_a_broken_store_is_fatal_once_and_nothing_is_accepted_any_more_but_reads_go_on() -> None:
    jobs, fatal, results = MovableJobStore(), Fatal(), MemoryResultStore()
    with running(jobs=jobs, results=results, on_fatal=fatal) as room:
        [number] = submit(room, request())
        end_of(room, number)
        jobs.error = BROKEN
        assert room.submit([request()]).exception(PATIENCE_S) is BROKEN
        assert fatal.wait() is BROKEN
        for _ in range(2):
            with pytest.raises(StoreBroken, match="The disk is gone"):
                room.submit([request()])
        with pytest.raises(StoreBroken):
            room.cancel(number)
        assert not room.is_accepting
        assert room.look_up(number).state is JobState.DONE
        assert room.read_result(number).result(0) == b"[]"
        results.remove(number)
        assert room.read_result(number).result(PATIENCE_S) == b"[]"
    assert fatal.errors == [BROKEN]


def test_what_breaks_twice_is_told_once() -> None:
    jobs, fatal = MovableJobStore(), Fatal()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs, on_fatal=fatal) as room:
        accepted = [room.submit([request()]), room.submit([request()])]
        jobs.error = BROKEN
        for release in jobs.held:
            release()
        assert [future.exception(0) for future in accepted] == [BROKEN, BROKEN]
    assert fatal.errors == [BROKEN]


@pytest.mark.parametrize("error", [BROKEN, IllegalMove("a bug")])
@pytest.mark.parametrize("fails_on", [is_start, is_done], ids=["start", "done"])
def test_a_job_that_cannot_be_moved_is_fatal_and_nobody_waits_for_a_drain(error: Any, fails_on: Any) -> None:
    jobs, fatal = MovableJobStore(), Fatal()
    jobs.fails_on, jobs.error = fails_on, error
    with running(jobs=jobs, on_fatal=fatal) as room:
        submit(room, request())
        assert fatal.wait() is error
        assert not room.wait_drained(None)


def test_results_that_cannot_be_written_are_fatal_and_their_job_is_given_back() -> None:
    jobs, results, fatal = MemoryJobStore(), FillingResults(), Fatal()
    results.error = StoreBroken("no permission")
    with running(jobs=jobs, results=results, on_fatal=fatal) as room:
        [number] = submit(room, request())
        assert fatal.wait() is results.error
    assert (stored(jobs, number).state, stored(jobs, number).attempts) == (JobState.QUEUED, 0)


def test_a_bug_in_a_thread_of_the_engine_is_fatal() -> None:
    class Buggy(Notes):
        def job_started(self, _wait_s: float) -> None:
            raise ZeroDivisionError

    fatal = Fatal()
    with running(observer=Buggy(), on_fatal=fatal) as room:
        submit(room, request())
        assert isinstance(fatal.wait(), ZeroDivisionError)


def test_a_bug_in_what_follows_a_commit_is_fatal() -> None:
    class Buggy(Notes):
        def job_ended(self, _state: JobState, _run_s: float) -> None:
            raise ZeroDivisionError

    fatal = Fatal()
    with running(observer=Buggy(), on_fatal=fatal) as room:
        submit(room, request())
        assert isinstance(fatal.wait(), ZeroDivisionError)


# Stopping


def test_drained_means_that_nothing_is_unfinished() -> None:
    held = Held()
    with running(ToyCompute(hold=held)) as room:
        assert room.wait_drained(0)
        submit(room, request("hold"))
        held.wait_begun()
        room.stop_accepting()
        assert not room.wait_drained(0)
        held.go_on.set()
        assert room.wait_drained(PATIENCE_S)


def test_a_stop_gives_back_what_runs_and_what_is_claimed_without_counting_the_attempt() -> None:
    jobs, held = MemoryJobStore(), Held()
    with running(ToyCompute(hold=held), jobs=jobs, threads=1) as room:
        submit(room, request("hold"), request(), request())
        held.wait_begun()
        assert room.stop() == 0
        assert room.stop() == 0
    assert [(job.state, job.attempts) for job in jobs.jobs()] == [(JobState.QUEUED, 0)] * 3


def test_an_end_that_is_being_committed_at_the_stop_is_committed() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = is_done
    with running(jobs=jobs) as room:
        [number] = submit(room, request())
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        real_close = jobs.close

        def close() -> None:
            jobs.held.pop()()  # as a store does: what was asked is committed before it closes
            real_close()

        jobs.close = close  # type: ignore[method-assign]
        room.stop()
        jobs.close = real_close  # type: ignore[method-assign]
    assert stored(jobs, number).state is JobState.DONE


def test_a_start_that_is_being_committed_at_the_stop_is_given_back() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = is_start
    with running(jobs=jobs) as room:
        [number] = submit(room, request())
        assert jobs.holding.acquire(timeout=PATIENCE_S)
        stopping = threading.Thread(target=room.stop)
        stopping.start()
        while room.is_accepting:
            pass
        jobs.held.pop()()
        stopping.join(PATIENCE_S)
        assert not stopping.is_alive()
    assert (stored(jobs, number).state, stored(jobs, number).attempts) == (JobState.QUEUED, 0)


@pytest.mark.parametrize("full", [False, True], ids=["result fits", "disk full"])
def test_a_stop_in_a_hurry_gives_back_work_that_does_not_look_and_discards_its_outcome(full: bool) -> None:
    jobs, held, results = MemoryJobStore(), Held(is_polite=False), FillingResults()
    with running(ToyCompute(hold=held), jobs=jobs, results=results, threads=1) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        cancelled = room.cancel(number)
        views: list[JobDetail] = []
        room.watch(number, views.append)
        assert room.stop(wait_s=0) == 1
        given_back = stored(jobs, number)
        assert (given_back.state, given_back.attempts) == (JobState.QUEUED, 0)
        assert isinstance(cancelled.exception(PATIENCE_S), ShuttingDown)
        results.error = FULL if full else None
        held.go_on.set()
        assert room.stop(wait_s=PATIENCE_S) == 0
    assert stored(jobs, number) == given_back
    assert [view.state for view in views] == [JobState.QUEUED]


def test_a_second_stop_in_a_hurry_overtakes_a_first_that_waits() -> None:
    jobs, held = MemoryJobStore(), Held(is_polite=False)
    with running(ToyCompute(hold=held), jobs=jobs, threads=1) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        patient = threading.Thread(target=room.stop)
        patient.start()
        while room.is_accepting:
            pass
        assert room.stop(wait_s=0) == 1
        assert stored(jobs, number).state is JobState.QUEUED
        held.go_on.set()
        patient.join(PATIENCE_S)
        assert not patient.is_alive()
    assert stored(jobs, number).state is JobState.QUEUED


def test_a_stop_before_the_start_closes_the_store() -> None:
    jobs = MemoryJobStore()
    assert engine(jobs=jobs).stop() == 0
    assert isinstance(jobs.add([request()], at_s=0.0).exception(0), ShuttingDown)


def test_nothing_is_changed_after_the_stop_and_nobody_waits_for_a_drain() -> None:
    with running(gate=ToyGate(closed=["toys"])) as room:
        [number] = submit(room, request())
        room.stop()
        assert not room.wait_drained(None)
        with pytest.raises(ShuttingDown):
            room.cancel(number)


# Removal


def settled(room: Engine, numbers: list[int]) -> None:
    """Wait until exactly these jobs are remembered."""
    while [number for number, _ in room.jobs()] != numbers:
        pass  # the removal is a thread's next task; it needs no other push than this thread's patience


def test_the_oldest_ended_jobs_are_removed_with_record_and_result() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results, keep_ended_jobs=2) as room:
        for number in range(1, 5):
            end_of(room, submit(room, request(n=number))[0])
        settled(room, [3, 4])
        with pytest.raises(JobUnknown):
            room.look_up(1)
    assert [job.number for job in jobs.jobs()] == [3, 4]
    assert sorted(results._bodies) == [3, 4]


def test_jobs_that_are_too_old_are_removed_at_the_start() -> None:
    clock, jobs = ManualClock(1000.0), MemoryJobStore()
    [old] = jobs.add([request()], at_s=1.0).result()
    jobs.move([Move(old, old.cancel(Failure(code="c", fault=Fault.CALLER, reason="r"), at_s=10.0))]).result()
    with running(jobs=jobs, clock=clock, keep_ended_s=100.0) as room:
        settled(room, [])
    assert list(jobs.jobs()) == []


def test_a_removal_without_space_is_done_when_there_is_some() -> None:
    jobs = MovableJobStore()
    jobs.fails_on = lambda kind, _: kind == "remove"
    with running(jobs=jobs, keep_ended_jobs=1) as room:
        jobs.error = FULL
        one, two = submit(room, request(), request())
        assert room.wait_drained(PATIENCE_S)
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        jobs.error = None
        end_of(room, submit(room, request())[0])
        settled(room, [3])
        while jobs.get(one) or jobs.get(two):
            pass
    assert [job.number for job in jobs.jobs()] == [3]


def test_a_job_given_back_is_told_to_who_watches() -> None:
    held = Held()
    with running(ToyCompute(hold=held)) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        seen: list[JobState] = []
        room.watch(number, lambda view: seen.append(view.state))
        room.stop()
    assert seen == [JobState.QUEUED]


def test_a_removal_that_a_stop_in_a_hurry_overtakes_is_left_to_the_next_start() -> None:
    removing, go_on = threading.Event(), threading.Event()

    class Slow(MemoryResultStore):
        def remove(self, number: int) -> None:
            removing.set()
            go_on.wait(PATIENCE_S)
            super().remove(number)

    jobs = MemoryJobStore()
    with running(jobs=jobs, results=Slow(), keep_ended_jobs=1, threads=1) as room:
        submit(room, request(), request())
        assert removing.wait(PATIENCE_S)
        assert room.stop(wait_s=0) == 1
        go_on.set()
    assert [job.number for job in jobs.jobs()] == [1, 2]


# Following


def test_who_follows_hears_of_each_job_from_acceptance_to_removal_in_order() -> None:
    seen: list[Event] = []
    with running(jobs=(jobs := MemoryJobStore()), threads=1) as room:
        unfollow = room.follow(seen.append)
        [number] = submit(room, request())
        end_of(room, number)
        record = stored(jobs, number)
        room.remove(number).result(PATIENCE_S)
        unfollow()
        submit(room, request())
        assert room.wait_drained(PATIENCE_S)
    assert [event.kind for event in seen] == ["accepted", "started", "progress", "ended", "removed"]
    assert [event.detail.state for event in seen[:3]] == [JobState.QUEUED, JobState.RUNNING, JobState.RUNNING]
    assert [event.detail.position for event in seen] == [0, None, None, None, None]
    assert seen[3].detail == seen[4].detail == JobDetail(record, JobState.DONE, 1.0, None)


def test_of_many_jobs_at_once_each_is_told_in_its_order() -> None:
    seen: list[Event] = []
    with running(threads=4) as room:
        room.follow(seen.append)
        numbers = [number for _ in range(20) for number in submit(room, *[request()] * 10)]
        assert room.wait_drained(PATIENCE_S)
    for number in numbers:
        kinds = [event.kind for event in seen if event.detail.job.number == number]
        assert kinds == ["accepted", "started", "progress", "ended"]


def test_an_expired_job_is_told_as_removed() -> None:
    seen: list[Event] = []
    removed = threading.Event()

    def note(event: Event) -> None:
        seen.append(event)
        if event.kind == "removed":
            removed.set()

    with running(keep_ended_jobs=1) as room:
        [one] = submit(room, request())
        end_of(room, one)
        room.follow(note)
        end_of(room, submit(room, request())[0])
        assert removed.wait(PATIENCE_S)
    assert [event.detail.job.number for event in seen if event.kind == "removed"] == [one]


def test_a_job_given_back_for_want_of_space_is_told_and_begins_again_from_nothing() -> None:
    results, seen = FillingResults(), list[Event]()
    results.error = FULL
    with running(results=results, threads=1) as room:
        room.follow(seen.append)
        [number] = submit(room, request())
        assert results.failed.acquire(timeout=PATIENCE_S)
        results.error = None
        end_of(room, number)
    kinds = [event.kind for event in seen]
    assert kinds[:5] == ["accepted", "started", "progress", "given-back", "started"]
    back = seen[3].detail
    assert (back.state, back.progress, back.position) == (JobState.QUEUED, 0.0, 0)


def test_nothing_is_told_of_a_lost_result_that_is_made_again() -> None:
    results, seen = MemoryResultStore(), list[Event]()
    with running(results=results) as room:
        [number] = submit(room, request())
        end_of(room, number)
        results.remove(number)
        room.follow(seen.append)
        assert room.read_result(number).result(PATIENCE_S) == b"[]"
    assert seen == []


# Describing and finding


def test_a_job_is_described_wherever_it_is_in_its_life() -> None:
    held, jobs = Held(), MemoryJobStore()
    with running(ToyCompute(hold=held), jobs=jobs, threads=1) as room:
        one, two, three = submit(room, request("hold"), request(), request())
        held.wait_begun()
        assert room.describe(one) == JobDetail(stored(jobs, one), JobState.RUNNING, 0.0, None)
        assert room.describe(two) == JobDetail(stored(jobs, two), JobState.QUEUED, 0.0, 0)
        assert room.describe(three).position == 1
        room.cancel(two).result(PATIENCE_S)
        assert room.describe(two) == JobDetail(stored(jobs, two), JobState.CANCELLED, 0.0, None)
        assert room.describe(three).position == 0
        held.go_on.set()
        end_of(room, one)
        assert room.describe(one) == JobDetail(stored(jobs, one), JobState.DONE, 1.0, None)


def test_a_job_that_is_removed_while_it_is_looked_at_is_unknown() -> None:
    class Vanishing(MemoryJobStore):
        def get(self, number: int) -> Job | None:
            self.remove([number]).result()
            return super().get(number)

    with running(jobs=Vanishing()) as room:
        [number] = submit(room, request())
        end_of(room, number)
        with pytest.raises(JobUnknown, match="job_id_1"):
            room.describe(number)


def test_a_job_is_found_by_the_state_that_is_shown_of_it() -> None:
    held, jobs = Held(), MemoryJobStore()
    with running(ToyCompute(hold=held), jobs=jobs, threads=1) as room:
        done, _ = submit(room, request(), request("hold"))
        held.wait_begun()
        running_one, claimed = done + 1, submit(room, request())[0]
        room.cancel(submit(room, request())[0]).result(PATIENCE_S)

        def found(*states: JobState, **more: Any) -> list[int]:
            details = room.find(Wanted(states=frozenset(states) or None), **({"limit": 10} | more))
            assert details == [room.describe(detail.job.number) for detail in details]
            return [detail.job.number for detail in details]

        assert found() == [4, claimed, running_one, done]
        assert found(JobState.QUEUED) == [claimed]
        assert found(JobState.RUNNING) == [running_one]
        assert found(JobState.DONE, JobState.CANCELLED) == [4, done]
        assert found(before=4, limit=1) == [claimed]
        assert found(JobState.QUEUED, JobState.DONE, limit=1) == [claimed]
        assert found(JobState.QUEUED, before=claimed) == []
        assert found(limit=0) == []
        held.go_on.set()


def test_a_job_that_ends_while_it_is_looked_for_is_found_as_it_ended() -> None:
    held = Held()

    class Slow(MemoryJobStore):
        def find(self, wanted: Wanted, *, before: int | None, limit: int) -> list[Job]:
            found = super().find(wanted, before=before, limit=limit)
            held.go_on.set()
            assert room.wait_drained(PATIENCE_S)
            return found

    with running(ToyCompute(hold=held), jobs=(jobs := Slow())) as room:
        [number] = submit(room, request("hold"))
        held.wait_begun()
        assert room.find(Wanted(), limit=10) == [JobDetail(stored(jobs, number), JobState.DONE, 1.0, None)]


def test_a_job_whose_acceptance_or_removal_is_under_way_is_not_found() -> None:
    jobs = MovableJobStore()
    with running(jobs=jobs, keep_ended_jobs=1, threads=1) as room:
        submit(room, request(), request())
        assert room.wait_drained(PATIENCE_S)
        while jobs.get(1) is not None:
            pass
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        end_of(room, submit(room, request())[0])
        assert jobs.failed.acquire(timeout=PATIENCE_S)  # 2 has expired, but its record is still there
        # As a real store has a record for a moment before the engine hears of it.
        jobs.add([request()], at_s=1.0).result()
        assert [detail.job.number for detail in room.find(Wanted(), limit=10)] == [3]
        jobs.error = None


def test_a_parked_job_stands_behind_all_that_go_before_it() -> None:
    gate, held = ToyGate(closed=["slow"]), Held()
    with running(ToyCompute(hold=held), gate=gate, threads=1) as room:
        parked, behind = submit(room, request(dataset="slow"), request(dataset="slow"))
        submit(room, request("hold"))
        held.wait_begun()
        assert [room.describe(number).position for number in (parked, behind)] == [0, 1]
        [fresh] = submit(room, request())
        assert [room.describe(number).position for number in (fresh, parked, behind)] == [0, 1, 2]
        gate.open("slow")
        assert [room.describe(number).position for number in (fresh, parked, behind)] == [0, 1, 2]
        held.go_on.set()


# Removing


def test_an_ended_job_is_removed_with_record_and_result_and_its_number_is_unknown() -> None:
    jobs, results = MemoryJobStore(), MemoryResultStore()
    with running(jobs=jobs, results=results) as room:
        one, two = submit(room, request(), request())
        assert room.wait_drained(PATIENCE_S)
        receipt = stored(jobs, one).receipt
        assert receipt is not None
        room.remove(one).result(PATIENCE_S)
        assert results.open(one, receipt) is None
        assert jobs.get(one) is None
        assert room.jobs() == [(two, JobState.DONE)]
        assert room.facts().jobs[JobState.DONE] == 1
        for ask in (room.look_up, room.describe, room.read_result, room.remove):
            with pytest.raises(JobUnknown):
                ask(one)


def test_a_job_that_goes_on_is_not_removed() -> None:
    held = Held()
    with running(ToyCompute(hold=held), threads=1) as room:
        numbers = submit(room, request("hold"), request())
        held.wait_begun()
        for number in numbers:
            with pytest.raises(JobUnfinished, match="Cancel it first"):
                room.remove(number)
        held.go_on.set()


# Whether the first of two removals is committed when the other is asked for; its caller hears of it later in any case.
either_commit = pytest.mark.parametrize("is_committed", [False, True], ids=["uncommitted", "committed"])
either_order = pytest.mark.parametrize("is_last_first", [False, True], ids=["in order", "last first"])


@either_commit
@either_order
def test_a_removal_by_a_client_and_by_retention_at_once_is_announced_once(
    is_committed: bool, is_last_first: bool
) -> None:
    jobs, seen = MovableJobStore(), list[Event]()
    with running(jobs=jobs, keep_ended_jobs=1) as room:
        [number] = submit(room, request())
        end_of(room, number)
        record = stored(jobs, number)
        room.follow(seen.append)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = room.remove(number)
        if is_committed:
            jobs.held[0].commit()
        end_of(room, submit(room, request())[0])  # so that one too many are kept
        for _ in ("the client's", "retention's"):
            assert jobs.holding.acquire(timeout=PATIENCE_S)
        with pytest.raises(JobUnknown):
            room.look_up(number)
        for release in reversed(jobs.held) if is_last_first else jobs.held:
            release()
        assert removal.result(PATIENCE_S) is None
    assert [event for event in seen if event.kind == "removed"] == [
        Event("removed", JobDetail(record, JobState.DONE, 1.0, None))
    ]


@either_commit
@either_order
def test_two_removals_of_a_job_at_once_both_succeed_and_are_counted_and_announced_once(
    is_committed: bool, is_last_first: bool
) -> None:
    jobs, seen = MovableJobStore(), list[Event]()
    with running(jobs=jobs) as room:
        [number] = submit(room, request())
        end_of(room, number)
        record = stored(jobs, number)
        room.follow(seen.append)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removals = [room.remove(number)]
        if is_committed:
            jobs.held[0].commit()
        removals.append(room.remove(number))
        for release in reversed(jobs.held) if is_last_first else jobs.held:
            release()
            with pytest.raises(JobUnknown):  # for whoever has heard that it is removed
                room.look_up(number)
        assert [removal.result(PATIENCE_S) for removal in removals] == [None, None]
        assert room.facts().jobs[JobState.DONE] == 0
    assert seen == [Event("removed", JobDetail(record, JobState.DONE, 1.0, None))]


@either_commit
def test_who_follows_from_the_middle_of_a_removal_hears_of_it(is_committed: bool) -> None:
    jobs, seen = MovableJobStore(), list[Event]()
    with running(jobs=jobs) as room:
        [number] = submit(room, request())
        end_of(room, number)
        record = stored(jobs, number)
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = room.remove(number)
        if is_committed:
            jobs.held[0].commit()
        room.follow(seen.append)
        jobs.held[0]()
        removal.result(PATIENCE_S)
    assert seen == [Event("removed", JobDetail(record, JobState.DONE, 1.0, None))]


def test_a_job_that_retention_finds_no_space_to_remove_is_announced_when_it_is_removed() -> None:
    jobs, removed = MovableJobStore(), list[int]()
    both = threading.Event()

    def note(event: Event) -> None:
        if event.kind == "removed":
            removed.append(event.detail.job.number)
            if len(removed) == 2:
                both.set()

    with running(jobs=jobs, keep_ended_jobs=1) as room:
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        room.follow(note)
        submit(room, request(), request())
        assert jobs.failed.acquire(timeout=PATIENCE_S)
        assert removed == []
        jobs.error = None
        end_of(room, submit(room, request())[0])
        assert both.wait(PATIENCE_S)
    assert len(set(removed)) == 2


def test_a_removal_without_space_fails_and_the_job_is_still_there_with_its_result() -> None:
    jobs = MovableJobStore()
    with running(jobs=jobs) as room:
        [number] = submit(room, request(question="Q"))
        end_of(room, number)
        jobs.fails_on = lambda kind, _: kind == "remove"
        jobs.error = FULL
        assert room.remove(number).exception(PATIENCE_S) is FULL
        assert room.read_result(number).result(PATIENCE_S) == b"[('question', 'Q')]"
        jobs.error = None
        assert room.remove(number).result(PATIENCE_S) is None


def test_a_removal_that_breaks_the_store_is_fatal() -> None:
    jobs, fatal = MovableJobStore(), Fatal()
    with running(jobs=jobs, on_fatal=fatal) as room:
        [number] = submit(room, request())
        end_of(room, number)
        jobs.error = BROKEN
        assert room.remove(number).exception(PATIENCE_S) is BROKEN
        assert fatal.wait() is BROKEN
        with pytest.raises(StoreBroken):
            room.remove(number)


def test_a_result_made_again_while_its_job_is_removed_leaves_no_file() -> None:
    held, results, jobs = Held(), MemoryResultStore(), MemoryJobStore()
    held.go_on.set()
    with running(ToyCompute(hold=held), results=results, jobs=jobs) as room:
        [number] = submit(room, request("hold"))
        end_of(room, number)
        receipt = stored(jobs, number).receipt
        assert receipt is not None
        held.wait_begun()
        held.go_on.clear()
        results.remove(number)
        reading = room.read_result(number)
        held.wait_begun()
        room.remove(number).result(PATIENCE_S)
        held.go_on.set()
        assert reading.result(PATIENCE_S) == b"[]"  # asked for before it was removed
        assert results.open(number, receipt) is None


def test_a_result_made_again_before_the_removal_is_durable_leaves_no_file() -> None:
    results, jobs = MemoryResultStore(), MovableJobStore()
    with running(results=results, jobs=jobs) as room:
        [number] = submit(room, request())
        end_of(room, number)
        receipt = stored(jobs, number).receipt
        assert receipt is not None
        jobs.holds_on = lambda kind, _: kind == "remove"
        removal = room.remove(number)
        assert room.read_result(number).result(PATIENCE_S) == b"[]"
        assert results.open(number, receipt) == b"[]"
        jobs.held[0]()
        removal.result(PATIENCE_S)
        assert results.open(number, receipt) is None


# Once only


ONCE = Once(key="k", digest="d")


def submit_once(room: Engine, *requests: Request, once: Once = ONCE) -> list[int]:
    return [job.number for job in room.submit(requests, once=once).result(PATIENCE_S)]


def test_the_same_key_and_digest_are_the_same_jobs_whatever_has_become_of_them() -> None:
    held = Held()
    with running(ToyCompute(hold=held)) as room:
        numbers = submit_once(room, request("hold"), request(), request())
        assert submit_once(room, request("hold"), request(), request()) == numbers
        held.go_on.set()
        assert room.wait_drained(PATIENCE_S)
        assert submit_once(room, request("hold"), request(), request()) == numbers
        assert submit_once(room, request(), once=Once(key="other", digest="d")) == [4]


def test_the_same_key_with_another_digest_is_refused_also_in_flight() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as room:
        accepted = room.submit([request()], once=ONCE)
        other = Once(key="k", digest="other")
        with pytest.raises(KeyReused, match="idempotency key"):
            room.submit([request()], once=other)
        jobs.held[0]()
        accepted.result(PATIENCE_S)
        with pytest.raises(KeyReused, match="idempotency key"):
            room.submit([request()], once=other)
        assert len(room.jobs()) == 1


def test_the_same_key_in_flight_waits_for_the_same_jobs() -> None:
    jobs = MovableJobStore()
    jobs.holds_on = lambda kind, _: kind == "add"
    with running(jobs=jobs) as room:
        first, second = room.submit([request()], once=ONCE), room.submit([request()], once=ONCE)
        assert not second.done()
        jobs.held[0]()
        assert first.result(PATIENCE_S) == second.result(PATIENCE_S)
        assert len(room.jobs()) == len(jobs.held) == 1


def test_a_key_whose_submission_failed_is_free_again() -> None:
    jobs = MovableJobStore()
    jobs.error = FULL
    with running(jobs=jobs) as room:
        again: list[Future[list[Job]]] = []

        def retry(failed: Future[list[Job]]) -> None:
            jobs.error = None
            assert isinstance(failed.exception(), StoreFull)
            again.append(room.submit([request()], once=Once(key="k", digest="other")))

        room.submit([request()], once=ONCE).add_done_callback(retry)
        assert [job.number for job in again[0].result(PATIENCE_S)] == [1]


def test_a_key_whose_submission_was_refused_is_free_again() -> None:
    with running(queue_limit=1) as room:
        with pytest.raises(QueueFull):
            room.submit([request(), request()], once=ONCE)
        assert submit_once(room, request()) == [1]


def test_who_waits_for_the_same_key_hears_why_it_was_refused() -> None:
    looking, go_on = threading.Event(), threading.Event()

    class Slow(MemoryJobStore):
        def accepted_under(self, key: str) -> list[Job]:
            looking.set()
            assert go_on.wait(PATIENCE_S)
            return super().accepted_under(key)

    refused: list[BaseException] = []
    with running(jobs=Slow(), queue_limit=0) as room:

        def ask() -> None:
            try:
                room.submit([request()], once=ONCE)
            except QueueFull as error:
                refused.append(error)

        first = threading.Thread(target=ask)
        first.start()
        assert looking.wait(PATIENCE_S)
        second = room.submit([request()], once=ONCE)
        go_on.set()
        first.join(PATIENCE_S)
        assert [second.exception(PATIENCE_S)] == refused


def test_a_key_is_free_when_its_last_job_is_removed() -> None:
    with running() as room:
        one, two = submit_once(room, request(), request())
        assert room.wait_drained(PATIENCE_S)
        room.remove(one).result(PATIENCE_S)
        assert submit_once(room, request(), request()) == [two]
        room.remove(two).result(PATIENCE_S)
        assert submit_once(room, request(), once=Once(key="k", digest="other")) == [3]


def test_a_key_is_free_though_the_record_of_a_removed_job_is_still_there() -> None:
    jobs = MovableJobStore()
    with running(jobs=jobs, keep_ended_jobs=1) as room:
        submit_once(room, request())
        assert room.wait_drained(PATIENCE_S)
        jobs.error, jobs.fails_on = FULL, lambda kind, _: kind == "remove"
        end_of(room, submit(room, request())[0])
        assert jobs.failed.acquire(timeout=PATIENCE_S)  # it has expired, but its record cannot be removed
        assert jobs.get(1) is not None
        assert submit_once(room, request(), once=Once(key="k", digest="other")) == [3]
        jobs.error = None


def test_a_key_gives_its_jobs_also_where_new_ones_are_refused_until_the_stop() -> None:
    with running() as room:
        numbers = submit_once(room, request())
        room.stop_accepting()
        assert submit_once(room, request()) == numbers
        with pytest.raises(ShuttingDown):
            room.submit([request()], once=Once(key="new", digest="d"))
        room.stop()
        with pytest.raises(ShuttingDown):
            room.submit([request()], once=ONCE)


def test_of_many_threads_that_race_for_a_key_one_makes_the_jobs() -> None:
    with running() as room, ThreadPoolExecutor(8) as clients:
        made = list(clients.map(lambda _: submit_once(room, request(), request()), range(64)))
        assert made == [[1, 2]] * 64
        assert len(room.jobs()) == 2
