"""Who may do what is reserved for the operator: stopping the server and reloading data."""

from __future__ import annotations

from collections.abc import Mapping

from meantime.access.keys import Role
from meantime.errors import OperatorOnly
from meantime.web.http import hosts
from meantime.web.http.access import Caller, require
from meantime.web.http.request import HttpRequest

# Headers that proxies add. With one of these, the peer of the connection is not the client.
_PROXY_HEADERS = ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
# Headers that browsers add when they fetch a link before anybody clicks it.
_PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
# The headers that matter here. Proxies add other x-forwarded- headers, but never without one of these.
_OPERATOR_HEADERS = (
    "x-admin-key",
    "host",
    "origin",
    "referer",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    *_PROXY_HEADERS,
    *_PREFETCH_HEADERS,
)


def require_operator(
    action: str, *, peer: str | None, headers: Mapping[str, str], caller: Caller, from_own_page: bool = False
) -> None:
    """Refuse a request that only the operator may send.

    A GET that stops a server is a trap: a link in a page, a prefetch or a public proxy could trigger it. So a key with
    the role ``operate`` is accepted from anywhere; without a key, only a direct request from this machine is.
    ``headers`` have lower-case names, and include those of ``_OPERATOR_HEADERS`` that the request has. ``action`` is
    the subject of the error: "Stopping the server". ``from_own_page``: a page of this server may ask for it too, as
    long as it is open under a loopback name.

    Raises:
        KeyNotAllowed: the caller's key has another role.
        OperatorOnly: there is no key. Says what to do instead.
    """
    if caller.may(Role.OPERATE):
        return
    if caller.key_id is not None:
        require(Role.OPERATE, caller)
    if "x-admin-key" in headers:
        raise OperatorOnly("The key in X-Admin-Key is not the administrator's (the setting admin_key).")
    if (reason := _not_local(peer, headers, from_own_page=from_own_page)) is not None:
        raise OperatorOnly(
            f"{action} is not for this request: {reason}. Ask from the server's own machine under the name localhost, "
            "or send a key with the role operate (Authorization: Bearer), or the administrator's key (the setting "
            "admin_key) in the header X-Admin-Key."
        )


def require_operator_or_own_page(action: str, request: HttpRequest) -> None:
    """Refuse a request that neither the operator may send, nor a page of this server on the operator's machine.

    Raises:
        KeyNotAllowed, OperatorOnly: as ``require_operator``.
    """
    sent = _operator_headers(request)
    require_operator(action, peer=request.peer, headers=sent, caller=request.caller, from_own_page=True)


def is_operator(request: HttpRequest) -> bool:
    """Whether a page that gets the answer may reload, upload and remove data sets."""
    if request.caller.may(Role.OPERATE):
        return True
    if request.caller.key_id is not None:
        return False
    return _not_local(request.peer, _operator_headers(request), from_own_page=True) is None


def _operator_headers(request: HttpRequest) -> dict[str, str]:
    return {name: value for name in _OPERATOR_HEADERS if (value := request.header(name)) is not None}


def _not_local(peer: str | None, headers: Mapping[str, str], *, from_own_page: bool) -> str | None:
    if not hosts.is_loopback(peer or ""):
        return "it does not come from the loopback interface"
    if any(name in _PROXY_HEADERS or name.startswith("x-forwarded-") for name in headers):
        return "it came through a proxy"
    # Browsers send Sec-Fetch-Site to https and to names of the loopback interface only. Under any other name, an image
    # in a page of another site looks like an address that somebody typed.
    if not hosts.is_loopback(hosts.name_of(headers.get("host", "")) or ""):
        return "its Host is not a name of the loopback interface"
    # This includes same-site: a page on another port of this machine belongs to the same site, but is not ours.
    is_of_a_page = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    is_of_a_page = is_of_a_page or "origin" in headers or "referer" in headers
    if is_of_a_page and not (from_own_page and _is_own_page(headers)):
        return "a web page asked for it"
    if any(name in headers for name in _PREFETCH_HEADERS):
        return "a browser fetched it ahead of any click"
    return None


def _is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether a page of this server asks, which has a loopback name in Host. No page can write these headers itself.

    >>> _is_own_page({"host": "localhost:5000", "origin": "http://localhost:5000"})
    True
    >>> _is_own_page({"host": "localhost:5000", "origin": "http://localhost:8080", "sec-fetch-site": "same-site"})
    False
    """
    if (site := headers.get("sec-fetch-site")) is not None and site != "same-origin":
        return False
    return headers.get("origin") == f"http://{headers.get('host')}"
