"""What all event streams share."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from meantime.engine.engine import JobDetail
from meantime.web.backend import Backend
from meantime.web.v1.jobs.resource import job_resource

MEDIA_TYPE = "text/event-stream"

# Proxies and mobile networks close connections that are silent for 30 to 60 s.
HEARTBEAT_S = 15.0

HEADERS = (
    ("cache-control", "no-store"),
    # Otherwise Nginx would buffer the events.
    ("x-accel-buffering", "no"),
)
RETRY = b"retry: 2000\n"

_encode = msgspec.json.Encoder().encode

Write = Callable[[JobDetail], bytes]


def writer_of(backend: Backend) -> Write:
    """Return a function that encodes a job as JSON."""
    return lambda detail: _encode(job_resource(detail, keep_ended_s=backend.keep_ended_s))


def write_event(identity: str, kind: str, data: bytes) -> bytes:
    """Return the bytes of one event."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (identity.encode(), kind.encode(), data)
