"""The second part of reading: whole rows are kept behind cells that answer already, at once or at the next start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from meantime.dataset.reading import session
from meantime.dataset.reading.opened_source import OpenedSource, ReadingLimits, StagedRows, stage_whole
from meantime.dataset.reading.progress import KEEPING_ROWS, Progress
from meantime.dataset.reading.rows_of_a_cell import RowsOfCells, count_copies
from meantime.dataset.reading.staged_view import rows_sql
from meantime.dataset.rows_writer import add_rows
from meantime.dataset.snapshot import About
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import LoadFailed

# Where the rows are staged, as a share of the phase; the rest looks at them and writes them to the disk.
_STAGED = 0.9


def keep_rows(
    task: ReadingLimits,
    source: OpenedSource,
    folder: Path,
    refuse_changed_files: Callable[[], None],
    on_progress: Callable[[Progress], None],
) -> Path:
    """Add its rows to a snapshot that has only its cells, and return the folder that has both (``add_rows``).

    Raises:
        DataError: the files changed meanwhile.
        LoadFailed: the disk is full, or the rows are others than those that the cells were made of.
        SnapshotDamaged: the cells are not sound.
    """
    snapshot = open_snapshot(folder)
    if not snapshot.rows_pending:
        return folder
    work = Path(task.work)
    about, has_shared_cells = snapshot.about, snapshot.cube.cell_count < snapshot.about.rows
    with session.connect(work=work, memory_mb=task.memory_mb) as database:
        progress = source.staging_progress(on_progress, phase=KEEPING_ROWS, within=(0.0, _STAGED))
        staged = stage_whole(database, source, task, progress)
        refuse_changed_files()
        _require_same(staged, about)
        on_progress(Progress(KEEPING_ROWS, _STAGED, staged.rows))
        found = RowsOfCells()
        if has_shared_cells and "row_count" not in about.roles:
            found = RowsOfCells(copies=count_copies(database, rows_sql(staged.parquet, {}), about.columns))
    return add_rows(folder, staged.parquet, work=work, warnings=tuple(found.warnings(about.roles, 0)))


def _require_same(staged: StagedRows, about: About) -> None:
    rejected = sum(file.rejections.total for file in staged.files)
    # A row of a tally counts as often as it says.
    rows = about.rows if "row_count" in about.roles else staged.rows
    if (rows, rejected, tuple(staged.table.columns)) != (about.rows, about.rejected_total, about.columns):
        raise LoadFailed(
            f"{about.title}: the cells were made of {about.rows:,} rows, and {rows:,} were read to be kept: a bug in "
            "Meantime. Please report it."
        )
