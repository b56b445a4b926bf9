"""Responses that a client may cache and revalidate: an ETag of their bytes, and 304 if the client has them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from meantime.web.http.endpoint import Header, Outcome, Parameter
from meantime.web.http.replies import JSON, Reply
from meantime.web.http.request import HttpRequest

# Cached, and revalidated each time: the content changes when data is reloaded.
_REVALIDATED = "no-cache"
_ETAG = re.compile(r'"[!\x23-\x7e]*"')

ETAG = Header(name="ETag", description="Identifies exactly these bytes.", required=False)
CACHE_CONTROL = Header(
    name="Cache-Control", description="`no-cache`: may be cached, and must be revalidated; or `no-store`."
)
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    where="header",
    kind=str,
    description="ETags that the client has cached; if one of them still matches, the response is 304 without a body.",
)
NOT_MODIFIED = Outcome(status=304, description="The client's copy is current.", headers=(ETAG, CACHE_CONTROL))


def answer(
    request: HttpRequest,
    body: bytes,
    *headers: tuple[str, str],
    media_type: str = JSON,
    cache_control: str = _REVALIDATED,
) -> Reply:
    """Return an answer with this body, or 304 if the client has it."""
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    described = (("etag", etag), ("cache-control", cache_control), *headers)
    if cached_etag(request.header("if-none-match"), (etag,)) is not None:
        return Reply(304, b"", content_type="", headers=described)
    return Reply(200, body, content_type=media_type, headers=described)


def cached_etag(if_none_match: str | None, etags: Sequence[str]) -> str | None:
    """Return the first of these ETags that If-None-Match names; ``*`` stands for the last of them.

    The comparison is weak, because proxies that compress answers weaken their ETags.

    >>> cached_etag('"a", W/"b"', ['"c"', '"b"']), cached_etag("*", ['"c"', '"b"']), cached_etag(None, ['"c"'])
    ('"b"', '"b"', None)
    """
    if if_none_match is None:
        return None
    if if_none_match.strip() == "*":
        return etags[-1]
    cached = set(_ETAG.findall(if_none_match))
    return next((etag for etag in etags if etag in cached), None)
