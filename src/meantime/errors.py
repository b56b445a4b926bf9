"""Every error of ours, in one tree.

::

    MeantimeError
    ├── SettingInvalid              operator   a setting has a value of the wrong form
    ├── DataError                   data       a file cannot become a data set
    │   ├── SourceUnreadable                   absent, not readable, or not what its name says
    │   ├── SourceEmpty                        no bytes, or a header and nothing else
    │   ├── RolesMissing                       no column found for a role that is needed
    │   ├── HeaderRepeated                     two columns of one name
    │   ├── TooManyRejected                    more lines rejected than the setting allows
    │   ├── SourceChanged                      the file was replaced while it was read
    │   └── DescriptionInvalid                 the TOML beside the data says something that cannot be
    ├── LoadFailed                  server     the reading process ended without an answer
    ├── LoadCancelled               operator   reading was cancelled
    ├── SnapshotDamaged             server     a snapshot on disk is not what was written
    ├── RequestInvalid              caller     what was asked cannot be answered; carries all problems
    ├── RequestRefused              caller     an HTTP request that is not looked at any further
    │   ├── BodyInvalid                        not a JSON object
    │   ├── BodyTooLarge                       longer than any request of ours
    │   ├── BodyNotJson                        of another content type
    │   ├── HostInvalid                        no host, or more than one
    │   ├── HostNotAllowed                     a name that this server does not go by
    │   ├── ShutdownNotAllowed                 stopping the server was asked by somebody who may not
    │   ├── PathUnknown                        nothing lives there
    │   └── MethodNotAllowed                   something lives there, but does not do that
    ├── JobUnknown                  caller     no job has this id
    ├── JobEnded                    caller     the job has ended, so it cannot be cancelled any more
    ├── DatasetNotReady             operator   the data set failed to load
    ├── JobInterrupted              (by why)   work stopped at a check
    │   ├── JobCancelled            caller     somebody asked for that
    │   ├── JobOutOfTime            operator   it worked longer than a setting allows
    │   └── JobGivenBack            operator   the server stops; the job is run at the next start
    ├── JobFailed                   server     to a client: the job ended without a result, for a reason of the server's
    ├── ServerUnreachable           operator   to a client: nothing answers at the address
    ├── NotMeantime                 operator   to a client: what answers at the address is not Meantime
    ├── ResultGone                  server     an old result that cannot be made again
    ├── Unavailable                 server     not now; says when to try again
    │   ├── QueueFull                          as many jobs wait as may
    │   ├── ShuttingDown                       no new jobs any more
    │   └── StoreFull                          the disk is full; nothing was written
    ├── StoreError                  server     the store of jobs
    │   ├── StoreBroken                        writing failed for good; only a restart recovers
    │   ├── StoreTooNew                        written by a newer Meantime
    │   └── StateInUse                         another server works in this state directory
    └── IllegalMove                 server     a job was asked to go where its state does not lead (a bug of ours)

``code`` is stable and for machines; the message is for people and says what to do next; ``fault`` says who can do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """Whose doing an error is, and so who can mend it."""

    CALLER = "caller"  # asked for something that cannot be answered
    DATA = "data"  # the file is not what it should be
    OPERATOR = "operator"  # whoever runs the server set it up so, or stopped it
    SERVER = "server"  # Meantime itself, or the machine under it


class MeantimeError(Exception):
    """The root: whatever Meantime raises on purpose."""

    code: ClassVar[str] = "error"
    fault: ClassVar[Fault] = Fault.SERVER

    @property
    def reason(self) -> str:
        """The sentence for people."""
        return str(self)


class SettingInvalid(MeantimeError):
    """A setting has a value of the wrong form. Names the setting, the value and what was expected."""

    code = "setting-invalid"
    fault = Fault.OPERATOR


class DataError(MeantimeError):
    """A file cannot become a data set."""

    code = "data-invalid"
    fault = Fault.DATA


class SourceUnreadable(DataError):
    """The file is absent, not readable, or not what its name says."""

    code = "source-unreadable"


class SourceEmpty(DataError):
    """The file has no bytes, or a header and no row."""

    code = "source-empty"


class RolesMissing(DataError):
    """No column was found for roles that are needed."""

    code = "roles-missing"

    def __init__(self, message: str, *, roles: Sequence[str] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.roles = tuple(roles)
        self.columns = tuple(columns)


class HeaderRepeated(DataError):
    """Two columns have one name, so a name does not say which is meant."""

    code = "header-repeated"


class TooManyRejected(DataError):
    """More lines were rejected than the setting allows: most likely the file was read in the wrong way."""

    code = "too-many-rejected"


class SourceChanged(DataError):
    """The file was replaced or written to while it was read."""

    code = "source-changed"


class DescriptionInvalid(DataError):
    """The TOML beside the data cannot be read, or says something that cannot be."""

    code = "description-invalid"


class LoadFailed(MeantimeError):
    """The reading process ended without an answer: killed, out of memory, or a bug."""

    code = "load-failed"


class LoadCancelled(MeantimeError):
    """Reading was cancelled before it was complete; nothing was kept."""

    code = "load-cancelled"
    fault = Fault.OPERATOR


class SnapshotDamaged(MeantimeError):
    """A snapshot on disk is missing or is not what was written."""

    code = "snapshot-damaged"


class RequestInvalid(MeantimeError):
    """What was asked cannot be answered. Carries all that is wrong with it, not only the first.

    ``problems`` are ``model.Problem`` values (kept untyped here: this floor knows nothing above it).
    """

    code = "request-invalid"
    fault = Fault.CALLER

    def __init__(self, message: str, *, problems: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


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


class HostInvalid(RequestRefused):
    """The request names no host, or more than one."""

    code = "host-invalid"


class HostNotAllowed(RequestRefused):
    """The request names a host that this server does not go by: most likely a web page that was led here."""

    code = "host-not-allowed"


class ShutdownNotAllowed(RequestRefused):
    """Stopping the server was asked by somebody who may not."""

    code = "shutdown-not-allowed"


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
    """No job has this id: never given, deleted or expired."""

    code = "job-unknown"
    fault = Fault.CALLER


class JobEnded(MeantimeError):
    """The job has ended already, so it cannot be cancelled any more."""

    code = "job-ended"
    fault = Fault.CALLER


class DatasetNotReady(MeantimeError):
    """The data set failed to load, so its questions cannot be answered."""

    code = "dataset-not-ready"
    fault = Fault.OPERATOR


class JobInterrupted(MeantimeError):
    """Work stopped at a check; the kind says why."""

    code = "interrupted"
    fault = Fault.OPERATOR


class JobCancelled(JobInterrupted):
    """Somebody asked for the job to be cancelled."""

    code = "cancelled"
    fault = Fault.CALLER


class JobOutOfTime(JobInterrupted):
    """The job worked longer than the setting ``job_time_limit_s`` allows."""

    code = "time-limit"


class JobGivenBack(JobInterrupted):
    """The server stops; the job goes back to the queue and is run at the next start."""

    code = "given-back"


class JobFailed(MeantimeError):
    """A job of a server that is asked by HTTP ended without a result. The message is the server's reason."""

    code = "job-failed"


class ServerUnreachable(MeantimeError):
    """Nothing answers at the address, or it stopped in the middle. Whether a job was made is not known."""

    code = "server-unreachable"
    fault = Fault.OPERATOR


class NotMeantime(MeantimeError):
    """Something answers at the address, but not as Meantime does."""

    code = "not-meantime"
    fault = Fault.OPERATOR


class ResultGone(MeantimeError):
    """A lost result that cannot be made again: its method or its snapshot is no longer there."""

    code = "result-gone"


class Unavailable(MeantimeError):
    """Not now. Nothing was written; the same request may go through later."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Unavailable):
    """As many jobs wait as the setting ``queue_limit`` allows."""

    code = "queue-full"


class ShuttingDown(Unavailable):
    """The server takes no new jobs any more."""

    code = "shutting-down"
    fault = Fault.OPERATOR


class StoreFull(Unavailable):
    """The disk is full. Reads go on, and writing will once there is space."""

    code = "disk-full"
    fault = Fault.OPERATOR


class StoreError(MeantimeError):
    """The store of jobs cannot do its work."""

    code = "store-error"


class StoreBroken(StoreError):
    """Writing to the store failed in a way that only a restart, reading from disk, can recover from."""

    code = "store-broken"


class StoreTooNew(StoreError):
    """The store was written by a newer Meantime, and this one would misread it."""

    code = "store-too-new"
    fault = Fault.OPERATOR


class StateInUse(StoreError):
    """Another server works in this state directory."""

    code = "state-in-use"
    fault = Fault.OPERATOR


class IllegalMove(MeantimeError):
    """A job was asked to go where its state does not lead. A bug of ours, never the caller's doing."""

    code = "illegal-move"
