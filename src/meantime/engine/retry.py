"""When to try again: after a crash, and while the machine is short of something. Only decides; others act on it."""

from __future__ import annotations

from dataclasses import dataclass

from meantime.engine.ports import Clock
from meantime.errors import Failure, Fault, StorePaused
from meantime.model import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and after how long.

    >>> [RetryPolicy().delay_s(setbacks) for setbacks in (1, 2, 3, 20)]
    [0.1, 0.2, 0.4, 5.0]
    """

    # Two crashes may be chance or another job's fault; a job that ran alone at the third is the likely cause.
    max_attempts: int = 3
    # Space often comes back by itself (a log is rotated), and a try is cheap; but each may compute a job in vain.
    initial_delay_s: float = 0.1
    # An operator who has freed space should not have to wait until we notice.
    max_delay_s: float = 5.0

    def delay_s(self, setbacks: int) -> float:
        """Return how long to wait after this many setbacks in a row (from 1)."""
        # The exponent is bounded, because 2.0 ** 1024 overflows and a disk can be full for a week.
        return min(self.initial_delay_s * 2.0 ** min(setbacks - 1, 30), self.max_delay_s)

    def failure_after_crash(self, record: JobRecord) -> Failure | None:
        """Return why a job that was running in a crash is not started again, or None if it is."""
        if record.attempts < self.max_attempts:
            return None
        return Failure(
            code="lost-thrice",
            fault=Fault.SERVER,
            reason=f"{record.id} was started {record.attempts} times, and each time the server ended before the job "
            "did, so it is not started again. The server's log and the system's log (out of memory?) may say why. "
            "Submit the request again for another try.",
        )

    def is_last_attempt(self, record: JobRecord) -> bool:
        """Whether the next start of a waiting job is the last it gets."""
        return record.attempts + 1 >= self.max_attempts


class Backoff:
    """The pause of all work while the disk is full, or the machine is short of something else.

    There is one machine, so there is one pause, not one for each job.

    Guarded by the engine's lock.
    """

    def __init__(self, policy: RetryPolicy, *, monotonic: Clock) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._setbacks = 0
        self._ends_at_s = 0.0

    @property
    def remaining_s(self) -> float:
        """How long the pause still lasts; 0 where there is none."""
        # Asked before each task, so the clock is read only if there was a setback.
        return max(0.0, self._ends_at_s - self._monotonic()) if self._setbacks else 0.0

    def start(self, error: BaseException) -> bool:
        """Pause because of an error. Return False for an error that does not pass by itself."""
        if not isinstance(error, StorePaused):
            return False
        # Several threads that run into the same shortage are one setback.
        if self.remaining_s == 0:
            self._setbacks += 1
            self._ends_at_s = self._monotonic() + self._policy.delay_s(self._setbacks)
        return True

    def reset(self) -> None:
        """End the pause: a job was carried through to its end, so there is enough of everything."""
        self._setbacks = 0
