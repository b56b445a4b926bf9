"""Three hosts over one PostgreSQL: killed, stopped for longer than their lease, or without their database."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from reliability import invariants
from reliability.clients import Client, Ledger
from reliability.outcome import Outcome
from reliability.scene import Front, closing, kill, write_table
from tests.support.postgresql import PASSWORD, running_postgresql
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S

HOSTS = 3
# Short, so that a stall beyond it is; a beat every third of it is still far from the pauses of a busy machine.
_LEASE_S = 3.0
_CLIENTS = 2  # of each host
# For each so many kills, one stall and then one end of PostgreSQL.
_KILLS_A_STALL = 10
_KILLS_A_RESTART = 50


def hosts(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Kill hosts so many times, stall some and end PostgreSQL meanwhile, and check that every promise was kept."""
    moments = random.Random(seed)  # noqa: S311 - the same moments each time
    stalls, restarts = max(1, number // _KILLS_A_STALL), max(1, number // _KILLS_A_RESTART)
    faults = ["kill"] * number + ["stall"] * stalls + ["restart"] * restarts
    moments.shuffle(faults)
    ledger, table = Ledger(), write_table(folder / "table.csv")
    done = dict.fromkeys(("kill", "stall", "restart"), 0)
    os.environ["PGPASSWORD"] = PASSWORD
    with running_postgresql() as server, ExitStack() as stack:
        settings = {"MEANTIME_JOBS": server.url(), "MEANTIME_LEASE_S": str(_LEASE_S)}

        def start(host: int) -> RunningServer:
            started = front.start(table, folder / f"state {host}", **settings)
            return stack.enter_context(closing(started)).ready()

        running = [start(host) for host in range(HOSTS)]
        for turn, fault in enumerate(faults):
            clients = [
                Client(
                    running[host].url,
                    ledger,
                    seed=seed * 10**6 + turn * 10 + client * HOSTS + host,
                    results=None,
                    has_v1=True,
                )
                for host in range(HOSTS)
                for client in range(_CLIENTS)
            ]
            for client in clients:
                client.start()
            time.sleep(moments.uniform(0.02, 0.3))
            victim = moments.randrange(HOSTS)
            if fault == "kill":
                kill(running[victim])
            elif fault == "stall":
                running[victim].process.send_signal(signal.SIGSTOP)
                time.sleep(_LEASE_S * moments.uniform(1.2, 2))
                running[victim].process.send_signal(signal.SIGCONT)
                time.sleep(moments.uniform(0.02, 0.3))
            else:
                server.stop(signal.SIGKILL)
                time.sleep(moments.uniform(0.05, 1))
                server.start()
                time.sleep(moments.uniform(0.1, 1))
            for client in clients:
                client.stop()
            for client in clients:
                client.join(PATIENCE_S)
            if fault == "kill":
                running[victim] = start(victim)
            done[fault] += 1
            if ledger.violations:
                break
        for host in running:
            # At each of them, so that two that have different results are found.
            invariants.every_job_ends_right(host.url, ledger, table)
            invariants.no_job_is_invented(host.url, ledger)
        for host in running:
            invariants.ends_well(host, ledger)
    return Outcome(
        f"{HOSTS} hosts over one PostgreSQL",
        f"{done['kill']:,} kills, {done['stall']:,} stalls beyond the lease, PostgreSQL killed and started again "
        f"{done['restart']:,} times; {len(ledger.acknowledged):,} acknowledged jobs",
        ledger.violations,
    )
