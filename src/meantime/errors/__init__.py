"""Every error that Meantime raises on purpose, in one tree.

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
    ├── LoadFailed                  server     reading failed through no fault of the file
    │   └── LoadMemoryTooSmall      operator   the setting load_memory_mb is too small for the file
    ├── LoadCancelled               operator   reading was cancelled
    ├── TableNotReadable            server     the database of a table cannot be asked for its rows now
    ├── SnapshotDamaged             server     a snapshot on disk is missing or has changed
    ├── RequestInvalid              caller     the request cannot be answered; carries all its problems
    ├── AskAsJob                    caller     takes too long for one response: send it as a job
    ├── DatasetUnknown              caller     no data set of this name is served
    ├── DatasetNameTaken            caller     a data set of this name is served already
    ├── StatisticUnknown            caller     there is no statistic of this name
    ├── KeyReused                   caller     an idempotency key was used before, with another request
    ├── RequestRefused              caller     an HTTP request refused before its parameters are checked
    │   ├── BodyInvalid                        not a JSON object
    │   ├── BodyTooLarge                       longer than any valid request
    │   ├── BodyNotJson                        with another content type
    │   ├── BodyNotFile                        an upload with another content type
    │   ├── HttpInvalid                        bytes that cannot be read as an HTTP request
    │   ├── AddressTooLong                     an address longer than any real request has
    │   ├── HeadersTooLong                     headers longer or more than any real request has
    │   ├── RequestTooSlow                     a request that arrives too slowly
    │   ├── HostInvalid                        no host, or more than one
    │   ├── HostNotAllowed                     a name that is not one of this server's
    │   ├── HeaderInvalid                      a header with a value that is not allowed
    │   ├── CursorInvalid                      a cursor that this server did not make
    │   ├── NotAcceptable                      the client accepts none of the formats
    │   ├── RangeInvalid                       a range that begins after the end
    │   ├── KeyRequired                        no key, or none of this server's
    │   ├── KeyNotAllowed                      a key that is not for this
    │   ├── OperatorOnly                       something that only the operator may request
    │   ├── PathUnknown                        there is nothing at this path
    │   └── MethodNotAllowed                   the path exists, but not with this method
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
    ├── JobOutOfMemory              server     the job got no memory at any of its attempts
    ├── JobFailed                   server     the job ended without a result; carries its failure
    ├── ServerUnreachable           operator   to a client: nothing answers at the address
    ├── NotMeantime                 operator   to a client: what answers at the address is not Meantime
    ├── PackageMissing              operator   to a client: an optional library is not installed
    ├── PictureFailed               server     the process that draws pictures failed
    ├── ResultGone                  server     a lost result that cannot be computed again
    ├── Unavailable                 server     not now; says when to try again
    │   ├── QueueFull                          as many jobs wait as is allowed
    │   ├── AnswersBusy                        as many requests wait for answers of this kind as may
    │   ├── ConnectionsFull                    as many connections are open as is allowed
    │   ├── RateLimited             caller     the client sends more requests than is allowed
    │   ├── BodiesFull                         arriving requests take as much memory as is allowed
    │   ├── DatasetLoading                     the data set is still being read
    │   ├── ShuttingDown                       the server is stopping
    │   └── StorePaused                        the machine is short of something; nothing was written
    │       └── StoreFull                      the disk is full
    ├── StoreError                  server     the store of jobs cannot be used
    │   ├── StoreBroken                        writing failed for good; only a restart recovers
    │   ├── RecordDamaged                      the record of a job on disk is damaged; the job counts as failed
    │   ├── StoreTooNew                        written by a newer Meantime
    │   └── StateInUse                         another server uses this state directory
    └── IllegalTransition           server     a job cannot go to this state from the one it has (a bug in Meantime)

``code`` is stable and for machines. The message is for people and says what to do next; ``fault`` says who can do it.
"""

from __future__ import annotations

from meantime.errors.base import (
    Failure,
    Fault,
    MeantimeError,
    Problem,
    operator_text,
)
from meantime.errors.datasets import (
    DataError,
    DatasetNameTaken,
    DatasetNotReady,
    DatasetUnknown,
    DescriptionInvalid,
    HeaderRepeated,
    LoadCancelled,
    LoadFailed,
    LoadMemoryTooSmall,
    ReloadFailed,
    RolesMissing,
    SnapshotDamaged,
    SourceChanged,
    SourceEmpty,
    SourceUnreadable,
    TableNotReadable,
    TooManyRejected,
)
from meantime.errors.jobs import (
    IllegalTransition,
    JobCancelled,
    JobEnded,
    JobFailed,
    JobGivenBack,
    JobInterrupted,
    JobOutOfMemory,
    JobOutOfTime,
    JobUnfinished,
    JobUnknown,
    ResultGone,
    ResultNotReady,
)
from meantime.errors.operation import (
    NotMeantime,
    PackageMissing,
    PictureFailed,
    RecordDamaged,
    ServerUnreachable,
    SettingInvalid,
    StateInUse,
    StoreBroken,
    StoreError,
    StoreTooNew,
)
from meantime.errors.requests import (
    AddressTooLong,
    AskAsJob,
    BodyInvalid,
    BodyNotFile,
    BodyNotJson,
    BodyTooLarge,
    CursorInvalid,
    HeaderInvalid,
    HeadersTooLong,
    HostInvalid,
    HostNotAllowed,
    HttpInvalid,
    KeyNotAllowed,
    KeyRequired,
    KeyReused,
    MethodNotAllowed,
    NotAcceptable,
    OperatorOnly,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    RequestRefused,
    RequestTooSlow,
    StatisticUnknown,
)
from meantime.errors.unavailable import (
    AnswersBusy,
    BodiesFull,
    ConnectionsFull,
    DatasetLoading,
    QueueFull,
    RateLimited,
    ShuttingDown,
    StoreFull,
    StorePaused,
    Unavailable,
)

__all__ = [  # noqa: RUF022 - by subject
    # What all have in common
    "Fault",
    "Problem",
    "MeantimeError",
    "Failure",
    "TableNotReadable",
    "operator_text",
    # Requests
    "RequestInvalid",
    "AskAsJob",
    "StatisticUnknown",
    "KeyReused",
    "RequestRefused",
    "BodyInvalid",
    "BodyTooLarge",
    "BodyNotJson",
    "BodyNotFile",
    "HttpInvalid",
    "AddressTooLong",
    "HeadersTooLong",
    "RequestTooSlow",
    "HostInvalid",
    "HostNotAllowed",
    "HeaderInvalid",
    "CursorInvalid",
    "NotAcceptable",
    "RangeInvalid",
    "KeyRequired",
    "KeyNotAllowed",
    "OperatorOnly",
    "PathUnknown",
    "MethodNotAllowed",
    # Data sets
    "DataError",
    "SourceUnreadable",
    "SourceEmpty",
    "RolesMissing",
    "HeaderRepeated",
    "TooManyRejected",
    "SourceChanged",
    "DescriptionInvalid",
    "LoadFailed",
    "LoadMemoryTooSmall",
    "LoadCancelled",
    "SnapshotDamaged",
    "DatasetUnknown",
    "DatasetNameTaken",
    "DatasetNotReady",
    "ReloadFailed",
    # Jobs
    "JobUnknown",
    "JobEnded",
    "JobUnfinished",
    "ResultNotReady",
    "JobInterrupted",
    "JobCancelled",
    "JobOutOfMemory",
    "JobOutOfTime",
    "JobGivenBack",
    "JobFailed",
    "ResultGone",
    "IllegalTransition",
    # Try again later
    "Unavailable",
    "QueueFull",
    "AnswersBusy",
    "ConnectionsFull",
    "BodiesFull",
    "RateLimited",
    "DatasetLoading",
    "ShuttingDown",
    "StorePaused",
    "StoreFull",
    # Running a server, or calling one
    "SettingInvalid",
    "StoreError",
    "StoreBroken",
    "RecordDamaged",
    "StoreTooNew",
    "StateInUse",
    "PictureFailed",
    "ServerUnreachable",
    "NotMeantime",
    "PackageMissing",
]
