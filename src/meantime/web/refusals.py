"""Errors in the form of the API that a path belongs to: problems under /v1, classic errors everywhere else."""

from __future__ import annotations

from meantime.web.classic import errors as classic
from meantime.web.http import paths, problems
from meantime.web.http.replies import Reply


def refuse(path: bytes, error: BaseException) -> Reply:
    """Return the answer to an error, for a path as it was sent."""
    return problems.error_reply(error) if paths.is_v1(path) else classic.error_reply(error)
