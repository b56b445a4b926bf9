"""Which ended jobs are removed, and when: in small steps, at the start and when a job ends. Nobody polls a clock.

Those that are too many go in any case; those that are too old, while the clock is believed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meantime.engine.clock_watch import ClockWatch
from meantime.engine.job_index import JobIndex

# Jobs removed in one step: some milliseconds of one thread, so that work and commits go on in between.
STEP_LIMIT = 200


class Retention:
    """Forgets ended jobs that are too old or too many, and says whose files and records to delete.

    Guarded by the engine's lock.
    """

    def __init__(self, index: JobIndex, *, watch: ClockWatch, keep_s: float, keep_jobs: int) -> None:
        self._index = index
        self._watch = watch
        self._keep_s = keep_s
        self._keep_jobs = keep_jobs
        self._is_in_step = False
        self._undeleted: list[int] = []  # forgotten, but their records are still on disk

    @property
    def is_due(self) -> bool:
        """Whether a step that begins now has jobs to delete."""
        return not self._is_in_step and (bool(self._undeleted) or self._has_expired(self._before_s()))

    def begin_step(self) -> Sequence[int]:
        """Return the jobs to delete now, forgotten already; none if there are none, or if a step is under way.

        From here on nobody finds these jobs, so nobody reads a result that is being deleted.
        """
        if self._is_in_step:
            return []
        numbers, self._undeleted = self._undeleted, []
        before_s = self._before_s()
        while len(numbers) < STEP_LIMIT and self._has_expired(before_s):
            numbers.append(self._index.forget_oldest())
        self._is_in_step = bool(numbers)
        return numbers

    def end_step(self, numbers: Sequence[int], *, is_removed: bool) -> None:
        """Allow the next step. It has these jobs again if their records could not be deleted."""
        self._is_in_step = False
        if not is_removed:
            self._undeleted = list(numbers)

    def _before_s(self) -> float:
        """Return when those jobs ended, at the latest, that are too old now."""
        now_s = self._watch.now_s()
        return -math.inf if now_s is None else now_s - self._keep_s

    def _has_expired(self, before_s: float) -> bool:
        return self._index.has_expired(before_s=before_s, keep_jobs=self._keep_jobs)
