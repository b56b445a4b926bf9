"""The benchmarks still run: each in small, where only its code counts and not its times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.frame import SHOWN_IN, ShownTable
from benchmarks.run import NAMES

ROOT = Path(__file__).parents[2]

_SMALL = {
    "idle": "--rounds 1 --seconds 1",
    "steps": "--rounds 1 --times 5 --rows 20000",
}
# These start many servers, keep them busy for seconds, or have pictures or tables that are large whatever is asked for.
_SMALL_BUT_SLOW = {
    "jobs": "--seconds 1 --rounds 1 --jobs 20",
    "pictures": "--rounds 1",
    "answers": "--seconds 1 --rounds 1 --most-rows 20000",
    "statistics": "--seconds 1 --rounds 1 --times 2",
    "submissions": "--seconds 1 --rounds 1 --batches 1",
    "start": "--rounds 1 --rows 20000",
    "waiting": "--clients 20 --rows 400000",
    "awake": "--seconds 1 --clients 4 --jobs 2000 --streams 20",
    "places": "--rounds 1",
    "explorer": "--rounds 1",
    "flask_trade": "--seconds 1 --rounds 1",
    "hosts": "--seconds 1 --rounds 1",
    "snapshots": "--questions 2",
    "cluster": "--rows 20000 --files 2",
    "reading": "--rounds 1 --only-small",
}
_NEED_WRK = {"answers", "statistics", "jobs", "submissions", "flask_trade", "hosts"}


def test_every_benchmark_is_run_by_make_bench_and_here() -> None:
    assert sorted(NAMES) == sorted(_SMALL | _SMALL_BUT_SLOW)
    written = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main(" in path.read_text("utf-8")}
    assert written - {"__main__"} == set(NAMES)


@pytest.mark.parametrize(
    "name", [*_SMALL, *(pytest.param(name, marks=pytest.mark.thorough) for name in _SMALL_BUT_SLOW)]
)
def test_a_benchmark_runs_in_small_and_every_peer_that_is_installed_gives_the_same_answer(
    name: str, tmp_path: Path
) -> None:
    if name in _NEED_WRK and not shutil.which("wrk"):
        assert os.environ.get("CI") != "true", "apt-get install wrk"
        pytest.skip("wrk is not installed: apt-get install wrk")
    shown = tmp_path / "shown.json"
    environment = {key: value for key, value in os.environ.items() if key != "FULL"} | {SHOWN_IN: str(shown)}
    ended = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *(_SMALL | _SMALL_BUT_SLOW)[name].split()],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    tables = msgspec.json.decode(shown.read_bytes(), type=list[ShownTable])
    assert tables
    assert all(table.ratios for table in tables)
    failed = [each.failed for table in tables for each in table.ratios if each.failed]
    assert [reason for reason in failed if not reason.startswith("skipped: ")] == []
