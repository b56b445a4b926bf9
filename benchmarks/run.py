"""One run of all benchmarks on one machine, as it is kept: what docs/performance.md is written out of."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.frame import FULL, SHOWN_IN, ShownTable
from benchmarks.harness import FOLDERS_IN

# In the order of the page.
NAMES = (
    "answers",
    "statistics",
    "jobs",
    "submissions",
    "start",
    "reading",
    "pictures",
    "idle",
    "steps",
    "waiting",
    "awake",
    "places",
    "explorer",
    "flask_trade",
    "hosts",
    "snapshots",
    "cluster",
)


class Benchmark(msgspec.Struct, frozen=True):
    """What one of them has shown."""

    name: str
    took_s: float
    tables: tuple[ShownTable, ...]
    failed: str = ""  # its last words, where it did not come to its end


class Run(msgspec.Struct, frozen=True):
    """All of them, with the machine and the command."""

    command: str
    machine: str
    day: str
    commit: str
    benchmarks: tuple[Benchmark, ...]


def run_all(names: Sequence[str] = NAMES) -> Run:
    """Run benchmarks one after the other, each in a process of its own; one that fails is told with its reason."""
    benchmarks = []
    with tempfile.TemporaryDirectory(prefix="meantime-benchmarks-") as folder:
        for name in names:
            print(f"\n# {name}", flush=True)
            benchmarks.append(_run(name, folder))
    return Run(
        command="make bench FULL=1" if FULL else "make bench",
        machine=_machine(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_git("rev-parse", "--short", "HEAD") + ("" if not _git("status", "--porcelain") else ", changed"),
        benchmarks=tuple(benchmarks),
    )


def _run(name: str, folders_in: str) -> Benchmark:
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        shown, said = Path(folder) / "shown.json", Path(folder) / "said"
        with said.open("wb") as errors:
            ended = subprocess.run(
                [sys.executable, "-m", f"benchmarks.{name}"],
                env={**os.environ, SHOWN_IN: str(shown), FOLDERS_IN: folders_in},
                stderr=errors,
                check=False,
            )
        words = said.read_text(encoding="utf-8", errors="replace")
        if ended.returncode:
            print(words, file=sys.stderr)
        tables = msgspec.json.decode(shown.read_bytes(), type=tuple[ShownTable, ...]) if shown.exists() else ()
    failed = (words.strip().splitlines() or ["it ended without a word"])[-1] if ended.returncode else ""
    return Benchmark(name, time.monotonic() - began_s, tables, failed)


def _machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*: (.*)$", cpus, re.MULTILINE)
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, {memory_gb:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}"
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()
