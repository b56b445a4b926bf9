"""How a result is sent: in which format, compressed or not, whole or in part, or not at all if the client has it.

A representation is a format in an encoding, and its strong ETag identifies its exact bytes. The bytes depend only on
the result and on the software that writes them: not on the time, nor on whether they are sent whole or in pieces.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

import msgspec

from meantime.formats.document import Document, about_of, decode
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS
from meantime.table import Heading
from meantime.web.http.ranges import requested_range
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.envelope import IDENTITY, Envelope, coding_of, vary_of, writers
from meantime.web.v1.pieces import PIECE_BYTES, PieceMaker

# The first format: for clients that do not choose one, and the one that results are stored in.
JSON_FORM = next(iter(FORMATS.values()))

# A stored result up to this length is converted within a millisecond; going to a thread and back takes as long.
_INLINE_BYTES = 32 * 1024


class Run(Protocol):
    """Does some work in a thread, as ``AnswerPool.run`` does."""

    async def __call__(
        self, request: HttpRequest, work: Callable[[], bytes], *, stop: Callable[[], None] | None = None
    ) -> bytes:
        """Return what the work does, or raise what it raises."""


async def represent(
    request: HttpRequest,
    *,
    form: Format,
    tag: str,
    document: Callable[[], Document] | None = None,
    body: Callable[[], Awaitable[bytes]] | None = None,
    cache_control: str,
    headers: tuple[tuple[str, str], ...] = (),
    job_id: str | None = None,
    stem: Callable[[Heading | None], str] | None = None,
    run: Run,
    stop: Callable[[], None] | None = None,
) -> Reply | Stream:
    """Answer with a result in a format, unless the client has it already.

    ``tag`` identifies the result. Its content comes from one of two functions, called only if it has to be sent:
    ``body`` reads the stored JSON, which is sent unchanged; ``document`` computes the result. ``run`` does that in a
    thread, and writes the first piece there; ``stop`` ends the computation early if the client disconnects. ``stem``
    makes the file name, without its suffix, from what the result is about: see ``formats.file_names``.

    Raises:
        RangeInvalid: the requested range starts after the end.
        AnswersBusy: too many wait for these threads.
        ClientGone: the client disconnected before there was anything to send.
        Exception: whatever ``body`` and ``document`` raise.
    """
    once = "" if form.is_repeatable else f".{secrets.token_hex(8)}"
    envelope = Envelope(
        content_type=form.content_type,
        tag=f"{tag}.{form.suffix}{_variant(form)}.{writers()}{once}",
        headers=(("cache-control", cache_control), ("vary", vary_of(request, headers)), *headers),
        disposition=(),
        job_id=job_id,
    )
    coding = coding_of(request.header("accept-encoding"), form)
    # Conditions do not apply to a POST that has waited for its result.
    if (
        request.method in ("GET", "HEAD")
        and (etag := envelope.matching_etag(request.header("if-none-match"), coding)) is not None
    ):
        return envelope.not_modified(etag)
    span = requested_range(request, envelope.etag(IDENTITY)) if request.method == "GET" else None
    kept = None if body is None else await body()
    abouts: list[Heading | None] = []

    def known_document() -> Document:
        found = _document(kept, document)
        abouts.append(found.table.about)
        return found

    if kept is not None and form is JSON_FORM:
        made, rest = kept, None
        abouts.append(about_of(kept))
    else:
        # A range needs the whole body, to know its total length.
        limit_bytes = PIECE_BYTES if span is None else sys.maxsize
        making = PieceMaker(lambda: form.pieces(known_document()))
        if form.is_text and not form.is_slow and kept is not None and len(kept) <= _INLINE_BYTES:
            made = making.take(limit_bytes)
        else:

            def stop_all() -> None:
                making.stop()
                if stop is not None:
                    stop()

            made = await run(request, partial(making.take, limit_bytes), stop=stop_all)
        rest = None if making.is_finished else making.pieces
    if stem is not None:
        name = _with_chart(stem(abouts[0]), form)
        disposition = (("content-disposition", f'inline; filename="{name}.{form.suffix}"'),)
        envelope = replace(envelope, disposition=disposition)
    if span is not None:
        return envelope.partial(made, span)
    return await envelope.full(made, coding) if rest is None else envelope.stream(chain((made,), rest), coding)


def _with_chart(stem: str, form: Format) -> str:
    return stem if form.chart is None or stem.endswith(f"-{form.chart}") else f"{stem}-{form.chart}"


def _document(kept: bytes | None, document: Callable[[], Document] | None) -> Document:
    if kept is not None:
        return decode(kept)
    if document is None:
        raise TypeError("Either body or document is required.")
    return document()


def _variant(form: Format) -> str:
    """Return what tells charts of one result apart, in characters that a header allows."""
    chart = f"-{form.chart}" if form.chart else ""
    if form.draw is None:
        return ""
    look = msgspec.json.encode(form.figure)
    return f"{chart}-{hashlib.blake2b(look, digest_size=8).hexdigest()}"
