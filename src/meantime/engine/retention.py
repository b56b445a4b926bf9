"""Which ended jobs are removed, and when: in small steps, at the start and whenever a job ends. Nobody polls a clock.

Guarded by the engine's lock.
"""

from __future__ import annotations

from meantime.engine.ledger import Ledger
from meantime.engine.ports import Clock

# Jobs removed in one step: some milliseconds of one thread, so that work and commits go on in between.
STEP_LIMIT = 200


class Retention:
    """Forgets ended jobs that are too old or too many, and says whose files and records are to go."""

    def __init__(self, ledger: Ledger, *, clock: Clock, keep_s: float, keep_jobs: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._keep_s = keep_s
        self._keep_jobs = keep_jobs
        self._is_stepping = False
        self._unremoved: list[int] = []  # forgotten, but their records are still on disk

    def begin_step(self) -> list[int]:
        """Return the jobs to remove now, already forgotten; none where there is nothing to do or a step is under way.

        From here on nobody finds these jobs, so nobody reads a result that is being removed.
        """
        if self._is_stepping:
            return []
        numbers, self._unremoved = self._unremoved, []
        now_s = self._clock()
        while len(numbers) < STEP_LIMIT and self._ledger.has_expired(
            before_s=now_s - self._keep_s, keep_jobs=self._keep_jobs
        ):
            numbers.append(self._ledger.forget_oldest())
        self._is_stepping = bool(numbers)
        return numbers

    def end_step(self, numbers: list[int], *, is_removed: bool) -> None:
        """Allow the next step, which has these jobs again where their records could not be removed."""
        self._is_stepping = False
        if not is_removed:
            self._unremoved = numbers
