"""What thousands of places cost: processor time, memory and bytes of an answer, beside what each may cost.

Run as ``make bench BENCH=places``; ``FULL=1`` adds the 72,000 places, whose ranking takes minutes. Tables are
synthetic: 3,144 counties, and 72,000 tracts of 13 years. Times are processor seconds of the server and its children,
so other work on the machine matters little; memory is that above the idle server at its peak. The yardstick of a
ranking is one plain comparison of all pairs with numpy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np

from benchmarks.frame import FULL, Ratio, show
from benchmarks.harness import QUESTION, Server, meantime, serving
from meantime.statistics.registry import STATISTICS

_MB = 1_000_000
COUNTIES, TRACTS = 3_144, 72_000
# A second for most, and three minutes for a ranking of all tracts; ten times that is a machine in trouble.
_PATIENCE_S = 1_800
# Compressing is the client's choice, and takes about a second for 50 MB.
_UNCOMPRESSED = {"Accept-Encoding": "identity"}
_LIMIT_S, _ENDS_WITHIN_S = 1.0, 1.5


class _Cost(NamedTuple):
    cpu_s: float
    memory_mb: float  # at the peak, above the idle server
    size: int  # bytes of the answer as JSON, not compressed


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="Of what takes a second or less; the median is told.")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        counties = _sample(folder, "county")
        show("Ranking of 3,144 counties, beside what it may cost", _of_counties(counties, given.rounds))
        show("Any statistic of 3,144 counties with a time limit of 1 s, as a job", _of_time_limit(counties))
        if FULL:
            tracts = _sample(folder, "tract")
            show("72,000 tracts, as jobs, beside what they may cost", _of_tracts(tracts))
    return 0


def _sample(folder: str, level: str) -> str:
    path = Path(folder) / f"{level}.csv"
    command = [sys.executable, "-m", "meantime", "sample", "--level", level, "--out", str(path)]
    subprocess.run(command, check=True)
    return str(path)


def _of_counties(table: str, rounds: int) -> list[Ratio]:
    costs = []
    with serving(meantime(table)) as server, _client(server) as client:
        _answer_at_once(client, "estimate")  # warm
        for _ in range(rounds):
            meter = _Meter(server)
            costs.append(meter.cost(_answer_at_once(client, "ranking")))
    cpu_s, memory_mb, size = (sorted(column)[rounds // 2] for column in zip(*costs, strict=True))
    pairs_s = _compare_all_pairs(COUNTIES)
    return [
        _at_most("processor time", f"{cpu_s:.2f} s", cpu_s, 1, "s"),
        _at_most("memory above idle", f"{memory_mb:.0f} MB", memory_mb, 150, "MB"),
        _at_most("answer as JSON", f"{size / _MB:.2f} MB", size / _MB, 2, "MB"),
        Ratio("all pairs compared once with numpy", f"{cpu_s:.2f} s", f"{pairs_s:.2f} s", pairs_s / cpu_s, None),
    ]


def _of_tracts(table: str) -> list[Ratio]:
    asked: dict[str, tuple[Mapping[str, Any], float, float]] = {
        "estimate": ({}, 2, 500),
        "comparison": ({"reference": "National"}, 2, 500),
        "trend": ({"years": "all"}, 2, 500),
        "ranking": ({}, 180, 1_000),
    }
    ratios = []
    # Reading takes more memory than the default for a table of 1.6 million cells.
    with serving(meantime(table), settings={"MEANTIME_LOAD_MEMORY_MB": "4096"}) as server, _client(server) as client:
        _job(client, "global_mean", {"question": QUESTION})  # warm
        for name, (more, most_s, most_mb) in asked.items():
            meter = _Meter(server)
            job = _job(client, name, {"question": QUESTION, **more})
            if job["state"] != "done":
                raise SystemExit(f"{name} ended as {job['state']}: {job}")
            reply = client.get(f"/v1/jobs/{job['id']}/results", headers=_UNCOMPRESSED)
            cost = meter.cost(len(reply.raise_for_status().content))
            ratios += [
                _at_most(f"{name}: processor time", f"{cost.cpu_s:.1f} s", cost.cpu_s, most_s, "s"),
                _at_most(f"{name}: memory above idle", f"{cost.memory_mb:.0f} MB", cost.memory_mb, most_mb, "MB"),
                Ratio(f"{name}: answer as JSON", f"{cost.size / _MB:.1f} MB", "", cost.size / _MB, None),
            ]
    return ratios


def _of_time_limit(table: str) -> list[Ratio]:
    """Run each statistic as a job with a time limit, and tell how long the slowest ran."""
    ran: dict[str, float] = {}
    ended: dict[str, str] = {}
    limited = serving(meantime(table), settings={"MEANTIME_JOB_TIME_LIMIT_S": str(_LIMIT_S)})
    with limited as server, _client(server) as client:
        places = _places(client)
        for name, row in STATISTICS.items():
            own = {"state": places[0], "locations": places}
            raw = dict(row.example) | {key: value for key, value in own.items() if key in row.example}
            job = _job(client, name, raw)
            moments = [datetime.fromisoformat(job[key]) for key in ("started_at", "ended_at")]
            ran[name], ended[name] = (moments[1] - moments[0]).total_seconds(), job["state"]
    slowest = max(ran, key=lambda name: ran[name])
    stopped = [name for name, state in ended.items() if state != "done"]
    what = f"the slowest of {len(ran)} ({slowest}); stopped: {', '.join(stopped) or 'none'}"
    return [_at_most(what, f"{ran[slowest]:.2f} s", ran[slowest], _ENDS_WITHIN_S, "s")]


def _places(client: httpx.Client) -> list[str]:
    name = client.get("/v1/datasets").raise_for_status().json()["datasets"][0]["name"]
    locations = client.get(f"/v1/datasets/{name}").raise_for_status().json()["locations"]
    return [each["name"] for each in locations if not each["is_aggregate"]][:2]


def _at_most(what: str, figure: str, value: float, most: float, unit: str) -> Ratio:
    return Ratio(what, figure, f"at most {most:g} {unit}", most / max(value, 1e-9), 1)


def _client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=_PATIENCE_S)


def _answer_at_once(client: httpx.Client, name: str) -> int:
    reply = client.get(f"/v1/statistics/{name}", params={"question": QUESTION}, headers=_UNCOMPRESSED)
    if reply.is_error:
        raise SystemExit(f"{name} is not answered at once: {reply.text}")
    return len(reply.content)


def _job(client: httpx.Client, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Submit a job, and return it when it has ended."""
    asked = {"statistic": name, "parameters": parameters}
    job = client.post("/v1/jobs", content=json.dumps(asked), headers={"Content-Type": "application/json"})
    found: dict[str, Any] = job.raise_for_status().json()
    until = time.monotonic() + _PATIENCE_S
    while found["ended_at"] is None:
        if time.monotonic() > until:
            raise SystemExit(f"{name} did not end within {_PATIENCE_S} s.")
        found = client.get(f"/v1/jobs/{found['id']}", headers={"Prefer": "wait=60"}).raise_for_status().json()
    return found


class _Meter:
    """What a server and its children cost from here on."""

    def __init__(self, server: Server) -> None:
        server.forget_peak()
        self._server, self._idle_mb, self._before_s = server, server.peak_mb, server.cpu_s

    def cost(self, size: int) -> _Cost:
        return _Cost(self._server.cpu_s - self._before_s, self._server.peak_mb - self._idle_mb, size)


def _compare_all_pairs(places: int) -> float:
    """Return the processor seconds of comparing all pairs of as many estimates, plainly."""
    rng = np.random.default_rng(1)
    value, error = rng.normal(30, 4, places), rng.uniform(0.5, 2, places)
    began = time.process_time()
    is_apart = np.abs(np.subtract.outer(value, value)) > 4.5 * np.hypot.outer(error, error)
    rank_low = 1 + (is_apart & np.greater.outer(value, value)).sum(axis=1)
    rank_high = places - (is_apart & np.less.outer(value, value)).sum(axis=1)
    took_s = time.process_time() - began
    if (rank_low > rank_high).any():
        raise SystemExit("The yardstick is wrong: a rank interval is empty.")
    return took_s


if __name__ == "__main__":
    sys.exit(main())
