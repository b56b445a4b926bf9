"""How fast jobs are accepted durably and worked on: one by one, and by the thousand.

Run as ``make bench BENCH=submissions``, with wrk on the path. A submission is answered when its job is committed to
disk, so the disk matters; jobs are worked on at the same time. Processor time is that of the server until the last job
has ended. Finished batches stand beside the bare cost of creating and renaming as many files of the same length.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.frame import Failed, Ratio, at_least, at_most, number, options, ratio_of_rounds, show
from benchmarks.harness import (
    CONNECTIONS,
    QUESTION,
    Server,
    folder_until_the_end,
    meantime,
    require_no_errors,
    require_wrk,
    serving,
    wrk,
)

_BATCH = 1000
_ASKED = {"statistic": "global_mean", "parameters": {"question": QUESTION}}
_PATIENCE_S = 300
# What the design asks for.
_CPU_US, _P99_MS, _PER_S = 190, 15, 4_500
_ACCEPTED_PER_S, _FINISHED_PER_S = 15_000, 9_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--batches", type=int, default=30, help="Batches of 1,000 jobs a round.")
    given = parser.parse_args(arguments)
    require_wrk()
    show(f"Submissions one by one, {CONNECTIONS} connections", _singly(given.seconds, given.rounds))
    show("Jobs by the thousand", _by_the_thousand(given.batches, given.rounds))
    return 0


def _singly(seconds: int, rounds: int) -> list[Ratio]:
    of_v1, classic, cpu_us = [], [], []
    for _ in range(rounds):
        # A server of its own for each: the jobs that one round leaves behind are worked on during the next.
        with serving(meantime()) as server:
            found = wrk(server.url + "/v1/jobs", seconds=seconds, method="POST", body=json.dumps(_ASKED))
            of_v1.append(require_no_errors(found))
        with serving(meantime()) as server:
            before_s, body = server.cpu_s, json.dumps(_ASKED["parameters"])
            found = wrk(server.url + "/api/global_mean", seconds=seconds, method="POST", body=body)
            classic.append(require_no_errors(found))
            _until_finished(server)
            cpu_us.append(1e6 * (server.cpu_s - before_s) / (found.per_s * found.took_s))
    beside = [new.per_s / old.per_s for new, old in zip(of_v1, classic, strict=True)]
    new_per_s, per_s = (sorted(each.per_s for each in found)[rounds // 2] for found in (of_v1, classic))
    return [
        at_least("POST /api/global_mean", [each.per_s for each in classic], _PER_S),
        at_most("POST /api/global_mean: p99", [each.p99_ms for each in classic], _P99_MS, "ms"),
        at_most("a job submitted and worked on: processor time", cpu_us, _CPU_US, "us"),
        ratio_of_rounds("POST /v1/jobs", f"{number(new_per_s)}/s", f"classic {number(per_s)}/s", beside, 0.8),
    ]


def _by_the_thousand(batches: int, rounds: int) -> list[Ratio]:
    accepted, finished, written = [], [], []
    body, jobs = json.dumps({"requests": [_ASKED] * _BATCH}).encode(), batches * _BATCH
    for _ in range(rounds):
        with serving(meantime()) as server, httpx.Client(base_url=server.url, timeout=120) as client:
            began_s = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                for reply in pool.map(lambda _: _post(client, body), range(batches)):
                    reply.raise_for_status()
            accepted.append(jobs / (time.perf_counter() - began_s))
            _until_finished(server)
            finished.append(jobs / (time.perf_counter() - began_s))
            length = len(client.get("/v1/jobs/job_id_1/results").content)
        written.append(jobs / _write_files(jobs, b"x" * length))
    files = f"files created and renamed {number(sorted(written)[rounds // 2])}/s"
    beside = [one / other for one, other in zip(finished, written, strict=True)]
    return [
        at_least("accepted durably, while jobs are worked on", accepted, _ACCEPTED_PER_S),
        at_least("accepted and finished", finished, _FINISHED_PER_S),
        ratio_of_rounds("accepted and finished", f"{number(sorted(finished)[rounds // 2])}/s", files, beside),
    ]


def _until_finished(server: Server) -> None:
    until = time.monotonic() + _PATIENCE_S
    while httpx.get(f"{server.url}/api/num_jobs", timeout=60).json()["num_jobs"]:
        if time.monotonic() > until:
            raise Failed(f"not all jobs have ended after {_PATIENCE_S} s")
        threading.Event().wait(0.02)


def _write_files(times: int, body: bytes) -> float:
    """Return the seconds that it takes to write so many files, each under another name first."""
    folder = folder_until_the_end()
    began_s = time.perf_counter()
    for place in range(times):
        Path(f"{folder}/.writing").write_bytes(body)
        Path(f"{folder}/.writing").rename(f"{folder}/{place}")
    return time.perf_counter() - began_s


def _post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post("/v1/jobs/batch", content=body, headers={"Content-Type": "application/json"})


if __name__ == "__main__":
    sys.exit(main())
