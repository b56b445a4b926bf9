"""Follows one job."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator

from meantime.engine.engine import Engine, JobDetail
from meantime.errors import JobUnknown
from meantime.model import JobState
from meantime.web.backend import Backend
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.long_poll import JobWaiters
from meantime.web.v1.events.stream import HEADERS, HEARTBEAT_S, MEDIA_TYPE, RETRY, Write, write_event, writer_of
from meantime.web.v1.job_parameters import job_number_of

# Changes of one job that a slow client has not taken yet. There are a few per attempt, progress counted as one; each is
# the whole job, so the oldest can go.
_CHANGES_KEPT = 64


async def follow_job(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/events: how a job stands, then every change, until it has ended."""
    number = job_number_of(request)
    Query(request.query, ()).check()
    detail = backend.engine.describe(number)
    known = request.header("last-event-id")
    if detail.state.is_ended and known == _id_of(detail):
        # The one answer after which a browser does not connect again.
        return Reply(204, b"", MEDIA_TYPE, HEADERS, job_id=detail.record.id)
    waiters = backend.waiters
    pieces = _of_one(waiters, backend.engine, number, known=known, write=writer_of(backend))
    return Stream(200, pieces, MEDIA_TYPE, HEADERS, job_id=detail.record.id)


async def _of_one(
    waiters: JobWaiters, engine: Engine, number: int, *, known: str | None, write: Write
) -> AsyncIterator[bytes]:
    mailbox = _Mailbox()
    try:
        leave = waiters.listen(engine, number, mailbox.put, to_end_only=False)
    except JobUnknown:
        return  # removed since the answer began
    try:
        yield RETRY + b"\n"
        # Looked at now that changes are heard: what happens between the two comes twice, not never.
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
    """Return the id of the event that says how a job stands: a function of that alone, so that it holds over restarts.

    Of running jobs it has the attempt and the percentage, since these are news; a job that waits again after it was
    given back waits as before.
    """
    if detail.state is JobState.RUNNING:
        return f"running.{detail.record.attempts}.{int(detail.progress * 100)}"
    return str(detail.state)


_RUNNING = re.compile(r"running\.([0-9]{1,9})\.([0-9]{1,3})", re.ASCII)


def _is_known(detail: JobDetail, known: str | None) -> bool:
    """Whether a client that knows an event learns nothing from this one: it is the same, or what led to it."""
    if (before := _RUNNING.fullmatch(known or "")) is None or detail.state is not JobState.RUNNING:
        return _id_of(detail) == known
    attempt, percent = int(before[1]), int(before[2])
    return detail.record.attempts == attempt and int(detail.progress * 100) <= percent


def _kind(detail: JobDetail, known: str | None) -> str:
    """Name the change from what the client knows to how the job stands."""
    before = _RUNNING.fullmatch(known or "")
    if detail.state.is_ended:
        return "ended"
    if detail.state is JobState.QUEUED:
        return "given-back" if before else "accepted"
    goes_on = before is not None and int(before[1]) == detail.record.attempts
    return "progress" if goes_on or (known is None and detail.progress >= 0.01) else "started"


class _Mailbox:
    """Changes of a job that its client has not taken yet."""

    def __init__(self) -> None:
        self._changes: deque[JobDetail | None] = deque(maxlen=_CHANGES_KEPT)
        self._woken: asyncio.Future[None] | None = None

    def put(self, detail: JobDetail | None) -> None:
        """Keep a change; progress takes the place of the progress before it."""
        last = self._changes[-1] if self._changes else None
        if last is not None and detail is not None and last.state is detail.state is JobState.RUNNING:
            self._changes.pop()
        self._changes.append(detail)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def changes(self, *, within_s: float) -> list[JobDetail | None]:
        """Take all there are, or those that come first, or none in that time."""
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
