"""What the benchmarks share: a server of its own for each measurement, a load on it, and a table of ratios.

Everything is measured against a peer in the same run, in turns and several times over; the median of the rounds is
told. The load shares the machine with the server, so the figures are those of this machine on this day: only the ratios
say something elsewhere.
"""

from __future__ import annotations

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
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 32
QUESTION = "Percent of adults aged 18 years and older who have obesity"

# The table of 5 million rows takes some 10 s to read here, and ROAPI 30 s; ten times that is a machine in trouble.
_READY_S = 300
_OURS = ("MEANTIME_", "TP_NUM_OF_THREADS")
# A queue that is full would be answered quickly, and count as speed.
_LIMITS = {"MEANTIME_QUEUE_LIMIT": "1000000", "MEANTIME_KEEP_ENDED_JOBS": "1000000"}

# Tells what the tables need in one line; wrk's own report is for people.
_TELL = """
done = function(summary, latency, requests)
  io.write(string.format("told %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


class Measured(NamedTuple):
    """One round of requests."""

    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


class Ratio(NamedTuple):
    """What a benchmark is about: how a figure stands to its peer's, and what it should be."""

    what: str
    figure: str
    peer: str
    ratio: float
    target: float | None  # at least this; None where there is none

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.ratio >= self.target else "MISSED"


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int

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
) -> Iterator[Server]:
    """Run a server with a fresh state directory until the block ends; ``{port}`` in its command is a free one.

    ``ready`` is a path that answers 200 when the server can be measured; ``fill`` puts something into the state
    directory first.
    """
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "state")
        port = _free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        said = Path(folder) / "said"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [part.format(port=port) for part in command],
                env=environment | _LIMITS | {"MEANTIME_STATE_DIR": f"{folder}/state"} | dict(settings or {}),
                stdout=out,
                stderr=out,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url + ready, process, said)
            yield Server(url, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def meantime(*sources: str) -> list[str]:
    """Return the command that serves these sources, or the built-in sample."""
    return [sys.executable, "-m", "meantime", "serve", "--port", "{port}", *sources]


def wrk(
    url: str, *, seconds: int, method: str = "GET", body: str | None = None, connections: int = CONNECTIONS
) -> Measured:
    """Send the same request over and over for some seconds, and measure."""
    lines = [f"wrk.method = {_lua(method)}"]
    if body is not None:
        lines += ['wrk.headers["Content-Type"] = "application/json"', f"wrk.body = {_lua(body)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write("\n".join(lines) + _TELL)
        script.flush()
        said = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name, url],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    told = re.search(r"^told (\d+) (\d+) (\d+) (\d+) (\d+)$", said, re.MULTILINE)
    if not told:
        raise SystemExit(f"wrk said something else:\n{said}")
    requests, took_us, p50_us, p99_us, errors = map(int, told.groups())
    return Measured(requests / took_us * 1e6, p50_us / 1000, p99_us / 1000, errors)


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each column; the errors are added up."""
    columns = list(zip(*rounds, strict=True))
    return Measured(
        statistics.median(columns[0]), statistics.median(columns[1]), statistics.median(columns[2]), sum(columns[3])
    )


def print_ratios(title: str, ratios: Sequence[Ratio]) -> None:
    """Print what came out as a Markdown table."""
    print(f"\n## {title}\n")
    print("| what | figure | peer in the same run | ratio | target | |")
    print("|---|---:|---:|---:|---:|---|")
    for each in ratios:
        target = "" if each.target is None else f"{each.target:g}"
        print(f"| {each.what} | {each.figure} | {each.peer} | {each.ratio:.2f} | {target} | {each.verdict} |")


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


def _memory_mb(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _lua(text: str) -> str:
    # Lua reads JSON's quoting of plain text as its own.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    for _ in range(_READY_S * 10):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            threading.Event().wait(0.1)
    raise SystemExit(f"The server did not become ready:\n{said.read_text(errors='replace')}")
