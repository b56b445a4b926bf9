"""What to do about work that did not come to an end: again after a while, or give up. Only decides; others obey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from meantime.errors import Failure, Fault, StoreFull
from meantime.model import Job


class Again(NamedTuple):
    """Do it again, not before this much time has passed."""

    after_s: float


class GiveUp(NamedTuple):
    """It will not work; this is what the job failed of."""

    failure: Failure


Decision = Again | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to try again.

    >>> [RetryPolicy().after_error(StoreFull("full"), setbacks=n).after_s for n in (1, 2, 3, 20)]
    [0.1, 0.2, 0.4, 5.0]
    """

    # Two crashes may be bad luck or bad company; a job that ran alone when the third came is the likely cause.
    most_attempts: int = 3
    # Space often comes back by itself (a rotated log), and to look is cheap; but each look may compute a job in vain.
    first_wait_s: float = 0.1
    # An operator who has made space should not wait for us to notice.
    longest_wait_s: float = 5.0

    def after_error(self, error: BaseException, *, setbacks: int) -> Decision:
        """Decide about an error that came in the ``setbacks``-th attempt in a row (from 1) to get something done."""
        if isinstance(error, StoreFull):
            # The exponent is bounded, because 2.0 ** 1024 overflows and a disk can be full for a week.
            return Again(min(self.first_wait_s * 2.0 ** min(setbacks - 1, 30), self.longest_wait_s))
        return GiveUp(Failure.of(error))

    def after_crash(self, job: Job) -> Decision:
        """Decide about a job that was worked on when its server ended without a word."""
        if job.attempts < self.most_attempts:
            return Again(0.0)
        return GiveUp(
            Failure(
                code="lost-thrice",
                fault=Fault.SERVER,
                reason=f"{job.id} was started {job.attempts} times, and each time the server ended before the job did, "
                "so it is not started again. The server's log and the system's (out of memory?) may say why; "
                "ask again for another try.",
            )
        )

    def is_last_attempt(self, job: Job) -> bool:
        """Whether the next start of a waiting job is the last that it gets."""
        return job.attempts + 1 >= self.most_attempts
