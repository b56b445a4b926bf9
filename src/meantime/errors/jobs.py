"""Errors of jobs: why one has no result, or cannot do what a request asks for."""

from __future__ import annotations

from meantime.errors.base import Failure, Fault, MeantimeError


class JobUnknown(MeantimeError):
    """No job has this id: no job ever had it, or the job was removed or has expired."""

    code = "job-unknown"
    fault = Fault.CALLER


class JobEnded(MeantimeError):
    """The job has ended already, so it can no longer be cancelled."""

    code = "job-ended"
    fault = Fault.CALLER


class JobUnfinished(MeantimeError):
    """The job has not ended, so it cannot be removed. Cancel it first."""

    code = "job-unfinished"
    fault = Fault.CALLER


class ResultNotReady(MeantimeError):
    """The job has not ended, so it has no result yet."""

    code = "result-not-ready"
    fault = Fault.CALLER

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class JobInterrupted(MeantimeError):
    """Work stopped at a check. The subclass says why."""

    code = "interrupted"
    fault = Fault.OPERATOR


class JobCancelled(JobInterrupted):
    """The job was cancelled on request."""

    code = "cancelled"
    fault = Fault.CALLER


class JobOutOfTime(JobInterrupted):
    """The job worked longer than the setting ``job_time_limit_s`` allows."""

    code = "time-limit"


class JobOutOfMemory(MeantimeError):
    """The job got no memory at any of its attempts, the last of which ran alone."""

    code = "out-of-memory"


class JobGivenBack(JobInterrupted):
    """The server stops; the job goes back to the queue and runs at the next start."""

    code = "given-back"


class JobFailed(MeantimeError):
    """The job ended without a result; ``failure`` says why, if that is known."""

    code = "job-failed"

    def __init__(self, message: str, *, failure: Failure | None = None) -> None:
        super().__init__(message)
        self.failure = failure


class ResultGone(MeantimeError):
    """The result is lost and cannot be computed again: its method or its snapshot no longer exists."""

    code = "result-gone"


class IllegalTransition(MeantimeError):
    """A job cannot go from its state to the requested one. A bug in Meantime, never the caller's fault."""

    code = "illegal-move"
