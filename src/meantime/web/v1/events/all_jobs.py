"""GET /v1/jobs/events: a stream of events of all jobs."""

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

# Each piece costs a write to the client's socket. Under load, a stream writes 50 pieces a second with many events each;
# a single event is sent at once.
_PACE_S = 0.02
# How many events are encoded and sent in one turn of the event loop: about 2 ms.
_EVENTS_PER_PIECE = 250

_RESET = '{"detail":"Some events were missed and are no longer recorded. List the jobs again, then continue here."}'


async def follow_jobs(backend: Backend, request: HttpRequest) -> Stream:
    """GET /v1/jobs/events: events of all jobs, from now on or from the last one that the client received."""
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
    # An id without data is not an event, but a client that is cut off before the first event reconnects with it.
    yield RETRY + _mark(log, index)
    while not waiters.is_closed:
        entries = log.since(index, limit=_EVENTS_PER_PIECE)
        if entries is None:
            index = log.end
            yield write_event(f"{log.name}-{index}", "reset", _RESET.encode())
        elif entries:
            index = entries[-1].index + 1
            if piece := b"".join(_encoded(log, entry, write) for entry in _relevant(entries, job_filter)):
                yield piece
            if len(entries) < _EVENTS_PER_PIECE:
                await asyncio.sleep(_PACE_S)
        elif not await log.wait_for(index, within_s=HEARTBEAT_S):
            # With the current position, which may have moved over events that the client has filtered out.
            yield b":\n" + _mark(log, index)


def _index_of(log: EventLog, known: str) -> int:
    """Return the position that an event id stands for, or -1 if it is not from this log."""
    match = re.fullmatch(r"([0-9a-f]+)-([0-9]{1,18})", known, re.ASCII)
    return int(match[2]) if match and match[1] == log.name else -1


def _mark(log: EventLog, index: int) -> bytes:
    return f"id: {log.name}-{index}\n\n".encode() if index >= 0 else b"\n"


def _relevant(entries: list[LoggedEvent], job_filter: JobFilter) -> Iterable[LoggedEvent]:
    """Leave out events that the filter excludes, and progress that a newer event of the same job replaces."""
    last = {entry.event.detail.record.number: entry.index for entry in entries}
    for entry in entries:
        if entry.event.kind == "progress" and last[entry.event.detail.record.number] != entry.index:
            continue
        if job_filter.matches(entry.event.detail.record, entry.event.detail.state):
            yield entry


def _encoded(log: EventLog, entry: LoggedEvent, write: Write) -> bytes:
    """Return the bytes of an event, encoded once for all clients."""
    if entry.encoded is None:
        # The id is the position after this event, where a client continues.
        entry.encoded = write_event(f"{log.name}-{entry.index + 1}", entry.event.kind, write(entry.event.detail))
    return entry.encoded
