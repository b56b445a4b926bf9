"""GET /v1/jobs/{job_id}/events: a stream of events of one job."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from meantime.engine.engine import JobDetail
from meantime.errors import JobUnknown
from meantime.model import JobState
from meantime.web.backend import Backend
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.events.stream import HEADERS, HEARTBEAT_S, MEDIA_TYPE, RETRY, write_event, writer_of
from meantime.web.v1.job_parameters import job_number_of

# How many changes are kept for a slow client. There are a few per attempt, with progress counted as one. Each contains
# the whole job, so the oldest can be dropped.
_CHANGES_KEPT = 64


async def follow_job(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/events: the state of a job, then every change until it has ended."""
    number = job_number_of(request)
    Query(request.query, ()).check()
    detail = backend.engine.describe(number)
    known = request.header("last-event-id")
    if detail.state.is_ended and known == _id_of(detail):
        # The only answer after which browsers do not reconnect.
        return Reply(204, b"", MEDIA_TYPE, HEADERS, job_id=detail.record.id)
    pieces = _of_one(backend, number, known=known, client=request.caller.client)
    return Stream(200, pieces, MEDIA_TYPE, HEADERS, job_id=detail.record.id)


async def _of_one(backend: Backend, number: int, *, known: str | None, client: str) -> AsyncIterator[bytes]:
    with backend.streams.take(client) as place:
        async with aclosing(_changes_of(backend, number, known=known)) as pieces:
            async for piece in pieces:
                yield piece
                if place.is_lost:
                    return


async def _changes_of(backend: Backend, number: int, *, known: str | None) -> AsyncGenerator[bytes, None]:
    engine, write = backend.engine, writer_of(backend)
    mailbox = _Mailbox()
    try:
        leave = backend.waiters.listen(engine, number, mailbox.put, to_end_only=False)
    except JobUnknown:
        return  # removed since the request arrived
    try:
        yield RETRY + b"\n"
        # Read after listening has started: a change in between is seen twice rather than never.
        changes: list[JobDetail | None] = [engine.describe(number)]
        while True:
            for detail in changes:
                if detail is None:
                    return
                if not _is_known(detail, known):
                    identity = _id_of(detail)
                    yield write_event(identity, _kind(detail, known), write(detail))
                    known = identity
                if detail.state.is_ended:
                    return
            changes = await mailbox.changes(within_s=HEARTBEAT_S)
            if not changes:
                yield b":\n\n"
    except JobUnknown:
        return  # as above
    finally:
        leave()


def _id_of(detail: JobDetail) -> str:
    """Return the id of the event for a state. It depends on the state alone, so it stays valid across restarts.

    The id of a running job contains the attempt and the percentage. A job that was given back is queued as before.
    """
    if detail.state is JobState.RUNNING:
        return f"running.{detail.record.attempts}.{int(detail.progress * 100)}"
    return str(detail.state)


_RUNNING = re.compile(r"running\.([0-9]{1,9})\.([0-9]{1,3})", re.ASCII)


def _is_known(detail: JobDetail, known: str | None) -> bool:
    """Whether a client that has received an event learns nothing from this state: it is the same, or an earlier one."""
    if (before := _RUNNING.fullmatch(known or "")) is None or detail.state is not JobState.RUNNING:
        return _id_of(detail) == known
    attempt, percent = int(before[1]), int(before[2])
    return detail.record.attempts == attempt and int(detail.progress * 100) <= percent


def _kind(detail: JobDetail, known: str | None) -> str:
    """Return the kind of change between the event that the client knows and the current state."""
    before = _RUNNING.fullmatch(known or "")
    if detail.state.is_ended:
        return "ended"
    if detail.state is JobState.QUEUED:
        return "given-back" if before else "accepted"
    goes_on = before is not None and int(before[1]) == detail.record.attempts
    return "progress" if goes_on or (known is None and detail.progress >= 0.01) else "started"


class _Mailbox:
    """Changes of a job that have not been sent to the client yet."""

    def __init__(self) -> None:
        self._changes: deque[JobDetail | None] = deque(maxlen=_CHANGES_KEPT)
        self._woken: asyncio.Future[None] | None = None

    def put(self, detail: JobDetail | None) -> None:
        """Add a change. Progress replaces earlier progress."""
        last = self._changes[-1] if self._changes else None
        if last is not None and detail is not None and last.state is detail.state is JobState.RUNNING:
            self._changes.pop()
        self._changes.append(detail)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def changes(self, *, within_s: float) -> list[JobDetail | None]:
        """Take all changes; if there are none, wait for some, and return none when the time is up."""
        if not self._changes:
            self._woken = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within_s):
                    await self._woken
            except TimeoutError:
                return []
        taken = list(self._changes)
        self._changes.clear()
        return taken
