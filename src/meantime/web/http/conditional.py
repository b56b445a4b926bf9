"""Answers that a client may keep and ask after: an ETag of their bytes, and 304 where it has them."""

from __future__ import annotations

import hashlib
import re

from meantime.web.http.endpoint import Header, Outcome, Parameter
from meantime.web.http.replies import JSON, Reply
from meantime.web.http.request import HttpRequest

# Kept, and asked after each time: what is at the address changes when the server is given other data.
_ASKED_AFTER = "no-cache"
_ETAG = re.compile(r'"[!\x23-\x7e]*"')

ETAG = Header(name="ETag", description="Names these very bytes.", required=False)
CACHE_CONTROL = Header(name="Cache-Control", description="no-cache: keep it, and ask after it; or no-store.")
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    where="header",
    kind=str,
    description="ETags of what the client has; with one that still holds the answer is 304, without a body.",
)
NOT_MODIFIED = Outcome(status=304, description="The client has it already.", headers=(ETAG, CACHE_CONTROL))


def answer(
    request: HttpRequest,
    body: bytes,
    *headers: tuple[str, str],
    media_type: str = JSON,
    cache_control: str = _ASKED_AFTER,
) -> Reply:
    """Return the answer with this body, or that the client has it."""
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    described = (("etag", etag), ("cache-control", cache_control), *headers)
    known = request.header("if-none-match") or ""
    # Compared weakly: proxies that pack by themselves weaken ETags.
    if known.strip() == "*" or etag in _ETAG.findall(known):
        return Reply(304, b"", content_type="", headers=described)
    return Reply(200, body, content_type=media_type, headers=described)
