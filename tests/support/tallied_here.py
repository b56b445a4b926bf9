"""A source read as a cluster reads it, but in the process of the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from meantime.dataset import shared_rows
from meantime.dataset.reading.cluster import gathering
from meantime.dataset.reading.cluster.address import Cluster
from meantime.dataset.reading.cluster.local_workers import tally_path
from meantime.dataset.reading.cluster.orders import ORDER, REPLY, TALLIED, TallyOrder, TallyReply
from meantime.dataset.reading.cluster.shared_files import StageTask, stage_shared_file
from meantime.dataset.reading.cluster.tallying import FACTS, TALLY, TallyTask, tally_file
from meantime.dataset.reading.reader_messages import ReaderError
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import MeantimeError

HERE = Cluster(processes=1)


class WorkersHere:
    """Carries out orders in this process, the last one first."""

    def __init__(self, _processes: int, work: Path) -> None:
        self._work = work

    def __enter__(self) -> WorkersHere:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def tally(self, orders: Sequence[TallyOrder], into: Path) -> Iterator[tuple[int, TallyReply]]:
        for number, order in reversed(list(enumerate(orders))):
            work = self._work / f"{number}-{order.first is None}"
            work.mkdir(parents=True)
            sent = ORDER.decode(msgspec.json.encode(order))
            task = TallyTask(source=sent.source, work=str(work), memory_mb=sent.memory_mb, order=sent)
            try:
                tally_file(task)
            except MeantimeError as error:
                yield number, TallyReply(worker="here", error=ReaderError.of(error))
                continue
            if (work / TALLY).exists():
                (work / TALLY).rename(tally_path(into, number))
            facts = TALLIED.decode((work / FACTS).read_bytes())
            yield number, REPLY.decode(msgspec.json.encode(TallyReply(worker="here", tallied=facts)))


def read_tallied(source: Source, into: Path, work: Path, *, rejected_limit: float = 1.0) -> Snapshot:
    """Read a source by tallies of its files."""
    work.mkdir(parents=True)
    task = ReadingTask(
        source=source, into=str(into), work=str(work), memory_mb=1024, rejected_limit=rejected_limit, cluster=HERE
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "LocalWorkers", WorkersHere)
        return open_snapshot(read_source(task, lambda _: None))


@contextmanager
def staged_here() -> Iterator[None]:
    """Have the files whose rows are asked for staged in this process."""

    def run(task: StageTask, *_: object) -> Path:
        return stage_shared_file(task)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_rows, "run_reader", run)
        yield
