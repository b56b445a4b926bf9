"""What goes back to a client."""

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
    reason: str | None = None  # of an error, for the log


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that has to wait for something: a commit, or a lost result that is computed again."""

    awaited: Future[Any]
    # Makes the answer once the future is done. Raises only what is not an error of ours: a bug, for the log.
    finish: Callable[[Future[Any]], Reply]


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent piece by piece, while it is made."""

    status: int
    pieces: AsyncIterator[bytes]
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    job_id: str | None = None


class ClientGone(Exception):
    """The client disconnected: nobody waits for an answer."""
