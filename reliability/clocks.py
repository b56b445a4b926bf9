"""Clocks that jump, under a running server and over a restart: no job goes, and none comes in for another."""

from __future__ import annotations

import random
from pathlib import Path

from reliability import invariants
from reliability.clients import Ledger
from reliability.conditions import under
from reliability.outcome import Outcome
from reliability.scene import ASKS, Front, closing, write_table
from tests.support.server_process import RunningServer

_DAY_S = 86_400
# How far the clock jumps, in days: a time zone, a battery that is empty (1970), a typing error, the far future (2200).
JUMPS = {
    "an hour ahead": 1 / 24,
    "an hour back": -1 / 24,
    "a day ahead": 1,
    "a day back": -1,
    "a year ahead": 365,
    "ten years back": -3_650,
    "to 1970": -20_700,
    "to 2200": 63_000,
}
_WAYS = ("running", "over a restart")
# Before the jump, after it, and when the clock is right again.
_JOBS = (8, 4, 2)


def clocks(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Let the clock jump ``number`` times, each on a state of its own, and then be right again."""
    chance = random.Random(seed)  # noqa: S311 - the same order each time
    table, ledger = write_table(folder / "table.csv"), Ledger()
    cases = [(jump, way) for jump in JUMPS for way in _WAYS]
    chance.shuffle(cases)
    for index in range(number):
        jump, way = cases[index % len(cases)]
        one = Ledger()
        _jump(front, folder, table, folder / f"state-{index}", one, jump, way, chance)
        ledger.acknowledged |= {f"{index} {job_id}": ask for job_id, ask in one.acknowledged.items()}
        ledger.violations += [f"{jump}, {way}: {violation}" for violation in one.violations]
    tried = f"{number:,} jumps ({', '.join(JUMPS)}), half of them over a restart; {len(ledger.acknowledged):,} jobs"
    return Outcome(f"clocks that jump, {front.name}", tried, ledger.violations)


def _jump(
    front: Front,
    folder: Path,
    table: Path,
    state: Path,
    ledger: Ledger,
    jump: str,
    way: str,
    chance: random.Random,
) -> None:
    ahead = folder / "ahead"
    ahead.write_text("0", encoding="ascii")
    clocked = under(front, "clock", ahead)
    server = clocked.start(table, state)
    try:
        for stage, days in enumerate((0.0, JUMPS[jump], 0.0)):
            if stage and way == "over a restart":
                _end(server, ledger)
            new = ahead.with_suffix(".new")
            new.write_text(str(days * _DAY_S), encoding="ascii")
            new.replace(ahead)  # at once: the server may read it at any moment
            if stage and way == "over a restart":
                server = clocked.start(table, state)
            server.ready()
            for _ in range(_JOBS[stage]):
                ask = chance.choice(ASKS)
                ledger.acknowledge(server.ask(ask.statistic, **ask.parameters), ask)
            invariants.every_job_ends_right(server.url, ledger, table)
        _end(server, ledger)
        invariants.nothing_is_left(state, ledger)
    except AssertionError as error:
        ledger.violated(str(error)[:500])
    finally:
        server.close()


def _end(server: RunningServer, ledger: Ledger) -> None:
    with closing(server):
        invariants.ends_well(server, ledger)
