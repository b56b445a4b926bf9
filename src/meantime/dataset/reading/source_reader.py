"""A source becomes a snapshot: sniff the files, stage their rows, survey them, decide, roll up, write the snapshot.

It runs in a separate process (``reader_process``): a hostile file can take all memory, and reading cannot be
interrupted everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from meantime.dataset.cube import Period
from meantime.dataset.facts.column_names import categories_of_everyone, remarks_of_none
from meantime.dataset.plausibility import ProblemCounts, data_problems
from meantime.dataset.reading import row_checks, session, warnings
from meantime.dataset.reading.cluster.address import Cluster
from meantime.dataset.reading.cluster.gathering import gather_tallies
from meantime.dataset.reading.cluster.orders import TallyOrder
from meantime.dataset.reading.decisions import TableForm, decide
from meantime.dataset.reading.described_names import with_questions_of
from meantime.dataset.reading.description import read_description, with_settings
from meantime.dataset.reading.file_set import open_files
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.grouping import RolledUp
from meantime.dataset.reading.plain_columns import read_plain
from meantime.dataset.reading.progress import ROLLED_UP, STAGED, Progress, StagingProgress, query_progress
from meantime.dataset.reading.question_breaks import find_breaks, years_by_question
from meantime.dataset.reading.reader_messages import ReaderTask
from meantime.dataset.reading.rejected_lines import too_many_rejected
from meantime.dataset.reading.role_reasons import role_reasons
from meantime.dataset.reading.rows_of_a_cell import RowsOfCells, look_at_rows
from meantime.dataset.reading.source import (
    Source,
    data_files,
    description_path,
    file_state,
    name_without_ending,
    table_address,
)
from meantime.dataset.reading.staged_view import StagedRows, columns_by_role, rows_sql
from meantime.dataset.reading.staging import (
    REJECTED_KEPT,
    OpenedFile,
    StagedFile,
    arrange_file,
    stage_file,
)
from meantime.dataset.reading.survey import FileFacts, join_all, survey_file
from meantime.dataset.reading.tally import LINES, StrataOfSums, is_counted
from meantime.dataset.snapshot import About, QuestionMetadata, Rejected
from meantime.dataset.snapshot_writer import SnapshotWriter
from meantime.errors import DataError, SourceChanged, SourceEmpty, SourceUnreadable
from meantime.later import duckdb
from meantime.text import count, listed, quoted


class ReadingTask(ReaderTask, frozen=True, kw_only=True, tag="read"):
    """What to read, and within which limits."""

    into: str  # the folder of the snapshots
    rejected_limit: float
    cluster: Cluster | None = None  # who reads the files; None for this process
    reserve_mb: int = 0  # of disk space that workers keep free


def read_source(task: ReadingTask, on_progress: Callable[[Progress], None]) -> Path:
    """Read a source and return the folder of its snapshot.

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
        return _read(task, paths, refuse_changed_files, on_progress)
    except (DataError, duckdb.Error, OSError) as error:
        # Half a file looks like a damaged one: that it changed is the true cause, and is reported first.
        refuse_changed_files()
        raise session.explain(error, source=task.source, into=task.into, memory_mb=task.memory_mb) from error


def _read(
    task: ReadingTask,
    paths: Sequence[Path],
    refuse_changed_files: Callable[[], None],
    on_progress: Callable[[Progress], None],
) -> Path:
    work = Path(task.work)
    described_in = description_path(task.source)
    description = with_settings(read_description(described_in), task.source.settings)
    columns_by_hand = {**description.columns, **task.source.columns}
    title = description.title or _title(task.source)
    order = TallyOrder(
        source=task.source,
        description=description,
        columns_by_hand=columns_by_hand,
        title=title,
        described_in=described_in.name,
        rejected_limit=task.rejected_limit,
        memory_mb=task.memory_mb,
        reserve_mb=task.reserve_mb,
    )
    gathered = gather_tallies(task.cluster, order, paths, work, on_progress) if task.cluster else None
    opened, tables = (
        gathered[:2]
        if gathered
        else open_files(
            paths,
            work,
            description,
            columns_by_hand,
            on_progress,
            title=title,
            described_in=described_in.name,
            part=task.source.part,
        )
    )
    columns, roles = tables[0].columns, tables[0].roles
    if description.level is None:
        description = msgspec.structs.replace(description, level=tables[0].arrangement.level)
    table = TableForm(
        columns=columns,
        roles=roles,
        evidence=tables[0].evidence,
        columns_by_hand=columns_by_hand,
        delimiter=opened[0].text.delimiter if opened[0].text else "",
        title=title,
        description=description,
    )
    with SnapshotWriter(Path(task.into), work=work) as writer:
        with session.connect(work=work, memory_mb=task.memory_mb) as database:
            staged = (
                gathered.staged
                if gathered
                else _stage_all(database, opened, tables, work, task.rejected_limit, on_progress)
            )
            refuse_changed_files()
            counted = (LINES,) if gathered else ()
            as_written = columns_by_role(columns, roles, counted)
            staged, plain, forms = read_plain(
                database,
                staged,
                as_written,
                roles,
                description,
                semicolons=any(file.text is not None and file.text.delimiter == ";" for file in opened),
                remarks_of_none=remarks_of_none(columns),
                everyone=categories_of_everyone(columns),
            )
            plain = (*plain, *counted)
            table = replace(table, plain=plain, decimal_mark=forms.decimal_mark)
            in_file = columns_by_role(columns, roles, plain)
            staged = [row_checks.drop_incomplete(database, file, in_file) for file in staged]
            _check_rejected(staged, task.rejected_limit)
            rows = sum(file.rows for file in staged)
            on_progress(Progress("rolling up", STAGED, rows))
            facts = _survey_all(database, staged, table, in_file)
            description = with_questions_of(description, facts.questions)
            decisions = decide(facts, replace(table, description=description))
            parquet = [file.parquet for file in staged]
            staged_rows = StagedRows.of(parquet, columns, decisions.roles, plain)
            rolled_up = RolledUp(
                database, staged_rows, decisions, description, work=work, rows=rows, memory_mb=task.memory_mb
            )
            written = _write_cells(writer, rolled_up, decisions.roles)
            shared = RowsOfCells()
            if written.shared_cells and not is_counted(decisions.all_roles):
                decided = columns_by_role(columns, decisions.roles, plain)
                shared = look_at_rows(database, rows_sql(parquet, decided), decided, columns, decisions.roles)
        breaks = find_breaks(written.questions, written.years, decisions.publishers, description)
        about = About(
            title=table.title,
            synthetic=decisions.is_synthetic,
            roles=dict(decisions.roles),
            columns=columns,
            questions=breaks.questions,
            limits_from=written.limits_from,
            rows=written.rows,
            rejected_total=sum(file.rejections.total for file in staged),
            rejected=_first_rejected(staged),
            files=tuple(path.name for path in paths),
            encoding=", ".join(dict.fromkeys(file.text.encoding if file.text else "parquet" for file in opened)),
            delimiter=table.delimiter,
            decimal_mark=decisions.numbers.decimal_mark,
            # The worst first: numbers that may be wrong; what was decided and may be wrong; what was done.
            warnings=(
                *forms.warnings,
                *written.warnings,
                *shared.warnings(decisions.roles, written.shared_cells),
                *warnings.case_warnings(rolled_up.labels),
                *warnings.date_warnings(rolled_up.labels),
                *warnings.cluster_warnings(written.shared_cells if gathered else 0),
                *decisions.warnings,
                *warnings.encoding_warnings(opened),
                *breaks.warnings,
                *warnings.copy_warnings(rolled_up.copies, decisions.roles),
                *warnings.folder_warnings(task.source),
                *warnings.form_warnings(opened, tables, staged),
            ),
            points=decisions.points,
            standards=description.populations,
            origin=decisions.origin,
            plain=plain,
            rows_differ_in=shared.differ_in,
            copies=rolled_up.copies,
            table=table_address(task.source),
            left_out=opened[0].left_out,
            shared=gathered.shared if gathered else None,
            why=role_reasons(
                decisions.roles,
                tables[0],
                options=task.source.columns,
                described=description.columns,
                described_in=described_in.name,
            ),
            constants=_constants(tables[0], decisions.roles),
        )
        on_progress(Progress("writing", ROLLED_UP, rows))
        return writer.finish(about, parquet)


# Of the reasons why a table has no value at all.
_REASONS_SHOWN = 3
# "10.5 (0.5)", "10.5 ± 0.5".
_TWO_NUMBERS = re.compile(r"[\d.,]*\d%? ?(?:\(|±|\+/-) ?±?[\d.,]*\d%?\)?", re.ASCII)


class _Written(NamedTuple):
    """What was found while cells were rolled up and written."""

    questions: tuple[QuestionMetadata, ...]
    years: Mapping[str, Period]  # the first and the last of each question, by its text
    rows: int
    shared_cells: int  # those of several different rows
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
        for question in range(len(cube.labels.questions)):
            cells = cube.block(question).cells
            shared += int((cells.rows - cells.copies > 1).sum())
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
    advice = "If another column has the numbers, name it: --column value=NAME."
    if all(map(_TWO_NUMBERS.fullmatch, most)):
        advice = "Write two numbers into two columns, such as Percent and SE: the file does not say what the second is."
    return SourceUnreadable(
        f"None of the {rows:,} rows has a value that can be read as a number. Instead, {quoted(column)} or its "
        f"footnotes have {there}{others}. {advice}"
    )


def _survey_all(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], table: TableForm, columns: Mapping[str, str]
) -> FileFacts:
    return join_all(
        [
            survey_file(
                database,
                file.parquet,
                columns,
                decimal_mark=table.decimal_mark,
                may_be_category=table.may_be_category,
            )
            for file in staged
        ]
    )


def _stage_all(
    database: duckdb.DuckDBPyConnection,
    opened: Sequence[OpenedFile],
    tables: Sequence[FileTable],
    work: Path,
    rejected_limit: float,
    on_progress: Callable[[Progress], None],
) -> list[StagedFile]:
    staged: list[StagedFile] = []
    progress = StagingProgress([file.path.stat().st_size for file in opened], on_progress)
    for number, (file, table) in enumerate(zip(opened, tables, strict=True)):
        into = work / f"{number:04}.parquet"
        with query_progress(database, progress.report):
            rows = stage_file(database, file, into, rejected_limit=rejected_limit, on_bytes=progress.add_copied)
            staged.append(arrange_file(database, rows, table.arrangement, work / f"{number:04}.table.parquet"))
        progress.next_file(staged[-1].rows)
    return staged


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


def _first_rejected(staged: Sequence[StagedFile]) -> tuple[Rejected, ...]:
    return tuple(line for file in staged for line in file.rejections.first)[:REJECTED_KEPT]


def _constants(table: FileTable, roles: Mapping[str, str]) -> dict[str, str]:
    texts = table.arrangement.constants
    return {role: texts[column] for role, column in roles.items() if column in texts}


def _title(source: Source) -> str:
    path = Path(source.path)
    return name_without_ending(path) if path.is_file() else source.name
