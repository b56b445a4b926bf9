"""Find out what a file is before it is read as a table: its kind, encoding, delimiter, header and lines.

DuckDB reads fast but does not report everything: NUL bytes pass, spaces around quotes vanish, mixed line ends refuse
the whole file, a wrong encoding gives a pile of rejected lines. So every file is scanned once, with operations on bytes
that run at memory speed. The result decides who reads it: DuckDB in place, or the tolerant reader.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.reading.header import DELIMITERS, find_header
from meantime.dataset.reading.text_scan import TextScan
from meantime.errors import SourceEmpty, SourceUnreadable
from meantime.text import is_utf8

FileKind = Literal["text", "gzip", "parquet", "zip"]

# What the header is looked for in.
_HEAD_BYTES = 4 * 2**20
# Small enough that arrays as long as it are not new memory each time, large enough that Python's share is small.
_CHUNK_BYTES = 2**20
# The tolerant reader rejects longer lines, and DuckDB gets the same limit. A longer line is not a row of a table but a
# sign of another format, and memory needs a bound.
LONGEST_LINE = 2 * 2**20

# A note below a table is no longer.
_LAST_BYTES = 4_096

_OTHER_KINDS: Mapping[bytes, str] = {
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls), or one with a password",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"%PDF": "a PDF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"\xfd7zXZ\0": "compressed with xz",
    b"BZh": "compressed with bzip2",
    b"7z\xbc\xaf": "a 7-Zip archive",
}
# UTF-32 before UTF-16: its byte order mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8"),
)
_CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """How a text file is written, as far as this can be found out before reading it."""

    encoding: str  # by Python's name
    is_encoding_guessed: bool  # one byte a character, and nothing that shows which encoding it is
    delimiter: str
    header: tuple[str, ...]
    header_lines: int  # physical lines up to the end of the header, including blank ones before it
    lines: int | None  # physical lines without blank ones at the end; None for UTF-16 and the like
    is_plain: bool  # DuckDB and the tolerant reader read it in the same way
    above: tuple[str, ...] = ()  # the lines above the header that are not blank
    labels: tuple[str, ...] = ()  # of another line of the header: what the codes in this one mean
    is_joined: bool = False  # the header is two lines together
    leaves_out_empty: bool = False  # rows end with their last field that is not empty


def file_kind(path: Path, *, name: str) -> FileKind:
    """Return what kind of file this is, judged by its first bytes.

    Raises:
        SourceEmpty: it has no bytes.
        SourceUnreadable: it cannot be opened, or is neither text, gzip, Parquet nor a zip archive.
        OSError: the machine is in trouble, which says nothing about the file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        if is_machine_trouble(error):
            raise
        raise SourceUnreadable(f"{name} cannot be opened: {error.strerror or error}.") from error
    if not start:
        raise SourceEmpty(f"{name} is empty: it has no bytes. Check how it was written or downloaded.")
    return _kind_of(start, name)


def refuse_no_table(head: bytes, name: str, encoding: str | None) -> None:
    """Refuse a file whose first bytes, of which there are at least some, show that it is no table.

    ``encoding`` is the one given by hand, if any.

    Raises:
        SourceUnreadable: it is neither text, gzip nor Parquet.
    """
    if _kind_of(head[:16], name) == "text" and (encoding or _wide_encoding(head)) is None:
        _refuse_binary(head, name)


def _kind_of(start: bytes, name: str) -> FileKind:
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise SourceUnreadable(
                f"{name} is {kind}. Save its table as CSV (UTF-8) or Parquet; a CSV file may be compressed with gzip."
            )
    return "text"


def sniff_text(
    path: Path,
    *,
    name: str,
    delimiter: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> TextForm:
    """Scan a text file. A given delimiter or encoding is used as it is; ``columns`` (role -> column) help to guess.

    Raises:
        SourceEmpty: it has only blank lines.
        SourceUnreadable: it cannot be opened or is not text, or its header cannot be read.
        OSError: the machine is in trouble, which says nothing about the file.
    """
    try:
        with path.open("rb") as file:
            return _sniff(file, name, delimiter, encoding, columns or {}, on_bytes)
    except OSError as error:
        if is_machine_trouble(error):
            raise
        raise SourceUnreadable(f"{name} cannot be read: {error.strerror or error}.") from error


def _sniff(
    file: BinaryIO,
    name: str,
    delimiter: str | None,
    encoding_by_hand: str | None,
    columns: Mapping[str, str],
    on_bytes: Callable[[int], None],
) -> TextForm:
    head = _read_chunk(file, _HEAD_BYTES)
    encoding = encoding_by_hand or _wide_encoding(head)
    scan = TextScan()
    if encoding is None or is_utf8(encoding):
        _refuse_binary(head, name)
        for chunk in _chunks(head, file):
            scan.add(chunk)
            on_bytes(len(chunk))
        encoding = encoding or scan.encoding
        lines: int | None = scan.lines
    else:
        lines = None
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    header = find_header(text, name, delimiter, columns)
    is_plain = scan.is_plain and is_utf8(encoding) and header.lines == 1 and len(header.names) > 1
    is_plain = is_plain and not header.leaves_out_empty and not _ends_with_padded_line(file, header.delimiter)
    return TextForm(
        encoding=encoding,
        is_encoding_guessed=encoding_by_hand is None and lines is not None and not is_utf8(encoding),
        delimiter=header.delimiter,
        header=header.names,
        header_lines=header.lines,
        lines=lines,
        # The scan looks only for the usual delimiters next to quotes and spaces.
        is_plain=is_plain and lines is not None and header.delimiter in DELIMITERS,
        above=header.above,
        labels=header.labels,
        is_joined=header.is_joined,
        leaves_out_empty=header.leaves_out_empty,
    )


def _ends_with_padded_line(file: BinaryIO, delimiter: str) -> bool:
    """Whether the last line has nothing but its first field.

    So a spreadsheet writes notes and empty rows below a table. The tolerant reader tells them from rows.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _LAST_BYTES))
    last = file.read().rstrip(b"\r\n").replace(b"\r", b"\n").rpartition(b"\n")[2]
    return last.endswith(2 * delimiter.encode())


def _chunks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := _read_chunk(file, _CHUNK_BYTES):
        yield chunk


def _read_chunk(file: BinaryIO, size: int) -> bytes:
    """Read a chunk that ends with a line, if the line end is within reach."""
    chunk = file.read(size)
    return chunk if chunk.endswith(b"\n") else chunk + file.readline(LONGEST_LINE)


def _wide_encoding(head: bytes) -> str | None:
    """Recognize encodings of several bytes a character by their mark, or UTF-16 without one by its zero bytes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return None if encoding == "utf-8" else encoding
    sample = head[: 2**16]
    sample = sample[: len(sample) // 2 * 2]
    line_ends = sample.count(b"\n") + sample.count(b"\r")
    for encoding, type_of_unit, zeros in (("utf-16-le", "<u2", sample[1::2]), ("utf-16-be", ">u2", sample[::2])):
        units = np.frombuffer(sample, dtype=type_of_unit)
        ends = np.count_nonzero((units == ord("\n")) | (units == ord("\r")))
        # Delimiters, digits and line ends are ASCII in every table. So a tenth of the characters, and most bytes that
        # look like a line end, have a zero byte next to them, always on the same side. Stray NUL bytes do not.
        if 2 * ends > line_ends and zeros.count(0) * 10 > len(zeros):
            return encoding
    return None


def _refuse_binary(head: bytes, name: str) -> None:
    if head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise SourceUnreadable(
            f"{name} is a web page, not a table, whatever its name says. Open it in a browser: often such a page asks "
            "to sign in, or has a link to the table."
        )
    sample = head[: 2**16]
    controls = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    # One byte in ten is a control character: no table has so many, a picture or a program has more. With fewer of them,
    # only their lines are rejected.
    if len(sample) >= 64 and controls * 10 > len(sample):
        raise SourceUnreadable(
            f"{name} is not text. Save its table as CSV (UTF-8) or Parquet; a CSV file may be compressed with gzip."
        )
