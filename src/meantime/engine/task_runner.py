"""What a thread does with one job: compute, put the result, say what its record must become. In this order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from meantime.engine.ledger import LiveJob
from meantime.engine.ports import Answer, Clock, Compute, Observer, ResultStore
from meantime.errors import (
    Failure,
    Fault,
    JobCancelled,
    JobGivenBack,
    JobOutOfTime,
    MeantimeError,
    ResultGone,
    StoreBroken,
    StoreFull,
)
from meantime.model import Job, Receipt, Work


class JobWork:
    """The line between a statistic and its job: how far it is, and the word to stop."""

    def __init__(
        self,
        live: LiveJob,
        *,
        stopping: threading.Event,
        monotonic: Clock,
        time_limit_s: float,
        on_percent: Callable[[LiveJob], None],
    ) -> None:
        self._live = live
        self._on_percent = on_percent
        self._percent = 0
        self._stopping = stopping
        self._monotonic = monotonic
        self._time_limit_s = time_limit_s
        self._ends_at_s = monotonic() + time_limit_s

    def progress(self, share: float) -> None:
        """Say how much is done, from 0 to 1."""
        self._live.progress = share = min(max(share, 0.0), 1.0)
        # Some statistics say so for each of a million rows; nobody wants to hear of more than each percent.
        if (percent := int(share * 100)) > self._percent:
            self._percent = percent
            self._on_percent(self._live)

    def check(self) -> None:
        """Raise JobInterrupted if the work is to stop."""
        if self._live.is_cancelled:
            raise cancelled(self._live.job)
        if self._stopping.is_set():
            raise JobGivenBack(f"The server stops; {self._live.job.id} is run at the next start.")
        if self._monotonic() > self._ends_at_s:
            raise JobOutOfTime(
                f"{self._live.job.id} worked longer than {self._time_limit_s:g} seconds and was stopped. Ask for less, "
                "or have the setting job_time_limit_s raised."
            )


def cancelled(job: Job) -> JobCancelled:
    """Return what a cancelled job ends of."""
    return JobCancelled(f"{job.id} was cancelled, as somebody asked for. Ask again for its result.")


class TaskRunner:
    """Works on jobs, in whatever thread calls."""

    def __init__(self, *, compute: Compute, results: ResultStore, clock: Clock, observer: Observer) -> None:
        self._compute = compute
        self._results = results
        self._clock = clock
        self._observer = observer

    def run(self, job: Job, work: Work) -> Job:
        """Work on a job that is started; return its next version: done, failed, cancelled, or given back.

        Raises:
            StoreFull: there is no space for the result; the job is to be run again.
            StoreBroken: results cannot be written any more.
        """
        try:
            work.check()  # it may have been cancelled between its start and now
            answer = self._compute.answer(job.request, work)
            receipt = self._results.put(job.number, answer)
        except JobGivenBack:
            return job.give_back(attempt_counts=False)
        except (StoreFull, StoreBroken):
            raise
        # Whatever a statistic raises is the end of its job, SystemExit included, and never of the thread.
        except BaseException as error:  # noqa: BLE001
            return self.ended_by(error, job)
        # The file is there before the record says done: whoever sees done finds the file.
        return job.finish(receipt, at_s=self._clock())

    def ended_by(self, error: BaseException, job: Job) -> Job:
        """Return a job as it ends of an error: cancelled or failed."""
        failure = Failure.of(error)
        if isinstance(error, JobCancelled):
            return job.cancel(failure, at_s=self._clock())
        if failure.fault is Fault.SERVER:
            self._observer.job_trouble(job, error)
        return job.fail(failure, at_s=self._clock())

    def make_again(self, job: Job, receipt: Receipt, work: Work) -> bytes:
        """Compute the lost result of a job that is done, put it back, and return it.

        Raises:
            ResultGone: it cannot be made, or not the same.
            JobGivenBack: the server stops.
        """
        try:
            answer = self._compute.answer(job.request, work)
        except JobGivenBack:
            raise
        except BaseException as error:  # as in run
            self._observer.job_trouble(job, error)
            raise ResultGone(
                f"The result of {job.id} was lost and cannot be made again: {Failure.of(error).reason}"
            ) from error
        self._compare(job, receipt, answer)
        try:
            self._results.put(job.number, answer)
        except MeantimeError as error:
            # Whoever asked gets the result all the same; the next one may have to wait again.
            self._observer.job_trouble(job, error)
        return answer.body

    def _compare(self, job: Job, receipt: Receipt, answer: Answer) -> None:
        if answer.method_version != receipt.method_version:
            raise ResultGone(
                f"The result of {job.id} was lost. It was made by version {receipt.method_version} of its method, "
                f"and this server has version {answer.method_version}. Ask again for a result of the new one."
            )
        if answer.receipt() != receipt:
            error = ResultGone(
                f"The result of {job.id} was lost, and what is computed now is another. Ask again for a new result."
            )
            self._observer.job_trouble(job, error)
            raise error
