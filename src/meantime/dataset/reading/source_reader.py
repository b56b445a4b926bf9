"""A source becomes a snapshot: sniff the files, stage their rows, roll them up, write the snapshot.

It runs in a separate process (``reader_process``): a hostile file can take all memory, and reading cannot be
interrupted everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec
import numpy as np

from meantime.dataset.plausibility import data_problems, problem_warnings
from meantime.dataset.points import Points
from meantime.dataset.reading import row_checks, session, warnings
from meantime.dataset.reading.columns import ROLES, assign_roles, may_be_category
from meantime.dataset.reading.decimal_mark import DecimalMark, find_decimal_mark
from meantime.dataset.reading.description import read_description
from meantime.dataset.reading.file_set import open_files
from meantime.dataset.reading.grouping import group_into_cube, locate_places
from meantime.dataset.reading.interval_levels import find_levels
from meantime.dataset.reading.labels import find_shared_name, refuse_ambiguous_labels
from meantime.dataset.reading.progress import ROLLED_UP, STAGED, Progress, StagingProgress, query_progress
from meantime.dataset.reading.question_breaks import find_breaks
from meantime.dataset.reading.source import Source, data_files, description_path, file_state, name_without_ending
from meantime.dataset.reading.staged_view import columns_by_role, make_staged_view, rows_sql
from meantime.dataset.reading.staging import REJECTED_KEPT, OpenedFile, StagedFile, stage_file, too_many_rejected
from meantime.dataset.samples.synthetic import is_synthetic
from meantime.dataset.snapshot import About, Rejected
from meantime.dataset.snapshot_folder import write_snapshot
from meantime.errors import DataError, SourceChanged, SourceEmpty
from meantime.text import listed, quoted


class ReadingTask(msgspec.Struct, frozen=True, kw_only=True):
    """What to read, and within which limits."""

    source: Source
    into: str  # the folder of the snapshots
    work: str  # a folder for temporary files, removed by its creator
    memory_mb: int
    rejected_limit: float


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
    description = read_description(description_path(task.source))
    columns_by_hand = {**description.columns, **task.source.columns}
    opened = open_files(paths, work, description, columns_by_hand, on_progress)
    columns = opened[0].columns
    roles = assign_roles(columns, columns_by_hand)
    with session.connect(work=work, memory_mb=task.memory_mb) as database:
        staged = _stage_all(database, opened, work, task.rejected_limit, on_progress)
        refuse_changed_files()
        staged = row_checks.drop_incomplete(database, staged, columns_by_role(columns, roles))
        _check_rejected(staged, task.rejected_limit)
        parquet = [file.parquet for file in staged]
        shared_name = find_shared_name(database, rows_sql(parquet), columns_by_role(columns, roles))
        roles = _final_roles(database, staged, columns, roles, columns_by_hand, has_shared_name=shared_name is not None)
        refuse_ambiguous_labels(database, rows_sql(parquet), columns_by_role(columns, roles))
        rows = sum(file.rows for file in staged)
        on_progress(Progress("rolling up", STAGED, rows))
        make_staged_view(database, parquet, columns, roles)
        delimiter = opened[0].text.delimiter if opened[0].text else ""
        if description.decimal_mark:
            decimal_mark = DecimalMark(description.decimal_mark)
        else:
            decimal_mark = find_decimal_mark(database, delimiter)
        title = description.title or _title(task.source)
        levels = find_levels(database, roles, description, title)
        cube, questions, limits_from, of_numbers = group_into_cube(
            database, decimal_mark.mark, description=description, levels=levels.levels
        )
        breaks = find_breaks(database, cube, questions, description)
        questions = breaks.questions
        about = About(
            title=title,
            synthetic=_is_synthetic(database),
            roles=roles,
            columns=columns,
            questions=questions,
            limits_from=limits_from,
            rows=cube.rows,
            rejected_total=sum(file.rejections.total for file in staged),
            rejected=_first_rejected(staged),
            files=tuple(path.name for path in paths),
            encoding=", ".join(dict.fromkeys(file.text.encoding if file.text else "parquet" for file in opened)),
            delimiter=delimiter,
            decimal_mark=decimal_mark.mark,
            warnings=(
                *warnings.column_warnings(columns, roles, columns_by_hand),
                *warnings.encoding_warnings(opened),
                *warnings.shared_name_warnings(shared_name, roles),
                *warnings.description_warnings(description, cube.labels.questions),
                *warnings.folder_warnings(task.source),
                *decimal_mark.warnings,
                *breaks.warnings,
                *levels.warnings,
                *of_numbers,
                *problem_warnings(cube, data_problems(cube, questions, np.arange(len(cube.cells)))),
            ),
            points=locate_places(database) if "point" in roles else Points(),
            standards=description.populations,
        )
    on_progress(Progress("writing", ROLLED_UP, rows))
    return write_snapshot(cube, about, parquet, Path(task.into), work=work)


def _stage_all(
    database: duckdb.DuckDBPyConnection,
    opened: Sequence[OpenedFile],
    work: Path,
    rejected_limit: float,
    on_progress: Callable[[Progress], None],
) -> list[StagedFile]:
    staged: list[StagedFile] = []
    progress = StagingProgress([file.path.stat().st_size for file in opened], on_progress)
    for number, file in enumerate(opened):
        into = work / f"{number:04}.parquet"
        with query_progress(database, progress.report):
            staged.append(stage_file(database, file, into, rejected_limit=rejected_limit, on_bytes=progress.add_copied))
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


def _final_roles(
    database: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    columns: Sequence[str],
    roles: Mapping[str, str],
    columns_by_hand: Mapping[str, str],
    *,
    has_shared_name: bool,
) -> dict[str, str]:
    """Return the roles that the rows show, where the header alone does not decide."""
    final = dict(roles)
    if not has_shared_name and "location_id" not in columns_by_hand:
        # An id that distinguishes nothing is not part of the content, nor of the fingerprint.
        final.pop("location_id", None)
    if may_be_category(roles, columns_by_hand) and row_checks.has_several_topics(
        database, staged, columns_by_role(columns, roles)
    ):
        final["category"] = final.pop("topic")
    return {role: final[role] for role in ROLES if role in final}


def _is_synthetic(database: duckdb.DuckDBPyConnection) -> bool:
    sources = database.execute("SELECT DISTINCT source FROM staged").fetchall()
    return any(is_synthetic(source) for (source,) in sources)


def _title(source: Source) -> str:
    path = Path(source.path)
    return name_without_ending(path) if path.is_file() else source.name
