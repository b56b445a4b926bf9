"""The headers around a result: ETag, coding, length, file name."""

from __future__ import annotations

import hashlib
import platform
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from meantime.formats.format import Format
from meantime.formats.writers.renderer import fonts
from meantime.web.http.conditional import cached_etag
from meantime.web.http.negotiation import read_weights
from meantime.web.http.ranges import ByteRange
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.pieces import PIECE_BYTES, PieceMaker, compressed, pieces_of, slices

# What fits into one packet with its headers comes no sooner when it is shorter.
_PACKED_FROM_BYTES = 1200


Coding = Literal["identity", "gzip"]
PLAIN: Coding = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands on an answer, whichever bytes are in it."""

    content_type: str
    tag: str  # of the result in this form
    headers: tuple[tuple[str, str], ...]
    disposition: tuple[tuple[str, str], ...]
    job_id: str | None

    def etag(self, coding: Coding) -> str:
        """Return the ETag of the answer in a coding."""
        return f'"{self.tag}"' if coding == PLAIN else f'"{self.tag}-{coding}"'

    def known(self, if_none_match: str | None, coding: Coding) -> str | None:
        """Return the ETag of what the client has already, if it is one that this answer could have.

        Whether the answer is compressed depends on its length, which is not known before it is made: an uncompressed
        copy is good enough for a client that accepts compression.
        """
        return cached_etag(if_none_match, (self.etag(coding), self.etag(PLAIN)))

    def unchanged(self, etag: str) -> Reply:
        """Answer that the client has it already."""
        return Reply(304, b"", self.content_type, (("etag", etag), *self.headers), job_id=self.job_id)

    def whole(self, body: bytes, coding: Coding) -> Reply | Stream:
        """Answer with all of it."""
        if coding == PLAIN or len(body) < _PACKED_FROM_BYTES:
            return self._plain(200, memoryview(body))
        if len(body) > PIECE_BYTES:
            return self.as_it_is_made(slices(memoryview(body)), coding)
        packed = b"".join(compressed((body,)))
        return Reply(200, packed, self.content_type, self._described(coding), job_id=self.job_id)

    def part(self, body: bytes, span: ByteRange) -> Reply | Stream:
        """Answer with a part.

        Raises:
            RangeInvalid: it begins behind the end.
        """
        first, end = span.within(len(body))
        return self._plain(206, memoryview(body)[first:end], ("content-range", f"bytes {first}-{end - 1}/{len(body)}"))

    def as_it_is_made(self, pieces: Iterator[bytes], coding: Coding) -> Stream:
        """Answer with pieces while they are made."""
        making = PieceMaker(lambda: pieces if coding == PLAIN else compressed(pieces))
        return Stream(200, pieces_of(making), self.content_type, self._described(coding), job_id=self.job_id)

    def _plain(self, status: int, body: memoryview, *more: tuple[str, str]) -> Reply | Stream:
        headers = (*self._described(PLAIN), *more)
        if len(body) <= PIECE_BYTES:
            return Reply(status, bytes(body), self.content_type, headers, job_id=self.job_id)
        # Told where it is known: whoever loads it can see how far it is.
        headers = (*headers, ("content-length", str(len(body))))
        return Stream(
            status, pieces_of(PieceMaker(lambda: slices(body))), self.content_type, headers, job_id=self.job_id
        )

    def _described(self, coding: Coding) -> tuple[tuple[str, str], ...]:
        packed = () if coding == PLAIN else (("content-encoding", coding),)
        return (
            ("etag", self.etag(coding)),
            *packed,
            ("accept-ranges", "bytes"),
            # A data file may hold anything; no browser is to take it for a page.
            ("x-content-type-options", "nosniff"),
            *self.disposition,
            *self.headers,
        )


def _writers() -> str:
    """Return a short name for what writes results here. Another version may write the same result in other bytes."""
    packages = ("meantime", "msgspec", "duckdb", "nanoarrow", "xlsxwriter", "vl-convert-python")
    versions = [platform.python_version(), zlib.ZLIB_RUNTIME_VERSION, fonts(), *map(metadata.version, packages)]
    return hashlib.blake2b(" ".join(versions).encode(), digest_size=4).hexdigest()


WRITERS = _writers()


def vary_of(request: HttpRequest, headers: Sequence[tuple[str, str]]) -> str:
    """Return which headers of the request the answer depends on."""
    names = [] if "suffix" in request.path_params else ["Accept"]
    names.append("Accept-Encoding")
    if any(name == "preference-applied" for name, _ in headers):
        names.append("Prefer")
    return ", ".join(names)


def coding_of(accept_encoding: str | None, form: Format) -> Coding:
    """Return the coding that an Accept-Encoding header wants. What is no text is packed already."""
    weights = read_weights(accept_encoding or "")
    packed = max((weights[name] for name in ("gzip", "x-gzip") if name in weights), default=weights.get("*", 0.0))
    return "gzip" if form.is_text and packed > 0 and packed >= weights.get(PLAIN, 0.0) else PLAIN
