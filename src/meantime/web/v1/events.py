"""/v1/jobs/events and /v1/jobs/{job_id}/events: what happens to jobs, as server-sent events, while it happens.

Every event carries the whole job as it then was. So a client that has missed some has lost nothing but time, and one
that is slow gets fewer, newer ones.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from meantime.engine.engine import Engine, JobDetail
from meantime.engine.ports import JobFilter
from meantime.errors import JobUnknown, RequestInvalid, StoreBroken
from meantime.model import JobState
from meantime.web.backend import Backend
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.jobs import FILTERS, JobResource, read_query, resource
from meantime.web.v1.results import JOB_ID, number_of
from meantime.web.v1.waiting import Entry, Lobby, Ring, lobby_of

MEDIA_TYPE = "text/event-stream"

# Proxies and mobile networks cut connections that are silent for 30 to 60 s.
HEARTBEAT_S = 15.0
# Each piece costs a write to the client's socket. Under load a stream so takes 50 a second, each of many events; an
# event that comes alone goes out at once.
_PACE_S = 0.02
# Written and sent in a turn of the event loop: some 2 ms.
_EVENTS_PER_PIECE = 250
# Changes of one job that a slow client has not taken yet. There are a few per attempt, progress counted as one; each is
# the whole job, so the oldest can go.
_CHANGES_KEPT = 64

_HEADERS = (
    ("cache-control", "no-store"),
    # Nginx would gather the answer, and pass it on when it is long enough.
    ("x-accel-buffering", "no"),
)
_RETRY = b"retry: 2000\n"
_RESET = '{"detail":"Events were missed that are not known any more: list the jobs again, then read on here."}'

_encode = msgspec.json.Encoder().encode


async def follow_job(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/events: how a job stands, then every change, until it has ended."""
    number = number_of(request)
    Query(request.query, ()).check()
    detail = backend.engine.describe(number)
    known = request.header("last-event-id")
    if detail.state.is_ended and known == _id_of(detail):
        # The one answer after which a browser does not connect again.
        return Reply(204, b"", MEDIA_TYPE, _HEADERS, job_id=detail.record.id)
    lobby = lobby_of(backend.engine)
    pieces = _of_one(lobby, backend.engine, number, known=known, write=_writer(backend))
    return Stream(200, pieces, MEDIA_TYPE, _HEADERS, job_id=detail.record.id)


async def follow_jobs(backend: Backend, request: HttpRequest) -> Stream:
    """GET /v1/jobs/events: what happens to all jobs, from now on or from where the client was."""
    wanted = read_query(request.query, tuple(parameter.name for parameter in FILTERS)).wanted
    lobby = lobby_of(backend.engine)
    ring = lobby.events(backend.engine)
    known = request.header("last-event-id")
    place = ring.end if known is None else _place(ring, known)
    return Stream(200, _of_all(lobby, ring, place, wanted=wanted, write=_writer(backend)), MEDIA_TYPE, _HEADERS)


# What goes over the wire


_A_JOB = {"$ref": f"#/components/schemas/{JobResource.__name__}"}
_A_RESET = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}


def _json(description: str, schema: Mapping[str, Any]) -> msgspec.Meta:
    within = {"contentMediaType": "application/json", "contentSchema": schema}
    return msgspec.Meta(description=description, extra_json_schema=within)


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a job."""

    id: Annotated[str, msgspec.Meta(description="For Last-Event-ID.")]
    event: Literal["accepted", "started", "progress", "given-back", "ended"]
    data: Annotated[str, _json("The job as it then was.", _A_JOB)]


class JobsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of some job, or that some were missed."""

    id: Annotated[str, msgspec.Meta(description="For Last-Event-ID.")]
    event: Literal["accepted", "started", "progress", "given-back", "ended", "removed", "reset"]
    data: Annotated[str, _json("The job as it then was; of a reset, what to do.", {"anyOf": [_A_JOB, _A_RESET]})]


Write = Callable[[JobDetail], bytes]


def _writer(backend: Backend) -> Write:
    return lambda detail: _encode(resource(detail, keep_ended_s=backend.keep_ended_s))


# One job


async def _of_one(
    lobby: Lobby, engine: Engine, number: int, *, known: str | None, write: Write
) -> AsyncIterator[bytes]:
    mailbox = _Mailbox()
    try:
        leave = lobby.listen(engine, number, mailbox.put, to_end_only=False)
    except JobUnknown:
        return  # removed since the answer began
    try:
        yield _RETRY + b"\n"
        # Looked at now that changes are heard: what happens between the two comes twice, not never.
        changes: list[JobDetail | None] = [engine.describe(number)]
        while True:
            for detail in changes:
                if detail is None:
                    return
                if not _is_behind(detail, known):
                    identity = _id_of(detail)
                    yield _written(identity, _kind(detail, known), write(detail))
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


def _is_behind(detail: JobDetail, known: str | None) -> bool:
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


# All jobs


async def _of_all(lobby: Lobby, ring: Ring, place: int, *, wanted: JobFilter, write: Write) -> AsyncIterator[bytes]:
    # The place alone, without data, is no event; a client that is cut off before the first one comes back to it.
    yield _RETRY + _mark(ring, place)
    while not lobby.is_closed:
        entries = ring.since(place, limit=_EVENTS_PER_PIECE)
        if entries is None:
            place = ring.end
            yield _written(f"{ring.name}-{place}", "reset", _RESET.encode())
        elif entries:
            place = entries[-1].place + 1
            if piece := b"".join(_sent(ring, entry, write) for entry in _news(entries, wanted)):
                yield piece
            if len(entries) < _EVENTS_PER_PIECE:
                await asyncio.sleep(_PACE_S)
        elif not await ring.news(place, within_s=HEARTBEAT_S):
            # With the place: most of what happens may be nothing that this client wants to hear.
            yield b":\n" + _mark(ring, place)


def _place(ring: Ring, known: str) -> int:
    """Return where an event id leads to; before all places where that is not in this ring."""
    found = re.fullmatch(r"([0-9a-f]+)-([0-9]{1,18})", known, re.ASCII)
    return int(found[2]) if found and found[1] == ring.name else -1


def _mark(ring: Ring, place: int) -> bytes:
    return f"id: {ring.name}-{place}\n\n".encode() if place >= 0 else b"\n"


def _news(entries: list[Entry], wanted: JobFilter) -> Iterable[Entry]:
    """Pass over what is not wanted, and over progress behind which something newer of the same job comes."""
    last = {entry.event.detail.record.number: entry.place for entry in entries}
    for entry in entries:
        if entry.event.kind == "progress" and last[entry.event.detail.record.number] != entry.place:
            continue
        if wanted.matches(entry.event.detail.record, entry.event.detail.state):
            yield entry


def _sent(ring: Ring, entry: Entry, write: Write) -> bytes:
    if entry.sent is None:
        # The id is where to read on: behind this event.
        entry.sent = _written(f"{ring.name}-{entry.place + 1}", entry.event.kind, write(entry.event.detail))
    return entry.sent


def _written(identity: str, kind: str, data: bytes) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (identity.encode(), kind.encode(), data)


# The rows

_LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    where="header",
    kind=str,
    description="The id of the last event that the client has; browsers send it when they connect again.",
)
_STREAM_HEADERS = (
    Header(name="Cache-Control", description="`no-store`."),
    Header(name="X-Accel-Buffering", description="`no`: proxies are to pass events on as they come."),
)
_EVENTS = (
    "Events are `accepted`, `started`, `progress` (at most one per percent), `ended` and `given-back` (the server "
    "stopped or the disk was full; the job waits again); `data` is the job as it then was. A comment comes every "
    f"{HEARTBEAT_S:.0f} s when nothing happens. The stream ends when the server stops; ids hold over that."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="follow_jobs",
        method="GET",
        path="/v1/jobs/events",
        tag="jobs",
        summary="Follow all jobs",
        description=f"Server-sent events of everything that happens to jobs from now on. {_EVENTS} Also `removed`, and "
        "`reset` where events were missed that are not known any more: list the jobs again then. To miss none, connect "
        "first and list then.",
        handle=follow_jobs,
        parameters=(*FILTERS, _LAST_EVENT_ID),
        outcomes=(
            Outcome(
                status=200,
                description="The events, without an end.",
                content={MEDIA_TYPE: JobsEvent},
                headers=_STREAM_HEADERS,
            ),
        ),
        problems=(RequestInvalid,),
    ),
    Endpoint(
        name="follow_job",
        method="GET",
        path="/v1/jobs/{job_id}/events",
        tag="jobs",
        summary="Follow a job",
        description=f"Server-sent events: how the job stands, then every change, until it has ended. {_EVENTS}",
        handle=follow_job,
        parameters=(JOB_ID, _LAST_EVENT_ID),
        outcomes=(
            Outcome(
                status=200,
                description="The events, up to the end of the job.",
                content={MEDIA_TYPE: JobEvent},
                headers=_STREAM_HEADERS,
            ),
            Outcome(
                status=204,
                description="The job has ended, and the client knows that: browsers do not connect again.",
                headers=_STREAM_HEADERS,
            ),
        ),
        problems=(JobUnknown, RequestInvalid, StoreBroken),
    ),
)
