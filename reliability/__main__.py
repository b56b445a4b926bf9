"""Run a harness: ``python -m reliability kills --number 100``, or several, as ``make crash`` and ``make faults`` do."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reliability import document
from reliability.faults import FAULTS
from reliability.kills import kills
from reliability.outcome import Outcome
from reliability.power_loss import power_losses
from reliability.scene import FLASK, MAIN, Front
from reliability.syscalls import errors_at_calls, kills_at_calls


class Harness(NamedTuple):
    """A way to break a server: how often it is tried by default, and who does it."""

    number: int
    run: Callable[[int, int], Outcome]  # number, seed


def _kills(front: Front) -> Callable[[int, int], Outcome]:
    def run(number: int, seed: int) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="meantime-kills-") as folder:
            return kills(front, Path(folder), number=number, seed=seed)

    return run


HARNESSES: dict[str, Harness] = {
    "kills": Harness(60, _kills(MAIN)),
    "kills-flask": Harness(20, _kills(FLASK)),
    "kills-at-calls": Harness(20, lambda number, _seed: kills_at_calls(number=number)),
    "errors-at-calls": Harness(20, lambda number, _seed: errors_at_calls(number=number)),
    "power-loss": Harness(1_000, lambda number, seed: power_losses(number=number, seed=seed)),
    **{name: Harness(number, run) for name, (number, run) in FAULTS.items()},
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
