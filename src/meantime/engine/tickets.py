"""The tickets of a line of jobs, to count how many go before one. Thousands who wait ask for that, so nobody counts."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

# The turn of its client, and when it came: see `lines`. The lower goes first.
Ticket = tuple[int, int]

# Tickets that were given back at the front are deleted when there are more of them than this, and than of the others.
# So giving one back at the front, which nearly all jobs do, costs nothing however long the line is.
_STALE_LIMIT = 1_000
# Putting one into the middle moves all that are behind it: some microseconds in a line of ten thousand. Beyond this
# many, sorting once is quicker.
_SORTED_FROM = 32


class Tickets:
    """Tickets in ascending order. New ones are usually the highest, and the lowest are usually given back first."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._first = 0  # index of the first that is still there; those before it were given back

    def __len__(self) -> int:
        return len(self._tickets) - self._first

    def add(self, tickets: Sequence[Ticket]) -> None:
        """Add tickets that are not there, the lowest first."""
        if not self or len(tickets) >= _SORTED_FROM:
            # Those that were given back may be higher than these.
            self._drop_stale()
            self._tickets += tickets
            self._tickets.sort()  # of two ascending runs, which takes no longer than to read both
            return
        for ticket in tickets:
            if ticket > self._tickets[-1]:
                self._tickets.append(ticket)
            else:
                insort(self._tickets, ticket, lo=self._first)

    def remove(self, ticket: Ticket) -> None:
        """Give a ticket back."""
        if ticket != self._tickets[self._first]:
            del self._tickets[bisect_left(self._tickets, ticket, lo=self._first)]
            return
        self._first += 1
        if self._first > _STALE_LIMIT and self._first > len(self):
            self._drop_stale()

    def count_before(self, ticket: Ticket) -> int:
        """Count the tickets that are lower than this one."""
        return bisect_left(self._tickets, ticket, lo=self._first) - self._first

    def _drop_stale(self) -> None:
        del self._tickets[: self._first]
        self._first = 0
