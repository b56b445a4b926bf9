"""Where the time of one job and of one reading goes, step by step, beside what the machine must spend.

Run as ``make bench BENCH=steps``. One client over one connection. Of a job: a request that does nothing (``/livez``), a
submission, which is answered when the job is on disk, and a job whose result is waited for. Of the machine: a round
trip over the loopback, a hand-off from one thread to another and back, 4 KiB appended to a file and brought to the disk
(fdatasync), and a small file written and renamed. Of a reading: the phases that the reader itself reports, in a process
of its own, beside reading the bytes of the file, and beside DuckDB counting its rows.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from benchmarks.frame import FULL, Quantity, Ratio, number, options, ratio_of_rounds, show
from benchmarks.harness import QUESTION, Connection, make_sample, meantime, quantile, serving
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source

_JOB = json.dumps({"statistic": "states_mean", "parameters": {"question": QUESTION}}).encode()
_CLASSIC = json.dumps({"question": QUESTION}).encode()
_BODY = b"x" * 2_000  # about the length of a result


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--times", type=int, default=300, help="Each step in a round.")
    parser.add_argument("--rows", type=int, default=5_000_000 if FULL else 1_000_000)
    given = parser.parse_args(arguments)
    show("Where the time of one job goes", _of_a_job(given.times, given.rounds))
    with tempfile.TemporaryDirectory() as folder:
        cells = str(max(1, given.rows // 1_000_000))
        sample = make_sample(Path(folder) / "sample.csv", "--rows", str(given.rows), "--rows-per-cell", cells)
        show(f"Where the time of reading {given.rows:,} rows goes", _of_a_reading(sample, given.rounds))
    return 0


def _of_a_job(times: int, rounds: int) -> list[Ratio]:
    machine: dict[str, list[float]] = {}
    ours: dict[str, list[float]] = {}
    with serving(meantime()) as server, tempfile.TemporaryDirectory() as folder:
        appended = os.open(f"{folder}/appended", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(rounds):
            with Connection(server.url) as connection, _Echo() as echo, _Worker() as worker:
                asked: dict[str, Callable[[], object]] = {
                    "a request that does nothing": lambda: connection.ask("/livez"),
                    "a job submitted": lambda: connection.ask("/api/states_mean", _CLASSIC),
                    "a job submitted, finished and read": lambda: connection.ask(
                        "/v1/jobs", _JOB, headers="Prefer: wait=60\r\n"
                    ),
                }
                spent: dict[str, Callable[[], object]] = {
                    "a round trip over the loopback": echo.ask,
                    "a hand-off between threads and back": worker.ask,
                    "4 KiB appended and brought to the disk": lambda: _append(appended),
                    "a small file written and renamed": lambda: _write(folder),
                }
                for told, steps in ((ours, asked), (machine, spent)):
                    for name, step in steps.items():
                        told.setdefault(name, []).append(_median_us(step, times))
        os.close(appended)
    beside = {
        "a request that does nothing": ["a round trip over the loopback"],
        "a job submitted": ["a round trip over the loopback", "4 KiB appended and brought to the disk"],
        "a job submitted, finished and read": [
            "a round trip over the loopback",
            "a hand-off between threads and back",
            "a hand-off between threads and back",
            # It is on disk that it was accepted, before that is said; and that it is done, before the result is read.
            "4 KiB appended and brought to the disk",
            "4 KiB appended and brought to the disk",
            "a small file written and renamed",
        ],
    }
    ratios = []
    for name, values in ours.items():
        least = [sum(parts) for parts in zip(*(machine[each] for each in beside[name]), strict=True)]
        ratios.append(_ratio(name, values, f"the machine's part {number(quantile(least, 0.5))} us", least))
    alone = [Ratio(f"the machine: {name}", "", f"{number(quantile(each, 0.5))} us") for name, each in machine.items()]
    return [*ratios, *alone]


def _ratio(what: str, ours: Sequence[float], told: str, theirs: Sequence[float], unit: str = "us") -> Ratio:
    found = [one / other for one, other in zip(theirs, ours, strict=True)]
    return ratio_of_rounds(what, Quantity("", unit).write(quantile(ours, 0.5)), told, found)


def _median_us(step: Callable[[], object], times: int) -> float:
    took_us = []
    for _ in range(times):
        began_s = time.perf_counter()
        step()
        took_us.append(1e6 * (time.perf_counter() - began_s))
    return quantile(took_us, 0.5)


def _append(file: int) -> None:
    os.write(file, b"x" * 4_096)
    os.fdatasync(file)


def _write(folder: str) -> None:
    Path(f"{folder}/.writing").write_bytes(_BODY)
    Path(f"{folder}/.writing").rename(f"{folder}/written")


class _Echo:
    """A thread at the other end of a connection, which sends back what it gets."""

    def __enter__(self) -> _Echo:
        listening = socket.create_server(("127.0.0.1", 0))
        self._near = socket.create_connection(listening.getsockname())
        self._far, _ = listening.accept()
        listening.close()
        for end in (self._near, self._far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._near.close()
        self._thread.join()
        self._far.close()

    def ask(self) -> None:
        """Send something, and wait for it."""
        self._near.sendall(b"x" * 200)
        self._near.recv(4_096)

    def _answer(self) -> None:
        while piece := self._far.recv(4_096):
            self._far.sendall(piece)


class _Worker:
    """A thread that gives back what it is given."""

    def __enter__(self) -> _Worker:
        self._to: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._back: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._to.put(None)
        self._thread.join()

    def ask(self) -> None:
        """Hand something over, and wait for it."""
        self._to.put(1)
        self._back.get()

    def _work(self) -> None:
        while (given := self._to.get()) is not None:
            self._back.put(given)


def _of_a_reading(sample: Path, rounds: int) -> list[Ratio]:
    phases: dict[str, list[float]] = {}
    bytes_s, counted_s = [], []
    for _ in range(rounds):
        began_s = time.perf_counter()
        with sample.open("rb") as file:
            while file.read(2**20):
                pass
        bytes_s.append(time.perf_counter() - began_s)
        began_s = time.perf_counter()
        with duckdb.connect() as database:
            database.execute(f"SELECT count(*) FROM read_csv('{sample}', header = true, all_varchar = true)").fetchall()
        counted_s.append(time.perf_counter() - began_s)
        for phase, took_s in _read(sample).items():
            phases.setdefault(phase, []).append(took_s)
    whole = [sum(each) for each in zip(*phases.values(), strict=True)]
    ratios = [
        _ratio(f"phase: {name}", each, f"the whole {number(quantile(whole, 0.5))} s", whole, "s")
        for name, each in phases.items()
    ]
    told = f"the bytes of the file read {number(quantile(bytes_s, 0.5))} s"
    counted = f"DuckDB counts its rows {number(quantile(counted_s, 0.5))} s"
    return [
        *ratios,
        _ratio("the whole reading", whole, told, bytes_s, "s"),
        _ratio("the whole reading", whole, counted, counted_s, "s"),
    ]


def _read(sample: Path) -> dict[str, float]:
    """Read the file, and return the seconds of each phase, in order."""
    seen: list[tuple[str, float]] = []

    def note(progress: Progress) -> None:
        if not seen or seen[-1][0] != progress.phase:
            seen.append((progress.phase, time.perf_counter()))

    with tempfile.TemporaryDirectory(dir=sample.parent) as folder:
        into, work = Path(folder) / "into", Path(folder) / "work"
        into.mkdir()
        work.mkdir()
        source = Source(name="table", path=str(sample), columns={})
        task = ReadingTask(source=source, into=str(into), work=str(work), memory_mb=1_024, rejected_limit=0.5)
        began_s = time.perf_counter()
        read_source(task, note)
        ended_s = time.perf_counter()
    # What comes before the first word belongs to the first phase.
    begins = [began_s, *(at_s for _, at_s in seen[1:]), ended_s]
    phases: dict[str, float] = {}
    for (name, _), begin_s, end_s in zip(seen, begins[:-1], begins[1:], strict=True):
        phases[name] = phases.get(name, 0.0) + end_s - begin_s
    return phases


if __name__ == "__main__":
    sys.exit(main())
