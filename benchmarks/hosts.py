"""Jobs that several hosts share in PostgreSQL: how fast they are accepted, beside those of one host in SQLite.

Run as ``make bench BENCH=hosts``, with wrk on the path and Debian's PostgreSQL. Both stores are asked in the same way
on the same disk, and both commit durably.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.frame import Ratio, show
from benchmarks.harness import QUESTION, Measured, meantime, middle, require_wrk, serving, wrk
from meantime.engine.ports import JobStore
from meantime.model import Request
from meantime.stores.sqlite import SqliteJobStore
from tests.support.postgres_store import emptied, postgres_store
from tests.support.postgresql import PASSWORD, PostgresServer, running_postgresql

_CLIENTS = 32
_ASKED = {"question": QUESTION}
_REQUEST = Request(dataset="sample", statistic="states_mean", parameters=_ASKED, fingerprint="f" * 64)
# What the design asks for.
_ADDS_PER_S = 5_000
_MEDIAN_MS = 1.5
_OF_SQLITE = 0.6


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    require_wrk()
    os.environ["PGPASSWORD"] = PASSWORD
    with running_postgresql() as server:
        show("At the store", _at_the_store(server, given.seconds, given.rounds))
        show("Over HTTP", [_over_http(server, given.seconds, given.rounds)])
    return 0


def _at_the_store(server: PostgresServer, seconds: int, rounds: int) -> list[Ratio]:
    shared, single = [], []
    for _ in range(rounds):
        store = postgres_store(emptied(server))
        shared.append((_adds(store, _CLIENTS, seconds), _adds(store, 1, seconds)))
        store.close()
        with tempfile.TemporaryDirectory(prefix="meantime-hosts-") as folder:
            alone = SqliteJobStore(Path(folder) / "jobs.sqlite3", on_broken=_broken)
            single.append((_adds(alone, _CLIENTS, seconds), _adds(alone, 1, seconds)))
            alone.close()
    many = statistics.median(each[0][0] for each in shared)
    other = statistics.median(each[0][0] for each in single)
    median_ms = statistics.median(each[1][1] for each in shared)
    other_ms = statistics.median(each[1][1] for each in single)
    return [
        Ratio(
            f"adds by {_CLIENTS} clients",
            f"{many:,.0f}/s",
            f"{_ADDS_PER_S:,}/s (SQLite: {other:,.0f}/s)",
            many / _ADDS_PER_S,
            1.0,
        ),
        Ratio(
            "adds by one client",
            f"median {median_ms:.2f} ms",
            f"{_MEDIAN_MS} ms; SQLite {other_ms:.2f} ms",
            _MEDIAN_MS / median_ms,
            1.0,
        ),
    ]


def _adds(store: JobStore, clients: int, seconds: int) -> tuple[float, float]:
    """Add jobs one by one in so many threads; return how many a second, and the median of their times in ms."""
    took: list[float] = []
    ends_at_s = time.perf_counter() + seconds

    def client() -> None:
        while (began_s := time.perf_counter()) < ends_at_s:
            store.add([_REQUEST], at_s=1.0).result()
            took.append(time.perf_counter() - began_s)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / seconds, statistics.median(took) * 1_000


def _over_http(server: PostgresServer, seconds: int, rounds: int) -> Ratio:
    shared: list[Measured] = []
    single: list[Measured] = []
    for _ in range(rounds):
        address = emptied(server)
        for measured, settings in ((shared, ["--jobs", address]), (single, [])):
            with serving(meantime(*settings)) as one:
                measured.append(
                    wrk(one.url + "/api/states_mean", seconds=seconds, method="POST", body=json.dumps(_ASKED))
                )
    mine, other = middle(shared), middle(single)
    return Ratio(
        "POST /api/states_mean",
        f"{mine.per_s:,.0f}/s, p99 {mine.p99_ms:.1f} ms, {mine.errors} refused",
        f"SQLite {other.per_s:,.0f}/s, p99 {other.p99_ms:.1f} ms, {other.errors} refused",
        mine.per_s / other.per_s,
        _OF_SQLITE,
    )


def _broken(error: Exception) -> None:
    raise SystemExit(str(error))


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)  # as in the server
    sys.exit(main())
