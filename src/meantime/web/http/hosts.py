"""The host names of this server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from meantime.errors import HostInvalid, HostNotAllowed

# Names that always mean a server on the same machine.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]\\]+))(?::[0-9]{1,5})?", re.ASCII)


class Hosts:
    """Checks the Host header of requests.

    A web page can point its own domain at this machine (DNS rebinding), so that browsers send its requests here. Only
    the host name distinguishes those requests from the ones meant for this server.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(name.strip("[]").lower() for name in (*LOOPBACK_NAMES, *allowed))
        # The same few names occur in all requests. Bounded, because clients can send any name.
        self._error_for = lru_cache(256)(self._check)

    def check(self, hosts: list[bytes]) -> None:
        """Refuse a request unless it has exactly one Host header, with a name of this server.

        Raises:
            HostInvalid: no header, several, or not a host name.
            HostNotAllowed: not a name of this server.
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
