"""The HTTP status of each error."""

from __future__ import annotations

from collections.abc import Mapping

from meantime import errors

# Looked up by the class itself, then by its base classes.
STATUS: Mapping[type[BaseException], int] = {
    errors.RequestInvalid: 400,
    errors.BodyInvalid: 400,
    errors.HttpInvalid: 400,
    errors.HostInvalid: 400,
    errors.KeyRequired: 401,
    errors.KeyNotAllowed: 403,
    errors.OperatorOnly: 403,
    errors.PathUnknown: 404,
    errors.JobUnknown: 404,
    errors.MethodNotAllowed: 405,
    errors.RequestTooSlow: 408,
    errors.DatasetNameTaken: 409,
    errors.BodyTooLarge: 413,
    errors.AddressTooLong: 414,
    errors.BodyNotJson: 415,
    errors.BodyNotFile: 415,
    errors.HostNotAllowed: 421,
    errors.RateLimited: 429,
    errors.HeadersTooLong: 431,
    errors.DatasetNotReady: 503,
    errors.Unavailable: 503,
    errors.StoreBroken: 503,
    errors.HeaderInvalid: 400,
    errors.CursorInvalid: 400,
    errors.DatasetUnknown: 404,
    errors.StatisticUnknown: 404,
    # The resource will exist when the job has ended.
    errors.ResultNotReady: 404,
    errors.NotAcceptable: 406,
    # Permanent: this job will never have a result.
    errors.JobCancelled: 410,
    errors.ResultGone: 410,
    errors.RangeInvalid: 416,
    errors.KeyReused: 422,
    errors.AskAsJob: 422,
    # "Failed Dependency": the answer depends on work that failed. The server itself works, so it is not a 5xx; and some
    # clients retry on 409, which would not help here.
    errors.JobFailed: 424,
    errors.PictureFailed: 424,
    errors.TableNotReadable: 424,
    errors.ReloadFailed: 424,
    errors.SnapshotDamaged: 503,
    BaseException: 500,
}


def status_of(kind: type[BaseException]) -> int:
    """Return the status of an error's class.

    >>> status_of(errors.JobUnknown), status_of(errors.QueueFull), status_of(ZeroDivisionError)
    (404, 503, 500)
    """
    return next(STATUS[above] for above in kind.__mro__ if above in STATUS)
