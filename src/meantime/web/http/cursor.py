"""Cursors: where a list goes on. Clients send them back as they came, and look at nothing within."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from meantime.errors import CursorInvalid

# A cursor is a version, a place in the list, and a digest of that and of what the list is of: it goes on with the same
# list, through restarts too, and with no other. The digest is against mistakes; there is nothing to forge.
_VERSION = b"\x01"
_SEAL_BYTES = 9
# A multiple of three: base64 of that needs no padding, and has no two ways to write the same.
_CURSOR_BYTES = 1 + 8 + _SEAL_BYTES


def write(position: int, of: Any) -> str:
    """Return the cursor of a place in the list of ``of``, which is whatever JSON can be made of.

    >>> read(write(7, ["queued"]), ["queued"])
    7
    """
    begin = _VERSION + position.to_bytes(8, "big")
    return base64.urlsafe_b64encode(begin + _seal(begin, of)).decode()


def read(cursor: str, of: Any) -> int:
    """Return the place that a cursor is of.

    Raises:
        CursorInvalid: it is none of ours, or of another list.
    """
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:  # not ASCII, or not base64
        raw = b""
    begin, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    if len(raw) != _CURSOR_BYTES or seal != _seal(begin, of):
        raise CursorInvalid(
            "The cursor does not belong to this list as it is now. Send it unchanged and with the same filters, "
            "or start again without one."
        )
    return int.from_bytes(begin[1:], "big")


def _seal(begin: bytes, of: Any) -> bytes:
    return hashlib.blake2b(begin + msgspec.json.encode(of), digest_size=_SEAL_BYTES).digest()
