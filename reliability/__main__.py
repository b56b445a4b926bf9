"""Run a harness: ``python -m reliability kills --number 100``, or several, as ``make crash`` and ``make faults`` do."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from reliability import document
from reliability.clocks import clocks
from reliability.descriptors import descriptors
from reliability.disk import disk_full, errors_at_every_call, full_at_every_write, quota_full
from reliability.flips import flips
from reliability.flips_served import flips_served
from reliability.forked import ForkedServer
from reliability.hostile import hostile_files, hostile_requests
from reliability.hosts import hosts
from reliability.kills import kills
from reliability.outcome import Outcome
from reliability.power_loss import power_losses
from reliability.requests import requests
from reliability.scene import FLASK, MAIN, Front
from reliability.syscalls import errors_at_calls, kills_at_calls


class _Breaks(Protocol):
    def __call__(self, front: Front, folder: Path, /, *, number: int, seed: int) -> Outcome: ...


class Harness(NamedTuple):
    """A way to break a server: how often it is tried by default, and who does it."""

    number: int
    run: Callable[[int, int], Outcome]  # number, seed


def _of(number: int, harness: _Breaks, front: Front = MAIN) -> Harness:
    def run(number: int, seed: int) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="meantime-reliability-") as folder:
            return harness(front, Path(folder), number=number, seed=seed)

    return Harness(number, run)


HARNESSES: dict[str, Harness] = {
    # make crash
    "kills": _of(60, kills, MAIN._replace(server=ForkedServer)),
    "kills-flask": _of(20, kills, FLASK._replace(server=ForkedServer)),
    "kills-at-calls": Harness(20, lambda number, _seed: kills_at_calls(number=number)),
    "errors-at-calls": Harness(20, lambda number, _seed: errors_at_calls(number=number)),
    "power-loss": Harness(1_000, lambda number, seed: power_losses(number=number, seed=seed)),
    "hosts": _of(20, hosts),
    # make faults
    "flips": _of(300, flips),
    "flips-served": _of(20, flips_served),
    "disk-full": _of(10, disk_full),
    "disk-full-flask": _of(5, disk_full, FLASK),
    "quota": _of(10, quota_full),
    "full-at-every-write": _of(1_000, full_at_every_write),
    "errors-at-every-call": _of(4_400, errors_at_every_call),
    "clocks": _of(16, clocks),
    "clocks-flask": _of(4, clocks, FLASK),
    "descriptors": _of(4, descriptors),
    "hostile-files": _of(100, hostile_files),
    "hostile-requests": _of(2_000, hostile_requests),
    "hostile-requests-flask": _of(500, hostile_requests, FLASK),
    "requests": _of(10_000, requests),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument("harness", nargs="+", choices=HARNESSES)
    parser.add_argument("--number", type=int, help="How often to try; the default takes a minute or two.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"Put the rows into {document.DOCUMENT.name}.")
    given = parser.parse_args(arguments)
    violations = 0
    for name in given.harness:
        harness, began = HARNESSES[name], time.monotonic()
        number = given.number or harness.number
        outcome = harness.run(number, given.seed)
        violations += len(outcome.violations)
        print(f"{outcome}\n  ({time.monotonic() - began:.0f} s)", flush=True)
        if given.write:
            document.write(name, outcome, f"python -m reliability {name} --number {number} --seed {given.seed}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
