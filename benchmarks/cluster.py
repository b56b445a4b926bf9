"""Files read by Dask workers: processor time, memory and bytes, against the same tallies without Dask.

Run as ``make bench BENCH=cluster``; needs the extra ``dask`` (``make cluster``). A sample is cut into files of as many
rows. Two workers of one thread read them; then two processes of this machine without Dask; then one process that makes
no tallies. All on this machine: the network is the loopback, and the two cores are shared with the scheduler.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.frame import FULL, Ratio, show
from cluster.acceptance import write_files

_WORKERS = 2
_LIMIT_MB = 2048  # the default of load_memory_mb
_DRIVER = """
import json, os, resource, sys
from pathlib import Path
from meantime.dataset.reading.cluster.address import parse_cluster
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
files, home, cluster, limit_mb = sys.argv[1:]
os.makedirs(home + "/into"), os.makedirs(home + "/work")
folder = read_source(
    ReadingTask(
        source=Source(name="table", path=files),
        into=home + "/into",
        work=home + "/work",
        memory_mb=int(limit_mb),
        rejected_limit=0.5,
        cluster=parse_cluster(cluster) if cluster else None,
    ),
    lambda _: None,
)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "cpu_s": sum(each.ru_utime + each.ru_stime for each in used),
    "peak_mb": used[0].ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
    "bytes": sum(each.stat().st_size for each in (folder / "rows").iterdir()),
    "fingerprint": folder.name[:64],
}))
"""


class Used(NamedTuple):
    """What a reading used."""

    cpu_s: float  # of all processes
    peak_mb: float  # of the process that puts tallies together
    bytes_a_file: float
    fingerprint: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the same files in three ways, and print what each used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000 if FULL else 1_000_000)
    parser.add_argument("--files", type=int, default=8)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "files").mkdir()
        write_files(home / "files", given.rows, given.files)
        dask = _with_dask(home, given.files)
        local = _read(home, given.files, "local", f"local:{_WORKERS}")
        single = _read(home, given.files, "single", "")
    if len({dask.fingerprint, local.fingerprint, single.fingerprint}) > 1:
        sys.exit("The fingerprints differ: a bug.")

    def seconds(what: str, one: Used, other: Used, target: float | None) -> Ratio:
        return Ratio(what, f"{one.cpu_s:.1f} s", f"{other.cpu_s:.1f} s", other.cpu_s / one.cpu_s, target)

    show(
        f"{given.rows:,} rows in {given.files} files, {_WORKERS} workers of one thread: processor time in all",
        [
            # At most twice as much.
            seconds("Dask, against the same tallies without it", dask, local, 0.5),
            seconds("Dask, against one process without tallies", dask, single, None),
        ],
    )
    show(
        "Most memory of the process that puts them together, against what it may take (load_memory_mb)",
        [
            Ratio("Dask", f"{dask.peak_mb:.0f} MB", f"{_LIMIT_MB} MB", _LIMIT_MB / dask.peak_mb, 1),
            Ratio(
                "one process without tallies",
                f"{single.peak_mb:.0f} MB",
                f"{_LIMIT_MB} MB",
                _LIMIT_MB / single.peak_mb,
                1,
            ),
        ],
    )
    print(
        f"\nA tally has {dask.bytes_a_file / 2**20:.1f} MB a file, "
        f"{dask.bytes_a_file * given.files / given.rows:.1f} bytes a row."
    )
    return 0


def _read(home: Path, files: int, name: str, cluster: str) -> Used:
    command = [sys.executable, "-c", _DRIVER, str(home / "files"), str(home / name), cluster, str(_LIMIT_MB)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return Used(said["cpu_s"], said["peak_mb"], said["bytes"] / files, said["fingerprint"])


def _with_dask(home: Path, files: int) -> Used:
    with _scheduler(home) as (address, processes):
        before_s = sum(map(_cpu_s, processes))
        used = _read(home, files, "dask", address)
        return used._replace(cpu_s=used.cpu_s + sum(map(_cpu_s, processes)) - before_s)


@contextmanager
def _scheduler(home: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield the address of a scheduler with workers, and the processes that were started."""
    file, started = home / "scheduler.json", []

    def start(what: str, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{what}",
            "--no-dashboard",
            "--scheduler-file",
            str(file),
        ]
        with (home / f"{what}.log").open("ab") as log:
            started.append(
                subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            )

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        while not file.exists():
            if started[0].poll() is not None:
                sys.exit("The Dask scheduler did not start. Install it: make cluster.")
            threading.Event().wait(0.1)
        for _ in range(_WORKERS):
            start("worker", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(home / "scratch"))
        # Their own start is no part of a reading.
        log = home / "worker.log"
        while log.read_text(encoding="utf-8", errors="replace").count("Registered to") < _WORKERS:
            threading.Event().wait(0.1)
        yield json.loads(file.read_text(encoding="utf-8"))["address"], [each.pid for each in started]
    finally:
        for each in reversed(started):
            os.killpg(each.pid, signal.SIGKILL)
            each.wait()


def _cpu_s(process: int) -> float:
    """Return the processor time of a process, of those that it has started and that have ended, and of the others."""
    ticks = os.sysconf("SC_CLK_TCK")
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    used = sum(map(int, fields[11:15])) / ticks
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = (task / "children" for task in tasks)
    return used + sum(_cpu_s(int(child)) for each in children for child in each.read_text().split())


if __name__ == "__main__":
    sys.exit(main())
