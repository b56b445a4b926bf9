"""What it costs to carry the classic API by Flask: the main server, Flask on gunicorn threads, Flask on Granian.

Run as ``make bench``, or ``python benchmarks/flask_trade.py``, with gunicorn and granian in the same environment and
wrk on the path. Each server is a process of its own over the built-in sample, with a fresh state directory; each
submission is a durable job. They take turns, one after another and several times over, and the median of the rounds is
told, as a figure and against the main server of the same run.

Caveats: wrk and the server share the machine, so the figures are those of this machine on this day; only the ratios say
something elsewhere. The disk matters: a submission waits for a commit. The jobs are worked on at the same time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 32
QUESTION = "Percent of adults aged 18 years and older who have obesity"
SCRIPT = f"""
wrk.method = "POST"
wrk.path = "/api/global_mean"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{{"question": "{QUESTION}"}}'
done = function(summary, latency, requests)
  io.write(string.format("told %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""
SERVERS = {
    "meantime serve": "-m meantime serve --port {port}",
    "Flask, gunicorn, 32 threads": "-m gunicorn --bind 127.0.0.1:{port} --threads 32 --log-level error "
    "meantime.flask:create_app()",
    "Flask, Granian, 32 threads": "-m granian --interface wsgi --factory --host 127.0.0.1 --port {port} "
    "--blocking-threads 32 --no-log meantime.flask:create_app",
}


class Measured(NamedTuple):
    """One round with one server."""

    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    if not shutil.which("wrk"):
        print("wrk is not installed, which makes the load: apt-get install wrk, or brew install wrk.", file=sys.stderr)
        return 2
    rounds: dict[str, list[Measured]] = {name: [] for name in SERVERS}
    for _ in range(given.rounds):
        for name, command in SERVERS.items():
            rounds[name].append(_measure(command, given.seconds))
    _print(rounds, given)
    return 0


def _measure(command: str, seconds: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        ours = ("MEANTIME_", "TP_NUM_OF_THREADS")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # A queue that is full would be answered quickly, and count as speed.
        limits = {"MEANTIME_QUEUE_LIMIT": "1000000", "MEANTIME_KEEP_ENDED_JOBS": "1000000"}
        with (Path(folder) / "said").open("wb") as said:
            server = subprocess.Popen(
                [sys.executable, *command.format(port=port).split()],
                env=environment | limits | {"MEANTIME_STATE_DIR": f"{folder}/state"},
                stdout=said,
                stderr=said,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, server, Path(folder) / "said")
            _wrk(url, 1, folder)  # warm
            return _wrk(url, seconds, folder)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], said: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            threading.Event().wait(0.1)
    raise SystemExit(f"The server did not become ready:\n{said.read_text(errors='replace')}")


def _wrk(url: str, seconds: int, folder: str) -> Measured:
    script = Path(folder) / "submit.lua"
    script.write_text(SCRIPT, encoding="utf-8")
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told = re.search(r"^told (\d+) (\d+) (\d+) (\d+) (\d+)$", said, re.MULTILINE)
    if not told:
        raise SystemExit(f"wrk said something else:\n{said}")
    requests, took_us, p50_us, p99_us, errors = map(int, told.groups())
    return Measured(requests / took_us * 1e6, p50_us / 1000, p99_us / 1000, errors)


def _print(rounds: dict[str, list[Measured]], given: argparse.Namespace) -> None:
    print(f"{CONNECTIONS} connections, {given.seconds} s a round, median of {given.rounds} rounds taken in turns\n")
    print("| server | submissions/s | of main | p50 ms | p99 ms | of main | errors |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    middle = {
        name: Measured(*(statistics.median(column) for column in zip(*measured, strict=True)))
        for name, measured in rounds.items()
    }
    main = next(iter(middle.values()))
    for name, one in middle.items():
        errors = sum(each.errors for each in rounds[name])
        print(
            f"| {name} | {one.per_s:,.0f} | {one.per_s / main.per_s:.2f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
            f"| {one.p99_ms / main.p99_ms:.1f} | {errors} |"
        )
    print("\nCaveats: wrk shares the machine with the server; the ratios travel, the figures do not.")


if __name__ == "__main__":
    sys.exit(main())
