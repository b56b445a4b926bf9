"""What a thread does with one job: compute, write the result, return the job's next record. In this order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from meantime.descriptors import PASSING
from meantime.engine.jobs import ActiveJob
from meantime.engine.ports import Clock, EncodedResult, JobCompute, Observer, ResultStore
from meantime.engine.retry import RetryPolicy
from meantime.errors import (
    Failure,
    Fault,
    JobCancelled,
    JobGivenBack,
    JobOutOfMemory,
    JobOutOfTime,
    MeantimeError,
    ResultGone,
    StoreBroken,
    StorePaused,
)
from meantime.model import JobRecord, Receipt, Work

OnPercent = Callable[[ActiveJob], None]


class JobWork:
    """Connects a statistic with its job: takes its progress, and tells it when to stop."""

    def __init__(
        self,
        job: ActiveJob,
        *,
        stopping: threading.Event,
        monotonic: Clock,
        time_limit_s: float,
        on_percent: OnPercent | None = None,
    ) -> None:
        self._job = job
        self._on_percent = on_percent
        self._percent = 0
        self._stopping = stopping
        self._monotonic = monotonic
        self._time_limit_s = time_limit_s
        self._ends_at_s = monotonic() + time_limit_s

    def progress(self, share: float) -> None:
        """Report how much is done, from 0 to 1."""
        self._job.progress = share = min(max(share, 0.0), 1.0)
        # Some statistics report each of a million rows; nobody wants to hear of more than each percent.
        if self._on_percent is not None and (percent := int(share * 100)) > self._percent:
            self._percent = percent
            self._on_percent(self._job)

    def check(self) -> None:
        """Raise JobInterrupted if the work is to stop."""
        if self._job.is_lost:
            raise JobGivenBack(f"Another host has taken over {self._job.record.id}.")
        if self._job.is_cancelled:
            raise job_cancelled(self._job.record)
        if self._stopping.is_set():
            raise JobGivenBack(f"The server is stopping; {self._job.record.id} runs at the next start.")
        if self._monotonic() > self._ends_at_s:
            raise JobOutOfTime(
                f"{self._job.record.id} worked longer than {self._time_limit_s:g} seconds and was stopped. Ask for "
                "less, or have the setting job_time_limit_s raised."
            )


class NewWork(Protocol):
    """Makes the work of one job; ``on_percent`` is called at each percent of progress."""

    def __call__(self, job: ActiveJob, *, on_percent: OnPercent | None = None) -> Work:
        """Make it."""


def job_cancelled(record: JobRecord) -> JobCancelled:
    """Return the error that ends a cancelled job."""
    return JobCancelled(f"{record.id} was cancelled on request. Submit it again if you need its result.")


class TaskRunner:
    """Works on jobs, in whatever thread calls. Knows no lock."""

    def __init__(
        self, *, compute: JobCompute, results: ResultStore, retry: RetryPolicy, clock: Clock, observer: Observer
    ) -> None:
        self._retry = retry
        self._compute = compute
        self._results = results
        self._clock = clock
        self._observer = observer

    def run(self, record: JobRecord, work: Work) -> JobRecord:
        """Work on a job that is started; return its next record: done, failed, cancelled, or given back.

        A job that gets no memory is given back, and has failed when its attempts are used up.

        Raises:
            StorePaused: the machine is short of something, such as space for the result; the job has to run again.
            StoreBroken: results cannot be written any more.
        """
        try:
            work.check()  # it may have been cancelled between its start and now
            result = self._computed(record, work)
            receipt = self._results.put(record.number, result)
        except JobGivenBack:
            return record.give_back(attempt_counts=False)
        except (StorePaused, StoreBroken):
            raise
        except MemoryError as error:
            # Others may have had it, or the job may need more than there is. As after a crash, the attempt counts, and
            # the last one is made when nothing else is worked on.
            if record.attempts < self._retry.max_attempts:
                self._observer.job_trouble(record, error)
                return record.give_back(attempt_counts=True)
            return self.ended_by(
                JobOutOfMemory(
                    f"{record.id} was started {record.attempts} times, the last time alone, and the server had too "
                    "little memory for it each time. Ask for less, or have the server run with more memory."
                ),
                record,
            )
        # Whatever a statistic raises is the end of its job, SystemExit included, and never of the thread.
        except BaseException as error:  # noqa: BLE001
            return self.ended_by(error, record)
        # The file is written before the record says done: a client that sees "done" finds the file.
        return record.finish(receipt, at_s=self._clock())

    def ended_by(self, error: BaseException, record: JobRecord) -> JobRecord:
        """Return the record of a job that ends with an error: cancelled or failed."""
        failure = Failure.of(error)
        if isinstance(error, JobCancelled):
            return record.cancel(failure, at_s=self._clock())
        if failure.fault is Fault.SERVER:
            self._observer.job_trouble(record, error)
        return record.fail(failure, at_s=self._clock())

    def cancelled(self, record: JobRecord) -> JobRecord:
        """Return the record of a job that is cancelled on request."""
        return self.ended_by(job_cancelled(record), record)

    def recompute(self, record: JobRecord, receipt: Receipt, work: Work) -> bytes:
        """Compute the lost result of a job that is done, write it again, and return it.

        Raises:
            ResultGone: it cannot be computed, or comes out differently.
            JobGivenBack: the server stops.
            StorePaused: it cannot be computed for the moment.
        """
        try:
            result = self._computed(record, work)
        except (JobGivenBack, StorePaused):
            raise
        except MemoryError as error:
            raise StorePaused(
                f"The server has too little memory to compute the result of {record.id} again. Try again later."
            ) from error
        except BaseException as error:  # as in run
            self._observer.job_trouble(record, error)
            raise ResultGone(
                f"The result of {record.id} was lost and cannot be computed again: {Failure.of(error).reason}"
            ) from error
        self._require_same(record, receipt, result)
        try:
            self._results.restore(record.number, result)
        except MeantimeError as error:
            # This client gets the result anyway; the next one may have to wait again.
            self._observer.job_trouble(record, error)
        return result.body

    def _computed(self, record: JobRecord, work: Work) -> EncodedResult:
        """Compute; an error of the system that passes by itself is a pause, not the end of the job.

        Raises:
            StorePaused: such an error.
            Exception: whatever else the statistic raises.
        """
        try:
            return self._compute.compute(record.request, work)
        except OSError as error:
            if error.errno not in PASSING:
                raise
            raise StorePaused(
                f"The server is short of something for the moment ({error.strerror}). Jobs continue by themselves when "
                "it is there again."
            ) from error

    def _require_same(self, record: JobRecord, receipt: Receipt, result: EncodedResult) -> None:
        if result.method_version != receipt.method_version:
            raise ResultGone(
                f"The result of {record.id} was lost. It was made by version {receipt.method_version} of its method, "
                f"and this server has version {result.method_version}. Submit it again for a result of the new version."
            )
        if result.receipt() != receipt:
            error = ResultGone(
                f"The result of {record.id} was lost, and computing it again gives a different one. Submit it again "
                "for a new result."
            )
            self._observer.job_trouble(record, error)
            raise error
