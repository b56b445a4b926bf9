from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from meantime.engine.ledger import LiveJob
from meantime.engine.ports import Answer
from meantime.engine.task_runner import JobWork, TaskRunner
from meantime.errors import (
    Fault,
    JobCancelled,
    JobGivenBack,
    JobOutOfTime,
    RequestInvalid,
    ResultGone,
    SnapshotDamaged,
    StoreBroken,
)
from meantime.model import Job, JobState, Receipt, Request, Unwatched, Work
from tests.support.engine_fakes import FULL, FillingResults, ManualClock, Notes, ToyCompute, request


def started(do: str = "echo") -> Job:
    return Job(number=7, request=request(do), created_at_s=0.0).start(at_s=1.0)


def raising(error: BaseException) -> ToyCompute:
    def deed(request: Request, work: Work) -> bytes:  # noqa: ARG001 - the deed is to fail
        raise error

    return ToyCompute(fail=deed)


class Room:
    def __init__(self, compute: ToyCompute) -> None:
        self.results = FillingResults()
        self.notes = Notes()
        self.runner = TaskRunner(compute=compute, results=self.results, clock=ManualClock(5.0), observer=self.notes)

    def run(self, do: str = "fail", work: Work | None = None) -> Job:
        return self.runner.run(started(do), work or Unwatched())


def test_a_job_is_done_with_its_result_put() -> None:
    room = Room(ToyCompute())
    job = room.run("echo")
    assert (job.state, job.ended_at_s) == (JobState.DONE, 5.0)
    assert job.receipt is not None
    assert room.results.open(7, job.receipt) == b"[]"


def test_a_wrong_request_fails_the_job_by_its_caller_and_is_no_trouble() -> None:
    room = Room(raising(RequestInvalid("There is no such question.")))
    job = room.run()
    assert job.failure is not None
    assert (job.state, job.failure.fault) == (JobState.FAILED, Fault.CALLER)
    assert job.failure.reason == "There is no such question."
    assert room.notes.troubles == []


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), MemoryError(), SystemExit(3), KeyboardInterrupt(), SnapshotDamaged("torn")]
)
def test_whatever_else_a_statistic_raises_fails_the_job_by_the_server_and_is_told(error: BaseException) -> None:
    room = Room(raising(error))
    job = room.run()
    assert job.failure is not None
    assert (job.state, job.failure.fault) == (JobState.FAILED, Fault.SERVER)
    assert room.notes.troubles == [(7, error)]


def test_cancelled_work_is_a_cancelled_job() -> None:
    job = Room(raising(JobCancelled("as asked"))).run()
    assert (job.state, job.failure and job.failure.code) == (JobState.CANCELLED, "cancelled")


def test_work_given_back_is_queued_and_its_attempt_does_not_count() -> None:
    job = Room(raising(JobGivenBack("stopping"))).run()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_a_job_cancelled_before_its_work_began_is_not_computed() -> None:
    compute = ToyCompute()
    live = LiveJob(started())
    live.is_cancelled = True
    assert Room(compute).run("echo", work_of(live)).state is JobState.CANCELLED
    assert compute.asked == []


@pytest.mark.parametrize("error", [FULL, StoreBroken("no permission")])
def test_a_result_that_cannot_be_put_is_not_the_end_of_the_job(error: Exception) -> None:
    room = Room(ToyCompute())
    room.results.error = error  # type: ignore[assignment]  # both are ours
    with pytest.raises(type(error)):
        room.run("echo")


# Making again


def again(compute: ToyCompute, receipt: Receipt | None = None) -> tuple[Room, bytes]:
    room = Room(compute)
    return room, room.runner.make_again(started("fail"), receipt or Answer(b"[]", 1).receipt(), Unwatched())


def test_a_lost_result_is_made_again_and_put() -> None:
    room, body = again(ToyCompute())
    assert body == b"[]"
    assert room.results.open(7, Answer(b"[]", 1).receipt()) == b"[]"


def test_a_lost_result_of_another_method_version_is_gone() -> None:
    compute = ToyCompute()
    compute.method_version = 2
    with pytest.raises(ResultGone, match="version 1 of its method, and this server has version 2"):
        again(compute)


def test_a_lost_result_that_comes_out_differently_is_gone_and_told() -> None:
    room = Room(ToyCompute())
    with pytest.raises(ResultGone, match="is another"):
        room.runner.make_again(started(), Answer(b"[1]", 1).receipt(), Unwatched())
    assert len(room.notes.troubles) == 1


@pytest.mark.parametrize("error", [SnapshotDamaged("The snapshot is missing."), SystemExit()])
def test_a_lost_result_whose_computation_fails_is_gone_with_the_reason(error: BaseException) -> None:
    with pytest.raises(ResultGone, match=r"missing|SystemExit"):
        again(raising(error))


def test_a_server_that_stops_makes_nothing_again() -> None:
    with pytest.raises(JobGivenBack):
        again(raising(JobGivenBack("stopping")))


def test_a_result_made_again_is_given_out_also_when_it_cannot_be_put() -> None:
    room = Room(ToyCompute())
    room.results.error = FULL
    assert room.runner.make_again(started(), Answer(b"[]", 1).receipt(), Unwatched()) == b"[]"
    assert room.notes.troubles == [(7, FULL)]


# The line back


def work_of(
    live: LiveJob,
    clock: ManualClock | None = None,
    stopping: threading.Event | None = None,
    on_percent: Callable[[LiveJob], None] = lambda live: None,  # noqa: ARG005
) -> JobWork:
    return JobWork(
        live,
        stopping=stopping or threading.Event(),
        monotonic=clock or ManualClock(),
        time_limit_s=60.0,
        on_percent=on_percent,
    )


@pytest.mark.parametrize(("said", "noted"), [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0)])
def test_progress_is_noted_from_0_to_1(said: float, noted: float) -> None:
    live = LiveJob(started())
    work_of(live).progress(said)
    assert live.view().progress == noted


def test_each_percent_of_progress_is_told_once_however_often_it_is_said() -> None:
    live = LiveJob(started())
    told: list[float] = []
    work = work_of(live, on_percent=lambda live: told.append(live.progress))
    for place in range(10_001):
        work.progress(place / 10_000)
        work.progress(place / 20_000)  # and back again
    assert [int(share * 100) for share in told] == list(range(1, 101))


def test_a_check_goes_on_where_nothing_is_the_matter() -> None:
    work_of(LiveJob(started())).check()


def test_a_check_stops_when_the_job_was_cancelled_also_if_the_server_stops() -> None:
    live, stopping = LiveJob(started()), threading.Event()
    live.is_cancelled = True
    stopping.set()
    with pytest.raises(JobCancelled):
        work_of(live, stopping=stopping).check()


def test_a_check_stops_when_the_server_does() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(JobGivenBack):
        work_of(LiveJob(started()), stopping=stopping).check()


def test_a_check_stops_after_the_time_limit_and_names_the_setting() -> None:
    clock = ManualClock(0.0)
    work = work_of(LiveJob(started()), clock)
    clock.now_s = 60.0
    work.check()
    clock.now_s = 60.1
    with pytest.raises(JobOutOfTime, match=r"60 seconds .* job_time_limit_s"):
        work.check()
