"""Answers to clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

JSON = "application/json"


class Reply(NamedTuple):
    """A complete answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    job_id: str | None = None  # the job that the answer is about, for the log
    reason: str | None = None  # the reason of an error, for the log


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that waits for a commit, or for a lost result that is computed again."""

    awaited: Future[Any]
    # Returns the answer once the future is done. Raises only unforeseen errors, which are bugs.
    finish: Callable[[Future[Any]], Reply]


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent in pieces while it is produced."""

    status: int
    pieces: AsyncIterator[bytes]
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    job_id: str | None = None


class ClientGone(Exception):
    """The client disconnected, so nobody waits for an answer."""
