"""The tolerant CSV reader: any text becomes a clean copy that DuckDB reads unambiguously, and a list of rejected lines.

The rule. A record begins at a physical line, and a quoted field may span several lines. If a quote is never closed, or
is followed by anything but a delimiter or a line end, or the record has another number of fields than the header, then
only the first of its lines is rejected, and reading resumes at the next line: one stray quote must not swallow the good
lines after it. Blank lines are skipped. A quote within an unquoted field is an ordinary character. Spaces belong to the
field they are in.
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

from meantime.dataset.reading.header import csv_field_limit
from meantime.dataset.reading.sniff import LONGEST_LINE, TextForm

# How far a quoted field may extend. Texts in tables of indicators have a few lines. Without a limit, the file would be
# read to its end again for every line after a stray quote.
_MOST_LINES_IN_RECORD = 256
_MOST_CHARACTERS_IN_RECORD = 2**20
# Replaces what cannot be decoded. A lone surrogate is in no valid text, so nothing valid can be mistaken for it.
_UNDECODABLE = "\udcff"
# Progress is reported after this many lines.
_LINES_BETWEEN_REPORTS = 20_000

_LINE_ENDS = "\r\n"
# Replaces a line that is too long and was not read whole.
_TOO_LONG = "\ud800"
_ERROR_HANDLER = "meantime-mark-undecodable"


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _UNDECODABLE, error.end
    raise error


codecs.register_error(_ERROR_HANDLER, _mark_undecodable)


@dataclass(frozen=True, slots=True)
class CleanCopy:
    """The clean copy of a file."""

    rows: int
    are_lines_plain: bool  # the rows are lines 2, 3, 4, ... without gaps
    has_line_ends: bool  # within quoted fields


def write_clean_copy(
    path: Path,
    form: TextForm,
    into: Path,
    *,
    reject: Callable[[int, str], None],
    on_bytes: Callable[[int], None] = lambda _: None,
) -> CleanCopy:
    """Write the rows of a text file to ``into``: UTF-8, LF, same delimiter, the line number first, no header.

    ``reject`` is called with each rejected line and the reason, in order, and may raise to stop. ``on_bytes`` is called
    with the number of bytes read since the last call.
    """
    with (
        path.open("rb") as source,
        io.TextIOWrapper(source, form.encoding, _ERROR_HANDLER, newline="") as text,
        into.open("w", encoding="utf-8", newline="") as out,
        # A field is never longer than its record.
        csv_field_limit(_MOST_CHARACTERS_IN_RECORD + LONGEST_LINE),
    ):
        reported = 0

        def report() -> None:
            nonlocal reported
            position = source.tell()
            on_bytes(position - reported)
            reported = position

        return _Reader(text, form, out, reject, report).run()


class _Reader:
    """One pass through a file. A line is (physical number, text with its line end); the text is "" at the end."""

    def __init__(
        self, text: TextIO, form: TextForm, out: TextIO, reject: Callable[[int, str], None], report: Callable[[], None]
    ) -> None:
        self._text = text
        self._form = form
        self._out = out
        self._reject = reject
        self._report = report
        self._number = 0
        self._pending: deque[tuple[int, str]] = deque()  # lines of a failed attempt, to be read again
        self._attempt = _Attempt(self._next_line, self._problem_in, self._pending.appendleft)
        self._parser = csv.reader(self._attempt, delimiter=form.delimiter, strict=True)
        # Everything is quoted: few records are written this way, and so nothing decides which fields need quotes.
        self._writer = csv.writer(out, delimiter=form.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        self._rows = 0
        self._last_row_line = 0
        self._has_line_ends = False

    def run(self) -> CleanCopy:
        delimiter, expected = self._form.delimiter, len(self._form.header)
        for _ in range(self._form.header_lines):
            self._next_line()
        while True:
            number, line = self._next_line()
            if not line:
                break
            if '"' in line or (reason := self._problem_in(line)):
                reason = self._problem_in(line) or self._take_quoted(number, line, expected)
            else:
                body = line.rstrip(_LINE_ENDS)
                fields = body.count(delimiter) + 1
                if fields == expected and body:
                    self._out.write(f"{number}{delimiter}{body}\n")
                    self._count_row(number)
                elif body:
                    reason = _wrong_number(fields, expected)
            if reason:
                self._reject(number, reason)
        self._report()
        return CleanCopy(
            rows=self._rows,
            are_lines_plain=self._last_row_line == self._rows + 1,
            has_line_ends=self._has_line_ends,
        )

    def _take_quoted(self, number: int, line: str, expected: int) -> str:
        """Write the record that begins on this line, or return why the line is rejected."""
        self._attempt.begin(number, line)
        try:
            record = next(self._parser)
        except csv.Error as error:
            reason = _quote_reason(error, self._attempt.lines)
        else:
            if len(record) == expected:
                self._write(number, line, record)
                return ""
            reason = _wrong_number(len(record), expected) + _over_lines(self._attempt.lines)
        # Before what is pending already: these lines come first.
        self._pending.extendleft(reversed(self._attempt.lines[1:]))
        return reason

    def _write(self, number: int, line: str, record: list[str]) -> None:
        is_one_line = len(self._attempt.lines) == 1
        if is_one_line and ' "' not in line and '" ' not in line:
            # DuckDB reads this line in the same way as it is: only spaces next to quotes are removed.
            self._out.write(f"{number}{self._form.delimiter}{line.rstrip(_LINE_ENDS)}\n")
        else:
            self._has_line_ends = self._has_line_ends or not is_one_line
            self._writer.writerow([number, *record])
        self._count_row(number)

    def _count_row(self, number: int) -> None:
        self._rows += 1
        self._last_row_line = number

    def _next_line(self) -> tuple[int, str]:
        if self._pending:
            return self._pending.popleft()
        line = self._text.readline(LONGEST_LINE + 1)
        self._number += 1
        if len(line) > LONGEST_LINE:
            self._skip_rest(line)
            line = _TOO_LONG
        if self._number % _LINES_BETWEEN_REPORTS == 0:
            self._report()
        return self._number, line

    def _skip_rest(self, piece: str) -> None:
        # A piece that ends with CR may end between CR and LF.
        while piece and not piece.endswith("\n") and not (piece.endswith("\r") and len(piece) <= LONGEST_LINE):
            piece = self._text.readline(LONGEST_LINE + 1)

    def _problem_in(self, line: str) -> str:
        """Return why no record can contain this line; "" if one can."""
        if "\0" in line:
            return "a NUL byte"
        if _UNDECODABLE in line:
            return f"not valid {self._form.encoding.upper()}"
        if line == _TOO_LONG:
            return f"longer than {LONGEST_LINE:,} characters"
        return ""


class _Attempt:
    """The lines of one attempt to read a record, as the parser requests them: more only while a quote is open.

    Unlike a generator, this iterator can end and continue later; for the parser, an end is the end of the data.
    """

    def __init__(
        self,
        next_line: Callable[[], tuple[int, str]],
        problem_in: Callable[[str], str],
        give_back: Callable[[tuple[int, str]], None],
    ) -> None:
        self._next_line = next_line
        self._problem_in = problem_in
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
        if not line or self._problem_in(line):
            self._give_back((number, line))
            raise StopIteration
        self.lines.append((number, line))
        self._length += len(line)
        return line


def _quote_reason(error: csv.Error, lines: Sequence[tuple[int, str]]) -> str:
    # The parser has a single kind of error; these texts are unchanged since Python 2.5, and a test checks them.
    if "unexpected end of data" in str(error):
        return "a quote that is never closed"
    if "expected after" not in str(error):
        return str(error)
    if len(lines) == 1:
        return "text after a closing quote"
    # Most likely this is not a closing quote but the opening quote of another field.
    return f"a quote that is never closed (the next quote, on line {lines[-1][0]}, has text after it)"


def _over_lines(lines: Sequence[tuple[int, str]]) -> str:
    return f", because a quote extends to line {lines[-1][0]}" if len(lines) > 1 else ""


def _wrong_number(fields: int, expected: int) -> str:
    return f"{fields} field{'s' if fields != 1 else ''} where the header has {expected}"
