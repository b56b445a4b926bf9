"""Files read by the workers of a real Dask scheduler: the same table as read here, whatever happens to the workers."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.dataset.reading.cluster.address import Cluster, parse_cluster
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import LoadCancelled, LoadFailed
from tests.support.dask_cluster import Certificates, DaskCluster, dask_cluster, parent_of, require_dask
from tests.support.table_files import read
from tests.support.waiting import join, poll, wait_until

HEADER = ("Question", "LocationDesc", "Year", "Data_Value", "Sex", "Id")
ROLES = {"stratum": "Sex"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


def records(number: int, seed: int = 1) -> list[tuple[str, ...]]:
    pick = random.Random(seed).choice  # noqa: S311 - a table for a test
    years = ["2019", "2020", "2021/22", "soon"]
    return [
        (pick(["Tea", "Tea ", "Coffee"]), pick(["Avalon", "Borduria"]), pick(years), pick(["1.5", "2", ".."]), "F", "a")
        for _ in range(number)
    ]


def write(folder: Path, parts: Sequence[Sequence[tuple[str, ...]]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        with (folder / f"{number}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *part])
    return folder


def ingest(
    cluster: Cluster, folder: Path, into: Path, *, cancelled: threading.Event | None = None, limit: float = 1.0
) -> Snapshot:
    source = Source(name="test", path=str(folder), columns=ROLES)
    ingestor = DataIngestor(memory_mb=1024, rejected_limit=limit, cluster=cluster)
    return open_snapshot(ingestor.ingest(source, into, cancelled=cancelled))


def read_here(folder: Path) -> Snapshot:
    return read(folder, columns=ROLES, rejected_limit=1, into=folder.parent / f"{folder.name}-here")


def at(cluster: DaskCluster) -> Cluster:
    return parse_cluster(cluster.address)


@given(
    cuts=st.lists(st.integers(1, 59), min_size=1, max_size=3, unique=True), seed=st.integers(0, 99), turn=st.booleans()
)
@settings(max_examples=3)  # each is the start of a dozen processes; test_any_cut has the variety
def test_any_cut_in_any_order_is_the_same_table(
    cluster: DaskCluster, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], seed: int, turn: bool
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    rows = records(60, seed)
    ends = [*sorted(cuts), len(rows)]
    parts = [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    files = write(folder / "files", parts[::-1] if turn else parts)
    tallied, here = ingest(at(cluster), files, folder / "state" / "snapshots"), read_here(files)
    assert tallied.fingerprint == here.fingerprint == read_here(write(folder / "one", [rows])).fingerprint
    assert tallied.about.rejected == here.about.rejected
    assert tallied.about.rejected_total > 0
    assert cluster.left_over() == []


def test_processes_of_this_machine_need_no_dask(tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20), records(30, 2), records(10, 3)])
    tallied = ingest(parse_cluster("local:2"), files, tmp_path / "state" / "snapshots")
    assert tallied.fingerprint == read_here(files).fingerprint
    assert list((tmp_path / "state" / "snapshots").glob(".*")) == []


def in_thread(cluster: Cluster, files: Path, into: Path, cancelled: threading.Event | None = None) -> _Reading:
    reading = _Reading(cluster, files, into, cancelled)
    reading.thread.start()
    return reading


class _Reading:
    """A reading in a thread, and its outcome."""

    def __init__(self, cluster: Cluster, files: Path, into: Path, cancelled: threading.Event | None) -> None:
        self.outcome: Snapshot | Exception | None = None

        def read_files() -> None:
            try:
                self.outcome = ingest(cluster, files, into, cancelled=cancelled)
            except Exception as error:  # noqa: BLE001 - looked at by the test
                self.outcome = error

        self.thread = threading.Thread(target=read_files, name="reading")


def test_files_of_a_worker_that_is_killed_are_read_again(cluster: DaskCluster, tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20, seed) for seed in range(4)])
    with cluster.held():
        reading = in_thread(at(cluster), files, tmp_path / "state" / "snapshots")
        readers = poll(cluster.readers, lambda found: len(found) == 2)
        os.kill(parent_of(readers[0]), signal.SIGKILL)
        # Its child ends with it, whatever it was doing.
        poll(lambda: Path(f"/proc/{readers[0]}").exists(), lambda is_there: not is_there)
    join(reading.thread)
    assert isinstance(reading.outcome, Snapshot), reading.outcome
    assert reading.outcome.fingerprint == read_here(files).fingerprint
    assert cluster.left_over() == []  # the folder of the killed one too: the next reading there removed it


def test_a_file_whose_reader_crashes_is_named_and_harms_nobody_else(cluster: DaskCluster, tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20, seed) for seed in range(3)])
    with cluster.held():
        reading = in_thread(at(cluster), files, tmp_path / "state" / "snapshots")
        os.kill(poll(cluster.readers, bool)[0], signal.SIGSEGV)
        join(reading.thread)
    assert isinstance(reading.outcome, LoadFailed)
    assert reading.outcome.operator_reason.startswith(str(files))
    assert "was ended by SIGSEGV" in reading.outcome.operator_reason
    assert "worker tcp://" in reading.outcome.operator_reason
    assert ingest(at(cluster), files, tmp_path / "state" / "snapshots").fingerprint == read_here(files).fingerprint


def test_a_reading_that_is_cancelled_leaves_nothing_on_the_workers(cluster: DaskCluster, tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20, seed) for seed in range(6)])
    into, cancelled = tmp_path / "state" / "snapshots", threading.Event()
    with cluster.held():
        reading = in_thread(at(cluster), files, into, cancelled)
        poll(cluster.readers, lambda found: len(found) == 2)
        cancelled.set()
        join(reading.thread)
        assert isinstance(reading.outcome, LoadCancelled)
        # While the gate is still shut: they are ended, not let through.
        wait_until(lambda: not cluster.readers(), "workers still read")
        wait_until(lambda: not cluster.left_over(), "workers have temporary files")
    assert list(into.glob(".*")) == []
    assert ingest(at(cluster), files, into).fingerprint == read_here(files).fingerprint


def test_a_worker_of_another_version_is_refused(tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(5)])
    workers = tmp_path / "workers"
    workers.mkdir()
    with dask_cluster(workers, workers=0) as other:
        other.add_worker(OTHER_DUCKDB="0.9.9")
        with pytest.raises(LoadFailed) as refused:
            ingest(at(other), files, tmp_path / "state" / "snapshots")
    assert "has duckdb 0.9.9 instead of" in refused.value.operator_reason
    assert "install those of this server there" in refused.value.operator_reason


def test_a_damaged_file_is_refused_as_it_is_here(cluster: DaskCluster, tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20), [("Tea", "Avalon", "2020", "1.5", "F", "a", "more")] * 20])
    with pytest.raises(Exception, match=r"Too many lines cannot be read as rows: .*1\.csv, line 2") as refused:
        ingest(at(cluster), files, tmp_path / "state" / "snapshots", limit=0.05)
    assert type(refused.value).__name__ == "TooManyRejected"


def test_with_certificates_everything_is_encrypted_and_others_are_refused(tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20), records(10, 2)])
    ours, others = Certificates(tmp_path), Certificates(tmp_path, "others")
    with dask_cluster(tmp_path, workers=1, certificates=ours) as cluster:
        assert cluster.address.startswith("tls://")
        tallied = ingest(parse_cluster(cluster.address, **ours.settings), files, tmp_path / "state" / "snapshots")
        assert tallied.fingerprint == read_here(files).fingerprint
        with pytest.raises(LoadFailed, match="cannot be reached") as refused:
            ingest(parse_cluster(cluster.address, **others.settings), files, tmp_path / "state" / "snapshots")
        assert "its certificates are those of this server" in refused.value.operator_reason


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    require_dask()
    files = write(tmp_path / "files", [records(5)])
    with pytest.raises(LoadFailed) as refused:
        ingest(Cluster(address="tcp://127.0.0.1:1"), files, tmp_path / "state" / "snapshots")
    assert refused.value.operator_reason.startswith("The Dask scheduler at tcp://127.0.0.1:1 cannot be reached (")


_WITHOUT_WORKERS = """
import sys
from meantime.dataset.reading.cluster import dask_workers
from meantime.dataset.reading.cluster.address import Cluster
from meantime.errors import LoadFailed
dask_workers.WORKERS_WITHIN_S = 0.1
try:
    dask_workers.DaskWorkers(Cluster(address=sys.argv[1])).__enter__()
except LoadFailed as error:
    print(error.operator_reason)
"""


def test_a_scheduler_without_workers_is_said_to_have_none(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, workers=0) as cluster:
        said = subprocess.run(
            [sys.executable, "-c", _WITHOUT_WORKERS, cluster.address], capture_output=True, text=True, check=True
        ).stdout
    assert said.startswith(f"The Dask scheduler at {cluster.address} has had no workers for")
    assert f"dask worker {cluster.address}" in said


def test_a_scheduler_that_is_lost_ends_the_reading_and_says_so(tmp_path: Path) -> None:
    files = write(tmp_path / "files", [records(20, seed) for seed in range(3)])
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask") as cluster, cluster.held():
        reading = in_thread(at(cluster), files, tmp_path / "state" / "snapshots")
        poll(cluster.readers, bool)
        cluster.stop()
        join(reading.thread)
    assert isinstance(reading.outcome, LoadFailed)
    assert "was lost" in reading.outcome.operator_reason
