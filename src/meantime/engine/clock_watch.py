"""Whether the clock can be believed when it says that jobs are too old.

A clock that is wrong for a moment (a battery, a virtual machine that was paused, a typing error) must not remove every
job there is. How long this process has run is known from another clock, which nobody sets; how things were before, from
what was noted then. Where the time of day is ahead of both, jobs are kept for a day of running time, in which somebody
can set the clock right. If it stays as it is, it is believed after that.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from meantime.engine.ports import Clock, LastSeen

# While we run, clocks are set by seconds; more than an hour ahead of the running time is a jump.
_JUMP_S = 3_600.0
# Over a stop, nobody knows how long it was: a long weekend is usual, and a hold does no harm after a longer one.
_STOPPED_S = 3 * 86_400.0
_HOLD_S = 86_400.0
# How often the time is noted; as much of a hold may be repeated after a crash.
_NOTE_S = 60.0


def running_s() -> float:
    """Return how long the machine runs, with the time that it slept where the system counts that."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class Note(NamedTuple):
    """What is to be written down, and told."""

    seen: LastSeen
    ahead_s: float | None  # how far the clock has jumped ahead, if it just has


class ClockWatch:
    """Compares the time of day with the running time. Guarded by the engine's lock.

    ``running`` goes on while the machine sleeps, where the system has such a clock.
    """

    def __init__(self, *, clock: Clock, running: Clock) -> None:
        self._clock = clock
        self._running = running
        self._at_s = clock()
        self._ran_s = running()
        self._held_until_s: float | None = None
        self._noted_s: float | None = None
        self._ahead_s: float | None = None  # of the last jump, as long as nobody was told

    @property
    def held_s(self) -> float:
        """For how much running time jobs are still kept whatever the clock says; 0 where it is believed."""
        return 0.0 if self._held_until_s is None else max(0.0, self._held_until_s - self._running())

    def start(self, seen: LastSeen | None, newest_s: float | None) -> None:
        """Compare with the last run: with what it noted, or else with the newest time in a record."""
        self._look()
        before_s = newest_s if seen is None else seen.at_s
        if before_s is not None and self._at_s - before_s > _STOPPED_S:
            self._hold(self._at_s - before_s)
        elif seen is not None and seen.held_s > 0:
            self._held_until_s = self._ran_s + min(seen.held_s, _HOLD_S)

    def now_s(self) -> float | None:
        """Return the time of day; None while it is not believed."""
        self._look()
        return None if self.held_s else self._at_s

    def due_note(self) -> Note | None:
        """Return what is to be noted now; None if that was done a moment ago."""
        is_due = self._noted_s is None or self._ran_s - self._noted_s >= _NOTE_S
        return self.note() if is_due or self._ahead_s is not None else None

    def note(self) -> Note:
        """Return what is to be noted, as of the last look."""
        self._noted_s = self._ran_s
        ahead_s, self._ahead_s = self._ahead_s, None
        return Note(LastSeen(at_s=self._at_s, held_s=self.held_s), ahead_s)

    def _look(self) -> None:
        at_s, ran_s = self._clock(), self._running()
        ahead_s = (at_s - self._at_s) - (ran_s - self._ran_s)
        self._at_s, self._ran_s = at_s, ran_s
        if ahead_s > _JUMP_S:
            self._hold(ahead_s)

    def _hold(self, ahead_s: float) -> None:
        self._held_until_s = self._ran_s + _HOLD_S
        self._ahead_s = ahead_s
