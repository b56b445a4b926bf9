from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable

import pytest

from meantime.engine.jobs import ActiveJob
from meantime.engine.ports import EncodedResult
from meantime.engine.retry import RetryPolicy
from meantime.engine.task_runner import JobWork, TaskRunner
from meantime.errors import (
    Fault,
    JobCancelled,
    JobGivenBack,
    JobOutOfMemory,
    JobOutOfTime,
    RequestInvalid,
    ResultGone,
    SnapshotDamaged,
    StoreBroken,
    StorePaused,
)
from meantime.model import JobRecord, JobState, Receipt, Request, Unwatched, Work
from tests.support.engine_fakes import FULL, FailingResultStore, FakeCompute, ManualClock, RecordingObserver, request


def started(do: str = "echo") -> JobRecord:
    return JobRecord(number=7, request=request(do), created_at_s=0.0).start(at_s=1.0)


def raising(error: BaseException) -> FakeCompute:
    def task(request: Request, work: Work) -> bytes:  # noqa: ARG001 - the task is to fail
        raise error

    return FakeCompute(fail=task)


class Harness:
    def __init__(self, compute: FakeCompute) -> None:
        self.results = FailingResultStore()
        self.observer = RecordingObserver()
        self.runner = TaskRunner(
            compute=compute, results=self.results, retry=RetryPolicy(), clock=ManualClock(5.0), observer=self.observer
        )

    def run(self, do: str = "fail", work: Work | None = None) -> JobRecord:
        return self.runner.run(started(do), work or Unwatched())


def test_a_job_is_done_when_its_result_is_written() -> None:
    harness = Harness(FakeCompute())
    job = harness.run("echo")
    assert (job.state, job.ended_at_s) == (JobState.DONE, 5.0)
    assert job.receipt is not None
    assert harness.results.open(7, job.receipt) == b"[]"


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EDQUOT, errno.ENOSPC])
def test_a_job_whose_machine_is_short_of_something_is_not_failed_and_its_result_is_not_gone(code: int) -> None:
    harness = Harness(raising(OSError(code, os.strerror(code))))
    with pytest.raises(StorePaused, match="for the moment"):
        harness.run()
    with pytest.raises(StorePaused):
        harness.runner.recompute(started("fail"), Receipt(checksum="", size_bytes=0, method_version=1), Unwatched())
    assert harness.observer.troubles == []


def test_any_other_error_of_the_system_is_the_end_of_the_job() -> None:
    job = Harness(raising(OSError(errno.EIO, os.strerror(errno.EIO)))).run()
    assert job.state is JobState.FAILED


def test_a_wrong_request_is_the_callers_fault_and_is_not_reported() -> None:
    harness = Harness(raising(RequestInvalid("There is no such question.")))
    job = harness.run()
    assert job.failure is not None
    assert (job.state, job.failure.fault) == (JobState.FAILED, Fault.CALLER)
    assert job.failure.reason == "There is no such question."
    assert harness.observer.troubles == []


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(3), KeyboardInterrupt(), SnapshotDamaged("torn")])
def test_any_other_error_of_a_statistic_is_the_servers_fault_and_is_reported(error: BaseException) -> None:
    harness = Harness(raising(error))
    job = harness.run()
    assert job.failure is not None
    assert (job.state, job.failure.fault) == (JobState.FAILED, Fault.SERVER)
    assert harness.observer.troubles == [(7, error)]


def test_a_job_without_memory_is_tried_again_and_fails_when_it_ran_alone() -> None:
    harness = Harness(raising(MemoryError()))
    job = started("fail")
    for attempt in (1, 2):
        job = harness.runner.run(job, Unwatched())
        assert (job.state, job.attempts) == (JobState.QUEUED, attempt)
        job = job.start(at_s=1.0)
    job = harness.runner.run(job, Unwatched())
    assert job.failure is not None
    assert (job.state, job.failure.code, job.failure.fault) == (JobState.FAILED, "out-of-memory", Fault.SERVER)
    assert [type(error) for _, error in harness.observer.troubles] == [MemoryError, MemoryError, JobOutOfMemory]


def test_a_lost_result_for_which_there_is_no_memory_is_not_gone() -> None:
    with pytest.raises(StorePaused, match="too little memory"):
        again(raising(MemoryError()))


def test_cancelled_work_is_a_cancelled_job() -> None:
    job = Harness(raising(JobCancelled("as asked"))).run()
    assert (job.state, job.failure and job.failure.code) == (JobState.CANCELLED, "cancelled")


def test_work_given_back_is_queued_and_its_attempt_does_not_count() -> None:
    job = Harness(raising(JobGivenBack("stopping"))).run()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_a_job_cancelled_before_its_work_began_is_not_computed() -> None:
    compute = FakeCompute()
    job = ActiveJob(started())
    job.is_cancelled = True
    assert Harness(compute).run("echo", work_of(job)).state is JobState.CANCELLED
    assert compute.requests == []


@pytest.mark.parametrize("error", [FULL, StoreBroken("no permission")])
def test_a_result_that_cannot_be_written_is_not_the_end_of_the_job(error: Exception) -> None:
    harness = Harness(FakeCompute())
    harness.results.error = error  # type: ignore[assignment]  # both are ours
    with pytest.raises(type(error)):
        harness.run("echo")


# Computing again


def again(compute: FakeCompute, receipt: Receipt | None = None) -> tuple[Harness, bytes]:
    harness = Harness(compute)
    return harness, harness.runner.recompute(started("fail"), receipt or EncodedResult(b"[]", 1).receipt(), Unwatched())


def test_a_lost_result_is_computed_again_and_written() -> None:
    harness, body = again(FakeCompute())
    assert body == b"[]"
    assert harness.results.open(7, EncodedResult(b"[]", 1).receipt()) == b"[]"


def test_a_lost_result_of_another_method_version_is_gone() -> None:
    compute = FakeCompute()
    compute.method_version = 2
    with pytest.raises(ResultGone, match="version 1 of its method, and this server has version 2"):
        again(compute)


def test_a_lost_result_that_comes_out_differently_is_gone_and_that_is_reported() -> None:
    harness = Harness(FakeCompute())
    with pytest.raises(ResultGone, match="gives a different one"):
        harness.runner.recompute(started(), EncodedResult(b"[1]", 1).receipt(), Unwatched())
    assert len(harness.observer.troubles) == 1


@pytest.mark.parametrize("error", [SnapshotDamaged("The snapshot is missing."), SystemExit()])
def test_a_lost_result_whose_computation_fails_is_gone_with_the_reason(error: BaseException) -> None:
    with pytest.raises(ResultGone, match=r"missing|SystemExit"):
        again(raising(error))


def test_a_server_that_stops_computes_nothing_again() -> None:
    with pytest.raises(JobGivenBack):
        again(raising(JobGivenBack("stopping")))


def test_a_result_that_is_computed_again_is_returned_also_when_it_cannot_be_written() -> None:
    harness = Harness(FakeCompute())
    harness.results.error = FULL
    assert harness.runner.recompute(started(), EncodedResult(b"[]", 1).receipt(), Unwatched()) == b"[]"
    assert harness.observer.troubles == [(7, FULL)]


# The work of a job


def work_of(
    job: ActiveJob,
    clock: ManualClock | None = None,
    stopping: threading.Event | None = None,
    on_percent: Callable[[ActiveJob], None] = lambda job: None,  # noqa: ARG005
) -> JobWork:
    return JobWork(
        job,
        stopping=stopping or threading.Event(),
        monotonic=clock or ManualClock(),
        time_limit_s=60.0,
        on_percent=on_percent,
    )


@pytest.mark.parametrize(("reported", "kept"), [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0)])
def test_progress_is_kept_between_0_and_1(reported: float, kept: float) -> None:
    job = ActiveJob(started())
    work_of(job).progress(reported)
    assert job.progress == kept


def test_each_percent_of_progress_is_reported_once_however_often_it_is_reached() -> None:
    job = ActiveJob(started())
    reported: list[float] = []
    work = work_of(job, on_percent=lambda job: reported.append(job.progress))
    for step in range(10_001):
        work.progress(step / 10_000)
        work.progress(step / 20_000)  # and back again
    assert [int(share * 100) for share in reported] == list(range(1, 101))


def test_a_check_passes_while_there_is_no_reason_to_stop() -> None:
    work_of(ActiveJob(started())).check()


def test_a_check_stops_when_the_job_was_cancelled_also_if_the_server_stops() -> None:
    job, stopping = ActiveJob(started()), threading.Event()
    job.is_cancelled = True
    stopping.set()
    with pytest.raises(JobCancelled):
        work_of(job, stopping=stopping).check()


def test_a_check_stops_when_the_server_does() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(JobGivenBack):
        work_of(ActiveJob(started()), stopping=stopping).check()


def test_a_check_stops_after_the_time_limit_and_names_the_setting() -> None:
    clock = ManualClock(0.0)
    work = work_of(ActiveJob(started()), clock)
    clock.now_s = 60.0
    work.check()
    clock.now_s = 60.1
    with pytest.raises(JobOutOfTime, match=r"60 seconds .* job_time_limit_s"):
        work.check()
