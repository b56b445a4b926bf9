"""Errors that pass: the same request may succeed later."""

from __future__ import annotations

from meantime.errors.base import Fault, MeantimeError


class Unavailable(MeantimeError):
    """Not now. Nothing was changed; the same request may succeed later."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Unavailable):
    """As many jobs wait as the setting ``queue_limit`` allows."""

    code = "queue-full"


class AnswersBusy(Unavailable):
    """As many requests wait for answers of this kind as may."""

    code = "answers-busy"


class ConnectionsFull(Unavailable):
    """As many connections are open as the server can have, or as one address may have."""

    code = "connections-full"


class BodiesFull(Unavailable):
    """The requests that are arriving take as much memory as they may."""

    code = "bodies-full"


class RateLimited(Unavailable):
    """The client sends more requests than the setting ``rate_limit`` allows."""

    code = "rate-limited"
    fault = Fault.CALLER


class DatasetLoading(Unavailable):
    """The data set is still being read. Jobs for it are accepted and wait."""

    code = "dataset-loading"
    fault = Fault.OPERATOR


class ShuttingDown(Unavailable):
    """The server is stopping and accepts no new jobs."""

    code = "shutting-down"
    fault = Fault.OPERATOR


class StorePaused(Unavailable):
    """The machine is short of something that storing jobs needs, such as open files. It goes on by itself."""

    code = "store-paused"
    fault = Fault.OPERATOR


class StoreFull(StorePaused):
    """The disk is full. Reading still works; writing does when there is space again."""

    code = "disk-full"
    fault = Fault.OPERATOR
