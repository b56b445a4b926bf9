"""Follows all jobs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable

from meantime.engine.ports import JobFilter
from meantime.web.backend import Backend
from meantime.web.event_log import EventLog, LoggedEvent
from meantime.web.http.replies import Stream
from meantime.web.http.request import HttpRequest
from meantime.web.long_poll import JobWaiters
from meantime.web.v1.events.stream import HEADERS, HEARTBEAT_S, MEDIA_TYPE, RETRY, Write, write_event, writer_of
from meantime.web.v1.jobs.listing import read_list_query
from meantime.web.v1.jobs.parameters import FILTERS

# Each piece costs a write to the client's socket. Under load a stream so takes 50 a second, each of many events; an
# event that comes alone goes out at once.
_PACE_S = 0.02
# Written and sent in a turn of the event loop: some 2 ms.
_EVENTS_PER_PIECE = 250

_RESET = '{"detail":"Events were missed that are not known any more: list the jobs again, then read on here."}'


async def follow_jobs(backend: Backend, request: HttpRequest) -> Stream:
    """GET /v1/jobs/events: what happens to all jobs, from now on or from where the client was."""
    job_filter = read_list_query(request.query, tuple(parameter.name for parameter in FILTERS)).job_filter
    waiters = backend.waiters
    log = waiters.events(backend.engine)
    known = request.header("last-event-id")
    index = log.end if known is None else _index_of(log, known)
    return Stream(
        200, _of_all(waiters, log, index, job_filter=job_filter, write=writer_of(backend)), MEDIA_TYPE, HEADERS
    )


async def _of_all(
    waiters: JobWaiters, log: EventLog, index: int, *, job_filter: JobFilter, write: Write
) -> AsyncIterator[bytes]:
    # The place alone, without data, is no event; a client that is cut off before the first one comes back to it.
    yield RETRY + _mark(log, index)
    while not waiters.is_closed:
        entries = log.since(index, limit=_EVENTS_PER_PIECE)
        if entries is None:
            index = log.end
            yield write_event(f"{log.name}-{index}", "reset", _RESET.encode())
        elif entries:
            index = entries[-1].index + 1
            if piece := b"".join(_sent(log, entry, write) for entry in _relevant(entries, job_filter)):
                yield piece
            if len(entries) < _EVENTS_PER_PIECE:
                await asyncio.sleep(_PACE_S)
        elif not await log.wait_for(index, within_s=HEARTBEAT_S):
            # With the place: most of what happens may be nothing that this client wants to hear.
            yield b":\n" + _mark(log, index)


def _index_of(log: EventLog, known: str) -> int:
    """Return where an event id leads to; before all places where that is not in this ring."""
    found = re.fullmatch(r"([0-9a-f]+)-([0-9]{1,18})", known, re.ASCII)
    return int(found[2]) if found and found[1] == log.name else -1


def _mark(log: EventLog, index: int) -> bytes:
    return f"id: {log.name}-{index}\n\n".encode() if index >= 0 else b"\n"


def _relevant(entries: list[LoggedEvent], job_filter: JobFilter) -> Iterable[LoggedEvent]:
    """Pass over what is not wanted, and over progress behind which something newer of the same job comes."""
    last = {entry.event.detail.record.number: entry.index for entry in entries}
    for entry in entries:
        if entry.event.kind == "progress" and last[entry.event.detail.record.number] != entry.index:
            continue
        if job_filter.matches(entry.event.detail.record, entry.event.detail.state):
            yield entry


def _sent(log: EventLog, entry: LoggedEvent, write: Write) -> bytes:
    """Return the pieces, each made in a thread when it is wanted."""
    if entry.sent is None:
        # The id is where to read on: behind this event.
        entry.sent = write_event(f"{log.name}-{entry.index + 1}", entry.event.kind, write(entry.event.detail))
    return entry.sent
