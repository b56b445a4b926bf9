"""The names by which this server may be called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from meantime.errors import HostInvalid, HostNotAllowed

# Names by which a server on its own machine is always meant.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]\\]+))(?::[0-9]{1,5})?", re.ASCII)


class Hosts:
    """Checks the Host of requests.

    A page elsewhere can point its own name at this machine and have a browser send requests to us under that name; only
    the name distinguishes those from the ones that are meant for us.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(name.strip("[]").lower() for name in (*LOOPBACK_NAMES, *allowed))
        # The same few names come with every request. Bounded, since anything can be sent as a host.
        self._error_for = lru_cache(256)(self._check)

    def check(self, hosts: list[bytes]) -> None:
        """Refuse a request by its Host headers, of which it must have one.

        Raises:
            HostInvalid: none, several, or not a host.
            HostNotAllowed: not a name of ours.
        """
        if len(hosts) != 1:
            raise HostInvalid(f"The request has {len(hosts) or 'no'} Host headers; it must have exactly one.")
        if (error := self._error_for(hosts[0])) is not None:
            raise error

    def _check(self, host: bytes) -> HostInvalid | HostNotAllowed | None:
        text = host.decode("latin-1").lower()
        match = _HOST.fullmatch(text)
        if not match:
            return HostInvalid(f"The Host header {text[:100]!r} is not a host name.")
        name = match[1] or match[2]
        if name in self._allowed:
            return None
        return HostNotAllowed(
            f"This server does not go by the name {name[:100]!r}. If it should, its operator adds the name to the "
            "setting allowed_hosts (MEANTIME_ALLOWED_HOSTS, or --allowed-hosts)."
        )
