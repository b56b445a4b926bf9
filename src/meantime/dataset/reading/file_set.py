"""The files of one data set, opened together: they must have the same columns and the same delimiter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from meantime.dataset.reading.description import Description
from meantime.dataset.reading.progress import SNIFFED, Progress
from meantime.dataset.reading.staging import OpenedFile, open_file
from meantime.errors import SourceUnreadable
from meantime.text import listed, quoted


def open_files(
    paths: Sequence[Path],
    work: Path,
    description: Description,
    columns_by_hand: Mapping[str, str],
    on_progress: Callable[[Progress], None],
) -> list[OpenedFile]:
    """Open every file: sniff its form, and decompress it if necessary.

    Raises:
        SourceUnreadable: a file cannot be opened or is not a table, or the files have different forms.
        SourceEmpty: a file has nothing in it.
    """
    size = sum(path.stat().st_size for path in paths) or 1
    done = 0

    def on_bytes(number: int) -> None:
        nonlocal done
        done += number
        # A compressed file is longer once decompressed; nobody knows by how much in advance.
        on_progress(Progress("looking", min(done / size, 1) * SNIFFED, None))

    on_progress(Progress("looking", 0.0, None))
    opened = [open_file(path, work, description, columns_by_hand, on_bytes=on_bytes) for path in paths]
    for other in opened[1:]:
        if difference := _difference(opened[0], other):
            raise SourceUnreadable(
                f"{opened[0].name} and {other.name} do not have the same form: {difference} Serve them as two data "
                "sets, or give them the same columns."
            )
    return opened


def _difference(one: OpenedFile, other: OpenedFile) -> str:
    missing = [name for name in one.columns if name not in set(other.columns)]
    added = [name for name in other.columns if name not in set(one.columns)]
    if missing or added:
        only = [f"only {one.name} has {listed(map(quoted, missing))}"] if missing else []
        only += [f"only {other.name} has {listed(map(quoted, added))}"] if added else []
        return f"of the columns, {'; '.join(only)}."
    if one.columns != other.columns:
        return "their columns are in a different order."
    if one.text and other.text and one.text.delimiter != other.text.delimiter:
        return f"one is delimited by {quoted(one.text.delimiter)}, the other by {quoted(other.text.delimiter)}."
    return ""
