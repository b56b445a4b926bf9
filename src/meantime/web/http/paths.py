"""Which API a path belongs to, and errors about paths."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from meantime.errors import MethodNotAllowed, PathUnknown
from meantime.web.http.replies import Reply

# How much of a path is repeated in an error: enough to recognize it, too little to carry somebody else's message.
_SHOWN_CHARACTERS = 200
_SHOWN_METHOD_CHARACTERS = 50


def is_v1(raw_path: bytes) -> bool:
    """Whether a raw path is /v1 or below it.

    >>> [is_v1(path) for path in (b"/v1/jobs", b"//v1", b"/%761/", b"/v1%2Fjobs", b"/v10", b"/api/v1")]
    [True, True, True, False, False, False]
    """
    if raw_path.startswith(b"/v1/"):
        return True
    return unquote_to_bytes(raw_path.lstrip(b"/").partition(b"/")[0]) == b"v1"


def path_unknown(path: str, directory: str) -> PathUnknown:
    """Return the error for a path without a route; ``directory`` is the request that lists all routes."""
    return PathUnknown(f"Nothing is at {path[:_SHOWN_CHARACTERS]!r}; {directory} lists what there is.")


def method_not_allowed(path: str, method: str, allowed: Sequence[str]) -> MethodNotAllowed:
    """Return the error for a method that a path does not support. ``allowed`` is sorted."""
    return MethodNotAllowed(
        f"{path[:_SHOWN_CHARACTERS]!r} does not support {method[:_SHOWN_METHOD_CHARACTERS]}; "
        f"it supports {', '.join(allowed)}.",
        allowed=allowed,
    )


def options(allowed: Sequence[str]) -> Reply:
    """Return the answer to OPTIONS."""
    return Reply(204, b"", content_type="", headers=(("allow", ", ".join(allowed)),))


def raw_path(scope: Scope) -> bytes:
    """Return the path as it was sent, still percent-encoded."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else str(scope["path"]).encode("utf-8", "replace")
