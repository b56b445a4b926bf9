"""Run all simulations, and write their tables: ``make validate``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from validation import asked, gaps, intervals, ranks, trends, verdicts, weighted
from validation.figures import FULL, SMALL, Effort, Section, Simulation
from validation.report import DOCUMENT, missed, tables, with_tables

# The longest first, so that no process is left alone with one; the document has them in an order for reading.
SIMULATIONS: tuple[Simulation, ...] = (
    *asked.SIMULATIONS,
    *ranks.SIMULATIONS,
    *weighted.SIMULATIONS,
    *intervals.SIMULATIONS,
    *gaps.SIMULATIONS,
    *verdicts.SIMULATIONS,
    *trends.SIMULATIONS,
)
_FOR_READING: tuple[Simulation, ...] = (
    *intervals.SIMULATIONS,
    *verdicts.SIMULATIONS,
    *ranks.SIMULATIONS,
    *trends.SIMULATIONS,
    *gaps.SIMULATIONS,
    *weighted.SIMULATIONS,
    *asked.SIMULATIONS,
)
# A small run says only whether something is broken: a false alarm in a run would be one in thousands.
SMALL_RUN_ERRORS = 4.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the small run writes no document, and fails where a criterion is clearly missed."""
    parser = argparse.ArgumentParser(prog="make validate", description=__doc__)
    parser.add_argument("--small", action="store_true", help="A part of a minute; writes no document.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    effort, began = SMALL if given.small else FULL, time.monotonic()
    sections = simulate(effort, given.seed, processes=given.processes)
    text = tables(sections, effort, given.seed)
    if given.small:
        print(text)
    else:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(f"{len(sections)} simulations in {time.monotonic() - began:.0f} s.")
    out = missed(sections, errors=SMALL_RUN_ERRORS if given.small else 2.0)
    print("\n".join(["Missed:", *out] if out else ["Nothing is missed."]))
    return 1 if given.small and out else 0


def simulate(effort: Effort, seed: int, *, processes: int) -> list[Section]:
    """Run every simulation, each with its own random stream: the same figures whatever runs beside it."""
    with ProcessPoolExecutor(processes) as pool:
        running = {simulation: pool.submit(simulation, effort, seed) for simulation in SIMULATIONS}
        return [running[simulation].result() for simulation in _FOR_READING]


if __name__ == "__main__":
    sys.exit(main())
