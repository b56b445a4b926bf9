"""A source becomes a snapshot: sniff the files, stage their rows, survey them, decide, roll up, write the snapshot.

It runs in a separate process (``reader_process``): a hostile file can take all memory, and reading cannot be
interrupted everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import Period
from meantime.dataset.plausibility import ProblemCounts, data_problems
from meantime.dataset.reading import session, warnings
from meantime.dataset.reading.answer_columns import answer_columns, look_at_lines
from meantime.dataset.reading.decisions import decide
from meantime.dataset.reading.grouping import GROUPS_FILE, RolledUp
from meantime.dataset.reading.opened_source import (
    OpenedSource,
    ReadingLimits,
    StagedRows,
    open_source,
    stage_some,
    stage_whole,
)
from meantime.dataset.reading.progress import ROLLED_UP, STAGED, Progress
from meantime.dataset.reading.question_breaks import find_breaks, years_by_question
from meantime.dataset.reading.row_keeping import keep_rows
from meantime.dataset.reading.rows_of_a_cell import RowsOfCells, look_at_rows
from meantime.dataset.reading.source import data_files, file_state
from meantime.dataset.reading.staged_view import columns_by_role, make_staged_view, rows_sql
from meantime.dataset.reading.staging import REJECTED_KEPT, StagedFile
from meantime.dataset.reading.survey import FileFacts, join_all, survey_file
from meantime.dataset.reading.tally import StrataOfSums
from meantime.dataset.snapshot import About, QuestionMetadata, Rejected
from meantime.dataset.snapshot_writer import SnapshotWriter
from meantime.errors import DataError, SourceChanged, SourceUnreadable
from meantime.later import duckdb
from meantime.text import count, listed, quoted


class ReadingTask(ReadingLimits, frozen=True, kw_only=True):
    """What to read, and within which limits."""

    into: str  # the folder of the snapshots
    rows_behind_bytes: int = 2**63 - 1  # the rows of larger files may be kept after their cells, which answer meanwhile
    rows_of: str = ""  # a snapshot in ``into`` whose cells are there, and which only needs its rows


def read_source(
    task: ReadingTask,
    on_progress: Callable[[Progress], None],
    on_cells: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Read a source and return the folder of its snapshot; ``on_cells`` gets it when its cells can answer before.

    Raises:
        DataError: the files cannot become a data set, or changed while they were read.
        LoadFailed: the machine is in trouble, or the memory limit is too low.
    """
    paths = data_files(task.source)
    before = [file_state(path) for path in paths]

    def refuse_changed_files() -> None:
        for path, state in zip(paths, before, strict=True):
            if file_state(path) != state:
                raise SourceChanged(
                    f"{path.name} was replaced or written to while it was being read. Start again once it is complete."
                )

    try:
        source = open_source(task, on_progress)
        if task.rows_of:
            folder = Path(task.into, task.rows_of)
        else:
            folder, is_complete = _read(task, source, paths, refuse_changed_files, on_progress, repr(before).encode())
            if is_complete:
                return folder
            on_cells(folder)
        return keep_rows(task, source, folder, refuse_changed_files, on_progress)
    except (DataError, duckdb.Error, OSError) as error:
        # Half a file looks like a damaged one: that it changed is the true cause, and is reported first.
        refuse_changed_files()
        raise session.explain(error, source=task.source, into=task.into, memory_mb=task.memory_mb) from error


def _read(
    task: ReadingTask,
    source: OpenedSource,
    paths: Sequence[Path],
    refuse_changed_files: Callable[[], None],
    on_progress: Callable[[Progress], None],
    read_from: bytes,
) -> tuple[Path, bool]:
    """Make the cells, and keep the rows if all were staged; return the folder, and whether it has its rows."""
    work = Path(task.work)
    opened, tables, table = source
    is_large = sum(file.path.stat().st_size for file in opened) >= task.rows_behind_bytes
    some = answer_columns(source) if is_large else None
    with SnapshotWriter(Path(task.into), work=work) as writer:
        with session.connect(work=work, memory_mb=task.memory_mb) as database:
            progress = source.staging_progress(on_progress)
            staged = stage_some(database, source, task, progress, some) if some else None
            if staged is None:
                some, staged = None, stage_whole(database, source, task, progress)
            refuse_changed_files()
            table, rows = staged.table, staged.rows
            on_progress(Progress("rolling up", STAGED, rows))
            decisions = decide(_survey_all(database, staged), table)
            make_staged_view(database, staged.parquet, table.columns, decisions.roles, table.plain)
            written = _write_cells(writer, RolledUp(database, decisions, table.description, work=work), decisions.roles)
            shared = RowsOfCells()
            if written.shared_cells and "row_count" not in decisions.roles:
                decided = columns_by_role(table.columns, decisions.roles, table.plain)
                if some is None:
                    of_files = rows_sql(staged.parquet, decided)
                    shared = look_at_rows(database, of_files, decided, table.columns, decisions.roles)
                else:
                    shared = RowsOfCells(look_at_lines(database, source, staged, decided, decisions.roles, work))
        (work / GROUPS_FILE).unlink()
        breaks = find_breaks(written.questions, written.years, decisions.publishers, table.description)
        about = About(
            title=table.title,
            synthetic=decisions.is_synthetic,
            roles=dict(decisions.roles),
            columns=tuple(table.columns),
            questions=breaks.questions,
            limits_from=written.limits_from,
            rows=written.rows,
            rejected_total=sum(file.rejections.total for file in staged.files),
            rejected=_first_rejected(staged.files),
            files=tuple(path.name for path in paths),
            encoding=", ".join(dict.fromkeys(file.text.encoding if file.text else "parquet" for file in opened)),
            delimiter=table.delimiter,
            decimal_mark=decisions.numbers.decimal_mark,
            warnings=(
                *warnings.form_warnings(opened, tables, staged.files),
                *warnings.encoding_warnings(opened),
                *warnings.folder_warnings(task.source),
                *staged.forms.warnings,
                *decisions.warnings,
                *shared.warnings(decisions.roles, written.shared_cells),
                *breaks.warnings,
                *written.warnings,
            ),
            points=decisions.points,
            standards=table.description.populations,
            origin=table.description.origin,
            plain=table.plain,
            rows_differ_in=shared.differ_in,
        )
        on_progress(Progress("writing", ROLLED_UP, rows))
        if some is None:
            return writer.finish(about, staged.parquet), True
        return writer.finish_cells(about, read_from=read_from), False


# Of the reasons why a table has no value at all.
_REASONS_SHOWN = 3


class _Written(NamedTuple):
    """What was found while cells were rolled up and written."""

    questions: tuple[QuestionMetadata, ...]
    years: Mapping[str, Period]  # the first and the last of each question, by its text
    rows: int
    shared_cells: int  # those of several rows
    limits_from: str
    warnings: tuple[str, ...]


def _write_cells(writer: SnapshotWriter, rolled_up: RolledUp, roles: Mapping[str, str]) -> _Written:
    """Write the cells, some questions at a time, and look at them while they are in memory."""
    years: dict[str, Period] = {}
    problems, strata = ProblemCounts(), StrataOfSums()
    reasons: Counter[str] = Counter()
    rows = values = shared = 0
    for cube in rolled_up.cubes():
        writer.add_questions(cube)
        questions = rolled_up.questions[len(years) : len(years) + len(cube.labels.questions)]
        problems.add(cube, data_problems(cube, questions, np.arange(cube.cell_count)))
        years |= years_by_question(cube)
        rows += cube.rows
        values += int(cube.by_question.moments.count.sum())
        reasons.update(cube.withheld_by_reason())
        shared += int((cube.pick(np.arange(cube.cell_count)).rows > 1).sum())
        if "row_count" in roles:
            strata.add(cube)
        del cube  # before the next one is made
    strata.refuse()
    if not values:
        raise _unreadable(reasons, roles["value"], rows)
    return _Written(
        rolled_up.questions, years, rows, shared, rolled_up.limits_from, (*rolled_up.warnings, *problems.warnings())
    )


def _unreadable(reasons: Mapping[str, int], column: str, rows: int) -> SourceUnreadable:
    """Return the error for a table without a single value."""
    most = sorted(reasons, key=lambda reason: (-reasons[reason], reason))[:_REASONS_SHOWN]
    there = listed(f"{quoted(reason)} ({count(reasons[reason], 'row')})" for reason in most)
    others = ", and others" if len(reasons) > len(most) else ""
    return SourceUnreadable(
        f"None of the {rows:,} rows has a value that can be read as a number. Instead, {quoted(column)} or its "
        f"footnotes have {there}{others}. If another column has the numbers, name it: --column value=NAME."
    )


def _survey_all(database: duckdb.DuckDBPyConnection, staged: StagedRows) -> FileFacts:
    table = staged.table
    return join_all(
        [
            survey_file(
                database,
                file.parquet,
                staged.columns,
                decimal_mark=table.decimal_mark,
                may_be_category=table.may_be_category,
            )
            for file in staged.files
        ]
    )


def _first_rejected(staged: Sequence[StagedFile]) -> tuple[Rejected, ...]:
    return tuple(line for file in staged for line in file.rejections.first)[:REJECTED_KEPT]
