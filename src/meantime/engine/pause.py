"""The pause that is made while the disk is full: there is one disk, so there is one pause, not one a job.

Guarded by the engine's lock.
"""

from __future__ import annotations

from meantime.engine.ports import Clock
from meantime.engine.retry import Again, RetryPolicy


class Pause:
    """Obeys the policy about setbacks in a row."""

    def __init__(self, retry: RetryPolicy, *, monotonic: Clock) -> None:
        self._retry = retry
        self._monotonic = monotonic
        self._setbacks = 0
        self._until_s = 0.0

    @property
    def left_s(self) -> float:
        """How long it still lasts; 0 where there is none."""
        # Asked for each task, so the clock is looked at only when there was a setback.
        return max(0.0, self._until_s - self._monotonic()) if self._setbacks else 0.0

    def begin(self, error: BaseException) -> bool:
        """Pause because of an error; False where it is none that passes."""
        decision = self._retry.after_error(error, setbacks=self._setbacks + 1)
        if not isinstance(decision, Again):
            return False
        # Several threads that find the same full disk are one setback.
        if self.left_s == 0:
            self._setbacks += 1
            self._until_s = self._monotonic() + decision.after_s
        return True

    def end(self) -> None:
        """Go on: something got through from beginning to end, so there is space."""
        self._setbacks = 0
