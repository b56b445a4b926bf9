"""Twenty conformance runs at once, while every read endpoint is asked over and over.

Run as ``make load`` (URL= for another server) or ``python -m tests.conformance.load``. Exit code 1 if any run or any
read failed. Latencies are those of a client that shares the machine with the server and with twenty test runs: they
show whether something stalls, not how fast the server is.
"""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import json
import math
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table

RUNS = 20
# Per read endpoint. Enough that reads overlap, few enough that the runs still get their turn on two cores.
CONNECTIONS = 2
# Bounds of the whole: runs that are not done by then have failed; reads stop when the runs have ended.
TIME_LIMIT_S = 600
READS_PER_CONNECTION = 50_000
# Between two reads on one connection, so that the readers do not take all cores from those whom they watch.
READ_PAUSE_S = 0.01
READ_TIMEOUT_S = 30
# Of the output of a run that failed.
TAIL_LINES = 15

ENDPOINTS = ("/api/jobs", "/api/num_jobs", "/api/get_results/{job_id}", "/livez", "/readyz", "/metrics", "/")


@dataclass(slots=True)
class Reads:
    """What came of the reads at one endpoint."""

    latencies_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One conformance run."""

    number: int
    took_s: float
    exit_code: int | None  # None: not done in time
    summary: str
    tail: str


@dataclass(slots=True)
class Seen:
    """What the readers learned of the server while they asked."""

    unfinished: list[int] = field(default_factory=list)  # num_jobs says: queued and running
    working: list[int] = field(default_factory=list)  # the metrics say: started, and the end not yet on disk
    job_ids: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    console = Console()
    if not options.anywhere and not _is_loopback(options.url):
        console.print(f"{options.url} is not on this machine; --anywhere says that the load is meant for it.")
        return 2
    try:
        httpx.get(f"{options.url}/livez", timeout=READ_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        console.print(f"No server answers at {options.url} ({error}); start one with `make serve`.")
        return 2
    console.print(f"{options.runs} conformance runs at once against {options.url}, with reads in between ...")
    reads = {endpoint: Reads() for endpoint in ENDPOINTS}
    seen = Seen()
    runs = _load(options, reads, seen)
    _report(console, runs, reads, seen)
    is_good = all(run.exit_code == 0 for run in runs) and not any(read.failures for read in reads.values())
    console.print("All good." if is_good else "Something failed; see above.")
    return 0 if is_good else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.load", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("MEANTIME_URL", "http://127.0.0.1:5000"))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="for each read endpoint")
    parser.add_argument("--time-limit-s", type=float, default=TIME_LIMIT_S)
    parser.add_argument("--anywhere", action="store_true", help="also load a server that is not on this machine")
    options = parser.parse_args(arguments)
    options.url = options.url.rstrip("/")
    return options


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _load(options: argparse.Namespace, reads: dict[str, Reads], seen: Seen) -> list[Run]:
    enough = threading.Event()
    readers = [
        threading.Thread(target=_read_on, args=(options.url, endpoint, reads[endpoint], seen, enough), name=endpoint)
        for endpoint in ENDPOINTS
        for _ in range(options.connections)
    ]
    deadline = time.monotonic() + options.time_limit_s
    for reader in readers:
        reader.start()
    try:
        with ThreadPoolExecutor(options.runs) as pool:
            return list(pool.map(lambda number: _run(number, options.url, deadline), range(1, options.runs + 1)))
    finally:
        enough.set()
        for reader in readers:
            reader.join()


def _run(number: int, url: str, deadline: float) -> Run:
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "tests/conformance", "-m", "live", "-n", "0", "-q", "--no-header"]
    # Runs of one folder at one time must not share a cache, and twenty random orders tell nothing twice.
    command += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            # What stops the server would end the other runs.
            env=os.environ | {"MEANTIME_URL": url, "MEANTIME_MAY_STOP": "0", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=max(deadline - time.monotonic(), 0.1),
            check=False,
        )
        exit_code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        exit_code, output = None, late.stdout or b""
    lines = output.decode(errors="replace").strip().splitlines() or ["no output"]
    return Run(
        number=number,
        took_s=time.monotonic() - started,
        exit_code=exit_code,
        summary=lines[-1].strip(" ="),
        tail="\n".join(lines[-TAIL_LINES:]),
    )


def _read_on(url: str, endpoint: str, reads: Reads, seen: Seen, enough: threading.Event) -> None:
    # http.client and not httpx, which takes ten times as long for a request as the server does.
    parts = urlsplit(url)
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=READ_TIMEOUT_S)
    turn = 0
    while turn < READS_PER_CONNECTION and not enough.is_set():
        newest = seen.job_ids[-500:] or ["job_id_1"]
        job_id = newest[turn % len(newest)]
        turn += 1
        try:
            started = time.perf_counter()
            connection.request("GET", parts.path + endpoint.format(job_id=job_id))
            response = connection.getresponse()
            body = response.read()
            reads.latencies_s.append(time.perf_counter() - started)
            _learn(endpoint, response.status, body, seen)
        except (http.client.HTTPException, OSError, ValueError, LookupError, TypeError) as error:
            reads.failures.append(f"{type(error).__name__}: {error}")
            connection.close()  # the next request opens it again
        enough.wait(READ_PAUSE_S)
    connection.close()


def _learn(endpoint: str, status: int, body: bytes, seen: Seen) -> None:
    """Check an answer, and remember what it says of the server.

    Raises:
        ValueError, LookupError, TypeError: it is not what this endpoint answers.
    """
    if status != 200:
        raise ValueError(f"{status}: {body[:200]!r}")
    if endpoint == "/api/jobs":
        seen.job_ids = [job_id for job in json.loads(body)["data"] for job_id in job]
    elif endpoint == "/api/num_jobs":
        seen.unfinished.append(json.loads(body)["num_jobs"])
    elif endpoint.startswith("/api/get_results"):
        if json.loads(body)["status"] not in ("running", "done", "error"):
            raise ValueError(f"{body[:200]!r}")
    elif endpoint == "/metrics":
        match = re.search(rb'^meantime_jobs\{state="running"\} ([0-9.]+)$', body, re.MULTILINE)
        if match:
            seen.working.append(int(float(match[1])))


def _report(console: Console, runs: Sequence[Run], reads: dict[str, Reads], seen: Seen) -> None:
    failed = [run for run in runs if run.exit_code != 0]
    for run in failed:
        code = "not done in time" if run.exit_code is None else f"exit code {run.exit_code}"
        console.print(f"\nRun {run.number} failed ({code}); the end of its output:")
        console.print(run.tail, markup=False, highlight=False)
    console.print(_runs_table(runs))
    console.print(_reads_table(reads))
    for endpoint, read in reads.items():
        for failure in dict.fromkeys(read.failures[:5]):
            console.print(f"  {endpoint}: {failure}", markup=False, highlight=False)
    console.print(_jobs_table(seen))


def _runs_table(runs: Sequence[Run]) -> Table:
    table = Table(title="Conformance runs", title_justify="left")
    for name in ("runs", "passed", "failed", "shortest", "longest", "one of them said"):
        table.add_column(name, justify="right")
    passed = [run for run in runs if run.exit_code == 0]
    took_s = [run.took_s for run in runs]
    table.add_row(
        *(str(len(runs)), str(len(passed)), str(len(runs) - len(passed))),
        *(f"{min(took_s):.1f} s", f"{max(took_s):.1f} s", (passed or list(runs))[0].summary),
    )
    return table


def _reads_table(reads: dict[str, Reads]) -> Table:
    table = Table(title="Reads in between", title_justify="left")
    table.add_column("endpoint")
    for name in ("requests", "failures", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        table.add_column(name, justify="right")
    for endpoint, read in reads.items():
        table.add_row(
            *(endpoint, str(len(read.latencies_s)), str(len(read.failures))),
            *(_milliseconds(read.latencies_s, share) for share in (0.5, 0.95, 0.99, 1)),
        )
    return table


def _milliseconds(latencies_s: Sequence[float], share: float) -> str:
    if not latencies_s:
        return "-"
    # The nearest rank: a latency that really was, not one between two.
    index = max(math.ceil(share * len(latencies_s)) - 1, 0)
    return f"{sorted(latencies_s)[index] * 1000:.1f}"


def _jobs_table(seen: Seen) -> Table:
    table = Table(title="Jobs at a time", title_justify="left")
    table.add_column("")
    for name in ("looks", "min", "median", "max"):
        table.add_column(name, justify="right")
    for what, counts in (
        ("not ended (num_jobs)", seen.unfinished),
        ("running, or being committed (metrics)", seen.working),
    ):
        if counts:
            table.add_row(
                *(what, str(len(counts)), str(min(counts))), f"{statistics.median(counts):g}", str(max(counts))
            )
    return table


if __name__ == "__main__":
    sys.exit(main())
