"""Errors in the classic API's form."""

from __future__ import annotations

import msgspec

from meantime import errors
from meantime.errors import MeantimeError
from meantime.text import writable
from meantime.web.http.replies import Reply
from meantime.web.http.statuses import status_of

# The contract's exact words.
SHUTTING_DOWN = Reply(
    503, b'{"status":"error","reason":"shutting down","job_id":-1}', reason="shutting down: no new jobs"
)


def refused(error: BaseException) -> Reply:
    """Return the answer to an error. If it is not Meantime's own, only its name is shown."""
    if isinstance(error, errors.ShuttingDown):
        return SHUTTING_DOWN
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, errors.Unavailable):
        headers = (("retry-after", str(error.retry_after_s)),)
    elif isinstance(error, errors.MethodNotAllowed):
        headers = (("allow", ", ".join(error.allowed)),)
    status = status_of(type(error))
    if isinstance(error, MeantimeError):
        return Reply(status, error_body(error.reason), headers=headers, reason=error.reason)
    return Reply(status, error_body("internal error; the server's log has the details"), reason=repr(error))


def error_body(reason: str) -> bytes:
    """Return the JSON of an error.

    >>> error_body("Invalid job_id")
    b'{"status":"error","reason":"Invalid job_id"}'
    """
    # A file's name may hold bytes that are no text; as half characters they could not be encoded.
    reason = writable(reason)
    return msgspec.json.encode({"status": "error", "reason": reason})
