"""The tickets of a line of jobs, to count how many go before one. Thousands who wait ask for that, so nobody counts."""

from __future__ import annotations

from bisect import bisect_left, insort

# Tickets that were given back at the front are deleted when there are more of them than this, and than of the others.
# So giving one back at the front, which nearly all jobs do, costs nothing however long the line is.
_STALE_LIMIT = 1_000


class Tickets:
    """Numbers in ascending order. New ones are usually the highest, and the lowest are usually given back first."""

    def __init__(self) -> None:
        self._tickets: list[int] = []
        self._first = 0  # index of the first that is still there; those before it were given back

    def __len__(self) -> int:
        return len(self._tickets) - self._first

    def add(self, ticket: int) -> None:
        """Add a ticket that is not there."""
        # Those that were given back at the front are lower than all others, so comparing with the last one is enough.
        if not self._tickets or ticket > self._tickets[-1]:
            self._tickets.append(ticket)
        else:
            insort(self._tickets, ticket, lo=self._first)

    def remove(self, ticket: int) -> None:
        """Give a ticket back."""
        if ticket != self._tickets[self._first]:
            del self._tickets[bisect_left(self._tickets, ticket, lo=self._first)]
            return
        self._first += 1
        if self._first > _STALE_LIMIT and self._first > len(self):
            del self._tickets[: self._first]
            self._first = 0

    def count_before(self, ticket: int) -> int:
        """Count the tickets that are lower than this one."""
        return bisect_left(self._tickets, ticket, lo=self._first) - self._first


NO_TICKETS = Tickets()  # for jobs that stand in no line
