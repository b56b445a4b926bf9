"""The files of one data set, opened together: they must become tables of the same columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from meantime.dataset.reading.description import Description
from meantime.dataset.reading.file_table import FileTable, find_file_table
from meantime.dataset.reading.progress import SNIFFED, Progress
from meantime.dataset.reading.staging import OpenedFile, open_file, sample_of
from meantime.errors import SourceUnreadable
from meantime.text import listed, quoted

# A longer line above a table is an explanation.
_LONGEST_TITLE = 150


def open_files(
    paths: Sequence[Path],
    work: Path,
    description: Description,
    columns_by_hand: Mapping[str, str],
    on_progress: Callable[[Progress], None],
    *,
    title: str,
    described_in: str,
    part: str = "",
) -> tuple[list[OpenedFile], list[FileTable]]:
    """Open every file: sniff its form, decompress it if necessary, and find out what table it is.

    ``title`` is for a table without one; ``described_in`` is the name of the file in which people describe it.

    Raises:
        SourceUnreadable: a file cannot be opened or is not a table, or the files have different tables.
        SourceEmpty: a file has nothing in it.
        RolesMissing, HeaderRepeated, DescriptionInvalid: as of ``find_file_table``.
    """
    size = sum(path.stat().st_size for path in paths) or 1
    done = 0

    def on_bytes(number: int) -> None:
        nonlocal done
        done += number
        # A compressed file is longer once decompressed; nobody knows by how much in advance.
        on_progress(Progress("looking", min(done / size, 1) * SNIFFED, None))

    on_progress(Progress("looking", 0.0, None))
    opened = [open_file(path, work, description, columns_by_hand, on_bytes=on_bytes, part=part) for path in paths]
    tables: list[FileTable] = []
    for file in opened:
        # Files with one header have one form: that of the first, whatever the rows of the others show.
        is_like_first = bool(tables) and file.columns == opened[0].columns
        tables.append(
            tables[0]
            if is_like_first
            else find_form(file, description, columns_by_hand, title=title, described_in=described_in)
        )
        refuse_other_form(opened[0], tables[0].columns, file, tables[-1].columns)
    return opened, tables


def find_form(
    file: OpenedFile,
    description: Description,
    columns_by_hand: Mapping[str, str],
    *,
    title: str,
    described_in: str,
) -> FileTable:
    """Find out what table an opened file is; see ``open_files``."""
    return find_file_table(
        file.columns,
        labels=file.text.labels if file.text else (),
        records=sample_of(file),
        description=description,
        by_hand=columns_by_hand,
        known=file.roles,
        title=description.title or file.title or _title_above(file) or title,
        described_in=described_in,
    )


def refuse_other_form(one: OpenedFile, columns: Sequence[str], other: OpenedFile, others: Sequence[str]) -> None:
    """Refuse a file whose table has other columns than the first one's, or is delimited otherwise.

    Raises:
        SourceUnreadable: it is so.
    """
    if difference := _difference(one, columns, other, others):
        raise SourceUnreadable(
            f"{one.name} and {other.name} do not have the same form: {difference} Serve them as two data "
            "sets, or give them the same columns."
        )


def _title_above(file: OpenedFile) -> str:
    """Return the title above the header of a file; "" where there is none, or several lines."""
    above = [line for line in file.text.above if not line.startswith("#")] if file.text else []
    is_title = len(above) == 1 and file.text is not None and file.text.delimiter not in above[0]
    return above[0] if is_title and len(above[0]) <= _LONGEST_TITLE else ""


def _difference(one: OpenedFile, columns: Sequence[str], other: OpenedFile, others: Sequence[str]) -> str:
    missing = [name for name in columns if name not in set(others)]
    added = [name for name in others if name not in set(columns)]
    if missing or added:
        only = [f"only {one.name} has {listed(map(quoted, missing))}"] if missing else []
        only += [f"only {other.name} has {listed(map(quoted, added))}"] if added else []
        return f"of the columns, {'; '.join(only)}."
    if columns != others:
        return "their columns are in a different order."
    if one.text and other.text and one.text.delimiter != other.text.delimiter:
        return f"one is delimited by {quoted(one.text.delimiter)}, the other by {quoted(other.text.delimiter)}."
    return ""
