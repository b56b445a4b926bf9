"""Who is worked on next. Only decides, in memory; guarded by the engine's lock.

A job's start is durable before its work begins, and an fsync for each would be most of what a job costs. So fresh jobs
are *claimed* some at a time, in one commit, and threads take claimed jobs one by one: a slow one delays nobody.

That is safe because of what happens after a crash. Whatever was claimed then has a counted attempt, and is a *suspect*:
one of them may be what killed the server. Suspects are claimed singly, one at a time, in order of number, while fresh
jobs go on beside them. On its last attempt a suspect works all alone: so a job that is given up on was the only one at
work when the server died, and nobody is given up on for the company that he was in.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from enum import Enum, auto
from itertools import count

from meantime.engine.lane import NOWHERE, Lane
from meantime.engine.ledger import LiveJob
from meantime.engine.retry import RetryPolicy

# Jobs claimed in one commit. With 32 the fsync is a few microseconds a job; more would only make more suspects of a
# crash, and each suspect is later run singly.
CLAIM_LIMIT = 32
# The next commit is begun while this many are still claimed, so that nobody waits for it.
_CLAIM_AHEAD = CLAIM_LIMIT // 2


class Place(Enum):
    """Where in the line a job is."""

    PARKED = auto()  # its data set is still loading
    WAITING = auto()
    CLAIMING = auto()  # its start is being committed
    CLAIMED = auto()
    WORKING = auto()
    WITHDRAWN = auto()  # no thread will take it any more


class WaitingLine:
    """All unfinished jobs, each in one place."""

    def __init__(self, retry: RetryPolicy) -> None:
        self.working = 0  # jobs that a thread has, until their end is committed
        self._retry = retry
        self._fresh: deque[LiveJob] = deque()
        self._suspects: list[tuple[int, LiveJob]] = []  # a heap by number
        self._parked: dict[str, list[LiveJob]] = {}
        self._claiming: list[LiveJob] = []
        self._claimed: deque[LiveJob] = deque()
        self._suspect: LiveJob | None = None  # the one that is claimed or worked on
        # Where those stand that no thread has, for who asks how many are before him. Fresh jobs have a ticket, given in
        # the order in which they join; suspects have their number.
        self._tickets = count(1)
        self._fresh_lane = Lane()
        self._suspect_lane = Lane()
        self._parked_lanes: defaultdict[str, Lane] = defaultdict(Lane)

    @property
    def is_claiming(self) -> bool:
        """Whether starts are being committed."""
        return bool(self._claiming)

    def join(self, lives: Iterable[LiveJob]) -> None:
        """Let jobs wait to be claimed."""
        for live in lives:
            live.place = Place.WAITING
            if live.job.attempts:
                heapq.heappush(self._suspects, (live.job.number, live))
                _stand(live, self._suspect_lane, live.job.number)
            else:
                self._fresh.append(live)
                _stand(live, self._fresh_lane, next(self._tickets))

    def park(self, lives: Iterable[LiveJob]) -> None:
        """Let jobs wait for their data set."""
        for live in lives:
            live.place = Place.PARKED
            dataset = live.job.request.dataset
            self._parked.setdefault(dataset, []).append(live)
            _stand(live, self._parked_lanes[dataset], next(self._tickets))

    def unpark(self, dataset: str) -> None:
        """Let the jobs of a data set go on: it is decided."""
        self._parked_lanes.pop(dataset, None)
        self.join(live for live in self._parked.pop(dataset, ()) if live.place is Place.PARKED)

    def claim(self) -> list[LiveJob]:
        """Take out the jobs to start next, in one commit; none where none may be. Then claimed or unclaim is called."""
        if not self._claiming:
            self._claiming = self._next_claim()
            for live in self._claiming:
                live.place = Place.CLAIMING
        return self._claiming

    def claimed(self) -> list[LiveJob]:
        """Let threads have the jobs whose starts are committed now, and return them."""
        lives, self._claiming = self._claiming, []
        for live in lives:
            live.place = Place.CLAIMED
        self._claimed.extend(lives)
        return lives

    def unclaim(self) -> None:
        """Put the jobs whose starts could not be committed back to where they were."""
        lives, self._claiming = self._claiming, []
        for live in reversed(lives):
            live.place = Place.WAITING
            if live is self._suspect:
                self._suspect = None
                heapq.heappush(self._suspects, (live.job.number, live))
            else:
                self._fresh.appendleft(live)

    def take(self) -> LiveJob | None:
        """Take out the next job to work on."""
        while self._claimed:
            live = self._claimed.popleft()
            if live.place is Place.CLAIMED:
                live.place = Place.WORKING
                live.is_working = True
                self.working += 1
                _step_out(live)
                return live
        return None

    def take_again(self, live: LiveJob) -> None:
        """Let a job that was worked on be taken once more, before others; its attempt is counted already."""
        self._stop_working(live)
        live.place = Place.CLAIMED
        self._claimed.appendleft(live)
        # With the ticket that it had: all before it are gone.
        _stand(live, self._suspect_lane if live is self._suspect else self._fresh_lane, live.ticket)

    def withdraw(self, live: LiveJob) -> bool:
        """See to it that no thread takes a job; False where one has it, or its start is being committed."""
        # It stays in its queue and is passed over there: taking it out of the middle would go through the whole queue.
        if live.place in (Place.PARKED, Place.WAITING, Place.CLAIMED):
            live.place = Place.WITHDRAWN
            _step_out(live)
            return True
        return False

    def position(self, live: LiveJob) -> int | None:
        """Say how many are before a job, as things are; None where it does not stand in line.

        Of fresh jobs those that joined before it. Suspects have a line of their own, by number, which goes beside the
        others. A parked job goes behind all fresh jobs when its data set is there, and so behind those that come until
        then too: its position can grow.
        """
        if live.lane is NOWHERE:
            return None
        before = live.lane.before(live.ticket)
        return before + len(self._fresh_lane) if live.place is Place.PARKED else before

    def leave(self, live: LiveJob) -> bool:
        """Forget a job; return whether it was worked on."""
        if live is self._suspect:
            self._suspect = None
        return self._stop_working(live)

    def _stop_working(self, live: LiveJob) -> bool:
        was_working = live.is_working
        live.is_working = False
        live.progress = 0.0
        self.working -= was_working
        return was_working

    def _next_claim(self) -> list[LiveJob]:
        if self._suspect is None:
            while self._suspects and self._suspects[0][1].place is not Place.WAITING:
                heapq.heappop(self._suspects)
            if self._suspects:
                suspect = self._suspects[0][1]
                if not self._retry.is_last_attempt(suspect.job) or not (self.working or self._claimed):
                    heapq.heappop(self._suspects)
                    self._suspect = suspect
                    return [suspect]
                return []  # whoever is at work or claimed comes to an end first
        elif self._suspect.job.attempts >= self._retry.most_attempts:
            return []  # its last attempt: it works alone
        lives: list[LiveJob] = []
        if len(self._claimed) <= _CLAIM_AHEAD:
            while self._fresh and len(lives) < CLAIM_LIMIT:
                live = self._fresh.popleft()
                if live.place is Place.WAITING:
                    lives.append(live)
        return lives


def _stand(live: LiveJob, lane: Lane, ticket: int) -> None:
    lane.enter(ticket)
    live.lane, live.ticket = lane, ticket


def _step_out(live: LiveJob) -> None:
    live.lane.leave(live.ticket)
    live.lane = NOWHERE
