"""What is logged, as small values that cost little to make; the log's thread does the rest."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class RequestStarted(NamedTuple):
    """A request came in. ``request`` is the number that its two entries share."""

    at_s: float
    request: int
    method: str
    path: bytes
    parameters: bytes


class RequestFinished(NamedTuple):
    """A request was answered."""

    at_s: float
    request: int
    method: str
    path: bytes
    status: int
    job_id: str | None
    seconds: float
    reason: str | None
    key_id: str | None  # of the key that it came with, never the key itself


class LogEvent(NamedTuple):
    """Anything else, with its fields as structlog collects them."""

    at_s: float
    fields: Mapping[str, Any]

    @property
    def level(self) -> int:
        """Its level, as a number of logging."""
        return LEVELS.get(str(self.fields.get("level")), logging.INFO)


LogEntry = RequestStarted | RequestFinished | LogEvent
