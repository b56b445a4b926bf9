"""Ranges of bytes (RFC 9110)."""

from __future__ import annotations

import re
from typing import NamedTuple

from meantime.errors import RangeInvalid
from meantime.web.http.request import HttpRequest

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class ByteRange(NamedTuple):
    """A requested range of bytes; None where an end was left open."""

    first: int | None
    last: int | None  # if first is None, the number of bytes from the end

    def within(self, size_bytes: int) -> tuple[int, int]:
        """Return its first byte, and the one after its last.

        Raises:
            RangeInvalid: it has no byte in common with the content.

        >>> [ByteRange(*each).within(10) for each in ((0, 3), (7, None), (7, 99), (None, 3), (None, 99))]
        [(0, 4), (7, 10), (7, 10), (7, 10), (0, 10)]
        """
        if self.first is None:
            first, end = max(0, size_bytes - (self.last or 0)), size_bytes
        else:
            first, end = self.first, size_bytes if self.last is None else min(self.last + 1, size_bytes)
        if first >= end:
            raise RangeInvalid(
                f"The range starts after the end: there are {size_bytes:,} bytes. Request a range within them, or "
                "leave out the header Range.",
                size_bytes=size_bytes,
            )
        return first, end


def requested_range(request: HttpRequest, etag: str) -> ByteRange | None:
    """Return the requested range of the uncompressed representation, unless If-Range names another ETag.

    Invalid ranges, other units and several ranges at once are ignored, as RFC 9110 allows: the answer is the whole.
    """
    match = _RANGE.fullmatch(request.header("range") or "")
    if match is None or (request.header("if-range") or etag) != etag:
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    is_range = last is not None if first is None else last is None or first <= last
    return ByteRange(first, last) if is_range else None
