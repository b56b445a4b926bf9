"""Errors in the form of the classic API."""

from __future__ import annotations

import msgspec

from meantime import errors
from meantime.errors import MeantimeError
from meantime.text import writable
from meantime.web.http.problems import special_headers
from meantime.web.http.replies import Reply
from meantime.web.http.statuses import status_of

# The contract's exact words.
SHUTTING_DOWN = Reply(
    503, b'{"status":"error","reason":"shutting down","job_id":-1}', reason="shutting down: no new jobs"
)


def error_reply(error: BaseException) -> Reply:
    """Return the answer to an error. Details of unforeseen errors are not disclosed."""
    if isinstance(error, errors.ShuttingDown):
        return SHUTTING_DOWN
    status = status_of(type(error))
    if isinstance(error, MeantimeError):
        return Reply(status, error_body(error.reason), headers=special_headers(error), reason=error.operator_reason)
    return Reply(status, error_body("internal error; the server's log has the details"), reason=repr(error))


def error_body(reason: str) -> bytes:
    """Return the JSON of an error.

    >>> error_body("Invalid job_id")
    b'{"status":"error","reason":"Invalid job_id"}'
    """
    # A file name may contain bytes that are not text, which could not be encoded.
    reason = writable(reason)
    return msgspec.json.encode({"status": "error", "reason": reason})
