"""The tolerant CSV reader: any text becomes a clean copy that DuckDB reads unambiguously, and a list of rejected lines.

The rule. A record begins at a physical line, and a quoted field may span several lines. If a quote is never closed, or
is followed by anything but a delimiter or a line end, or the record has another number of fields than the header, then
only the first of its lines is rejected, and reading resumes at the next line: one stray quote must not swallow the good
lines after it. Blank lines are skipped. A quote within an unquoted field is an ordinary character. Spaces belong to the
field they are in.

Below the last row, publishers write notes: a source, a date, what a sign means. Lines of one field there are notes, and
so are those after them; and lines that begin with "#" are comments anywhere. Neither counts as rejected.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

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
# More lines than these are no notes.
_MOST_NOTES = 200
_COMMENT = "#"
# How a note begins that has no blank line above it. A row that was cut off has one field, too.
_NOTE = re.compile(
    r"\W*(?:notes?|sources?|quelle|anmerkung\w*|stand|data|last updated|footnotes?|©|\(c\)|\*|_{2,}|-{2,}|={2,})", re.I
)

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
    notes: tuple[tuple[int, str], ...] = ()  # lines that are no rows and not meant to be, with their numbers


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
        self._below = _LinesBelow()
        self._comments: list[tuple[int, str]] = []

    def run(self) -> CleanCopy:
        delimiter, expected = self._form.delimiter, len(self._form.header)
        padding = 2 * delimiter
        for _ in range(self._form.header_lines):
            self._next_line()
        while True:
            number, line = self._next_line()
            if not line:
                break
            reason = ""
            if '"' in line or (reason := self._problem_in(line)):
                reason = self._problem_in(line) or self._take_quoted(number, line, expected)
            else:
                body = line.rstrip(_LINE_ENDS)
                fields = body.count(delimiter) + 1
                if body.endswith(padding) and fields == expected:
                    self._below.add(number, line, body.split(delimiter), "")
                elif fields == expected and body:
                    self._write_plain(number, body)
                elif not body:
                    self._below.after_blank()
                elif self._form.leaves_out_empty and 1 < fields < expected:
                    self._write_plain(number, body + delimiter * (expected - fields))
                else:
                    self._below.add(number, line, body.split(delimiter), _wrong_number(fields, expected))
            if self._below.are_too_many:
                self._flush()
            if reason:
                self._flush()
                self._reject(number, reason)
        notes = self._below.notes() if self._rows else []
        self._flush()
        self._report()
        return CleanCopy(
            rows=self._rows,
            are_lines_plain=self._last_row_line == self._rows + 1,
            has_line_ends=self._has_line_ends,
            notes=(*self._comments, *notes),
        )

    def _write_plain(self, number: int, body: str) -> None:
        if self._below.lines:
            self._flush()
        self._out.write(f"{number}{self._form.delimiter}{body}\n")
        self._count_row(number)

    def _flush(self) -> None:
        """Treat the lines that may have been notes as rows or rejected lines: what follows them shows that they are."""
        for each in self._below.taken():
            if each.line.startswith(_COMMENT) and each.reason:
                self._comments.append((each.number, each.text))
            elif each.reason:
                self._reject(each.number, each.reason)
            else:
                self._writer.writerow([each.number, *each.fields])
                self._count_row(each.number)

    def _take_quoted(self, number: int, line: str, expected: int) -> str:
        """Write the record that begins on this line, or return why the line is rejected."""
        self._attempt.begin(number, line)
        try:
            record = next(self._parser)
        except csv.Error as error:
            reason = _quote_reason(error, self._attempt.lines)
        else:
            if self._form.leaves_out_empty and 1 < len(record) < expected:
                absent = expected - len(record)
                record += [""] * absent
                line = line.rstrip(_LINE_ENDS) + self._form.delimiter * absent
            is_one_line = len(self._attempt.lines) == 1
            if len(record) == expected and not (is_one_line and expected > 2 and not any(record[1:])):
                if self._below.lines:
                    self._flush()
                self._write(number, line, record)
                return ""
            reason = "" if len(record) == expected else _wrong_number(len(record), expected)
            if is_one_line:
                self._below.add(number, line, record, reason)
                return ""
            reason += _over_lines(self._attempt.lines)
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


class _LineBelow(NamedTuple):
    """A line that may be a note below the table."""

    number: int
    line: str
    fields: list[str]
    reason: str  # why it is no row; "" where it is one if rows follow

    @property
    def text(self) -> str:
        return " ".join(each.strip() for each in self.fields if each.strip())


class _LinesBelow:
    """The lines since the last row that may be notes below the table: the end of the file shows which are."""

    def __init__(self) -> None:
        self.lines: list[_LineBelow] = []
        self._with_text = 0
        self._is_after_blank = False
        self._begins_after_blank = False

    @property
    def are_too_many(self) -> bool:
        """Whether they are no notes, but a table that is damaged from here on. Empty rows may be many."""
        return self._with_text > _MOST_NOTES

    def after_blank(self) -> None:
        self._is_after_blank = True

    def add(self, number: int, line: str, fields: list[str], reason: str) -> None:
        if not self.lines:
            self._begins_after_blank = self._is_after_blank
        self._is_after_blank = False
        self.lines.append(_LineBelow(number, line, fields, reason))
        self._with_text += any(map(str.strip, fields))

    def taken(self) -> list[_LineBelow]:
        taken, self.lines = self.lines, []
        self._with_text, self._is_after_blank = 0, False
        return taken

    def notes(self) -> list[tuple[int, str]]:
        """Take out the lines that are notes, with their numbers, once the file has ended."""
        start = next((at for at in range(len(self.lines)) if self._begins_notes(at)), len(self.lines))
        found = [each for each in self.lines[start:] if each.text]
        del self.lines[start:]
        return [(each.number, each.text) for each in found]

    def _begins_notes(self, at: int) -> bool:
        """Whether the notes begin with this line: it is set off from the table, says what it is, or is one text."""
        each = self.lines[at]
        is_text = not any(field.strip() for field in each.fields[1:])
        if not is_text and not each.reason:
            return False
        is_set_off = self._begins_after_blank if at == 0 else not self.lines[at - 1].text
        if not each.text or is_set_off or _NOTE.match(each.text):
            return True
        # The last line may be a row that was cut off.
        is_last = at == len(self.lines) - 1
        return bool(each.reason) and is_text and not is_last


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
