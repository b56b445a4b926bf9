"""Every error of ours, in one tree.

::

    MeantimeError
    ├── SettingInvalid              operator   a setting has a value of the wrong form
    ├── DataError                   data       a file cannot become a data set
    │   ├── SourceUnreadable                   absent, unreadable, or not what its name suggests
    │   ├── SourceEmpty                        no bytes, or a header but no rows
    │   ├── RolesMissing                       a required role has no column
    │   ├── HeaderRepeated                     two columns with the same name
    │   ├── TooManyRejected                    more lines rejected than the setting allows
    │   ├── SourceChanged                      the file changed while it was being read
    │   └── DescriptionInvalid                 the TOML file next to the data is not valid
    ├── LoadFailed                  server     the reading process ended without a result
    ├── LoadCancelled               operator   reading was cancelled
    ├── SnapshotDamaged             server     a snapshot on disk is missing or has changed
    ├── RequestInvalid              caller     what was asked cannot be answered; carries all problems
    ├── AskAsJob                    caller     too long for an answer at once: it is to be asked as a job
    ├── DatasetUnknown              caller     no data set of this name is served
    ├── StatisticUnknown            caller     there is no statistic of this name
    ├── KeyReused                   caller     an idempotency key was used before, with another request
    ├── RequestRefused              caller     an HTTP request that is not looked at any further
    │   ├── BodyInvalid                        not a JSON object
    │   ├── BodyTooLarge                       longer than any request of ours
    │   ├── BodyNotJson                        of another content type
    │   ├── HttpInvalid                        bytes that cannot be read as an HTTP request
    │   ├── HostInvalid                        no host, or more than one
    │   ├── HostNotAllowed                     a name that this server does not go by
    │   ├── HeaderInvalid                      a header has a value that it cannot have
    │   ├── CursorInvalid                      a cursor that no answer of ours gave
    │   ├── NotAcceptable                      no form of ours is one that the client takes
    │   ├── RangeInvalid                       a range that begins behind the end
    │   ├── OperatorOnly                       something that only who runs the server may ask
    │   ├── PathUnknown                        nothing lives there
    │   └── MethodNotAllowed                   something lives there, but does not do that
    ├── JobUnknown                  caller     no job has this id
    ├── JobEnded                    caller     the job has ended, so it can no longer be cancelled
    ├── JobUnfinished               caller     the job has not ended, so it cannot be removed
    ├── ResultNotReady              caller     the job has not ended, so it has no result yet; says when to try again
    ├── DatasetNotReady             operator   the data set failed to load
    ├── ReloadFailed                data       its changed files cannot be read; the old content is still served
    ├── JobInterrupted              (by why)   work stopped at a check
    │   ├── JobCancelled            caller     the job was cancelled on request
    │   ├── JobOutOfTime            operator   the job worked longer than a setting allows
    │   └── JobGivenBack            operator   the server stops; the job runs at the next start
    ├── JobFailed                   server     the job ended without a result; carries its failure
    ├── ServerUnreachable           operator   to a client: nothing answers at the address
    ├── NotMeantime                 operator   to a client: what answers at the address is not Meantime
    ├── PackageMissing              operator   to a client: a library that was asked for is not installed
    ├── PictureFailed               server     the process that draws pictures did not end well
    ├── ResultGone                  server     a lost result that cannot be computed again
    ├── Unavailable                 server     not now; says when to try again
    │   ├── QueueFull                          as many jobs wait as may
    │   ├── AnswersBusy                        as many long answers are being made at once as may
    │   ├── DatasetLoading                     the data set is still being read
    │   ├── ShuttingDown                       the server stops
    │   └── StoreFull                          the disk is full; nothing was written
    ├── StoreError                  server     the store of jobs cannot be used
    │   ├── StoreBroken                        writing failed for good; only a restart recovers
    │   ├── StoreTooNew                        written by a newer Meantime
    │   └── StateInUse                         another server uses this state directory
    └── IllegalTransition           server     a state that a job cannot go to from the one it has (a bug in Meantime)

``code`` is stable and for machines; the message is for people and says what to do next; ``fault`` says who can do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

import msgspec


class Fault(StrEnum):
    """Whose fault an error is, and so who can fix it."""

    CALLER = "caller"  # asked for something that cannot be answered
    DATA = "data"  # the file is not what it should be
    OPERATOR = "operator"  # whoever runs the server set it up so, or stopped it
    SERVER = "server"  # Meantime itself, or the machine under it


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request."""

    pointer: str  # JSON pointer into the parameters, e.g. "/question"; "" for the whole
    code: str  # stable, for machines: missing, type, unknown, absent, withheld, no-polarity
    detail: str  # one sentence for people, with what to do next
    closest: tuple[str, ...] = ()  # what may have been meant, best first


class MeantimeError(Exception):
    """The root: whatever Meantime raises on purpose."""

    code: ClassVar[str] = "error"
    fault: ClassVar[Fault] = Fault.SERVER

    @property
    def reason(self) -> str:
        """The sentence for people."""
        return str(self)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job ended without a result, and whose fault that is."""

    code: str
    fault: Fault
    reason: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error. One that is not Meantime's own is the server's fault, and only its name is shown.

        >>> Failure.of(ValueError("at 0x7f")).reason
        'internal error (ValueError); the log has the details'
        """
        if isinstance(error, MeantimeError):
            return cls(code=error.code, fault=error.fault, reason=error.reason)
        name = type(error).__name__
        return cls(code="internal", fault=Fault.SERVER, reason=f"internal error ({name}); the log has the details")


class SettingInvalid(MeantimeError):
    """A setting has a value of the wrong form. Names the setting, the value and what was expected."""

    code = "setting-invalid"
    fault = Fault.OPERATOR


class DataError(MeantimeError):
    """A file cannot become a data set."""

    code = "data-invalid"
    fault = Fault.DATA


class SourceUnreadable(DataError):
    """The file is absent, cannot be read, or is not what its name suggests."""

    code = "source-unreadable"


class SourceEmpty(DataError):
    """The file has no bytes, or a header but no rows."""

    code = "source-empty"


class RolesMissing(DataError):
    """Required roles have no column."""

    code = "roles-missing"

    def __init__(self, message: str, *, roles: Sequence[str] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.roles = tuple(roles)
        self.columns = tuple(columns)


class HeaderRepeated(DataError):
    """Two columns have the same name, so the name does not show which one is meant."""

    code = "header-repeated"


class TooManyRejected(DataError):
    """More lines were rejected than the setting allows. Most likely the delimiter or encoding is wrong."""

    code = "too-many-rejected"


class SourceChanged(DataError):
    """The file was replaced or written to while it was being read."""

    code = "source-changed"


class DescriptionInvalid(DataError):
    """The TOML file next to the data cannot be read, or has keys or values that are not allowed."""

    code = "description-invalid"


class LoadFailed(MeantimeError):
    """The reading process ended without a result: it was killed, ran out of memory, or has a bug."""

    code = "load-failed"


class LoadCancelled(MeantimeError):
    """Reading was cancelled before it was complete; nothing was kept."""

    code = "load-cancelled"
    fault = Fault.OPERATOR


class SnapshotDamaged(MeantimeError):
    """A snapshot on disk is missing, or differs from what was written."""

    code = "snapshot-damaged"


class RequestInvalid(MeantimeError):
    """What was asked cannot be answered. Carries all that is wrong with it, not only the first."""

    code = "request-invalid"
    fault = Fault.CALLER

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AskAsJob(MeantimeError):
    """Too long for an answer at once: it is to be asked as a job, which may be waited for, watched and cancelled."""

    code = "ask-as-job"
    fault = Fault.CALLER


class DatasetUnknown(MeantimeError):
    """No data set of this name is served."""

    code = "dataset-unknown"
    fault = Fault.CALLER


class StatisticUnknown(MeantimeError):
    """There is no statistic of this name."""

    code = "statistic-unknown"
    fault = Fault.CALLER


class KeyReused(MeantimeError):
    """An idempotency key was used before, with another request: most likely the client has made one key twice."""

    code = "idempotency-key-reused"
    fault = Fault.CALLER


class RequestRefused(MeantimeError):
    """An HTTP request that is not looked at any further."""

    code = "request-refused"
    fault = Fault.CALLER


class BodyInvalid(RequestRefused):
    """The body is not a JSON object."""

    code = "body-invalid"


class BodyTooLarge(RequestRefused):
    """The body is longer than any request of ours."""

    code = "body-too-large"


class BodyNotJson(RequestRefused):
    """The body is said to be something else than JSON."""

    code = "body-not-json"


class HttpInvalid(RequestRefused):
    """Bytes that cannot be read as an HTTP request, or one with an address that is too long."""

    code = "http-invalid"


class HostInvalid(RequestRefused):
    """The request names no host, or more than one."""

    code = "host-invalid"


class HostNotAllowed(RequestRefused):
    """The request names a host that this server does not go by: most likely a web page that was led here."""

    code = "host-not-allowed"


class HeaderInvalid(RequestRefused):
    """A header has a value that it cannot have."""

    code = "header-invalid"


class CursorInvalid(RequestRefused):
    """A cursor that no answer of ours gave: they are to be sent back as they came."""

    code = "cursor-invalid"


class NotAcceptable(RequestRefused):
    """None of the forms that the client takes is one of ours."""

    code = "not-acceptable"


class RangeInvalid(RequestRefused):
    """A range that begins behind the end. ``size_bytes`` is how long the whole is."""

    code = "range-not-satisfiable"

    def __init__(self, message: str, *, size_bytes: int = 0) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes


class OperatorOnly(RequestRefused):
    """Something was asked that only who runs the server may ask: to stop it, to read its files anew."""

    code = "operator-only"


class PathUnknown(RequestRefused):
    """Nothing lives under this path."""

    code = "path-unknown"


class MethodNotAllowed(RequestRefused):
    """Something lives under this path, but does not do that. ``allowed`` are the methods that it does."""

    code = "method-not-allowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


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


class DatasetNotReady(MeantimeError):
    """The data set could not be loaded, so its questions cannot be answered."""

    code = "dataset-not-ready"
    fault = Fault.OPERATOR


class ReloadFailed(MeantimeError):
    """The changed files of a data set cannot be read. Its previous content is still served."""

    code = "reload-failed"
    fault = Fault.DATA


class JobInterrupted(MeantimeError):
    """Work stopped at a check; the kind says why."""

    code = "interrupted"
    fault = Fault.OPERATOR


class JobCancelled(JobInterrupted):
    """The job was cancelled on request."""

    code = "cancelled"
    fault = Fault.CALLER


class JobOutOfTime(JobInterrupted):
    """The job worked longer than the setting ``job_time_limit_s`` allows."""

    code = "time-limit"


class JobGivenBack(JobInterrupted):
    """The server stops; the job goes back to the queue and runs at the next start."""

    code = "given-back"


class JobFailed(MeantimeError):
    """The job ended without a result; ``failure`` says why, if that is known."""

    code = "job-failed"

    def __init__(self, message: str, *, failure: Failure | None = None) -> None:
        super().__init__(message)
        self.failure = failure


class ServerUnreachable(MeantimeError):
    """Nothing answers at the address, or it stopped in the middle. Whether a job was made is not known."""

    code = "server-unreachable"
    fault = Fault.OPERATOR


class NotMeantime(MeantimeError):
    """Something answers at the address, but not as Meantime does."""

    code = "not-meantime"
    fault = Fault.OPERATOR


class PackageMissing(MeantimeError):
    """A library that only some need is not installed. Says how to install it."""

    code = "package-missing"
    fault = Fault.OPERATOR


class PictureFailed(MeantimeError):
    """The process that draws pictures took too long or too much memory, crashed, or said that it cannot."""

    code = "picture-failed"


class ResultGone(MeantimeError):
    """A lost result that cannot be computed again: its method or its snapshot is no longer there."""

    code = "result-gone"


class Unavailable(MeantimeError):
    """Not now. Nothing was written; the same request may succeed later."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Unavailable):
    """As many jobs wait as the setting ``queue_limit`` allows."""

    code = "queue-full"


class AnswersBusy(Unavailable):
    """As many long answers are being made at once as may."""

    code = "answers-busy"


class DatasetLoading(Unavailable):
    """The data set is still being read. Jobs for it are accepted and wait."""

    code = "dataset-loading"
    fault = Fault.OPERATOR


class ShuttingDown(Unavailable):
    """The server stops, and takes no new jobs."""

    code = "shutting-down"
    fault = Fault.OPERATOR


class StoreFull(Unavailable):
    """The disk is full. Reads go on, and writes do when there is space again."""

    code = "disk-full"
    fault = Fault.OPERATOR


class StoreError(MeantimeError):
    """The store of jobs cannot be used."""

    code = "store-error"


class StoreBroken(StoreError):
    """Writing to the store failed for good. Only a restart, which reads everything from disk, recovers from it."""

    code = "store-broken"


class StoreTooNew(StoreError):
    """The store was written by a newer Meantime, and this one would misread it."""

    code = "store-too-new"
    fault = Fault.OPERATOR


class StateInUse(StoreError):
    """Another server uses this state directory."""

    code = "state-in-use"
    fault = Fault.OPERATOR


class IllegalTransition(MeantimeError):
    """A job cannot go from its state to the one that was asked for. A bug in Meantime, never the caller's fault."""

    code = "illegal-move"
