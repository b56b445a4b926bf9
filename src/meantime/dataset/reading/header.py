"""The header of a text file: which delimiter separates its names, and on which lines it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meantime.dataset.reading.columns import count_recognized
from meantime.errors import SourceEmpty, SourceUnreadable

DELIMITERS = (",", ";", "\t", "|")
# DuckDB holds 2,048 values of every column for every thread, and the Parquet file a page of each: with this many, about
# 300 MB. Tables of indicators have tens of columns.
MOST_COLUMNS = 2_000
# How many records are compared with the header to find the delimiter.
_RECORDS_COMPARED = 50


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The names of the columns, as one delimiter separates them."""

    delimiter: str
    names: tuple[str, ...]
    lines: int  # physical lines up to its end
    rank: tuple[int, bool, float, int]  # the higher, the more likely this is the delimiter


def find_header(text: str, name: str, delimiter: str | None, columns: Mapping[str, str]) -> TableHeader:
    """Return the header at the beginning of a file, separated by the given or the most likely delimiter.

    Raises:
        SourceEmpty: there are only blank lines.
        SourceUnreadable: it cannot be read, or has too many columns.
    """
    lines = list(io.StringIO(text, newline=""))
    blank = next((index for index, line in enumerate(lines) if line.strip("\r\n")), None)
    if blank is None:
        raise SourceEmpty(f"{name} is empty: it has only blank lines. Check how it was written or downloaded.")
    # A header of megabytes is cut off here, and so refused as one that does not end.
    tried = [_try_delimiter(lines[blank:], blank, each, columns) for each in ([delimiter] if delimiter else DELIMITERS)]
    readable = [header for header in tried if header]
    best = max(readable, key=lambda header: header.rank, default=None)
    # Any text is one name if nothing separates it. Then the delimiter that failed shows what is wrong.
    if best is None or (len(best.names) == 1 and len(readable) < len(tried)):
        raise SourceUnreadable(
            f"The header of {name} cannot be read: it has a quote that is never closed, or text after a closing quote. "
            "The first line must contain the names of the columns."
        )
    if any("\0" in each for each in best.names):
        raise SourceUnreadable(f"The header of {name} contains a NUL byte. Save the file again as text.")
    if len(best.names) > MOST_COLUMNS:
        raise SourceUnreadable(
            f"{name} has {len(best.names):,} columns; at most {MOST_COLUMNS:,} can be read. If the wrong character was "
            'taken for the delimiter, write delimiter = "..." in the TOML file next to the data. Otherwise remove '
            "columns."
        )
    return best


def _try_delimiter(lines: Sequence[str], blank: int, delimiter: str, columns: Mapping[str, str]) -> TableHeader | None:
    """Separate the header and the first records by this delimiter, and rank how well it fits."""
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    with csv_field_limit(sum(map(len, lines)) + 1):
        try:
            names = tuple(next(reader))
        except csv.Error:
            return None
        header_lines = blank + reader.line_num
        matching = compared = 0
        try:
            for record in reader:
                if compared == _RECORDS_COMPARED:
                    break
                compared += bool(record)
                matching += len(record) == len(names)
        except csv.Error:
            pass  # the records before this one are enough
    share = matching / compared if compared else 0.0
    rank = (count_recognized(names, columns), len(names) > 1, share, len(names))
    return TableHeader(delimiter, names, header_lines, rank)


class csv_field_limit:  # noqa: N801 - reads as a with statement
    """Let the csv module accept fields of this length: its limit of 128 KiB holds for the whole process.

    Reading runs in a separate process, and in tests one at a time, so nothing else reads CSV meanwhile.
    """

    def __init__(self, length: int) -> None:
        self._length = length

    def __enter__(self) -> None:
        self._before = csv.field_size_limit(self._length)

    def __exit__(self, *_: object) -> None:
        csv.field_size_limit(self._before)
