"""The lines that jobs stand in until a thread has them. Guarded by the engine's lock.

Clients take turns, as in fair queuing (Nagle 1987; Demers, Keshav and Shenker 1989), with one job in place of a packet:
each job joins for the next turn in which its client has none yet, and jobs go by turn, in a turn by arrival. So a
client with one job waits for at most one job of each other client, however many these have. A job keeps its place, so
how many go before it is found by bisection; only jobs that come later for an earlier turn make that number grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Protocol

from meantime.engine.tickets import Ticket, Tickets


class InLine(Protocol):
    """What a line needs of a job."""

    client: str  # who sent it
    line: NumberLine | None  # where it stands
    ticket: Ticket  # its place there

    @property
    def number(self) -> int:
        """The job's number."""


class NumberLine:
    """Jobs in the order of their numbers, whoever sent them."""

    def __init__(self) -> None:
        self._tickets = Tickets()

    def __len__(self) -> int:
        return len(self._tickets)

    def join(self, jobs: Iterable[InLine]) -> None:
        """Let jobs that stand in no line stand in this one."""
        for job in jobs:
            job.ticket = (0, job.number)  # before those of a fair line, where both are claimed
            self.rejoin(job)

    def rejoin(self, job: InLine) -> None:
        """Let a job that has left stand where it stood before."""
        job.line = self
        self._tickets.add((job.ticket,))

    def leave(self, job: InLine) -> None:
        """Let a job stand in no line."""
        self._tickets.remove(job.ticket)
        job.line = None

    def count_before(self, job: InLine) -> int:
        """Count the jobs that go before one that stands in this line."""
        return self._tickets.count_before(job.ticket)


class _Share:
    """What a line knows of a client that has jobs in it."""

    __slots__ = ("jobs", "last_turn")

    def __init__(self) -> None:
        self.last_turn = 0  # for which one of its jobs joined
        self.jobs = 0


class FairLine(NumberLine):
    """Jobs of clients that take turns."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0  # the turn of the last job that a thread took
        self._arrivals = count()
        # Only of clients that have jobs here: one that has none joins for the next turn, whatever it had before.
        self._shares: dict[str, _Share] = {}

    def join(self, jobs: Iterable[InLine]) -> None:
        """Let jobs that stand in no line stand in this one, each client's for its next turns."""
        tickets: list[Ticket] = []
        for job in jobs:
            share = self._share(job)
            share.last_turn = max(share.last_turn, self._turn) + 1
            job.line = self
            job.ticket = (share.last_turn, next(self._arrivals))
            tickets.append(job.ticket)
        self._tickets.add(sorted(tickets))

    def rejoin(self, job: InLine) -> None:
        """Let a job that has left stand where it stood before."""
        self._share(job)
        super().rejoin(job)

    def leave(self, job: InLine) -> None:
        """Let a job stand in no line."""
        super().leave(job)
        share = self._shares[job.client]
        share.jobs -= 1
        if not share.jobs:
            del self._shares[job.client]

    def serve(self, job: InLine) -> None:
        """Let a job leave because a thread takes it: its turn has come."""
        self._turn = max(self._turn, job.ticket[0])
        self.leave(job)

    def _share(self, job: InLine) -> _Share:
        """Return the share of a job's client, and count the job in."""
        if (share := self._shares.get(job.client)) is None:
            share = self._shares[job.client] = _Share()
        share.jobs += 1
        return share
