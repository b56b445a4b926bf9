"""``Prefer: wait=N`` (RFC 7240): an answer that waits, instead of a client that asks again and again."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from meantime.web.http.endpoint import Header

# The longest wait that is granted. Proxies and load balancers cut a silent connection after 60 s or more; a client that
# wants to wait longer asks again, which costs it nothing.
WAIT_LIMIT_S = 60

PREFERENCE_APPLIED = Header(
    name="Preference-Applied", description="`wait=N`: how long the response would have waited.", required=False
)
# The type of the header's parameter, for the document.
PREFERENCE = Annotated[str, msgspec.Meta(examples=["wait=10"])]

# No client has more to say. Bounded since what follows goes through a hostile header many times over.
_PREFER_CHARACTERS = 500
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = re.compile(rf'\s*({_WORD})\s*(?:=\s*({_WORD}|"(?:[^"\\]|\\.)*"))?\s*')
# What ends a preference: its parameters, which we know none of, then a comma that stands in no quotes.
_REST = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")*')


def preferred_wait(header: str | None) -> int | None:
    """Return how many seconds a Prefer header asks to wait for, at most 60; None where it does not ask that.

    Whatever else is preferred is not ours; what cannot be read is passed over, as that standard wants it. Of several
    waits the first counts.

    >>> [preferred_wait(header) for header in ("wait=10", 'respond-async, WAIT = "5"; x=y', "wait=600", "wait=0")]
    [10, 5, 60, 0]
    >>> [preferred_wait(header) for header in (None, "", "respond-async", "wait", "wait=-1", "wait=soon, wait=3")]
    [None, None, None, None, None, None]
    """
    header = (header or "")[:_PREFER_CHARACTERS]
    at = 0
    while at < len(header):
        rest = at
        if (match := _PREFERENCE.match(header, at)) is not None:
            rest = match.end()
            if match[1].lower() == "wait":
                seconds = (match[2] or "").strip('"')
                return min(int(seconds[:18]), WAIT_LIMIT_S) if re.fullmatch("[0-9]+", seconds) else None
        end = _REST.match(header, rest)
        at = (end.end() if end else rest) + 1
    return None


def applied(wait_s: int | None) -> tuple[tuple[str, str], ...]:
    """Return the header that says for how long an answer would have waited, if that was asked."""
    return () if wait_s is None else (("preference-applied", f"wait={wait_s}"),)
