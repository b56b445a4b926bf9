"""The metadata of a picture: what it shows, in words, and how to cite it.

The drawing library writes none. Each format has its own place for texts; everything else in the file stays as it is.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from meantime.charts.labels import printable

_PNG_HEAD = 8 + 25  # its signature, and the chunk with its size, which must be the first
_SVG_TAG = re.compile(rb"<svg[^>]*>")
_PDF_INFO = re.compile(rb"/Info (\d+) 0 R")
_PDF_TRAILER = re.compile(rb"/Size (\d+)\s+/Root (\d+ 0 R)")
_PDF_XREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetadata:
    """What is written into a picture."""

    title: str
    description: str  # the chart in words
    citation: str


def svg(picture: bytes, about: PictureMetadata) -> bytes:
    """Add a title, a description and the citation after the first tag.

    >>> svg(b"<svg a=''></svg>", PictureMetadata(title="A < B", description="Two", citation="Cite")).decode()
    "<svg a=''><title>A &lt; B</title><desc>Two</desc><metadata>Cite</metadata></svg>"
    """
    texts = (("title", about.title), ("desc", about.description), ("metadata", about.citation))
    added = "".join(f"<{tag}>{escape(printable(text), quote=False)}</{tag}>" for tag, text in texts).encode()
    tag = _SVG_TAG.search(picture)
    return picture if tag is None else picture[: tag.end()] + added + picture[tag.end() :]


def png(picture: bytes, about: PictureMetadata) -> bytes:
    """Add chunks of international text after the first chunk: Title, Description, Comment."""
    texts = (("Title", about.title), ("Description", about.description), ("Comment", about.citation))
    added = b"".join(_chunk(b"iTXt", key.encode() + bytes(5) + printable(text).encode()) for key, text in texts)
    return picture[:_PNG_HEAD] + added + picture[_PNG_HEAD:]


def pdf(picture: bytes, about: PictureMetadata) -> bytes:
    """Add a new version of the information at the end, which is how PDF is amended: Title, Subject, Keywords."""
    info, trailer, xref = _PDF_INFO.search(picture), _PDF_TRAILER.search(picture), _PDF_XREF.search(picture)
    if info is None or trailer is None or xref is None:
        return picture
    number = info[1].decode()
    texts = (("Title", about.title), ("Subject", about.description), ("Keywords", about.citation))
    # As UTF-16 in hexadecimal digits, in which nothing has a meaning of its own.
    entries = "".join(f"  /{key} <FEFF{printable(text).encode('utf-16-be').hex()}>\n" for key, text in texts)
    start = len(picture) + 1
    amended = f"\n{number} 0 obj\n<<\n{entries}  /Producer (Meantime)\n>>\nendobj\n".encode()
    table = f"xref\n{number} 1\n{start:010} 00000 n\r\ntrailer\n<<\n".encode()
    end = b"  /Size %b\n  /Root %b\n  /Info %b 0 R\n  /Prev %b\n>>\n" % (trailer[1], trailer[2], info[1], xref[1])
    at = len(picture) + len(amended)
    return picture + amended + table + end + f"startxref\n{at}\n%%EOF\n".encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


WRITERS: Final[Mapping[str, Callable[[bytes, PictureMetadata], bytes]]] = {"svg": svg, "png": png, "pdf": pdf}
