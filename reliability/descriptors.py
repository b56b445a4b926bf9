"""Idle connections, more than a server may have descriptors: jobs go on, and none fails."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from reliability import invariants
from reliability.clients import Connection, Ledger, submit
from reliability.conditions import under
from reliability.outcome import Outcome
from reliability.scene import ASKS, Front, closing, write_table
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S, wait_until

LIMITS = (64, 256)
# How a connection may be left.
_HALVES = (
    b"",
    b"GET /liv",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
)
_MORE = 20  # connections than there are descriptors
_JOBS = 10


def descriptors(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Open idle connections up to the limits ``number`` times, while jobs come."""
    chance = random.Random(seed)  # noqa: S311 - the same connections each time
    table, ledger = write_table(folder / "table.csv"), Ledger()
    opened = acknowledged = 0
    for index in range(number):
        limit, one = LIMITS[index % len(LIMITS)], Ledger()
        with closing(under(front, "descriptors", limit).start(table, folder / f"state-{index}")) as server:
            try:
                _crowd(server.ready(), one, table, limit, chance)
            except (AssertionError, OSError) as error:
                one.violated(f"{error!r}: {''.join(server.output[-3:])}"[:500])
        opened += limit + _MORE
        acknowledged += len(one.acknowledged)
        ledger.violations += [f"{limit} descriptors: {violation}" for violation in one.violations]
    tried = f"{number:,} servers with {' or '.join(map(str, LIMITS))} descriptors, {opened:,} idle connections; "
    return Outcome(f"idle connections, {front.name}", f"{tried}{acknowledged:,} jobs", ledger.violations)


def _crowd(server: RunningServer, ledger: Ledger, table: Path, limit: int, chance: random.Random) -> None:
    address = (server.client.base_url.host, server.client.base_url.port or 0)
    with ExitStack() as crowd:
        # A client that was there before.
        connection = crowd.enter_context(contextlib.closing(Connection(server.url)))
        submit(connection, ledger, chance.choice(ASKS))
        for _ in range(limit + _MORE):
            with suppress(ConnectionError):  # it was refused, which is polite
                one = crowd.enter_context(socket.create_connection(address, timeout=PATIENCE_S))
                one.sendall(chance.choice(_HALVES))
        for _ in range(_JOBS):
            submit(connection, ledger, chance.choice(ASKS))
        for job_id in ledger.acknowledged:
            state = ""
            deadline_s = time.monotonic() + PATIENCE_S
            while state not in ("done", "error") and time.monotonic() < deadline_s:
                state = json.loads(connection.ask("GET", f"/api/get_results/{job_id}")[1])["status"]
            if state != "done":
                ledger.violated(f"{job_id} is {state!r} while connections are open")
    wait_until(lambda: _answers(address), "connections are given back")
    invariants.every_job_ends_right(server.url, ledger, table)
    invariants.ends_well(server, ledger)
    if "Traceback" in "".join(server.output):
        ledger.violated(f"a traceback: {''.join(server.output)[-500:]}")


def _answers(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(100).startswith(b"HTTP/1.1 200")
    return False
