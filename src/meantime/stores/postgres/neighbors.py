"""Which other hosts are there, and what their threads have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from meantime.engine.ports import Clock
from meantime.stores.job_rows import SqlRow

_AT_WORK = msgspec.json.Decoder(dict[int, float])


class _Seen(NamedTuple):
    beats: int
    since_s: float


class Neighbors:
    """Watches the beats of other hosts, with our own clock: one whose beats stay the same for a lease is lost.

    Only the time is counted in which we can look. So after the database was away, every host has a whole lease to beat
    again, and clocks need not agree.
    """

    def __init__(self, *, lease_s: float, monotonic: Clock) -> None:
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._seen: dict[int, _Seen] = {}

    def forget(self) -> None:
        """Begin anew: we could not look for a while."""
        self._seen = {}

    def look(self, rows: Sequence[SqlRow]) -> tuple[dict[int, float], frozenset[int]]:
        """Return the jobs that threads of others have, with their progress, and which hosts are lost.

        ``rows`` are those of the query ``hosts``.
        """
        now_s = self._monotonic()
        at_work: dict[int, float] = {}
        lost: set[int] = set()
        for host, beats, has_left, works in rows:
            seen = self._seen.get(host)
            if seen is None or seen.beats != beats:
                self._seen[host] = _Seen(beats, now_s)
                seen = self._seen[host]
            if has_left or now_s - seen.since_s >= self._lease_s:
                lost.add(host)
            else:
                at_work |= _AT_WORK.decode(works)
        return at_work, frozenset(lost)
