"""What thousands of clients that wait for a result cost, and how soon all of them have it.

Run as ``make bench BENCH=waiting``. A job of a data set that is still being read is waited for by that many connections
at once (``Prefer: wait=60``). Told are the memory that they take in the server, beside the same story with one client,
and the time from the end of the job until the last client has its answer. The clients share the machine with the
server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.frame import FULL, at_most, show
from benchmarks.harness import QUESTION, Server, allow_connections, meantime, serving

# What the design asks for, of ten thousand clients.
_MEMORY_MB = 300
_ANSWERED_S = 2.0
# A table that takes longer to read than the clients to connect.
_CLIENTS, _ROWS = (10_000, 8_000_000) if FULL else (3_000, 3_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=_CLIENTS)
    parser.add_argument("--rows", type=int, default=_ROWS)
    given = parser.parse_args(arguments)
    allow_connections(given.clients + 100)
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "late.csv"
        subprocess.run(
            [sys.executable, "-m", "meantime", "sample", "--rows", str(given.rows), "--out", str(sample)], check=True
        )
        # What a server imports after its start, and the table once it is read, are no memory of its clients.
        with serving(meantime(str(sample)), ready="/livez") as server:
            alone_mb, _ = asyncio.run(_wait_all(server, 1))
        with serving(meantime(str(sample)), ready="/livez") as server:
            most_mb, answered_s = asyncio.run(_wait_all(server, given.clients))
    memory_mb = most_mb - alone_mb
    show(
        f"{given.clients:,} clients that wait, beside what they may cost",
        [
            at_most("memory", [memory_mb], _MEMORY_MB * given.clients / 10_000, "MB"),
            at_most("all answered", [answered_s], _ANSWERED_S, "s"),
        ],
    )
    return 0


async def _wait_all(server: Server, clients: int) -> tuple[float, float]:
    """Return the most memory of the server until all are answered, and how long after the end the last one is."""
    job = await asyncio.to_thread(_submit, server)
    connected = asyncio.Event()
    waiting = [asyncio.create_task(_one(server, job, connected)) for _ in range(clients)]
    limit = asyncio.get_running_loop().time() + 60
    connected.set()
    most_mb = 0.0
    while not all(task.done() for task in waiting) and asyncio.get_running_loop().time() < limit:
        await asyncio.sleep(0.25)
        most_mb = max(most_mb, server.memory_mb)
    answers = await asyncio.gather(*waiting)
    states = {answer["state"] for _, answer in answers}
    if states != {"done"}:
        raise SystemExit(f"Not all were answered with the end of the job: {states}. Try --rows with more.")
    began_late = sum(began > _moment(answer) for (began, _), answer in answers)
    if began_late:
        raise SystemExit(f"{began_late} clients came after the end: the table is read too soon; try --rows with more.")
    return most_mb, max(at for (_, at), _ in answers) - _moment(answers[0][1])


async def _one(server: Server, job: str, connected: asyncio.Event) -> tuple[tuple[float, float], dict[str, str]]:
    """Wait for the job as one client; return when it began to wait and when it had the answer, and the answer."""
    await connected.wait()
    where = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        asked = f"GET /v1/jobs/{job} HTTP/1.1\r\nHost: {where.netloc}\r\nPrefer: wait=60\r\nConnection: close\r\n\r\n"
        writer.write(asked.encode())
        await writer.drain()
        began_s = time.time()
        answer = await reader.read()
        return (began_s, time.time()), json.loads(answer.partition(b"\r\n\r\n")[2])
    finally:
        writer.close()


def _submit(server: Server) -> str:
    body = json.dumps({"statistic": "states_mean", "parameters": {"question": QUESTION}}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/v1/jobs", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - our own server
        job_id: str = json.load(reply)["id"]
        return job_id


def _moment(answer: dict[str, str]) -> float:
    return datetime.fromisoformat(answer["ended_at"]).timestamp()


if __name__ == "__main__":
    sys.exit(main())
