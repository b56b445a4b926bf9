"""A source whose files are open, and how all of their rows are staged: before they are rolled up, or to be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from meantime.dataset.reading import row_checks
from meantime.dataset.reading.as_written import PlainForms
from meantime.dataset.reading.decisions import TableForm
from meantime.dataset.reading.description import read_description, with_settings
from meantime.dataset.reading.file_set import open_files
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.plain_columns import read_plain
from meantime.dataset.reading.progress import (
    SNIFFED,
    STAGED,
    Progress,
    StagingProgress,
    query_progress,
)
from meantime.dataset.reading.reader_messages import ReaderTask
from meantime.dataset.reading.source import Source, data_files, description_path, name_without_ending
from meantime.dataset.reading.staged_view import columns_by_role
from meantime.dataset.reading.staging import (
    OpenedFile,
    StagedFile,
    arrange_file,
    stage_columns,
    stage_file,
    too_many_rejected,
)
from meantime.errors import SourceEmpty
from meantime.later import duckdb
from meantime.text import listed, quoted


class OpenedSource(NamedTuple):
    """The files of a source and the table that they become, before any row is read."""

    opened: Sequence[OpenedFile]
    tables: Sequence[FileTable]
    table: TableForm

    def staging_progress(
        self,
        on_progress: Callable[[Progress], None],
        *,
        phase: str = "reading",
        within: tuple[float, float] = (SNIFFED, STAGED),
    ) -> StagingProgress:
        """Return the progress of staging all files."""
        return StagingProgress(
            [file.path.stat().st_size for file in self.opened], on_progress, phase=phase, within=within
        )


class StagedRows(NamedTuple):
    """The complete rows of all files as Parquet, with plain columns where they are not written plainly."""

    files: Sequence[StagedFile]
    table: TableForm  # with its plain columns and its decimal mark
    forms: PlainForms

    @property
    def rows(self) -> int:
        """Rows in the files, however often they count."""
        return sum(file.rows for file in self.files)

    @property
    def columns(self) -> dict[str, str]:
        """What the column of each role is called in the staged files."""
        return columns_by_role(self.table.columns, self.table.roles, self.table.plain)

    @property
    def parquet(self) -> list[Path]:
        """The files."""
        return [file.parquet for file in self.files]


class ReadingLimits(ReaderTask, frozen=True, kw_only=True):
    """What is read, and within which limits."""

    rejected_limit: float


def open_source(task: ReadingLimits, on_progress: Callable[[Progress], None]) -> OpenedSource:
    """Open all files of a source, and find out what table they are; raises as ``open_files``."""
    described_in = description_path(task.source)
    description = with_settings(read_description(described_in), task.source.settings)
    columns_by_hand = {**description.columns, **task.source.columns}
    title = description.title or _title(task.source)
    opened, tables = open_files(
        data_files(task.source),
        Path(task.work),
        description,
        columns_by_hand,
        on_progress,
        title=title,
        described_in=described_in.name,
        part=task.source.part,
    )
    if description.level is None:
        description = msgspec.structs.replace(description, level=tables[0].arrangement.level)
    table = TableForm(
        columns=tables[0].columns,
        roles=tables[0].roles,
        evidence=tables[0].evidence,
        columns_by_hand=columns_by_hand,
        delimiter=opened[0].text.delimiter if opened[0].text else "",
        title=title,
        description=description,
    )
    return OpenedSource(opened, tables, table)


def stage_some(
    database: duckdb.DuckDBPyConnection,
    source: OpenedSource,
    task: ReadingLimits,
    progress: StagingProgress,
    columns: Sequence[int],
) -> StagedRows | None:
    """Stage some columns of all rows, as ``stage_whole`` stages all; None if a file cannot be read in place."""
    staged = []
    for number, file in enumerate(source.opened):
        with query_progress(database, progress.report):
            into = Path(task.work) / f"{number:04}.parquet"
            some = stage_columns(database, file, into, columns, rejected_limit=task.rejected_limit)
        if some is None:
            return None
        staged.append(some)
        progress.next_file(some.rows)
    return _completed(database, source, task, staged)


def stage_whole(
    database: duckdb.DuckDBPyConnection, source: OpenedSource, task: ReadingLimits, progress: StagingProgress
) -> StagedRows:
    """Stage all rows, write plain columns beside those that are not plain, and drop incomplete rows.

    Raises:
        TooManyRejected: more lines are rejected than allowed.
        SourceUnreadable: a file is damaged, or how numbers or years are written cannot be read.
        SourceEmpty: there are no rows.
    """
    work = Path(task.work)
    staged = []
    for number, (file, table) in enumerate(zip(source.opened, source.tables, strict=True)):
        into = work / f"{number:04}.parquet"
        with query_progress(database, progress.report):
            rows = stage_file(database, file, into, rejected_limit=task.rejected_limit, on_bytes=progress.add_copied)
            staged.append(arrange_file(database, rows, table.arrangement, work / f"{number:04}.table.parquet"))
        progress.next_file(staged[-1].rows)
    return _completed(database, source, task, staged)


def _completed(
    database: duckdb.DuckDBPyConnection, source: OpenedSource, task: ReadingLimits, staged: list[StagedFile]
) -> StagedRows:
    table = source.table
    as_written = columns_by_role(table.columns, table.roles)
    staged, plain, forms = read_plain(database, staged, as_written, table.roles, table.description)
    table = replace(table, plain=plain, decimal_mark=forms.decimal_mark)
    in_file = columns_by_role(table.columns, table.roles, plain)
    staged = [row_checks.drop_incomplete(database, file, in_file) for file in staged]
    _check_rejected(staged, task.rejected_limit)
    return StagedRows(staged, table, forms)


def _check_rejected(staged: Sequence[StagedFile], rejected_limit: float) -> None:
    for file in staged:
        rejected, lines = file.rejections.total, file.rejections.total + file.rows
        if rejected > rejected_limit * lines:
            raise too_many_rejected(f"{rejected:,} of {lines:,} lines of {file.rejections.file}", file.rejections.first)
    if not any(file.rows for file in staged):
        names = listed(quoted(file.rejections.file) for file in staged)
        rejected = sum(file.rejections.total for file in staged)
        what = f"none of its {rejected:,} lines can be read as a row" if rejected else "it has a header but no rows"
        raise SourceEmpty(f"{names}: {what}. Check how the file was written or downloaded.")


def _title(source: Source) -> str:
    path = Path(source.path)
    return name_without_ending(path) if path.is_file() else source.name
