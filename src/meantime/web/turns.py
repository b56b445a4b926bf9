"""Those who wait for a place, of several clients that take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class TurnQueue(Generic[T]):
    """Up to ``limit`` that wait. Each turn has one of each client, in the order in which the clients came."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_client: OrderedDict[str, deque[T]] = OrderedDict()  # whose turn it is comes first
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, client: str, waiter: T) -> T | None:
        """Let one more wait. Return the one that no longer may: itself or another, or None if there is room for all.

        If there is no room, the last one of the client with most of them goes. So one client cannot take all places.
        """
        self._by_client.setdefault(client, deque()).append(waiter)
        self._length += 1
        if self._length <= self._limit:
            return None
        # The newcomer's client among those with most: nobody goes for one who has as many.
        most = max(self._by_client, key=lambda each: (len(self._by_client[each]), each == client))
        dropped = self._by_client[most][-1]
        self.discard(most, dropped)
        return dropped

    def pop(self) -> T:
        """Take out the next one.

        Raises:
            KeyError: nobody waits.
        """
        client, waiting = self._by_client.popitem(last=False)
        waiter = waiting.popleft()
        if waiting:
            self._by_client[client] = waiting
        self._length -= 1
        return waiter

    def discard(self, client: str, waiter: T) -> None:
        """Take out one that no longer waits; one that is out already is no error."""
        waiting = self._by_client.get(client)
        if waiting is None or waiter not in waiting:
            return
        waiting.remove(waiter)
        self._length -= 1
        if not waiting:
            del self._by_client[client]
