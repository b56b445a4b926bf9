"""How a result is handed out: in which form, packed or not, whole or in part, or not at all since the client has it.

A representation is a form in a coding, and its strong ETag names its very bytes. These depend on the result and on
what writes them, and on nothing else: not on the time, nor on whether they are sent whole or as they are made.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import re
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import chain
from typing import Literal, NamedTuple

from meantime.did_you_mean import closest, suggestion
from meantime.errors import NotAcceptable, PathUnknown, Problem, RangeInvalid, RequestInvalid
from meantime.formats import vegalite
from meantime.formats.document import Document, decode
from meantime.formats.forms import FORMS, Form, forms_of
from meantime.formats.rendering import fonts
from meantime.text import listed, quoted
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.http.request import HttpRequest

# The first of the forms: for clients that do not say what they want, and the one that results are kept in.
_JSON = next(iter(FORMS.values()))

# Up to here an answer is sent whole, and its length is told; beyond that piece by piece, each of about this length. It
# is what a connection has under way, and what a thread makes in some milliseconds before it looks for a stop.
_PIECE_BYTES = 256 * 1024
# A kept result up to this is read and written as text within a millisecond: going to a thread and back takes as long.
_MADE_AT_ONCE_BYTES = 32 * 1024
# What fits into one packet with its headers comes no sooner when it is shorter.
_PACKED_FROM_BYTES = 1200
# On results as JSON: 300 MB/s and a seventh of the length. Level 1 is not quicker, 6 takes three times as long for a
# sixth less; and whoever is near enough to load at 100 MB/s would wait for it.
_LEVEL = 3
_GZIP = 31  # wbits of zlib: a gzip header without a time in it

# Apart from the threads for all else that is too long for the event loop: a workbook of a million rows takes half a
# minute, and some of those at once must not hold up who lists jobs. The interpreter joins these threads at its end.
_MAKERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="form")

# Browsers send some 150 characters. Bounded since it goes through a hostile header.
_PREFERENCES_CHARACTERS = 1000
# The weight of RFC 9110; ".2", which old Java sends, is taken too.
_WEIGHT = re.compile(r"0?\.[0-9]{1,9}|[01](?:\.[0-9]{0,9})?", re.ASCII)
_ETAG = re.compile(r'"[!\x23-\x7e]*"')
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
# Of a data set's name: file systems take 255 bytes, people read fewer.
_NAME_CHARACTERS = 80


# Which form


def choose(accept: str | None, suffix: str | None, statistic: str | None = None) -> Form:
    """Return the form that the suffix names, else the one that an Accept header (RFC 9110) wants most.

    Of forms that are wanted alike it is the one that is named more exactly, then the first of ours: so a browser, which
    names none of them, gets JSON. Parameters of media types are passed over: ours come in one way only. Where the
    statistic is not known yet, any form will do; what cannot be for any of them is refused early.

    Raises:
        PathUnknown: the suffix is none of ours. The address is wrong then, not the choice.
        NotAcceptable: none of ours is wanted, or a chart of a statistic that has none.

    >>> [choose(accept, None).suffix for accept in (None, "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8")]
    ['json', 'json', 'json']
    >>> choose("text/csv, */*", None).suffix, choose("text/csv;q=0.5, application/json", None).suffix
    ('csv', 'json')
    >>> choose("text/csv", "tsv").suffix
    'tsv'
    >>> choose("image/png, text/csv;q=0.5", None, "ranking").suffix, choose("image/png, */*", None, "summary").suffix
    ('png', 'json')
    """
    offered = FORMS if statistic is None else forms_of(statistic)
    if suffix is not None:
        if (form := FORMS.get(suffix)) is None:
            names = listed((f"results.{name}" for name in FORMS), most=None)
            raise PathUnknown(f"There are no results.{suffix[:20]}; there are {names}.")
        if statistic is not None and suffix not in offered:
            raise vegalite.no_chart(statistic)
        return form
    if accept is None or not accept.strip():
        return _JSON
    wanted = _weights(accept)
    best = max(offered.values(), key=partial(_wish, wanted))  # the first of equals
    if _wish(wanted, best)[0] == 0:
        if statistic is not None and any(_wish(wanted, form)[0] for form in FORMS.values()):
            raise vegalite.no_chart(statistic)
        types = listed((form.media_type for form in FORMS.values()), most=None)
        raise NotAcceptable(
            f"Accept is {quoted(accept, 100)}, and no result is written so. Results come as {types}; a suffix to the "
            "address, such as results.csv, names a form too."
        )
    return best


def showing(form: Form, chart: str | None, statistic: str) -> Form:
    """Return the form that shows this chart of a statistic's results; one that is no chart is what it is.

    Raises:
        RequestInvalid: they have no such chart. Also of a form that is none: it would be a mistake there, too.

    >>> showing(FORMS["svg"], "map", "ranking").chart, showing(FORMS["csv"], "map", "ranking").chart
    ('map', None)
    """
    charts = vegalite.charts_of(statistic)
    if chart is None or chart in charts:
        return form.showing(chart)
    near = closest(chart, charts)
    there = f"there are {listed(charts)}" if len(charts) > 1 else f"there is {charts[0]}" if charts else "there is none"
    detail = f"Results of {statistic} have no chart {quoted(chart)}. {suggestion(near)}Of these results {there}."
    raise RequestInvalid(
        detail, problems=(Problem(pointer="/chart", code="unknown", detail=detail, closest=tuple(near)),)
    )


class _Wish(NamedTuple):
    """How much a form is wanted, and how exactly it was named."""

    weight: float
    exactness: int


def _wish(wanted: Mapping[str, float], form: Form) -> _Wish:
    kind = form.media_type.partition("/")[0]
    # What is said more exactly counts: "text/*, text/csv;q=0" wants every text but that. The lone star is old Java's.
    for exactness, name in ((2, form.media_type), (1, f"{kind}/*"), (0, "*/*"), (0, "*")):
        if (weight := wanted.get(name)) is not None:
            return _Wish(weight, exactness)
    return _Wish(0.0, 0)


def _weights(header: str) -> dict[str, float]:
    """Read a list of what is wanted; what cannot be read is passed over.

    Commas and semicolons in quotes are taken for ends, though they are none: no media type of ours has a parameter that
    a client would have to quote.
    """
    weights: dict[str, float] = {}
    for element in header[:_PREFERENCES_CHARACTERS].lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if name and _WEIGHT.fullmatch(weight):
            weights[name] = max(min(float(weight), 1.0), weights.get(name, 0.0))
    return weights


# Handing it out


async def represent(
    request: HttpRequest,
    *,
    form: Form,
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
    envelope = _Envelope(
        content_type=form.content_type,
        tag=f"{tag}.{form.suffix}{f'-{form.chart}' if form.chart else ''}.{_WRITERS}",
        headers=(("cache-control", cache_control), ("vary", _vary(request, headers)), *headers),
        disposition=() if stem is None else (("content-disposition", f'inline; filename="{stem}.{form.suffix}"'),),
        job_id=job_id,
    )
    coding = _coding(request.header("accept-encoding"), form)
    # A POST that has waited for its result does not ask after something that the client has.
    if (
        request.method in ("GET", "HEAD")
        and (known := envelope.known(request.header("if-none-match"), coding)) is not None
    ):
        return envelope.unchanged(known)
    span = _span(request, envelope.etag(_PLAIN)) if request.method == "GET" else None
    kept = None if body is None else await body()
    if kept is not None and form is _JSON:
        made, rest = kept, None
    else:
        # Of a part it must be known where it lies in the whole, and how long that is.
        limit_bytes = _PIECE_BYTES if span is None else sys.maxsize
        making = _Making(lambda: form.pieces(_document(kept, document)))
        if form.is_text and not form.is_slow and (is_quick if kept is None else len(kept) <= _MADE_AT_ONCE_BYTES):
            made = making.take(limit_bytes)
        else:
            made = await _taken_in_thread(request, making, limit_bytes)
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


# What wraps it


_Coding = Literal["identity", "gzip"]
_PLAIN: _Coding = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """What stands on an answer, whichever bytes are in it."""

    content_type: str
    tag: str  # of the result in this form
    headers: tuple[tuple[str, str], ...]
    disposition: tuple[tuple[str, str], ...]
    job_id: str | None

    def etag(self, coding: _Coding) -> str:
        return f'"{self.tag}"' if coding == _PLAIN else f'"{self.tag}-{coding}"'

    def known(self, if_none_match: str | None, coding: _Coding) -> str | None:
        """Return the ETag of what the client has already, if it is one that this answer could have.

        Packed or plain is decided by the length, which is not known before it is made: what is plain will do for
        whoever takes it packed. Compared weakly: proxies that pack by themselves weaken ETags.
        """
        if if_none_match is None:
            return None
        if if_none_match.strip() == "*":
            return self.etag(_PLAIN)
        held = set(_ETAG.findall(if_none_match))
        return next((etag for each in (coding, _PLAIN) if (etag := self.etag(each)) in held), None)

    def unchanged(self, etag: str) -> Reply:
        return Reply(304, b"", self.content_type, (("etag", etag), *self.headers), job_id=self.job_id)

    def whole(self, body: bytes, coding: _Coding) -> Reply | Stream:
        if coding == _PLAIN or len(body) < _PACKED_FROM_BYTES:
            return self._plain(200, memoryview(body))
        if len(body) > _PIECE_BYTES:
            return self.as_it_is_made(_slices(memoryview(body)), coding)
        packed = b"".join(_packed((body,)))
        return Reply(200, packed, self.content_type, self._described(coding), job_id=self.job_id)

    def part(self, body: bytes, span: _Span) -> Reply | Stream:
        """Answer with a part.

        Raises:
            RangeInvalid: it begins behind the end.
        """
        first, end = span.within(len(body))
        return self._plain(206, memoryview(body)[first:end], ("content-range", f"bytes {first}-{end - 1}/{len(body)}"))

    def as_it_is_made(self, pieces: Iterator[bytes], coding: _Coding) -> Stream:
        making = _Making(lambda: pieces if coding == _PLAIN else _packed(pieces))
        return Stream(200, _sent(making), self.content_type, self._described(coding), job_id=self.job_id)

    def _plain(self, status: int, body: memoryview, *more: tuple[str, str]) -> Reply | Stream:
        headers = (*self._described(_PLAIN), *more)
        if len(body) <= _PIECE_BYTES:
            return Reply(status, bytes(body), self.content_type, headers, job_id=self.job_id)
        # Told where it is known: whoever loads it can see how far it is.
        headers = (*headers, ("content-length", str(len(body))))
        return Stream(status, _sent(_Making(lambda: _slices(body))), self.content_type, headers, job_id=self.job_id)

    def _described(self, coding: _Coding) -> tuple[tuple[str, str], ...]:
        packed = () if coding == _PLAIN else (("content-encoding", coding),)
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


_WRITERS = _writers()


def _vary(request: HttpRequest, headers: Sequence[tuple[str, str]]) -> str:
    names = [] if "suffix" in request.path_params else ["Accept"]
    names.append("Accept-Encoding")
    if any(name == "preference-applied" for name, _ in headers):
        names.append("Prefer")
    return ", ".join(names)


def _coding(accept_encoding: str | None, form: Form) -> _Coding:
    """Return the coding that an Accept-Encoding header wants. What is no text is packed already."""
    weights = _weights(accept_encoding or "")
    packed = max((weights[name] for name in ("gzip", "x-gzip") if name in weights), default=weights.get("*", 0.0))
    return "gzip" if form.is_text and packed > 0 and packed >= weights.get(_PLAIN, 0.0) else _PLAIN


# Parts


class _Span(NamedTuple):
    """A range of bytes as it was asked for; None where a side was left open."""

    first: int | None  # or, where this is open,
    last: int | None  # how many from the end

    def within(self, size_bytes: int) -> tuple[int, int]:
        """Return where it begins, and behind which byte it ends.

        Raises:
            RangeInvalid: no byte of it is there.

        >>> [_Span(*each).within(10) for each in ((0, 3), (7, None), (7, 99), (None, 3), (None, 99))]
        [(0, 4), (7, 10), (7, 10), (7, 10), (0, 10)]
        """
        if self.first is None:
            first, end = max(0, size_bytes - (self.last or 0)), size_bytes
        else:
            first, end = self.first, size_bytes if self.last is None else min(self.last + 1, size_bytes)
        if first >= end:
            raise RangeInvalid(
                f"The range lies outside of the {size_bytes:,} bytes that there are. Ask for one within, or leave "
                "the header Range out.",
                size_bytes=size_bytes,
            )
        return first, end


def _span(request: HttpRequest, etag: str) -> _Span | None:
    """Return the part that is asked for: of the form as it is without a coding, and only while it is the same.

    What is no range, of other units, or several ranges at once, is passed over, as RFC 9110 has it: the answer is the
    whole.
    """
    found = _RANGE.fullmatch(request.header("range") or "")
    if found is None or (request.header("if-range") or etag) != etag:
        return None
    first, last = (int(digits) if digits else None for digits in found.groups())
    is_range = last is not None if first is None else last is None or first <= last
    return _Span(first, last) if is_range else None


# Making


class _Making:
    """Bytes that are made piece by piece, in whichever thread asks, and no further once nobody wants them."""

    def __init__(self, begin: Callable[[], Iterator[bytes]]) -> None:
        self._begin = begin
        self._pieces: Iterator[bytes] | None = None
        self._is_stopped = False
        self.is_finished = False

    @property
    def pieces(self) -> Iterator[bytes]:
        """What is still to be made."""
        if self._pieces is None:
            self._pieces = self._begin()
        return self._pieces

    def take(self, size_bytes: int) -> bytes:
        """Make so many bytes more, or some more than that, or what is left where that is less."""
        taken, length = [], 0
        for piece in self.pieces:
            taken.append(piece)
            length += len(piece)
            if length >= size_bytes or self._is_stopped:
                break
        else:
            self.is_finished = True
        return b"".join(taken)

    def stop(self) -> None:
        """Make no more than the piece that is being made, if one is, and let go of what it is made from."""
        self._is_stopped = True
        self._pieces, self._begin = None, lambda: iter(())


async def _taken_in_thread(request: HttpRequest, making: _Making, size_bytes: int) -> bytes:
    leaving = asyncio.ensure_future(request.gone())
    taking = asyncio.get_running_loop().run_in_executor(_MAKERS, making.take, size_bytes)
    try:
        await asyncio.wait((leaving, taking), return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        leaving.result()  # what went wrong with looking for it, if something did, is not that it has left
        raise ClientGone
    finally:
        # Where the server itself gives the request up, too.
        if not taking.done():
            making.stop()
        leaving.cancel()
        taking.cancel()


async def _sent(making: _Making) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    try:
        while piece := await loop.run_in_executor(_MAKERS, making.take, _PIECE_BYTES):
            yield piece
    finally:
        making.stop()


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=_LEVEL, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _slices(body: memoryview) -> Iterator[bytes]:
    return (bytes(body[at : at + _PIECE_BYTES]) for at in range(0, len(body), _PIECE_BYTES))
