"""The rows of a file that workers have tallied, as they are in the file: it is staged when somebody asks for them.

It runs in a reading process, like everything that opens a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from meantime.dataset.reading import session
from meantime.dataset.reading.cluster.orders import TableOfFile, TallyOrder
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.reader_messages import ReaderTask
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.staging import arrange_file, open_file, stage_file
from meantime.dataset.snapshot import SharedFile, SharedFiles
from meantime.errors import DataError, SourceChanged
from meantime.later import duckdb

ROWS = "rows.parquet"


class HowToRead(msgspec.Struct, frozen=True, kw_only=True):
    """How the files of a table are opened again: kept in the snapshot."""

    source: Source
    description: Description
    columns_by_hand: dict[str, str]
    tables: tuple[TableOfFile, ...]


class StageTask(ReaderTask, frozen=True, kw_only=True, tag="stage"):
    """A file to be staged in ``work``, as it was for its tally."""

    path: str
    description: Description
    columns_by_hand: dict[str, str]
    table: TableOfFile


# Made at import, by one thread: see formats/document.py.
_HOW = msgspec.json.Decoder(HowToRead)


def shared_files(order: TallyOrder, files: Sequence[SharedFile], tables: Sequence[TableOfFile]) -> SharedFiles:
    """Return what a snapshot keeps of its files, to find their rows again; tables that are equal are kept once."""
    different: list[TableOfFile] = []
    numbered = []
    for file, table in zip(files, tables, strict=True):
        if table not in different:
            different.append(table)
        numbered.append(msgspec.structs.replace(file, table=different.index(table)))
    how = HowToRead(
        source=order.source,
        description=order.description,
        columns_by_hand=order.columns_by_hand,
        tables=tuple(different),
    )
    return SharedFiles(files=tuple(numbered), how=msgspec.json.encode(how).decode(), memory_mb=order.memory_mb)


def stage_task(shared: SharedFiles, number: int, work: Path) -> StageTask:
    """Return the task that stages the file with this number in ``work``."""
    how, file = _HOW.decode(shared.how), shared.files[number]
    return StageTask(
        source=how.source,
        work=str(work),
        memory_mb=shared.memory_mb,
        path=file.path,
        description=how.description,
        columns_by_hand=how.columns_by_hand,
        table=how.tables[file.table],
    )


def stage_shared_file(task: StageTask) -> Path:
    """Stage a file, and return where its rows are: as Parquet, with the columns of its table and their lines.

    Raises:
        DataError: the file is no longer what it was.
        LoadFailed: the machine is in trouble, or the memory limit is too low.
    """
    work = Path(task.work)
    try:
        opened = open_file(
            Path(task.path),
            work,
            task.description,
            task.columns_by_hand,
            on_bytes=lambda _: None,
            part=task.source.part,
        )
        if opened.columns != task.table.columns:
            raise SourceChanged(f"{opened.name} has other columns than when it was read.")
        with session.connect(work=work, memory_mb=task.memory_mb) as database:
            # What was rejected then is rejected again, and was not too much.
            staged = stage_file(database, opened, work / "staged.parquet", rejected_limit=1, on_bytes=lambda _: None)
            staged = arrange_file(database, staged, task.table.arrangement, work / "table.parquet")
    except (DataError, duckdb.Error, OSError) as error:
        raise session.explain(error, source=task.source, into=task.work, memory_mb=task.memory_mb) from error
    return staged.parquet.rename(work / ROWS)
