"""``Prefer: wait=N`` (RFC 7240): the server waits before it answers, so that clients need not poll."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from meantime.web.http.endpoint import Header

# The longest wait. Proxies and load balancers close silent connections after 60 s or more. A client that wants to wait
# longer sends the request again, which costs it nothing.
WAIT_LIMIT_S = 60

PREFERENCE_APPLIED = Header(
    name="Preference-Applied", description="`wait=N`: how long the response would have waited.", required=False
)
# The type of the header's parameter, for the document.
PREFERENCE = Annotated[str, msgspec.Meta(examples=["wait=10"])]

# More than any client needs. Bounded, because the patterns below pass over a header several times.
_PREFER_CHARACTERS = 500
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = re.compile(rf'\s*({_WORD})\s*(?:=\s*({_WORD}|"(?:[^"\\]|\\.)*"))?\s*')
# The rest of a preference: its parameters, which are ignored, up to a comma outside quotes.
_REST = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")*')


def preferred_wait(header: str | None) -> int | None:
    """Return how many seconds a Prefer header asks to wait, at most 60; None if it does not.

    Other preferences, and those that cannot be read, are ignored, as the standard requires. The first of several waits
    counts.

    >>> [preferred_wait(header) for header in ("wait=10", 'respond-async, WAIT = "5"; x=y', "wait=600", "wait=0")]
    [10, 5, 60, 0]
    >>> [preferred_wait(header) for header in (None, "", "respond-async", "wait", "wait=-1", "wait=soon, wait=3")]
    [None, None, None, None, None, None]
    """
    header = (header or "")[:_PREFER_CHARACTERS]
    index = 0
    while index < len(header):
        stop = index
        if (match := _PREFERENCE.match(header, index)) is not None:
            stop = match.end()
            if match[1].lower() == "wait":
                seconds = (match[2] or "").strip('"')
                return min(int(seconds[:18]), WAIT_LIMIT_S) if re.fullmatch("[0-9]+", seconds) else None
        end = _REST.match(header, stop)
        index = (end.end() if end else stop) + 1
    return None


def applied(wait_s: int | None) -> tuple[tuple[str, str], ...]:
    """Return the header that confirms how long the answer would have waited, if the client asked for a wait."""
    return () if wait_s is None else (("preference-applied", f"wait={wait_s}"),)
