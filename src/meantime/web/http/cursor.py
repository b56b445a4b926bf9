"""Cursors: positions where the next page of a list starts. Clients send them back unchanged."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from meantime.errors import CursorInvalid

# A cursor holds a version, a position, and a digest of both and of the list that it belongs to. It stays valid for the
# same list, across restarts too, and for no other list. The digest catches mistakes; there is nothing to gain by
# forging one.
_VERSION = b"\x01"
_DIGEST_BYTES = 9
# A multiple of three, so that base64 needs no padding and each cursor has only one spelling.
_CURSOR_BYTES = 1 + 8 + _DIGEST_BYTES


def encode(position: int, list_key: Any) -> str:
    """Return the cursor of a position in a list. ``list_key`` identifies the list, and is anything JSON can represent.

    >>> decode(encode(7, ["queued"]), ["queued"])
    7
    """
    begin = _VERSION + position.to_bytes(8, "big")
    return base64.urlsafe_b64encode(begin + _digest(begin, list_key)).decode()


def decode(cursor: str, list_key: Any) -> int:
    """Return the position of a cursor.

    Raises:
        CursorInvalid: it is not a cursor, or belongs to another list.
    """
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:  # not ASCII, or not base64
        raw = b""
    begin, digest = raw[:-_DIGEST_BYTES], raw[-_DIGEST_BYTES:]
    if len(raw) != _CURSOR_BYTES or digest != _digest(begin, list_key):
        raise CursorInvalid(
            "The cursor does not belong to this list as it is now. Send it unchanged and with the same filters, "
            "or start again without one."
        )
    return int.from_bytes(begin[1:], "big")


def _digest(begin: bytes, list_key: Any) -> bytes:
    return hashlib.blake2b(begin + msgspec.json.encode(list_key), digest_size=_DIGEST_BYTES).digest()
