"""The places for event streams. A stream holds its place for as long as its client likes, so nobody waits for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meantime.errors import AnswersBusy
from meantime.web.turns import TurnQueue

# Of so many, each is written to every two seconds while much happens; see `event_log`.
STREAMS = 4_096


class StreamPlace:
    """A place, until another client needs it."""

    __slots__ = ("is_lost",)

    def __init__(self) -> None:
        self.is_lost = False


class StreamPlaces:
    """All places. If none is free, a client gets one of the client that has most. Used in the event loop only."""

    def __init__(self, limit: int = STREAMS) -> None:
        self._limit = limit
        self._places: TurnQueue[StreamPlace] = TurnQueue(limit)

    @contextmanager
    def take(self, client: str) -> Iterator[StreamPlace]:
        """Hold a place. A stream whose place is lost must end; its client connects again if it needs to.

        Raises:
            AnswersBusy: none is free, and no client has more than this one.
        """
        place = StreamPlace()
        lost = self._places.add(client, place)
        if lost is place:
            raise AnswersBusy(
                f"All {self._limit} places for event streams are taken, and no client has more of them than you. Close "
                "one of yours, or try again in a minute.",
                retry_after_s=60,
            )
        if lost is not None:
            lost.is_lost = True
        try:
            yield place
        finally:
            self._places.discard(client, place)
