"""The host names of this server."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from meantime.errors import HostInvalid, HostNotAllowed

# Names that always mean a server on the same machine.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]\\]+))(?::[0-9]{1,5})?", re.ASCII)


def name_of(host: str) -> str | None:
    """Return the name in a Host header, without port and brackets, in lower case; None if it has none.

    >>> [name_of(host) for host in ("LOCALHOST:80", "[::1]:5000", "a b")]
    ['localhost', '::1', None]
    """
    match = _HOST.fullmatch(host.lower())
    return (match[1] or match[2]) if match else None


def is_loopback(name: str) -> bool:
    """Whether a name or an address always means the machine that it is used on.

    >>> [is_loopback(name) for name in ("localhost", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0", "a.example")]
    [True, True, True, True, False, False]
    """
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_in(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of some networks.

    >>> is_in("10.1.2.3", ["192.0.2.1", "10.0.0.0/8"]), is_in("", ["10.0.0.0/8"])
    (True, False)
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in networks)


def _is_unspecified(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False


class Hosts:
    """Checks the Host header of requests.

    A web page can point its own domain at this machine (DNS rebinding), so that browsers send its requests here. Only
    the host name distinguishes those requests from the ones meant for this server.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        names = (name.strip("[]").lower() for name in (*LOOPBACK_NAMES, *allowed))
        # "0.0.0.0" and "::", which a server listens on, lead to this machine too; but browsers send no Sec-Fetch-Site
        # there, and let pages of other sites in where they keep them from 127.0.0.1.
        self._allowed = frozenset(name for name in names if not _is_unspecified(name))
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
        text = host.decode("latin-1")
        name = name_of(text)
        if name is None:
            return HostInvalid(f"The Host header {text.lower()[:100]!r} is not a host name.")
        if name in self._allowed:
            return None
        if _is_unspecified(name):
            return HostNotAllowed(f"{name} is no name of a server. Use localhost, or the name that others use.")
        return HostNotAllowed(
            f"This server does not go by the name {name[:100]!r}. If it should, its operator adds the name to the "
            "setting allowed_hosts (MEANTIME_ALLOWED_HOSTS, or --allowed-hosts)."
        )
