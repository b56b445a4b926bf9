"""What the benchmarks share: a server of its own for each measurement, and a load on it.

Everything is measured against a peer in the same run, in turns and several times over; the median of the rounds is
told. The load shares the machine with the server, so the figures are those of this machine on this day: only the ratios
say something elsewhere.
"""

from __future__ import annotations

import atexit
import math
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.frame import Failed

CONNECTIONS = 32
QUESTION = "Percent of adults aged 18 years and older who have obesity"

# The table of 5 million rows takes some 10 s to read here, and ROAPI 30 s; ten times that is a machine in trouble.
_READY_S = 300
_OURS = ("MEANTIME_", "TP_NUM_OF_THREADS")
# Where `python -m benchmarks` wants the folders that stay until it ends.
FOLDERS_IN = "MEANTIME_BENCHMARK_FOLDERS"
# A queue that is full would be answered quickly, and count as speed.
_LIMITS = {"MEANTIME_QUEUE_LIMIT": "1000000", "MEANTIME_KEEP_ENDED_JOBS": "1000000"}

# Tells what the tables need in one line; wrk's own report is for people.
_TELL = """
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency, requests)
  -- A script whose requests belong together counts in `finished` what they come to.
  local finished
  for _, thread in ipairs(threads) do
    if thread:get("finished") then finished = (finished or 0) + thread:get("finished") end
  end
  io.write(string.format("told %d %d %d %d %d\\n", finished or summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


class Measured(NamedTuple):
    """One round of requests."""

    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    took_s: float


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int
    began_s: float  # when it was started, by time.perf_counter()

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process, without its children."""
        return _memory_mb(self.pid, "VmRSS")

    @property
    def peak_mb(self) -> float:
        """The most resident memory since ``forget_peak``, of the process and those children that are running."""
        return sum(_memory_mb(pid, "VmHWM") for pid in self._family())

    @property
    def cpu_s(self) -> float:
        """Processor seconds, of the process and its children: those that are running and those that have ended."""
        ticks = 0
        for pid in self._family():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        """Begin anew with the most memory."""
        for pid in self._family():
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def _family(self) -> list[int]:
        found = [self.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, task.read_text(encoding="ascii").split())
        return found


@contextmanager
def serving(
    command: Sequence[str],
    *,
    ready: str = "/readyz",
    settings: Mapping[str, str] | None = None,
    fill: Callable[[Path], None] = lambda _state: None,
    state: Path | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends; ``{port}`` in its command is a free one.

    ``ready`` is a path that answers 200 when the server can be measured. The state directory is a fresh one, into which
    ``fill`` puts something first, or ``state``, which stays.

    Raises:
        Failed: it ended, or did not become ready.
    """
    folder = folder_until_the_end()
    fresh = folder / "state"
    state = state or fresh
    fill(state)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    said = folder / "said"
    began_s = time.perf_counter()
    with said.open("wb") as out:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            env=environment | _LIMITS | {"MEANTIME_STATE_DIR": str(state)} | dict(settings or {}),
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url + ready, process, said)
        yield Server(url, process.pid, began_s)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(fresh / "snapshots", ignore_errors=True)  # large, but few files


def folder_until_the_end() -> Path:
    """Return a new folder for many files, which is removed when all benchmarks of the run have ended.

    Removed after each round, it would slow down the next one: on ext4 without a journal, a new file costs up to ten
    times as much for some minutes after thousands were deleted nearby, whose inodes are passed over one by one.
    """
    return Path(tempfile.mkdtemp(dir=os.environ.get(FOLDERS_IN) or _folder_of_this_process()))


@cache
def _folder_of_this_process() -> str:
    folder = tempfile.mkdtemp(prefix="meantime-benchmark-")
    atexit.register(shutil.rmtree, folder)
    return folder


def meantime(*sources: str) -> list[str]:
    """Return the command that serves these sources, or the built-in sample."""
    return [sys.executable, "-m", "meantime", "serve", "--port", "{port}", *sources]


def wrk(
    url: str,
    *,
    seconds: int,
    method: str = "GET",
    body: str | None = None,
    connections: int = CONNECTIONS,
    script_lines: Sequence[str] = (),
    threads: int = 1,
) -> Measured:
    """Send the same request over and over for some seconds, and measure; or what a script in Lua says."""
    lines = [f"wrk.method = {_lua(method)}"]
    if body is not None:
        lines += ['wrk.headers["Content-Type"] = "application/json"', f"wrk.body = {_lua(body)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write("\n".join([*lines, *script_lines]) + _TELL)
        script.flush()
        said = subprocess.run(
            ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name, url],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    told = re.search(r"^told (\d+) (\d+) (\d+) (\d+) (\d+)$", said, re.MULTILINE)
    if not told:
        raise SystemExit(f"wrk said something else:\n{said}")
    requests, took_us, p50_us, p99_us, errors = map(int, told.groups())
    return Measured(requests / took_us * 1e6, p50_us / 1000, p99_us / 1000, errors, took_us / 1e6)


def require_no_errors(rounds: Measured) -> Measured:
    """Return what was measured, if all was answered: an error is answered quickly, and would count as speed."""
    if rounds.errors:
        raise Failed(f"{rounds.errors} requests were not answered as they should be")
    return rounds


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the median of rates and times; errors and durations are added up."""
    per_s, p50_ms, p99_ms, errors, took_s = zip(*rounds, strict=True)
    middle_of = statistics.median
    return Measured(middle_of(per_s), middle_of(p50_ms), middle_of(p99_ms), sum(errors), sum(took_s))


def make_sample(path: Path, *arguments: str) -> Path:
    """Write the synthetic sample with these options."""
    subprocess.run([sys.executable, "-m", "meantime", "sample", *arguments, "--out", str(path)], check=True)
    return path


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def require(program: str, how: str) -> None:
    """End with a word on what to install, where a program is not on the path."""
    if shutil.which(program) is None:
        raise SystemExit(f"{program} is not installed: {how}")


def require_wrk() -> None:
    """End with a word on what to install, where wrk is not there."""
    require("wrk", "it makes the load; apt-get install wrk, or brew install wrk.")


def allow_connections(number: int) -> None:
    """Raise the limit of open files, which the server inherits, or end with a word on it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        if hard != resource.RLIM_INFINITY and hard < number:
            raise SystemExit(
                f"{number} open files are needed, and {hard} are allowed: raise ulimit -n, or ask for less."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


class Connection:
    """One connection that is kept, and sends a request at a time: the least that a client in Python costs."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._host = where.netloc
        self._socket = socket.create_connection((where.hostname, where.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, target: str, body: bytes | None = None, *, headers: str = "") -> bytes:
        """Send a POST with this body as JSON, or a GET without one, and return the body of the answer."""
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body is not None else ""
        method = "GET" if body is None else "POST"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\n{headers}{kind}\r\n"
        self._socket.sendall(head.encode() + (body or b""))
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive()
        told, answer = answer[:end].lower(), answer[end + 4 :]
        if not told.startswith((b"http/1.1 200", b"http/1.1 202")):
            raise Failed(f"{method} {target} was answered {told.splitlines()[0].decode()}")
        length = int(told.partition(b"content-length:")[2].split(None, 1)[0])
        while len(answer) < length:
            answer += self._receive()
        return answer

    def _receive(self) -> bytes:
        piece = self._socket.recv(2**20)
        if not piece:
            raise Failed("the connection was closed")
        return piece


def _memory_mb(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _lua(text: str) -> str:
    # Lua reads JSON's quoting of plain text as its own.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + _READY_S
    # Seldom enough that a server which is starting does not notice, often enough for a start of half a second.
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            threading.Event().wait(0.01)
    raise Failed(f"The server did not become ready: {said.read_text(errors='replace')[-1000:]}")
