"""Whether the server stays awake: how soon it answers small requests while many clients ask for the most expensive.

Run as ``make bench BENCH=awake``. Three loads, each on a server of its own: 32 clients that ask the most expensive
questions over 3,144 places, eight clients that list a hundred thousand jobs, and 2,000 event streams beside
submissions. The load shares the machine with the server.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from benchmarks.frame import FULL, Ratio, show
from benchmarks.harness import QUESTION, Server, allow_connections, meantime, quantile, serving
from meantime.engine.ports import Transition
from meantime.errors import Failure, Fault
from meantime.model import Request
from meantime.stores.sqlite import SqliteJobStore

# What the design asks for.
_AWAKE_MS = 100
_MEMORY_MB = 2_048
_SMALL_ANSWERED = 0.95
_SUBMISSIONS_PER_S = 1_000
# Of 1,415 submissions a second without streams, 1,000 beside 2,000 of them.
_SHARE_KEPT = 0.7

_PLACES = 3_144
_YEARS = range(2019, 2024)
_COUNTY_QUESTION = "Obesity among adults"
_BATCH = 1_000
# So many that the disk, for which each submission waits, is shared by several in a commit.
_SUBMITTERS = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20 if FULL else 8)
    parser.add_argument("--clients", type=int, default=32, help="Clients that ask the most expensive questions.")
    parser.add_argument("--jobs", type=int, default=100_000, help="Jobs that are kept, for the list of all.")
    parser.add_argument("--streams", type=int, default=2_000)
    parser.add_argument("--only", choices=("questions", "list", "streams"))
    given = parser.parse_args(arguments)
    if given.only in (None, "questions"):
        show("Many clients with expensive questions", _beside_questions(given.clients, given.seconds))
    if given.only in (None, "list"):
        show("Eight clients that list all jobs", _beside_lists(given.jobs, given.seconds))
    if given.only in (None, "streams"):
        allow_connections(given.streams + 100)
        show("Submissions beside event streams", _beside_streams(given.streams, given.seconds))
    return 0


class Client:
    """One connection that is kept, and what came back over it."""

    def __init__(self, server: Server) -> None:
        self._where = urlsplit(server.url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.took_s: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.received_bytes = 0

    async def ask(self, target: str, method: str = "GET", body: bytes = b"") -> int:
        """Send a request, read the whole answer, and return its status."""
        began = time.perf_counter()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._where.hostname, self._where.port, limit=2**20)
        reader, writer = self._streams
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._where.netloc}\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        status, length = 0, -1
        while (line := (await reader.readline()).strip()) != b"":
            if not status:
                status = int(line.split()[1])
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
        if status != 304:
            await self._read(reader, length)
        self.statuses[status] += 1
        self.took_s.append(time.perf_counter() - began)
        return status

    async def _read(self, reader: asyncio.StreamReader, length: int) -> None:
        while length < 0:
            size = int(await reader.readline(), 16)
            self.received_bytes += len(await reader.readexactly(size + 2))
            if not size:
                return
        while length > 0:
            piece = await reader.read(min(length, 2**16))
            length -= len(piece)
            self.received_bytes += len(piece)

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _ask_until(client: Client, targets: Iterator[str], until: float, pause_s: float) -> None:
    while time.monotonic() < until:
        await client.ask(next(targets))
        await asyncio.sleep(pause_s)


def _expensive(seed: int) -> Iterator[str]:
    """Yield questions over all places, each only once."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    for number in count():
        year = chance.choice(_YEARS)
        about = {"dataset": "counties", "question": _COUNTY_QUESTION, "design_effect": f"1.{seed:02}{number:06}1"}
        kind = chance.choice(["ranking", "sensitivity", "comparison", "distribution", "estimate", "trend"])
        if kind not in ("trend", "sensitivity"):
            about["years"] = f"{year}"
        if kind == "comparison":
            about["reference"] = "County 0000"
        if kind in ("ranking", "sensitivity"):
            about["better"] = "lower"
        yield f"/v1/statistics/{kind}?{urlencode(about)}"


def _small(seed: int) -> Iterator[str]:
    """Yield estimates over 55 places, each only once."""
    for number in count():
        about = {"dataset": "sample", "question": QUESTION, "design_effect": f"1.{seed:02}{number:06}1"}
        yield f"/v1/statistics/estimate?{urlencode(about)}"


def _always(target: str) -> Iterator[str]:
    while True:
        yield target


def _beside_questions(clients: int, seconds: int) -> list[Ratio]:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "counties.csv"
        _write_counties(table)
        sample = Path(folder) / "sample.csv"
        with serving(meantime(f"counties={table}", f"sample={_sample(sample)}")) as server:
            job = _finished_job(server)
            # In a process of its own: reading many megabytes must not delay those who measure.
            with ProcessPoolExecutor(1) as others:
                asking = others.submit(_ask_expensive, server, clients, seconds)
                livez, result, small, memory_mb = asyncio.run(_probes(server, seconds, job))
                large = asking.result()
    print(f"\nexpensive: {_told(large)}\nestimates: {_told(small)}")
    answered = sum(client.statuses[200] for client in small) / max(
        1, sum(sum(each.statuses.values()) for each in small)
    )
    done = sum(client.statuses[200] for client in large)
    return [
        _awake("GET /livez", livez),
        _awake("GET a finished result", result),
        Ratio(
            "estimates over 55 places", f"{answered:.1%} 200", f"{_SMALL_ANSWERED:.0%}", answered / _SMALL_ANSWERED, 1
        ),
        Ratio("expensive answers finished", f"{done / seconds:.1f}/s", "some", float(done > 0), 1),
        Ratio("memory", f"{memory_mb:,.0f} MB", f"at most {_MEMORY_MB:,} MB", _MEMORY_MB / memory_mb, 1),
    ]


async def _probes(server: Server, seconds: int, job: str) -> tuple[list[Client], list[Client], list[Client], float]:
    """Ask for small things, and look at the memory."""
    livez, result, small = ([Client(server) for _ in range(times)] for times in (1, 1, 4))
    until = time.monotonic() + seconds
    load = asyncio.gather(
        *(_ask_until(client, _always("/livez"), until, 0.01) for client in livez),
        *(_ask_until(client, _always(f"/v1/jobs/{job}/results"), until, 0.01) for client in result),
        *(_ask_until(client, _small(number), until, 0.02) for number, client in enumerate(small)),
    )
    most_mb = server.memory_mb
    while not load.done():
        most_mb = max(most_mb, server.memory_mb)
        await asyncio.wait((load,), timeout=0.1)
    load.result()
    return livez, result, small, most_mb


def _ask_expensive(server: Server, clients: int, seconds: int) -> list[Client]:
    async def ask() -> list[Client]:
        until = time.monotonic() + seconds
        asking = [Client(server) for _ in range(clients)]
        await asyncio.gather(
            *(_ask_until(client, _expensive(number), until, 0.1) for number, client in enumerate(asking))
        )
        for client in asking:
            client.close()
        return asking

    return asyncio.run(ask())


def _beside_lists(jobs: int, seconds: int) -> list[Ratio]:
    with serving(meantime(), fill=partial(_write_jobs, jobs)) as server:
        livez, lists = asyncio.run(_lists(server, seconds))
    print(f"\nlists: {_told(lists)}")
    return [_awake("GET /livez", livez)]


async def _lists(server: Server, seconds: int) -> tuple[list[Client], list[Client]]:
    livez, lists = [Client(server)], [Client(server) for _ in range(8)]
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(_ask_until(client, _always("/livez"), until, 0.01) for client in livez),
        *(_ask_until(client, _always("/api/jobs"), until, 0) for client in lists),
    )
    return livez, lists


def _beside_streams(streams: int, seconds: int) -> list[Ratio]:
    alone, beside = (_submitted(number, seconds) for number in (0, streams))
    what = f"submissions beside {streams:,} streams"
    return [
        Ratio(what, f"{beside.per_s:,.0f}/s", f"{alone.per_s:,.0f}/s without", beside.per_s / alone.per_s, _SHARE_KEPT),
        Ratio(
            "processor time of a submission",
            f"{beside.cpu_ms:.2f} ms",
            f"{alone.cpu_ms:.2f} ms without",
            alone.cpu_ms / beside.cpu_ms,
            _SHARE_KEPT,
        ),
        Ratio(what, f"{beside.per_s:,.0f}/s", f"{_SUBMISSIONS_PER_S:,}/s", beside.per_s / _SUBMISSIONS_PER_S, 1),
    ]


class _Submitted(NamedTuple):
    per_s: float
    cpu_ms: float  # of the server, for each


def _submitted(streams: int, seconds: int) -> _Submitted:
    with serving(meantime()) as server:
        submitted, cpu_s = asyncio.run(_streams(server, streams, seconds))
    return _Submitted(submitted / seconds, 1000 * cpu_s / submitted)


async def _streams(server: Server, number: int, seconds: int) -> tuple[int, float]:
    """Submit beside so many streams; return how many submissions there were, and the server's processor time."""
    where = urlsplit(server.url)
    head = f"GET /v1/jobs/events HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    streams = []
    for _ in range(number):
        # Nobody reads them: what counts is what they cost the server.
        _, writer = await asyncio.open_connection(where.hostname, where.port, limit=2**12)
        writer.write(head)
        streams.append(writer)
    await asyncio.sleep(1 + number / 2_000)
    submitting = [Client(server) for _ in range(_SUBMITTERS)]
    body = json.dumps({"question": QUESTION}).encode()
    until, before_s = time.monotonic() + seconds, _cpu_s(server)

    async def submit(client: Client) -> None:
        while time.monotonic() < until:
            await client.ask("/api/global_mean", "POST", body)

    await asyncio.gather(*(submit(client) for client in submitting))
    took_s = _cpu_s(server) - before_s
    for writer in streams:
        writer.close()
    return sum(client.statuses[200] for client in submitting), took_s


def _cpu_s(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _awake(what: str, clients: Sequence[Client]) -> Ratio:
    """Compare with the bound. On a machine that others use too, this says how busy they are: see the load average."""
    p99_ms = 1000 * quantile([each for client in clients for each in client.took_s], 0.99)
    return Ratio(what, f"p99 {p99_ms:,.0f} ms", f"within {_AWAKE_MS} ms", _AWAKE_MS / p99_ms, 1)


def _told(clients: Sequence[Client]) -> str:
    statuses: Counter[int] = Counter()
    for client in clients:
        statuses.update(client.statuses)
    took_s = [each for client in clients for each in client.took_s]
    times = ", ".join(
        f"p{share:.0%} {quantile(took_s, share) * 1000:,.0f} ms".replace("%", "") for share in (0.5, 0.99, 1)
    )
    received_mb = sum(client.received_bytes for client in clients) / 2**20
    return f"{dict(statuses)}, {times}, {received_mb:,.0f} MB"


def _write_counties(path: Path) -> None:
    """Write a table of one question over 3,144 places and five years."""
    chance = random.Random(7)  # noqa: S311 - the same each time
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        about = ["YearStart", "YearEnd", "LocationDesc", "Question", "Data_Value_Unit", "Data_Value_Type"]
        writer.writerow([*about, "Data_Value", "Low_Confidence_Limit", "High_Confidence_Limit", "Sample_Size"])
        for place in range(_PLACES):
            level = chance.uniform(20, 45)
            for year in _YEARS:
                value, half = level + 0.3 * (year - 2019) + chance.gauss(0, 1), chance.uniform(1, 4)
                limits = [f"{value - half:.1f}", f"{value + half:.1f}", chance.randrange(300, 3000)]
                writer.writerow(
                    [year, year, f"County {place:04}", _COUNTY_QUESTION, "%", "Value", f"{value:.1f}", *limits]
                )


def _sample(path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "meantime", "sample", "--out", str(path)], check=True)
    return path


def _post(server: Server, target: str, body: object) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own server
        server.url + target, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def _get(server: Server, target: str) -> Any:
    with urllib.request.urlopen(server.url + target, timeout=60) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def _finished_job(server: Server) -> str:
    job = _post(
        server, "/v1/jobs", {"statistic": "estimate", "dataset": "sample", "parameters": {"question": QUESTION}}
    )
    identity: str = job["id"]
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/v1/jobs/{identity}", headers={"Prefer": "wait=30"}
    )
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310 - our own server
        return identity


def _write_jobs(number: int, state: Path) -> None:
    """Write jobs that have failed: of these there is no result, and a list has them all the same."""
    state.mkdir()
    store = SqliteJobStore(state / "jobs.sqlite3", on_broken=lambda error: sys.exit(str(error)))
    asked = Request(dataset="sample", statistic="global_mean", parameters={"question": QUESTION})
    failure = Failure(code="cancelled", fault=Fault.CALLER, reason="It was cancelled.")
    for _ in range(0, number, _BATCH):
        jobs = store.add([asked] * _BATCH, at_s=time.time()).result()
        store.update([Transition(job, job.cancel(failure, at_s=time.time())) for job in jobs]).result()
    store.close()


if __name__ == "__main__":
    sys.exit(main())
