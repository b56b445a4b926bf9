"""What all connections of a listener share: their limits, how many there are, and the memory that they may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from meantime.web.http.bodies import BodyMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How much a client may send and hold. ``docs/operating.md`` has a table of these."""

    # So many that enough descriptors are left for everything else; depends on the machine.
    connections: int = 512
    # Connections beyond the limit that are told so before they are closed; further ones are closed at once.
    refused_connections: int = 64
    refused_s: float = 2
    # Request line, headers, trailers, and the lines around chunks. An address with every location of a large table
    # has 40 KB, browsers send 2 KB of headers, and cookies of other sites under the same host name up to 16 KB.
    head_bytes: int = 64 * 1024
    # Of the address alone, so that a request with a long address has room for its headers.
    address_bytes: int = 63 * 1024
    # Browsers send 20, and proxies add 10.
    headers: int = 100
    # A head is sent in one packet or a few; also the longest time for the first byte of a connection.
    head_s: float = 10
    # The slowest mobile networks are ten times as fast. A body may pause for a period.
    body_bytes_per_s: float = 1024
    body_period_s: float = 10
    # Between requests, as long as browsers need to go on with a page.
    idle_s: float = 5
    # What is still read after an answer, so that the client sees it before its connection is closed.
    linger_s: float = 5
    # Of what comes after a refusal. Whoever sends more than this is not reading, and is reset.
    linger_bytes: int = 1024 * 1024
    # Answers that a client does not read: it must take some in each period.
    unread_bytes_per_s: float = 1024
    unread_period_s: float = 30
    # Requests sent ahead of the answers. Browsers send none, load generators up to 64.
    pipelined: int = 100


class HeldMemory:
    """What one connection takes of the memory that all share."""

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self.size_bytes = 0

    def hold(self, size_bytes: int) -> bool:
        """Hold this much instead of what was held; return whether there was room for it."""
        more = size_bytes - self.size_bytes
        if more > 0 and not self._memory.take(more):
            return False
        if more < 0:
            self._memory.give_back(-more)
        self.size_bytes = size_bytes
        return True


class Connections:
    """The open connections of a listener. Used in its event loop only."""

    def __init__(
        self, limits: ConnectionLimits, memory: BodyMemory, *, is_proxy: Callable[[str], bool] = lambda _address: False
    ) -> None:
        self.limits = limits
        self.memory = memory
        # Whether an address is that of a proxy, all of whose clients share it.
        self._is_proxy = is_proxy
        self._by_address: Counter[str | None] = Counter()
        self.number = 0  # of open connections

    def add(self, address: str | None) -> bool:
        """Count a connection; return whether there is room for it.

        An address may have half of all connections, so that one client cannot shut out the others.
        """
        self.number += 1
        self._by_address[address] += 1
        most = self.limits.connections
        has_too_many = self._by_address[address] > max(1, most // 2) and not self._is_proxy(address or "")
        return self.number <= most and not has_too_many

    @property
    def are_beyond_refusing(self) -> bool:
        """Whether there are so many that not even a refusal can be sent."""
        return self.number > self.limits.connections + self.limits.refused_connections

    def remove(self, address: str | None) -> None:
        """Forget a connection that has ended."""
        self.number -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
