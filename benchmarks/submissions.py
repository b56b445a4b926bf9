"""How fast jobs are accepted durably: one by one through v1 beside the classic API, and by the thousand.

Run as ``make bench BENCH=submissions``, with wrk on the path. A submission is answered when its job is committed to
disk, so the disk matters; jobs are worked on at the same time.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.harness import QUESTION, Ratio, meantime, middle, print_ratios, require_wrk, serving, wrk

_BATCH = 1000
_ASKED = {"statistic": "global_mean", "parameters": {"question": QUESTION}}
# What the design asks for, in jobs a second.
_ACCEPTED_PER_S = 15_000
_FINISHED_PER_S = 6_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=40, help="Batches of 1,000 jobs a round.")
    given = parser.parse_args(arguments)
    require_wrk()
    print_ratios("Submissions of v1, beside classic ones", [_singly(given.seconds, given.rounds)])
    print_ratios(
        "Jobs by the thousand, beside the rate that they should have", _by_the_thousand(given.batches, given.rounds)
    )
    return 0


def _singly(seconds: int, rounds: int) -> Ratio:
    new, classic = [], []
    for _ in range(rounds):
        # A server of its own for each: the jobs that one round leaves behind are worked on during the next.
        with serving(meantime()) as server:
            new.append(wrk(server.url + "/v1/jobs", seconds=seconds, method="POST", body=json.dumps(_ASKED)))
        with serving(meantime()) as server:
            body = json.dumps(_ASKED["parameters"])
            classic.append(wrk(server.url + "/api/global_mean", seconds=seconds, method="POST", body=body))
    mine, peer = middle(new), middle(classic)
    if mine.errors + peer.errors:
        raise SystemExit(f"{mine.errors} and {peer.errors} submissions were refused; the figures mean nothing.")
    return Ratio(
        "POST /v1/jobs",
        f"{mine.per_s:,.0f}/s, p99 {mine.p99_ms:.1f} ms",
        f"POST /api/global_mean {peer.per_s:,.0f}/s, p99 {peer.p99_ms:.1f} ms",
        mine.per_s / peer.per_s,
        0.8,
    )


def _by_the_thousand(batches: int, rounds: int) -> list[Ratio]:
    accepted, finished = [], []
    body = json.dumps({"requests": [_ASKED] * _BATCH}).encode()
    for _ in range(rounds):
        with serving(meantime()) as server, httpx.Client(base_url=server.url, timeout=120) as client:
            began = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                for reply in pool.map(lambda _: _post(client, body), range(batches)):
                    reply.raise_for_status()
            accepted.append(batches * _BATCH / (time.perf_counter() - began))
            while client.get("/api/num_jobs").json()["num_jobs"]:
                threading.Event().wait(0.02)
            finished.append(batches * _BATCH / (time.perf_counter() - began))
    return [
        _of_rate("accepted durably, while jobs are worked on", sorted(accepted)[rounds // 2], _ACCEPTED_PER_S),
        _of_rate("accepted and finished", sorted(finished)[rounds // 2], _FINISHED_PER_S),
    ]


def _post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post("/v1/jobs/batch", content=body, headers={"Content-Type": "application/json"})


def _of_rate(what: str, per_s: float, target_per_s: float) -> Ratio:
    return Ratio(what, f"{per_s:,.0f} jobs/s", f"wanted {target_per_s:,} jobs/s", per_s / target_per_s, 1)


if __name__ == "__main__":
    sys.exit(main())
