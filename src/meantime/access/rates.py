"""How many requests a client may send: a token bucket each (Turner, 1986)."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

# A page of the explorer makes 30 requests at once, and a dashboard may have a few of them.
_BURST_S = 10
# 2 MB. Beyond, the client that has been silent for the longest time is forgotten, which gives it a full bucket.
_CLIENTS = 10_000


class RateLimit:
    """Gives each client so many requests a second, and ten seconds' worth of them at once."""

    def __init__(self, per_s: float, *, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._most = per_s * _BURST_S
        self._clock = clock
        # By client: how many requests it may send, and since when.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Count a request; return after how many seconds the next one is allowed if this one is not, else 0.

        >>> limit = RateLimit(0.1, clock=lambda: 0.0)
        >>> limit.take("a"), limit.take("a"), limit.take("b")
        (0.0, 10.0, 0.0)
        """
        now = self._clock()
        left, since = self._left.pop(client, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_s)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
        self._left[client] = (left if wait_s else left - 1, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return wait_s


def client_of(address: str | None) -> str:
    """Return whose an address is: of IPv6, a network of 64 bits belongs to one client.

    >>> client_of("192.0.2.1"), client_of("2001:db8::1"), client_of("::ffff:192.0.2.1"), client_of(None)
    ('192.0.2.1', '2001:db8::/64', '192.0.2.1', '')
    """
    if address is None or ":" not in address:
        return address or ""
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
