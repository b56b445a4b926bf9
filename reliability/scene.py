"""What the harnesses share: a table, a server over it, and what any of its answers must be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import recompute
from tests.support.server_process import RunningServer, environment
from tests.support.waiting import PATIENCE_S

_COLUMNS = ("Question", "LocationDesc", "StratificationCategory1", "Stratification1", "Data_Value", "YearStart")
_QUESTIONS = tuple(f"Percent of adults who {what}" for what in ("walk", "swim", "skip breakfast", "sleep too little"))
_LOCATIONS = ("North", "South", "East", "West", "Upper Valley", "Lower Valley")
_GROUPS = (("Total", "Total"), ("Sex", "Men"), ("Sex", "Women"), ("Age", "18 - 44"), ("Age", "45 and older"))
_YEARS = range(2015, 2021)

# All jobs of a harness are kept until its end, and none is refused because there are many.
_LIMITS = {
    "MEANTIME_KEEP_ENDED_JOBS": "10000000",
    "MEANTIME_QUEUE_LIMIT": "10000000",
    "MEANTIME_SHUTDOWN_DEADLINE_S": "2",
}
_FLASK = ("-m", "flask", "--app", "meantime.flask", "run", "--port", "0")
_FLASK_LISTENS = r"Running on (http://127\.0\.0\.1:\d+)"


class Ask(NamedTuple):
    """A request, and who knows its right answer: tests/support/recompute.py."""

    statistic: str
    question: str
    state: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """What is sent."""
        return {"question": self.question} | ({"state": self.state} if self.state else {})


ASKS = tuple(
    Ask(name, question) for name in ("states_mean", "global_mean", "mean_by_category") for question in _QUESTIONS
)
ASKS += tuple(Ask("state_mean", question, state) for question in _QUESTIONS for state in _LOCATIONS)


def write_table(path: Path, *, seed: int = 1) -> Path:
    """Write a small table of survey results; a twelfth of its values is suppressed."""
    values = random.Random(seed)  # noqa: S311 - a made table
    lines = [",".join(_COLUMNS)]
    for question in _QUESTIONS:
        for location in _LOCATIONS:
            for category, stratum in _GROUPS:
                for year in _YEARS:
                    value = "*" if values.random() < 1 / 12 else f"{values.uniform(10, 60):.1f}"
                    lines.append(",".join((question, location, category, stratum, value, str(year))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@cache
def expected(table: Path, ask: Ask) -> Any:
    """Return the right answer, computed by no code of the project."""
    return recompute.answer(_facts(table), ask.statistic, ask.question, state=ask.state or "")


@cache
def _facts(table: Path) -> list[recompute.Fact]:
    return recompute.read(table, _COLUMNS[:5])


def is_right(table: Path, ask: Ask, data: Any) -> bool:
    """Whether ``data`` of the classic API is the right answer; of jobs of v1 it is a whole document."""
    try:
        recompute.assert_same(_classic(ask, data) if "rows" in data else data, expected(table, ask))
    except AssertionError:
        return False
    return True


def _classic(ask: Ask, document: dict[str, Any]) -> dict[str, Any]:
    rows = document["rows"]
    match ask.statistic:
        case "global_mean":
            return {"global_mean": rows[0]["mean"]}
        case "mean_by_category":
            return {str((row["location"], row["category"], row["stratum"])): row["mean"] for row in rows}
        case _:
            return {row["location"]: row["mean"] for row in rows}


def touch(table: Path) -> None:
    """Let the file look changed, so that it is read again: its content stays what it was."""
    os.utime(table, ns=(time.time_ns(), time.time_ns()))


class Front(NamedTuple):
    """A way to run a server: Meantime's own, the one in Flask, or one that is broken on purpose."""

    name: str
    command: tuple[str, ...]
    has_v1: bool = True
    server: Callable[..., RunningServer] = RunningServer  # how its process begins

    def start(self, table: Path, state: Path, **settings: str) -> RunningServer:
        """Start it and wait until it listens."""
        arguments, listens, more = self._start(table)
        return self.server(
            *arguments, state_dir=state, command=self.command, listens=listens, **_LIMITS, **more, **settings
        )

    def start_and_kill(self, table: Path, state: Path, after_s: float) -> None:
        """Start it and kill it before it may listen."""
        arguments, _, more = self._start(table)
        process = subprocess.Popen(
            [sys.executable, *self.command, *arguments],
            env=environment() | _LIMITS | more | {"MEANTIME_PORT": "0", "MEANTIME_STATE_DIR": str(state)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait(PATIENCE_S)

    def _start(self, table: Path) -> tuple[Sequence[str], str, dict[str, str]]:
        if not self.has_v1:
            return (), _FLASK_LISTENS, {"MEANTIME_DATA": str(table), "PYTHONUNBUFFERED": "1"}
        return (str(table),), r"listens at (http://\S+?)/? ", {}


MAIN = Front("main", ("-m", "meantime", "serve"))
FLASK = Front("flask", _FLASK, has_v1=False)


def broken(sabotage: str) -> Front:
    """Return the main server with a fault that was put in on purpose (sabotage.py)."""
    return Front(f"broken: {sabotage}", ("-m", "reliability.sabotage", sabotage, "serve"))


def kill(server: RunningServer) -> None:
    """Kill the server alone, and see that its child processes end with it."""
    server.process.send_signal(signal.SIGKILL)
    server.wait()


@contextmanager
def closing(server: RunningServer) -> Iterator[RunningServer]:
    """Leave no process, whatever happens."""
    try:
        yield server
    finally:
        server.close()
