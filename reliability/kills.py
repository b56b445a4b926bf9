"""SIGKILL at random moments: while jobs are submitted, read, cancelled and removed, while data is read, in a drain."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

from reliability import invariants
from reliability.clients import Client, Ledger
from reliability.outcome import Outcome
from reliability.scene import Front, closing, kill, touch, write_table
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S

CLIENTS = 4
# What a server is doing when it is killed. Most of the time jobs come and go.
_MOMENTS = ("work",) * 6 + ("loading", "reload", "drain", "start")
_FLASK_MOMENTS = ("work", "work", "start", "drain")
# After so many kills all jobs are checked, and a new state directory begins: a start goes through all jobs of its own.
_KILLS_A_STATE = 25


def kills(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Kill servers, some on one state directory and then some on the next, and check that every promise was kept."""
    moments = random.Random(seed)  # noqa: S311 - the same moments each time
    told = moments.choices(_MOMENTS if front.has_v1 else _FLASK_MOMENTS, k=number)
    violations: list[str] = []
    acknowledged = killed = 0
    for first in range(0, number, _KILLS_A_STATE):
        home = folder / f"from {first}"
        home.mkdir()
        table, state, ledger = write_table(home / "table.csv"), home / "state", Ledger()
        for index, moment in enumerate(told[first : first + _KILLS_A_STATE], first):
            if moment == "start":
                front.start_and_kill(table, state, moments.uniform(0.05, 0.8))
            else:
                _one(front, table, state, ledger, moment, moments, seed * 1_000_000 + index * 10)
            killed += 1
            if ledger.violations:
                break  # what comes after would say the same
        else:
            _check(front._replace(server=RunningServer), table, state, ledger)
        acknowledged += len(ledger.acknowledged)
        violations += ledger.violations
        if violations:
            break
        shutil.rmtree(home)
    counts = Counter(told[:killed])
    return Outcome(
        f"SIGKILL at random, {front.name}",
        f"{killed:,} kills ({', '.join(f'{count:,} {moment}' for moment, count in counts.items())}); "
        f"{acknowledged:,} acknowledged jobs",
        violations,
    )


def _one(
    front: Front, table: Path, state: Path, ledger: Ledger, moment: str, moments: random.Random, seed: int
) -> None:
    if moment == "loading":
        touch(table)  # so that it is read again, by a child process
    with closing(front.start(table, state)) as server:
        if moment != "loading":
            server.ready()
        clients = [
            Client(server.url, ledger, seed=seed + each, results=state / "results", has_v1=front.has_v1)
            for each in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(moments.uniform(0.02, 0.4))
        if moment == "reload":
            touch(table)
            server.process.send_signal(signal.SIGHUP)
            time.sleep(moments.uniform(0, 0.5))
        if moment == "drain":
            server.process.send_signal(signal.SIGTERM)
            time.sleep(moments.uniform(0, 0.3))
        kill(server)
        for client in clients:
            client.join(PATIENCE_S)


def _check(front: Front, table: Path, state: Path, ledger: Ledger) -> None:
    with closing(front.start(table, state)) as server:
        invariants.every_job_ends_right(server.ready().url, ledger, table)
        if front.has_v1:
            invariants.no_job_is_invented(server.url, ledger)
        invariants.ends_well(server, ledger)
    invariants.nothing_is_left(state, ledger)
