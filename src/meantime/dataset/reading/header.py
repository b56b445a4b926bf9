"""The header of a text file: on which line it is, which delimiter separates its names, and how its rows are written.

Files of publishers and spreadsheets have lines above the header (a title, ``sep=;``, comments), headers of two lines,
and rows without their last empty fields. All are taken only where the file shows them; otherwise the first line is the
header.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from meantime.dataset.facts.column_names import is_period_name
from meantime.dataset.reading.columns import count_recognized
from meantime.errors import SourceEmpty, SourceUnreadable

DELIMITERS = (",", ";", "\t", "|")
# DuckDB holds 2,048 values of every column for every thread, and the Parquet file a page of each: with this many, about
# 300 MB. Tables of indicators have tens of columns.
MOST_COLUMNS = 2_000
# How many records are compared with the header to find the delimiter.
_RECORDS_COMPARED = 50
# Where the header may be if it is not the first line. The World Bank writes four lines above it, spreadsheets a screen.
_LINES_SEARCHED = 60
# Of what is searched; a longer one is no title.
_SEARCHED_CHARACTERS = 2**20
# So many more names of columns that are known make a later line the header.
_CLEARLY_MORE = 2
# A writer that leaves out empty fields at the end does so in many rows. A single short row is a damaged one.
_SHORT_SHARE = 0.2
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*%?")
_TAB_ENDINGS = (".tsv", ".tab", ".tsv.gz", ".tab.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHeader:
    """The names of the columns, as one delimiter separates them."""

    delimiter: str
    names: tuple[str, ...]
    first_line: int  # physical lines before it
    lines: int  # physical lines up to its end
    recognized: int  # how many roles its names fill
    share: float  # of the records after it that have as many fields
    above: tuple[str, ...] = ()  # the lines above it that are not blank
    labels: tuple[str, ...] = ()  # of another line of the header, which says what the codes in this one mean
    is_joined: bool = False  # its names are those of two lines together
    leaves_out_empty: bool = False  # rows end with their last field that is not empty
    records: tuple[tuple[str, ...], ...] = field(default=(), repr=False)  # the first ones after it

    @property
    def rank(self) -> tuple[int, bool, float, int]:
        """The higher, the more likely this is the delimiter."""
        return (self.recognized, len(self.names) > 1, self.share, len(self.names))


def find_header(text: str, name: str, delimiter: str | None, columns: Mapping[str, str]) -> TableHeader:
    """Return the header at the beginning of a file, separated by the given or the most likely delimiter.

    Raises:
        SourceEmpty: there are only blank lines.
        SourceUnreadable: it cannot be read, or has too many columns.
    """
    lines = list(io.StringIO(text, newline=""))
    first = next((index for index, line in enumerate(lines) if line.strip("\r\n")), None)
    if first is None:
        raise SourceEmpty(f"{name} is empty: it has only blank lines. Check how it was written or downloaded.")
    above = first
    if separator := _SEPARATOR_LINE.fullmatch(lines[first].strip("\r\n")):
        delimiter, above = delimiter or separator[1], first + 1
    # A header of megabytes is cut off here, and so refused as one that does not end.
    with csv_field_limit(len(text) + 1):
        best = _choose(lines, above, name, delimiter, columns)
    if best is None:
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
    return _with_labels(best)


def _choose(
    lines: Sequence[str], start: int, name: str, delimiter: str | None, columns: Mapping[str, str]
) -> TableHeader | None:
    delimiters = _delimiters(lines, start, name, delimiter)
    tried = [_try_delimiter(lines, start, each, columns) for each in delimiters]
    readable = [header for header in tried if header]
    best = max(readable, key=lambda header: header.rank, default=None)
    # Any text is one name if nothing separates it. Then the delimiter that failed shows what is wrong.
    if best is not None and len(best.names) == 1 and len(readable) < len(tried):
        best = None
    if best is not None and _looks_like_a_header(best):
        return best
    return _search_below(lines, start, delimiters, columns, best) or best


def _delimiters(lines: Sequence[str], start: int, name: str, delimiter: str | None) -> Sequence[str]:
    if delimiter:
        return (delimiter,)
    # In a file that says it is separated by tabs, commas are text.
    has_tabs = any("\t" in line for line in lines[start : start + _LINES_SEARCHED])
    return ("\t",) if has_tabs and name.lower().endswith(_TAB_ENDINGS) else DELIMITERS


def _looks_like_a_header(header: TableHeader) -> bool:
    is_named = 2 * sum(not each.strip() for each in header.names) < len(header.names)
    return is_named and header.share >= 0.5 and header.recognized >= _CLEARLY_MORE


def _search_below(
    lines: Sequence[str],
    start: int,
    delimiters: Sequence[str],
    columns: Mapping[str, str],
    best: TableHeader | None,
) -> TableHeader | None:
    """Return a header further down, if some line is clearly more like one than the first; else None."""
    searched = [
        index
        for index in range(start + 1, min(start + _LINES_SEARCHED, len(lines)))
        if lines[index].strip("\r\n\t ,;|")
    ]
    if not searched or sum(map(len, islice(lines, searched[-1] + 1))) > _SEARCHED_CHARACTERS:
        return None
    found: TableHeader | None = None
    least = (best.recognized if best else 0) + _CLEARLY_MORE
    for index in searched:
        tried = (_try_delimiter(lines, index, each, columns) for each in delimiters)
        fitting = [header for header in tried if header and _has_names(header) and header.share >= 0.5]
        header = max(fitting, key=lambda header: header.rank, default=None)
        if header is None or (found and header.recognized <= found.recognized):
            continue
        if header.recognized >= least or (best and _is_title(best) and len(header.names) > len(best.names)):
            found = header
    if found is None:
        return None
    labels = _names_above(lines, found)
    end = found.first_line - bool(labels)
    above = (line.strip(f"\r\n\t {found.delimiter}").replace('"', "") for line in lines[start:end])
    return replace(found, above=tuple(line for line in above if line), labels=labels)


def _names_above(lines: Sequence[str], header: TableHeader) -> tuple[str, ...]:
    """Return the line directly above a header if it has a name for each column too, as in County Health Rankings."""
    above = _try_delimiter(lines, header.first_line - 1, header.delimiter, {})
    is_like_it = above is not None and above.lines == header.first_line and len(above.names) == len(header.names)
    return above.names if above and is_like_it and _has_names(above) and all(above.names) else ()


def _is_title(header: TableHeader) -> bool:
    """Whether what stands in the first line has no name that is known, and another form than the lines below it."""
    return header.recognized == 0 and (header.share < 0.5 or len(header.names) == 1)


def _has_names(header: TableHeader) -> bool:
    """Whether these can be names of columns: most are not empty, no two are alike, and no number but years."""
    names = [each.strip() for each in header.names]
    filled = [each for each in names if each]
    return (
        len(filled) > 1
        and 2 * len(filled) > len(names)
        and len(set(filled)) == len(filled)
        and not any(map(_is_number, filled))
    )


def _try_delimiter(lines: Sequence[str], start: int, delimiter: str, columns: Mapping[str, str]) -> TableHeader | None:
    """Separate the header and the first records by this delimiter, and count how well it fits."""
    reader = csv.reader(iter(lines[start:]), delimiter=delimiter, strict=True)
    try:
        names = tuple(next(reader))
    except (csv.Error, StopIteration):
        return None
    header_lines = start + reader.line_num
    records: list[tuple[str, ...]] = []
    try:
        for record in reader:
            if len(records) == _RECORDS_COMPARED:
                break
            if record:
                records.append(tuple(record))
    except csv.Error:
        pass  # the records before this one are enough
    names = _with_unnamed_last(names, records)
    recognized = count_recognized(names, columns) + _periods_in(names)
    joined = _joined(names, records) if lines[header_lines : header_lines + 1] and lines[header_lines].strip() else None
    if joined:
        both = tuple(dict.fromkeys(name for name in (*names, *records.pop(0)) if name.strip()))
        recognized = count_recognized(both, columns) + _periods_in(both)
        names, header_lines = joined, header_lines + 1
    share = sum(len(record) == len(names) for record in records) / len(records) if records else 0.0
    leaves_out_empty = _leaves_out_empty(names, records)
    if leaves_out_empty:
        share = sum(len(record) <= len(names) for record in records) / len(records)
    return TableHeader(
        delimiter=delimiter,
        names=names,
        first_line=start,
        lines=header_lines,
        recognized=recognized,
        share=share,
        is_joined=joined is not None,
        leaves_out_empty=leaves_out_empty,
        records=tuple(records),
    )


def _periods_in(names: Sequence[str]) -> int:
    """Count a column for each year as the one role that they fill together."""
    return int(sum(map(is_period_name, names[:MOST_COLUMNS])) >= _CLEARLY_MORE)


def _joined(names: Sequence[str], records: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the names of a header of two lines, "2021" over "Percent" and "Lower"; None if it has one line.

    The upper line has a name once, at the first of several columns, as merged cells are saved, or at each of them. The
    lower one has texts there, and no numbers as the rows below it have.

    >>> rows = [["", "Percent", "N", "Percent", "N"], ["Avalon", "41.5", "1500", "40.0", "1400"]]
    >>> _joined(["County", "2021", "", "2022", ""], rows)
    ('County', '2021 Percent', '2021 N', '2022 Percent', '2022 N')
    >>> _joined(["County", "2021", "Note", "2022", ""], [["Avalon", "41.5", "", "40.0", "e"], rows[1]]) is None
    True
    """
    if len(records) < 2 or len(records[0]) != len(names) or any("\n" in text for text in records[0]):
        return None
    lower = [text.strip() for text in records[0]]
    upper: list[str] = []
    for name in names:
        upper.append(name.strip() or (upper[-1] if upper else ""))
    size = Counter(name for name, text in zip(upper, lower, strict=True) if name and text)
    texts = {text for name, text in zip(upper, lower, strict=True) if size[name] > 1 and text}
    is_filled = [bool(name.strip()) for name in names]
    is_over_several = any(size[name] > 1 for name in names)
    fits = all(
        not text or not is_named or text in (name, *texts)
        for name, text, is_named in zip(upper, lower, is_filled, strict=True)
    )
    if not is_over_several or not fits or any(map(_is_number, lower)):
        return None
    at_texts = [at for at, text in enumerate(lower) if text in texts]
    if not any(
        len(record) == len(names) and any(_is_number(record[at].strip()) for at in at_texts) for record in records
    ):
        return None
    joined = tuple(
        (f"{name} {text}" if text and name and text != name else text or name) if is_named or text else ""
        for name, text, is_named in zip(upper, lower, is_filled, strict=True)
    )
    filled = [name for name in joined if name]
    return joined if len(set(filled)) == len(filled) else None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and not is_period_name(text)


def _with_unnamed_last(names: tuple[str, ...], records: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Add a column without a name where every row ends with a delimiter and the header does not."""
    is_longer = records and all(len(record) == len(names) + 1 and not record[-1] for record in records)
    return (*names, "") if is_longer and len(names) > 1 else names


def _leaves_out_empty(names: Sequence[str], records: Sequence[Sequence[str]]) -> bool:
    """Whether rows end with their last field that is not empty, as some programs write them.

    Then some rows are short, some are whole, and none ends with an empty field. Lines of one field are notes.
    """
    table = [record for record in records if len(record) > 1]
    short = sum(len(record) < len(names) for record in table)
    whole = sum(len(record) == len(names) for record in table)
    return (
        short > 1
        and whole > 0
        and short >= _SHORT_SHARE * len(table)
        and short + whole == len(table)
        and all(record[-1].strip() for record in table)
    )


def _with_labels(header: TableHeader) -> TableHeader:
    """Take the second line of a table of the Census Bureau for what it is: its columns in words."""
    first = header.names[0].replace(".", "_").upper()
    second = header.records[0] if header.records else ()
    if first not in ("GEO_ID", "GEOID") or len(second) != len(header.names):
        return header
    if not any(label.startswith("Geograph") for label in second[:4]):
        return header
    # Its labels have no line ends.
    return replace(header, lines=header.lines + 1, labels=tuple(second), records=header.records[1:])


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
