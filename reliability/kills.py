"""SIGKILL at random moments: while jobs are submitted, read, cancelled and removed, while data is read, in a drain."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from reliability import invariants
from reliability.clients import Client, Ledger
from reliability.outcome import Outcome
from reliability.scene import Front, closing, kill, touch, write_table
from tests.support.waiting import PATIENCE_S

CLIENTS = 4
# What a server is doing when it is killed. Most of the time jobs come and go.
_MOMENTS = ("work",) * 6 + ("loading", "reload", "drain", "start")
# After so many kills all jobs of these are checked; at the end, all of all.
_CHECKED_AFTER = 25


def kills(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Kill servers on one state directory, and check after some kills and at the end that every promise was kept."""
    moments = random.Random(seed)  # noqa: S311 - the same moments each time
    table, state, ledger = write_table(folder / "table.csv"), folder / "state", Ledger()
    counts = dict.fromkeys(_MOMENTS, 0)
    unchecked: list[str] = []
    for index in range(number):
        moment = moments.choice(_MOMENTS if front.has_v1 else ("work", "work", "start", "drain"))
        counts[moment] += 1
        before = len(ledger.acknowledged)
        if moment == "start":
            front.start_and_kill(table, state, moments.uniform(0.05, 0.8))
        else:
            _one(front, table, state, ledger, moment, moments, seed * 1_000_000 + index * 10)
        unchecked += list(ledger.acknowledged)[before:]
        if index % _CHECKED_AFTER == _CHECKED_AFTER - 1:
            _check(front, table, state, ledger, unchecked)
            unchecked = []
        if ledger.violations:
            break  # what comes after would say the same
    if not ledger.violations:
        _check(front, table, state, ledger, list(ledger.acknowledged), at_end=True)
    killed = sum(counts.values())
    told = ", ".join(f"{count} {moment}" for moment, count in counts.items() if count)
    return Outcome(
        f"SIGKILL at random, {front.name}",
        f"{killed:,} kills ({told}); {len(ledger.acknowledged):,} acknowledged jobs",
        ledger.violations,
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
        time.sleep(moments.uniform(0.02, 0.6))
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


def _check(front: Front, table: Path, state: Path, ledger: Ledger, job_ids: list[str], *, at_end: bool = False) -> None:
    with closing(front.start(table, state)) as server:
        invariants.every_job_ends_right(server.ready().url, ledger, table, only=job_ids)
        if at_end and front.has_v1:
            invariants.no_job_is_invented(server.url, ledger)
        invariants.ends_well(server, ledger)
    invariants.nothing_is_left(state, ledger)
