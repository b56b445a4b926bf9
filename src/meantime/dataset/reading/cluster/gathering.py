"""The files of a source, read by workers: their tallies take the place of the staged files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from meantime.dataset.reading.child_process import raised_error
from meantime.dataset.reading.cluster.address import Cluster
from meantime.dataset.reading.cluster.local_workers import LocalWorkers, tally_path
from meantime.dataset.reading.cluster.orders import TableOfFile, Tallied, TallyOrder, TallyReply, our_versions
from meantime.dataset.reading.cluster.shared_files import shared_files
from meantime.dataset.reading.file_set import refuse_other_form
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.progress import SNIFFED, STAGED, Progress
from meantime.dataset.reading.staging import OpenedFile, Rejections, StagedFile
from meantime.dataset.snapshot import SharedFile, SharedFiles
from meantime.errors import LoadFailed, MeantimeError


class Gathered(NamedTuple):
    """What reading goes on with: as if the files had been opened and staged here."""

    opened: list[OpenedFile]
    tables: list[FileTable]
    staged: list[StagedFile]
    shared: SharedFiles


class TallyWorkers(Protocol):
    """Who carries out orders."""

    def tally(self, orders: Sequence[TallyOrder], into: Path) -> Iterator[tuple[int, TallyReply]]:
        """Yield the number of each order and its reply, as they come; order n is tallied to ``tally_path(into, n)``."""


def gather_tallies(
    cluster: Cluster, order: TallyOrder, paths: Sequence[Path], work: Path, on_progress: Callable[[Progress], None]
) -> Gathered:
    """Have each file tallied, and gather the tallies in ``work``; ``order`` has what is the same for all files.

    Raises:
        DataError: a file cannot become a part of the data set.
        LoadFailed: a worker or the scheduler is in trouble, or a file is not the same there.
    """
    orders = [_order_for(order, path) for path in paths]
    sizes = [each.size_bytes for each in orders]
    tallied: dict[int, Tallied] = {}
    on_progress(Progress("looking", 0.0, None))
    with _workers(cluster, work) as workers:
        [(_, reply)] = workers.tally(orders[:1], work)
        first = _tallied(reply, paths[0]).table
        on_progress(Progress("looking", SNIFFED, None))
        with_table = msgspec.structs.replace(first, sample=[])
        for number, reply in workers.tally([msgspec.structs.replace(each, first=with_table) for each in orders], work):
            tallied[number] = _tallied(reply, paths[number])
            done = sum(sizes[each] for each in tallied) / (sum(sizes) or 1)
            rows = sum(each.lines for each in tallied.values())
            on_progress(Progress("reading", SNIFFED + (STAGED - SNIFFED) * done, rows))
    in_order = [tallied[number] for number in range(len(paths))]
    opened = [each.file.opened(path) for each, path in zip(in_order, paths, strict=True)]
    tables = [first.table, *(_table_of(each.table, first) for each in in_order[1:])]
    for file, table in zip(opened, tables, strict=True):
        refuse_other_form(opened[0], tables[0].columns, file, table.columns)
    staged = [_staged(each, tally_path(work, number)) for number, each in enumerate(in_order)]
    # Without the sample: the roles are known.
    alike = [msgspec.structs.replace(each.table, sample=[]) for each in in_order]
    files = [SharedFile(path=each.path, size_bytes=each.size_bytes, modified_ns=each.modified_ns) for each in orders]
    return Gathered(opened, tables, staged, shared_files(order, files, alike))


@contextmanager
def _workers(cluster: Cluster, work: Path) -> Iterator[TallyWorkers]:
    if cluster.processes:
        # The folder itself is locked by whoever reads the source.
        with LocalWorkers(cluster.processes, work / "workers") as local:
            yield local
        return
    # Imported by those who use it: it takes half a second, and is not installed everywhere.
    from meantime.dataset.reading.cluster.dask_workers import DaskWorkers

    with DaskWorkers(cluster) as workers:
        yield workers


def _order_for(order: TallyOrder, path: Path) -> TallyOrder:
    status = path.stat()
    return msgspec.structs.replace(
        order,
        versions=our_versions(),
        path=str(path.absolute()),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def _tallied(reply: TallyReply, path: Path) -> Tallied:
    if reply.error is not None:
        raise _with_place(raised_error(reply.error), path, reply.worker)
    if reply.tallied is None:
        raise LoadFailed(
            f"The worker {reply.worker} sent nothing for {path.name}: a bug in Meantime. Please report it."
        )
    return reply.tallied


def _with_place(error: MeantimeError, path: Path, worker: str) -> MeantimeError:
    """Say at which file and worker a trouble was, where the error is about a process and not about the file."""
    if type(error) is LoadFailed and path.name not in error.operator_reason:
        return LoadFailed(f"{path.name}: {error.reason}").for_operator(
            f"{path}, worker {worker}: {error.operator_reason}"
        )
    return error


def _table_of(table: TableOfFile, first: TableOfFile) -> FileTable:
    return first.table if table.columns == first.columns else table.table


def _staged(tallied: Tallied, tally: Path) -> StagedFile:
    most = float("inf") if tallied.most_rejected is None else tallied.most_rejected
    return StagedFile(
        parquet=tally,
        rows=tallied.lines,
        has_line=False,
        rejections=Rejections(tallied.file.name, most, tallied.rejected_total, list(tallied.rejected)),
        notes=tallied.notes,
        is_tally=True,
    )
