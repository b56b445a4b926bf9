"""The careful reader: any text becomes a clean copy that DuckDB reads without a doubt, and a list of rejected lines.

The rule. A record begins at a physical line. A quoted field may go on over several lines. If a quote never closes, or
closes and is followed by something else than a delimiter or the end of the line, or the record has another number of
fields than the header, then only the first line of the attempt is rejected, and reading resumes at the line after it:
one stray quote must not swallow the good lines behind it. Blank lines are passed over. A quote inside an unquoted
field is a character like any other. Spaces belong to the field that they are in.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from meantime.dataset.reading.sniff import LONGEST_LINE, TextForm, field_limit

# How far a quoted field may run. Texts in tables of indicators have a few lines; without a bound, a stray quote would
# make every line after it be looked at up to the end of the file, again and again.
_MOST_LINES_IN_RECORD = 256
_MOST_CHARACTERS_IN_RECORD = 2**20
# Stands for what cannot be decoded. A lone surrogate is in no valid text, so nothing valid is mistaken for it.
_BROKEN = "\udcff"
# How often progress is told: every so many lines.
_LINES_BETWEEN_NEWS = 20_000

_LINE_ENDS = "\r\n"
# Stands for a line of which only the beginning was read.
_TOO_LONG = "\ud800"
_ON_BROKEN = "meantime-mark-broken"


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _BROKEN, error.end
    raise error


codecs.register_error(_ON_BROKEN, _mark_broken)


@dataclass(frozen=True, slots=True)
class CleanCopy:
    """What became of a file."""

    rows: int
    are_lines_plain: bool  # the rows are lines 2, 3, 4, ... without a gap
    has_line_ends: bool  # in quoted fields


def write_clean_copy(
    path: Path,
    look: TextForm,
    into: Path,
    *,
    reject: Callable[[int, str], None],
    on_bytes: Callable[[int], None] = lambda _: None,
) -> CleanCopy:
    """Write the rows of a text file to ``into``: UTF-8, LF, same delimiter, the physical line first, no header.

    ``reject`` is told each rejected line with the reason, in order, and may raise to stop. ``on_bytes`` is told how
    many more bytes were read.
    """
    with (
        path.open("rb") as source,
        io.TextIOWrapper(source, look.encoding, _ON_BROKEN, newline="") as text,
        into.open("w", encoding="utf-8", newline="") as out,
        # A field is never longer than its record.
        field_limit(_MOST_CHARACTERS_IN_RECORD + LONGEST_LINE),
    ):
        told = 0

        def tell() -> None:
            nonlocal told
            place = source.tell()
            on_bytes(place - told)
            told = place

        return _Reader(text, look, out, reject, tell).run()


class _Reader:
    """One walk through a file. A line is (physical number, text with its line end); the text is "" at the end."""

    def __init__(
        self, text: TextIO, look: TextForm, out: TextIO, reject: Callable[[int, str], None], tell: Callable[[], None]
    ) -> None:
        self._text = text
        self._look = look
        self._out = out
        self._reject = reject
        self._tell = tell
        self._number = 0
        self._again: deque[tuple[int, str]] = deque()  # lines of a failed attempt that are to be read anew
        self._attempt = _Attempt(self._next_line, self._trouble, self._again.appendleft)
        self._parser = csv.reader(self._attempt, delimiter=look.delimiter, strict=True)
        # Everything quoted: only rare records come this way, and so nobody has to think about what needs quotes.
        self._writer = csv.writer(out, delimiter=look.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        self._rows = 0
        self._last_row_line = 0
        self._has_line_ends = False

    def run(self) -> CleanCopy:
        delimiter, wanted = self._look.delimiter, len(self._look.header)
        for _ in range(self._look.header_lines):
            self._next_line()
        while True:
            number, line = self._next_line()
            if not line:
                break
            if '"' in line or (reason := self._trouble(line)):
                reason = self._trouble(line) or self._take_quoted(number, line, wanted)
            else:
                body = line.rstrip(_LINE_ENDS)
                found = body.count(delimiter) + 1
                if found == wanted and body:
                    self._out.write(f"{number}{delimiter}{body}\n")
                    self._count_row(number)
                elif body:
                    reason = _wrong_number(found, wanted)
            if reason:
                self._reject(number, reason)
        self._tell()
        return CleanCopy(
            rows=self._rows,
            are_lines_plain=self._last_row_line == self._rows + 1,
            has_line_ends=self._has_line_ends,
        )

    def _take_quoted(self, number: int, line: str, wanted: int) -> str:
        """Take the record that begins with this line, or return why the line is rejected."""
        self._attempt.begin(number, line)
        try:
            record = next(self._parser)
        except csv.Error as error:
            reason = _quote_reason(error, self._attempt.lines)
        else:
            if len(record) == wanted:
                self._write(number, line, record)
                return ""
            reason = _wrong_number(len(record), wanted) + _over_lines(self._attempt.lines)
        # In front of what waits already: these lines come before it.
        self._again.extendleft(reversed(self._attempt.lines[1:]))
        return reason

    def _write(self, number: int, line: str, record: list[str]) -> None:
        is_one_line = len(self._attempt.lines) == 1
        if is_one_line and ' "' not in line and '" ' not in line:
            # As it stands, DuckDB reads this line in the same way: only spaces beside quotes it takes away.
            self._out.write(f"{number}{self._look.delimiter}{line.rstrip(_LINE_ENDS)}\n")
        else:
            self._has_line_ends = self._has_line_ends or not is_one_line
            self._writer.writerow([number, *record])
        self._count_row(number)

    def _count_row(self, number: int) -> None:
        self._rows += 1
        self._last_row_line = number

    def _next_line(self) -> tuple[int, str]:
        if self._again:
            return self._again.popleft()
        line = self._text.readline(LONGEST_LINE + 1)
        self._number += 1
        if len(line) > LONGEST_LINE:
            self._skip_rest(line)
            line = _TOO_LONG
        if self._number % _LINES_BETWEEN_NEWS == 0:
            self._tell()
        return self._number, line

    def _skip_rest(self, piece: str) -> None:
        # A piece that ends with CR may be one half of CR LF.
        while piece and not piece.endswith("\n") and not (piece.endswith("\r") and len(piece) <= LONGEST_LINE):
            piece = self._text.readline(LONGEST_LINE + 1)

    def _trouble(self, line: str) -> str:
        """Return why no record can have this line in it; "" where one can."""
        if "\0" in line:
            return "a NUL byte"
        if _BROKEN in line:
            return f"not valid {self._look.encoding.upper()}"
        if line == _TOO_LONG:
            return f"longer than {LONGEST_LINE:,} characters"
        return ""


class _Attempt:
    """The lines of one attempt at a record, as the parser asks for them: it goes on only while a quote is open.

    An iterator that may end and go on later, unlike a generator; the parser takes an end for the end of the data.
    """

    def __init__(
        self,
        next_line: Callable[[], tuple[int, str]],
        trouble: Callable[[str], str],
        give_back: Callable[[tuple[int, str]], None],
    ) -> None:
        self._next_line = next_line
        self._trouble = trouble
        self._give_back = give_back
        self.lines: list[tuple[int, str]] = []
        self._is_begun = False
        self._length = 0

    def begin(self, number: int, line: str) -> None:
        self.lines = [(number, line)]
        self._is_begun = True
        self._length = len(line)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._is_begun:
            self._is_begun = False
            return self.lines[0][1]
        if len(self.lines) == _MOST_LINES_IN_RECORD or self._length > _MOST_CHARACTERS_IN_RECORD:
            raise StopIteration
        number, line = self._next_line()
        if not line or self._trouble(line):
            self._give_back((number, line))
            raise StopIteration
        self.lines.append((number, line))
        self._length += len(line)
        return line


def _quote_reason(error: csv.Error, lines: Sequence[tuple[int, str]]) -> str:
    # The parser has no kinds of errors; these are its texts since Python 2.5, and a test holds them.
    if "unexpected end of data" in str(error):
        return "a quote that never closes"
    if "expected after" not in str(error):
        return str(error)
    if len(lines) == 1:
        return "text behind a closing quote"
    # Most likely that is no closing quote but the opening one of another field.
    return f"a quote that never closes (the next one, on line {lines[-1][0]}, has text behind it)"


def _over_lines(lines: Sequence[tuple[int, str]]) -> str:
    return f", since a quote runs on to line {lines[-1][0]}" if len(lines) > 1 else ""


def _wrong_number(found: int, wanted: int) -> str:
    return f"{found} field{'s' if found != 1 else ''} where the header has {wanted}"
