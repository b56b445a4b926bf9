"""Look at the bytes of a file before anything reads them as a table.

DuckDB reads fast and does not say everything: NUL bytes pass, spaces around quotes vanish, line ends of two kinds
refuse the whole file, a wrong encoding is a pile of rejected lines. So every file is walked through once, with bytes
methods that run at memory speed, and what is found decides who reads it: DuckDB in place, or the careful reader.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from meantime.dataset.reading.columns import count_recognized
from meantime.errors import SourceEmpty, SourceUnreadable
from meantime.text import is_utf8

FileKind = Literal["text", "gzip", "parquet"]

# Small enough to stay in the processor's cache beside its decoded copy, large enough that Python's part is small.
_CHUNK_BYTES = 4 * 2**20
# Longer lines are rejected by the careful reader, and DuckDB's own limit is the same: beyond it a line is not a row of
# a table but a file in a wrong form, and memory must be bounded by something.
LONGEST_LINE = 2 * 2**20
# DuckDB holds 2,048 values of every column for every thread, and the Parquet file a page of each: with this many, some
# 300 MB. Tables of indicators have tens of columns.
MOST_COLUMNS = 2_000
_LF, _SPACE, _QUOTE = b'\n "'
# Line ends at the end of a chunk are looked for in so many bytes first.
_END_BYTES = 64
# How many lines with other than ASCII characters decide whether a file with broken ones is UTF-8.
_EVIDENCE_LINES = 20_000
# How many records are compared with the header to tell the delimiter.
_RECORDS_COMPARED = 50
DELIMITERS = (",", ";", "\t", "|")

_FORMS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a zip archive, or a spreadsheet (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"%PDF": "a PDF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"\xfd7zXZ\0": "compressed with xz",
    b"BZh": "compressed with bzip2",
    b"7z\xbc\xaf": "a 7-Zip archive",
}
# UTF-32 before UTF-16: the one's mark begins with the other's.
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8"),
)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
# Bytes that cp1252 gives no character.
_NOT_CP1252 = tuple(bytes([byte]) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """What a text file is, as far as it can be told before it is read."""

    encoding: str  # as Python calls it
    is_encoding_guessed: bool  # one byte a character, and nothing that says which
    delimiter: str
    header: tuple[str, ...]
    header_lines: int  # physical lines up to the end of the header, blank ones before it included
    lines: int | None  # physical lines without blank ones at the end; None for UTF-16 and the like
    is_plain: bool  # DuckDB reads it in place with the same meaning as the careful reader


def file_kind(path: Path, *, name: str) -> FileKind:
    """Tell by its first bytes what a file is.

    Raises:
        SourceEmpty: it has no bytes.
        SourceUnreadable: it cannot be opened, or is neither text, gzip nor Parquet.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise SourceUnreadable(f"{name} cannot be opened: {error.strerror or error}.") from error
    if not start:
        raise SourceEmpty(f"{name} is empty: it has no bytes. Check how it was written or downloaded.")
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"PAR1"):
        return "parquet"
    for mark, what in _FORMS.items():
        if start.startswith(mark):
            raise SourceUnreadable(f"{name} is {what}. Save its table as CSV (UTF-8) or Parquet; gzip is fine too.")
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
    """Walk through a text file. What is given is not guessed; ``columns`` (role -> column) helps to tell the delimiter.

    Raises:
        SourceEmpty: it has nothing but blank lines.
        SourceUnreadable: it cannot be opened or is no text, or its header cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _look(file, name, delimiter, encoding, columns or {}, on_bytes)
    except OSError as error:
        raise SourceUnreadable(f"{name} cannot be read: {error.strerror or error}.") from error


def _look(
    file: BinaryIO,
    name: str,
    delimiter: str | None,
    given_encoding: str | None,
    columns: Mapping[str, str],
    on_bytes: Callable[[int], None],
) -> TextForm:
    head = _read_lines(file)
    encoding = given_encoding or _wide_encoding(head)
    walk = _Walk()
    if encoding is None or is_utf8(encoding):
        _refuse_binary(head, name)
        for chunk in _chunks(head, file):
            walk.take(chunk)
            on_bytes(len(chunk))
        encoding = encoding or walk.encoding
        lines: int | None = walk.lines
    else:
        lines = None
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    header = _find_header(text, name, delimiter, columns)
    is_plain = walk.is_plain and is_utf8(encoding) and header.lines == 1 and len(header.names) > 1
    return TextForm(
        encoding=encoding,
        is_encoding_guessed=given_encoding is None and lines is not None and not is_utf8(encoding),
        delimiter=header.delimiter,
        header=header.names,
        header_lines=header.lines,
        lines=lines,
        # A delimiter that is not among the known ones was not looked for beside quotes and spaces.
        is_plain=is_plain and lines is not None and header.delimiter in DELIMITERS,
    )


class _Walk:
    """Counts and marks, collected chunk by chunk."""

    def __init__(self) -> None:
        self._lf = self._cr = self._crlf = 0
        self._has_nul = False
        self._has_spaced_quote = False
        self._has_long_line = False
        self._is_utf8 = True
        self._is_cp1252 = True
        self._good_lines = self._broken_lines = 0
        self._ends_at_end = 0  # line ends since the last byte that is none
        self._last_chunk = b"\n"
        self._carry = b""

    def take(self, chunk: bytes) -> None:
        self._count_lines(chunk)
        if not self._last_chunk.endswith((b"\n", b"\r")):
            self._has_long_line = True  # the chunk before this one ended inside a line
        self._last_chunk = chunk[-1:]
        self._has_nul = self._has_nul or b"\0" in chunk
        # The test by single characters is at memory speed, and rarely true; only then the pattern is tried.
        if not self._has_spaced_quote and _has_quote_beside_space(chunk):
            self._has_spaced_quote = _SPACED_QUOTE.search(chunk) is not None
        if self._carry or not chunk.isascii():
            self._check_encoding(chunk)

    @property
    def encoding(self) -> str:
        if self._is_utf8 and not self._carry:
            return "utf-8"
        # A UTF-8 file with a few broken lines has many more that are sound. In cp1252 and Latin-1 a letter that is not
        # ASCII is practically never followed by what UTF-8 would need.
        if self._good_lines > self._broken_lines:
            return "utf-8"
        return "cp1252" if self._is_cp1252 else "latin-1"

    @property
    def is_plain(self) -> bool:
        is_lf = self._cr == 0
        is_crlf = self._cr == self._crlf == self._lf
        has_trouble = self._has_nul or self._has_spaced_quote or self._has_long_line or bool(self._carry)
        return self._is_utf8 and (is_lf or is_crlf) and not has_trouble

    @property
    def lines(self) -> int:
        is_open = self._last_chunk not in (b"\n", b"\r")
        return self._lf + self._cr - self._crlf - max(self._ends_at_end - 1, 0) + is_open

    def _count_lines(self, chunk: bytes) -> None:
        is_cut_pair = self._last_chunk == b"\r" and chunk.startswith(b"\n")
        # bytes.count takes twice as long.
        self._lf += int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8) == _LF))
        if b"\r" in chunk or is_cut_pair:
            self._cr += chunk.count(b"\r")
            self._crlf += chunk.count(b"\r\n") + is_cut_pair
        end = chunk[-_END_BYTES:]
        if not end.strip(b"\r\n"):
            end = chunk
        body = end.rstrip(b"\r\n")
        ends = end[len(body) :]
        if body:
            self._ends_at_end = 0
        self._ends_at_end += ends.count(b"\n") + ends.count(b"\r") - ends.count(b"\r\n") - is_cut_pair

    def _check_encoding(self, chunk: bytes) -> None:
        self._is_cp1252 = self._is_cp1252 and not any(byte in chunk for byte in _NOT_CP1252)
        data = self._carry + chunk
        whole = _whole_characters(data)
        self._carry = data[whole:]
        try:
            data[:whole].decode("utf-8")
        except UnicodeDecodeError:
            self._is_utf8 = False
        if self._good_lines + self._broken_lines < _EVIDENCE_LINES:
            self._collect_evidence(data[:whole])

    def _collect_evidence(self, data: bytes) -> None:
        for line in data.splitlines():
            if not line.isascii():
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    self._broken_lines += 1
                else:
                    self._good_lines += 1


# DuckDB takes spaces between a delimiter and a quote away, and we take a field for what it is. Other white space it
# leaves, as we do (both measured).
_SPACED_QUOTE = re.compile(rb'(?:\A|[,;\t|\r\n]) +"|" +(?:[,;\t|\r\n]|\Z)')


def _has_quote_beside_space(chunk: bytes) -> bool:
    # Twelve times as fast as `b'" ' in chunk`, where quotes are frequent.
    codes = np.frombuffer(chunk, dtype=np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    before, after = np.maximum(quotes - 1, 0), np.minimum(quotes + 1, len(codes) - 1)
    return bool((codes[before] == _SPACE).any() or (codes[after] == _SPACE).any())


def _whole_characters(data: bytes) -> int:
    """Return how many bytes are left when a character of UTF-8 that is cut at the end is taken away."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)


def _chunks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := _read_lines(file):
        yield chunk


def _read_lines(file: BinaryIO) -> bytes:
    """Read a chunk that ends at a line end, where there is one within reach."""
    chunk = file.read(_CHUNK_BYTES)
    return chunk if chunk.endswith(b"\n") else chunk + file.readline(LONGEST_LINE)


def _wide_encoding(head: bytes) -> str | None:
    """Tell encodings of several bytes a character by their mark, or UTF-16 without one by where its zeros are."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return None if encoding == "utf-8" else encoding
    sample = head[: 2**16]
    sample = sample[: len(sample) // 2 * 2]
    line_ends = sample.count(b"\n") + sample.count(b"\r")
    for encoding, kind, zeros in (("utf-16-le", "<u2", sample[1::2]), ("utf-16-be", ">u2", sample[::2])):
        units = np.frombuffer(sample, dtype=kind)
        ends = np.count_nonzero((units == ord("\n")) | (units == ord("\r")))
        # Delimiters, digits and line ends are ASCII in every table, so a tenth of the characters and most bytes that
        # look like a line end have a zero beside them, all on one side. Stray NUL bytes are fewer, or anywhere.
        if 2 * ends > line_ends and zeros.count(0) * 10 > len(zeros):
            return encoding
    return None


def _refuse_binary(head: bytes, name: str) -> None:
    sample = head[: 2**16]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    # One control character in ten: no table has that, and a picture or a program has more. A few are lines to reject.
    if len(sample) >= 64 and controls * 10 > len(sample):
        raise SourceUnreadable(f"{name} is not text. Save its table as CSV (UTF-8) or Parquet; gzip is fine too.")


@dataclass(frozen=True, slots=True)
class _Header:
    delimiter: str
    names: tuple[str, ...]
    lines: int
    rank: tuple[int, bool, float, int]


def _find_header(text: str, name: str, delimiter: str | None, columns: Mapping[str, str]) -> _Header:
    lines = list(io.StringIO(text, newline=""))
    blank = next((place for place, line in enumerate(lines) if line.strip("\r\n")), None)
    if blank is None:
        raise SourceEmpty(f"{name} is empty: it has nothing but blank lines. Check how it was written or downloaded.")
    # A header of megabytes is cut in this place, and so refused as one that does not end.
    tried = [_try_delimiter(lines[blank:], blank, each, columns) for each in ([delimiter] if delimiter else DELIMITERS)]
    found = [header for header in tried if header]
    best = max(found, key=lambda header: header.rank, default=None)
    # Cut nowhere, any text is a name; then it is the cut that failed which says what is wrong.
    if best is None or (len(best.names) == 1 and len(found) < len(tried)):
        raise SourceUnreadable(
            f"The header of {name} cannot be read: it has a quote that never closes, or text behind a closing quote. "
            "The first line must be the names of the columns."
        )
    if any("\0" in each for each in best.names):
        raise SourceUnreadable(f"The header of {name} has a NUL byte in it. Write the file anew, as text.")
    if len(best.names) > MOST_COLUMNS:
        raise SourceUnreadable(
            f"{name} has {len(best.names):,} columns, and at most {MOST_COLUMNS:,} can be read. If it was cut at the "
            'wrong character, say delimiter = "..." in the TOML beside it; otherwise leave columns out.'
        )
    return best


def _try_delimiter(lines: Sequence[str], blank: int, delimiter: str, columns: Mapping[str, str]) -> _Header | None:
    """Cut the header and the first records with this delimiter, and rank how well that goes."""
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    with field_limit(sum(map(len, lines)) + 1):
        try:
            names = tuple(next(reader))
        except csv.Error:
            return None
        header_lines = blank + reader.line_num
        alike = compared = 0
        try:
            for record in reader:
                if compared == _RECORDS_COMPARED:
                    break
                compared += bool(record)
                alike += len(record) == len(names)
        except csv.Error:
            pass  # the records before this one say enough
    share = alike / compared if compared else 0.0
    return _Header(
        delimiter, names, header_lines, (count_recognized(names, columns), len(names) > 1, share, len(names))
    )


class field_limit:  # noqa: N801 - reads as a with statement
    """Let the csv module take fields of this length: its limit of 128 KiB is for the whole process.

    Reading happens in a process of its own, and in tests one after another, so nobody else reads csv meanwhile.
    """

    def __init__(self, length: int) -> None:
        self._length = length

    def __enter__(self) -> None:
        self._before = csv.field_size_limit(self._length)

    def __exit__(self, *_: object) -> None:
        csv.field_size_limit(self._before)
