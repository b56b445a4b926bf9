"""How a result is sent: in which form, compressed or not, whole or in part, or not at all if the client has it.

A representation is a form in a coding, and its strong ETag names its exact bytes. These depend on the result and on the
code that writes them, and on nothing else: not on the time, nor on whether they are sent whole or while they are made.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from itertools import chain

from meantime.formats.document import Document, decode
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS
from meantime.web.http.ranges import requested_range
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.envelope import PLAIN, WRITERS, Envelope, coding_of, vary_of
from meantime.web.v1.pieces import PIECE_BYTES, PieceMaker, take_in_thread

# The first of the forms: for clients that do not say what they want, and the one that results are kept in.
JSON_FORM = next(iter(FORMATS.values()))

# A kept result up to this is read and written as text within a millisecond: going to a thread and back takes as long.
_MADE_AT_ONCE_BYTES = 32 * 1024

# Of a data set's name: file systems take 255 bytes, people read fewer.
_NAME_CHARACTERS = 80


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
    stem: str | None = None,
    is_quick: bool = False,
) -> Reply | Stream:
    """Answer with a result in a form, as far as the client does not have it.

    ``tag`` names the result: another one has another. It is had in one of two ways, and only if it has to be sent:
    ``body`` reads the JSON that is kept of it, which is sent as it is; or ``document`` makes it, in a thread unless
    ``is_quick`` says that this takes less than a few milliseconds. ``stem`` is the name for the file, without its
    suffix: see ``stem_of``.

    Raises:
        RangeInvalid: a range was asked for that begins behind the end.
        ClientGone: the client went away before there was anything to send.
        and whatever ``body`` and ``document`` raise.
    """
    envelope = Envelope(
        content_type=form.content_type,
        tag=f"{tag}.{form.suffix}{f'-{form.chart}' if form.chart else ''}.{WRITERS}",
        headers=(("cache-control", cache_control), ("vary", vary_of(request, headers)), *headers),
        disposition=() if stem is None else (("content-disposition", f'inline; filename="{stem}.{form.suffix}"'),),
        job_id=job_id,
    )
    coding = coding_of(request.header("accept-encoding"), form)
    # A POST that has waited for its result does not ask after something that the client has.
    if (
        request.method in ("GET", "HEAD")
        and (known := envelope.known(request.header("if-none-match"), coding)) is not None
    ):
        return envelope.unchanged(known)
    span = requested_range(request, envelope.etag(PLAIN)) if request.method == "GET" else None
    kept = None if body is None else await body()
    if kept is not None and form is JSON_FORM:
        made, rest = kept, None
    else:
        # Of a part it must be known where it lies in the whole, and how long that is.
        limit_bytes = PIECE_BYTES if span is None else sys.maxsize
        making = PieceMaker(lambda: form.pieces(_document(kept, document)))
        if form.is_text and not form.is_slow and (is_quick if kept is None else len(kept) <= _MADE_AT_ONCE_BYTES):
            made = making.take(limit_bytes)
        else:
            made = await take_in_thread(request, making, limit_bytes)
        rest = None if making.is_finished else making.pieces
    if span is not None:
        return envelope.part(made, span)
    return envelope.whole(made, coding) if rest is None else envelope.as_it_is_made(chain((made,), rest), coding)


def _document(kept: bytes | None, document: Callable[[], Document] | None) -> Document:
    if kept is not None:
        return decode(kept)
    if document is None:
        raise TypeError("Neither a body nor a document: there is nothing to hand out.")
    return document()


def stem_of(statistic: str, dataset: str, fingerprint: str | None) -> str:
    """Name the file of a result, in characters that every file system and header takes.

    >>> stem_of("states_mean", "Ernährung 2011/2016", "9f2c53a1" * 8)
    'states_mean-Ern-hrung-2011-2016-9f2c53a1'
    >>> stem_of("states_mean", "../..", None)
    'states_mean'
    """
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", dataset[:_NAME_CHARACTERS]).strip(".-")
    return "-".join(part for part in (statistic, name, (fingerprint or "")[:8]) if part)
