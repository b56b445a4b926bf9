"""GET /v1/jobs/events: a stream of events of all jobs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable

from meantime.engine.ports import JobFilter
from meantime.web.backend import Backend
from meantime.web.event_log import EventLog, LoggedEvent
from meantime.web.http.replies import Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.events.stream import HEADERS, HEARTBEAT_S, MEDIA_TYPE, RETRY, Write, write_event, writer_of
from meantime.web.v1.jobs.listing import read_list_query
from meantime.web.v1.jobs.parameters import FILTERS

# Clients that follow with the same filter are at the same position, and share their pieces. There are few filters.
_SHARED_PIECES = 16

_RESET = '{"detail":"Some events were missed and are no longer recorded. List the jobs again, then continue here."}'


async def follow_jobs(backend: Backend, request: HttpRequest) -> Stream:
    """GET /v1/jobs/events: events of all jobs, from now on or from the last one that the client received."""
    job_filter = read_list_query(request.query, tuple(parameter.name for parameter in FILTERS)).job_filter
    log = backend.waiters.events(backend.engine)
    known = request.header("last-event-id")
    index = log.end if known is None else _index_of(log, known)
    pieces = _of_all(backend, log, index, job_filter=job_filter, client=request.caller.client)
    return Stream(200, pieces, MEDIA_TYPE, HEADERS)


async def _of_all(
    backend: Backend, log: EventLog, index: int, *, job_filter: JobFilter, client: str
) -> AsyncIterator[bytes]:
    waiters, write = backend.waiters, writer_of(backend)
    with backend.streams.take(client) as place, log.client():
        # An id without data is not an event, but a client that is cut off before the first event reconnects with it.
        yield RETRY + _mark(log, index)
        while not (waiters.is_closed or place.is_lost):
            if await log.wait_for(index, within_s=HEARTBEAT_S):
                piece, index = _shared_piece(log, index, job_filter, write)
            else:
                # With the current position, which may have moved over events that the client has filtered out.
                piece = b":\n" + _mark(log, index)
            if piece:
                yield piece


def _shared_piece(log: EventLog, index: int, job_filter: JobFilter, write: Write) -> tuple[bytes, int]:
    """Return the events from a position on as bytes, and the position after them."""
    made: tuple[bytes, int] | None = log.pieces.get((index, job_filter))
    if made is None:
        made = _piece(log, index, job_filter, write)
        if len(log.pieces) < _SHARED_PIECES:
            log.pieces[index, job_filter] = made
    return made


def _piece(log: EventLog, index: int, job_filter: JobFilter, write: Write) -> tuple[bytes, int]:
    entries = log.since(index, limit=log.events_per_round)
    if entries is None:
        end = log.end
        return write_event(f"{log.name}-{end}", "reset", _RESET.encode()), end
    end = entries[-1].index + 1 if entries else index
    return b"".join(_encoded(log, entry, write) for entry in _relevant(entries, job_filter)), end


def _index_of(log: EventLog, known: str) -> int:
    """Return the position that an event id stands for, or -1, which no log has, if it is not from this one."""
    match = re.fullmatch(r"([0-9a-f]+)-([0-9]{1,18})", known, re.ASCII)
    is_ours = match is not None and match[1] == log.name and int(match[2]) <= log.end
    return int(match[2]) if match is not None and is_ours else -1


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
