"""What the bytes of a text file show, collected chunk by chunk: encoding, lines, and what DuckDB reads differently."""

from __future__ import annotations

import re

import numpy as np

_LF, _CR, _SPACE, _QUOTE = b'\n\r "'
# Line ends at the end of a chunk are first looked for in this many bytes.
_END_BYTES = 64
# How many lines with non-ASCII characters decide whether a file with invalid ones is UTF-8.
_EVIDENCE_LINES = 20_000
# Bytes that stand for no character in cp1252.
_NOT_CP1252 = tuple(bytes([byte]) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))


class TextScan:
    """Counts and findings so far."""

    def __init__(self) -> None:
        self._lf = self._cr = self._crlf = 0
        self._has_nul = False
        self._has_spaced_quote = False
        self._has_long_line = False
        self._is_utf8 = True
        self._is_cp1252 = True
        self._valid_lines = self._invalid_lines = 0
        self._ends_at_end = 0  # line ends since the last byte that is none
        self._last_chunk = b"\n"
        self._carry = b""

    def add(self, chunk: bytes) -> None:
        """Scan the next chunk of the file."""
        self._count_lines(chunk)
        if not self._last_chunk.endswith((b"\n", b"\r")):
            self._has_long_line = True  # the previous chunk ended inside a line
        self._last_chunk = chunk[-1:]
        self._has_nul = self._has_nul or b"\0" in chunk
        # The test of single characters runs at memory speed and is rarely true; only then is the pattern tried.
        if not self._has_spaced_quote and _has_quote_next_to_space(chunk):
            self._has_spaced_quote = _SPACED_QUOTE.search(chunk) is not None
        if self._carry or not chunk.isascii():
            self._check_encoding(chunk)

    @property
    def encoding(self) -> str:
        """The most likely encoding, by Python's name."""
        if self._is_utf8 and not self._carry:
            return "utf-8"
        # A UTF-8 file with a few invalid lines has many more valid ones. In cp1252 and Latin-1, a letter outside ASCII
        # is practically never followed by the bytes that UTF-8 requires.
        if self._valid_lines > self._invalid_lines:
            return "utf-8"
        return "cp1252" if self._is_cp1252 else "latin-1"

    @property
    def is_plain(self) -> bool:
        """Whether DuckDB reads these bytes as the tolerant reader does."""
        is_lf = self._cr == 0
        is_crlf = self._cr == self._crlf == self._lf
        is_unusual = self._has_nul or self._has_spaced_quote or self._has_long_line or bool(self._carry)
        return self._is_utf8 and (is_lf or is_crlf) and not is_unusual

    @property
    def lines(self) -> int:
        """Physical lines, without blank ones at the end."""
        is_open = self._last_chunk not in (b"\n", b"\r")
        return self._lf + self._cr - self._crlf - max(self._ends_at_end - 1, 0) + is_open

    def _count_lines(self, chunk: bytes) -> None:
        is_cut_pair = self._last_chunk == b"\r" and chunk.startswith(b"\n")
        # bytes.count would take three times as long.
        codes = np.frombuffer(chunk, dtype=np.uint8)
        self._lf += int(np.count_nonzero(codes == _LF))
        if b"\r" in chunk or is_cut_pair:
            # Where they are, since there are few: arrays as long as the chunk would take four times as long.
            at = np.flatnonzero(codes == _CR)
            self._cr += len(at)
            self._crlf += int(np.count_nonzero(codes[at[at < len(codes) - 1] + 1] == _LF)) + is_cut_pair
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
        if self._valid_lines + self._invalid_lines < _EVIDENCE_LINES:
            self._collect_evidence(data[:whole])

    def _collect_evidence(self, data: bytes) -> None:
        for line in data.splitlines():
            if not line.isascii():
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    self._invalid_lines += 1
                else:
                    self._valid_lines += 1


# DuckDB removes spaces between a delimiter and a quote; we keep fields as they are. Other white space it keeps too
# (both tested).
_SPACED_QUOTE = re.compile(rb'(?:\A|[,;\t|\r\n]) +"|" +(?:[,;\t|\r\n]|\Z)')


def _has_quote_next_to_space(chunk: bytes) -> bool:
    # Twelve times as fast as `b'" ' in chunk` when quotes are frequent.
    codes = np.frombuffer(chunk, dtype=np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    before, after = np.maximum(quotes - 1, 0), np.minimum(quotes + 1, len(codes) - 1)
    return bool((codes[before] == _SPACE).any() or (codes[after] == _SPACE).any())


def _whole_characters(data: bytes) -> int:
    """Return the number of bytes without a UTF-8 character that is cut off at the end."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)
