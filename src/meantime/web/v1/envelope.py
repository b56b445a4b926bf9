"""The headers of a result: ETag, encoding, length, file name."""

from __future__ import annotations

import hashlib
import platform
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Literal

from meantime.formats.format import Format
from meantime.formats.writers.renderer import fonts
from meantime.web.http.conditional import cached_etag
from meantime.web.http.negotiation import read_weights
from meantime.web.http.ranges import ByteRange
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.pieces import PIECE_BYTES, PieceMaker, compressed, compressed_in_thread, pieces_of, slices

# A body that fits into one packet with its headers does not arrive sooner when it is shorter.
_COMPRESSED_FROM_BYTES = 1200
# Compressed within half a millisecond; going to a thread and back takes a fifth of that.
_COMPRESSED_INLINE_BYTES = 32 * 1024


Coding = Literal["identity", "gzip"]
IDENTITY: Coding = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The headers of an answer, whatever its body."""

    content_type: str
    tag: str  # identifies the result in this format
    headers: tuple[tuple[str, str], ...]
    disposition: tuple[tuple[str, str], ...]
    job_id: str | None

    def etag(self, coding: Coding) -> str:
        """Return the ETag of the answer in an encoding."""
        return f'"{self.tag}"' if coding == IDENTITY else f'"{self.tag}-{coding}"'

    def matching_etag(self, if_none_match: str | None, coding: Coding) -> str | None:
        """Return the ETag of the client's copy, if this answer could have it.

        Whether an answer is compressed depends on its length, which is not known yet. So an uncompressed copy is also
        current for a client that accepts compression.
        """
        return cached_etag(if_none_match, (self.etag(coding), self.etag(IDENTITY)))

    def not_modified(self, etag: str) -> Reply:
        """Return the answer that the client's copy is current."""
        return Reply(304, b"", self.content_type, (("etag", etag), *self.headers), job_id=self.job_id)

    async def full(self, body: bytes, coding: Coding) -> Reply | Stream:
        """Return an answer with the whole body."""
        if coding == IDENTITY or len(body) < _COMPRESSED_FROM_BYTES:
            return self._uncompressed(200, memoryview(body))
        if len(body) > PIECE_BYTES:
            return self.stream(slices(memoryview(body)), coding)
        is_inline = len(body) <= _COMPRESSED_INLINE_BYTES
        shorter = b"".join(compressed((body,))) if is_inline else await compressed_in_thread(body)
        return Reply(200, shorter, self.content_type, self._all_headers(coding), job_id=self.job_id)

    def partial(self, body: bytes, span: ByteRange) -> Reply | Stream:
        """Return an answer with a range of the body.

        Raises:
            RangeInvalid: it starts after the end.
        """
        first, end = span.within(len(body))
        return self._uncompressed(
            206, memoryview(body)[first:end], ("content-range", f"bytes {first}-{end - 1}/{len(body)}")
        )

    def stream(self, pieces: Iterator[bytes], coding: Coding) -> Stream:
        """Return an answer that is sent in pieces while they are produced."""
        making = PieceMaker(lambda: pieces if coding == IDENTITY else compressed(pieces))
        return Stream(200, pieces_of(making), self.content_type, self._all_headers(coding), job_id=self.job_id)

    def _uncompressed(self, status: int, body: memoryview, *more: tuple[str, str]) -> Reply | Stream:
        headers = (*self._all_headers(IDENTITY), *more)
        if len(body) <= PIECE_BYTES:
            return Reply(status, bytes(body), self.content_type, headers, job_id=self.job_id)
        # The length is known, so clients can show the progress of a download.
        headers = (*headers, ("content-length", str(len(body))))
        return Stream(
            status, pieces_of(PieceMaker(lambda: slices(body))), self.content_type, headers, job_id=self.job_id
        )

    def _all_headers(self, coding: Coding) -> tuple[tuple[str, str], ...]:
        encoding = () if coding == IDENTITY else (("content-encoding", coding),)
        return (
            ("etag", self.etag(coding)),
            *encoding,
            ("accept-ranges", "bytes"),
            # A result can contain any text; browsers must not take it for a page.
            ("x-content-type-options", "nosniff"),
            *self.disposition,
            *self.headers,
        )


@cache
def writers() -> str:
    """Return a digest of the software that writes results: other versions may write other bytes for the same result."""
    packages = ("meantime", "msgspec", "duckdb", "nanoarrow", "xlsxwriter", "vl-convert-python")
    versions = [platform.python_version(), zlib.ZLIB_RUNTIME_VERSION, fonts(), *map(metadata.version, packages)]
    return hashlib.blake2b(" ".join(versions).encode(), digest_size=4).hexdigest()


def vary_of(request: HttpRequest, headers: Sequence[tuple[str, str]]) -> str:
    """Return the names of the request headers that the answer depends on."""
    names = [] if "suffix" in request.path_params else ["Accept"]
    names.append("Accept-Encoding")
    if any(name == "preference-applied" for name, _ in headers):
        names.append("Prefer")
    return ", ".join(names)


def coding_of(accept_encoding: str | None, form: Format) -> Coding:
    """Return the encoding that Accept-Encoding prefers. Formats that are not text are compressed already."""
    weights = read_weights(accept_encoding or "")
    gzip_weight = max((weights[name] for name in ("gzip", "x-gzip") if name in weights), default=weights.get("*", 0.0))
    return "gzip" if form.is_text and gzip_weight > 0 and gzip_weight >= weights.get(IDENTITY, 0.0) else IDENTITY
