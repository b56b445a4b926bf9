"""From the submission of a job until its result is read: beside Celery on Redis, and Procrastinate on PostgreSQL.

Run as ``make bench BENCH=jobs``, with wrk on the path, Debian's redis-server and PostgreSQL. Every job is the mean of a
question's rows by state, from rows that were grouped before. First one client that submits a job, reads its result, and
then submits the next; then many jobs at once. Meantime answers a submission when the job is on disk; what the others
promise stands below the tables.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import means
from benchmarks.frame import (
    Contestant,
    Failed,
    NotInstalled,
    Quantity,
    Running,
    at_least,
    at_most,
    compare,
    options,
    program,
    show,
    version_of,
)
from benchmarks.harness import (
    QUESTION,
    Connection,
    free_port,
    make_sample,
    meantime,
    quantile,
    require_no_errors,
    require_wrk,
    serving,
    wrk,
)

_ASKED = json.dumps({"question": QUESTION})
_V1 = json.dumps({"statistic": "states_mean", "parameters": {"question": QUESTION}}).encode()
_CLIENTS = 32
_PATIENCE_S = 60
# Each client submits some jobs, reads their results in this order, and begins anew. One whose result is not there yet
# asks again after a pause: 32 clients without one would measure how fast "not yet" is answered.
_SCRIPT = """
local headers = {["Content-Type"] = "application/json"}
local jobs, next_read, pause_ms = {}, 0, 0
finished = 0
request = function()
  if next_read > 0 then return wrk.format("GET", "/api/get_results/" .. jobs[next_read]) end
  return wrk.format("POST", "/api/states_mean", headers, BODY)
end
delay = function() return pause_ms end
response = function(status, headers, body)
  pause_ms = 0
  if next_read == 0 then
    table.insert(jobs, body:match('"job_id":"(job_id_%d+)"'))
    if #jobs == 10 then next_read = 1 end
  elseif body:find('{"status":"done"', 1, true) then
    finished, next_read = finished + 1, next_read + 1
    if next_read > #jobs then jobs, next_read = {}, 0 end
  else
    pause_ms = 5
  end
end
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__, seconds=2)
    parser.add_argument("--jobs", type=int, default=1_000, help="That peers are given at once.")
    given = parser.parse_args(arguments)
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        sample = make_sample(Path(folder) / "sample.csv")
        os.environ[means.SAMPLE] = str(sample)
        peers = [
            Contestant("Celery on Redis", partial(_celery, given.seconds, given.jobs, is_durable=False)),
            Contestant("Celery on durable Redis", partial(_celery, given.seconds, given.jobs, is_durable=True)),
            Contestant("Procrastinate", partial(_procrastinate, given.seconds, given.jobs)),
        ]
        ours: list[Mapping[str, float]] = []
        ratios = compare(
            "a job, polled for",
            Contestant("Meantime", partial(_meantime, sample, given.seconds, ours)),
            [Contestant("Meantime, v1, Prefer: wait", partial(_waiting, sample, given.seconds)), *peers],
            [Quantity("median", "ms"), Quantity("p99", "ms"), Quantity("submitted, finished and read", "/s")],
            given.rounds,
        )
        show("From the submission until the result is read, one client; then many jobs", ratios)
    show(
        "The same, beside what it should be",
        [
            at_most("one client: median", [each["median"] for each in ours], 1.2, "ms"),
            at_most("one client: p99", [each["p99"] for each in ours], 4, "ms"),
            at_least(f"{_CLIENTS} clients", [each["submitted, finished and read"] for each in ours], 3_500),
            at_most(
                f"{_CLIENTS} clients: processor time of the server a job", [each["cpu"] for each in ours], 260, "us"
            ),
        ],
    )
    return 0


@contextmanager
def _meantime(sample: Path, seconds: int, told: list[Mapping[str, float]]) -> Iterator[Running]:
    with serving(meantime(str(sample))) as server:

        def run(connection: Connection) -> Any:
            job = json.loads(connection.ask("/api/states_mean", _ASKED.encode()))["job_id"]
            until = time.monotonic() + _PATIENCE_S
            while b'{"status":"running"' in (found := connection.ask(f"/api/get_results/{job}")):
                if time.monotonic() > until:
                    raise Failed(f"{job} has not ended after {_PATIENCE_S} s")
            return json.loads(found)["data"]

        def measure() -> Mapping[str, float]:
            with Connection(server.url) as connection:
                alone = _one_by_one(lambda: run(connection), seconds)
            before_s = server.cpu_s
            script = [f"local BODY = [[{_ASKED}]]", _SCRIPT]
            # A connection for each of wrk's threads: what a script remembers is of a thread.
            many = wrk(server.url, seconds=seconds, connections=_CLIENTS, threads=_CLIENTS, script_lines=script)
            cpu_us = 1e6 * (server.cpu_s - before_s) / (many.per_s * many.took_s)
            told.append({**alone, "submitted, finished and read": require_no_errors(many).per_s, "cpu": cpu_us})
            return told[-1]

        with Connection(server.url) as connection:
            answered = run(connection)
        yield Running("", lambda: answered, measure)


@contextmanager
def _waiting(sample: Path, seconds: int) -> Iterator[Running]:
    about = (
        "Meantime, v1, Prefer: wait: POST /v1/jobs is answered with the result, as a longer document; many jobs: "
        f"{_CLIENTS} clients"
    )
    with serving(meantime(str(sample))) as server:

        def run(connection: Connection) -> Any:
            found = json.loads(connection.ask("/v1/jobs", _V1, headers="Prefer: wait=60\r\n"))
            return {row["location"]: row["mean"] for row in found["rows"]}

        def measure() -> Mapping[str, float]:
            with Connection(server.url) as connection:
                alone = _one_by_one(lambda: run(connection), seconds)
            many = wrk(
                server.url + "/v1/jobs",
                seconds=seconds,
                method="POST",
                body=_V1.decode(),
                script_lines=['wrk.headers["Prefer"] = "wait=60"'],
            )
            return {**alone, "submitted, finished and read": require_no_errors(many).per_s}

        with Connection(server.url) as connection:
            answered = run(connection)
        yield Running(about, lambda: answered, measure)


@contextmanager
def _celery(seconds: int, jobs: int, *, is_durable: bool) -> Iterator[Running]:
    name = version_of("celery")
    from benchmarks import celery_jobs

    promise = (
        "Redis with appendfsync=always, acks_late: a job is on disk before it is accepted"
        if is_durable
        else "Redis as it comes, without a log: what was accepted since the last snapshot is gone with the server"
    )
    about = f"{name}, {version_of('redis')}, two processes, result backend in the same Redis. {promise}"
    log = ("--appendonly", "yes", "--appendfsync", "always") if is_durable else ()
    with tempfile.TemporaryDirectory() as folder, _redis(Path(folder), log) as address:
        environment = {celery_jobs.REDIS: address, celery_jobs.LATE: "1" if is_durable else "0"}
        command = [
            "-m",
            "celery",
            "-A",
            "benchmarks.celery_jobs",
            "worker",
            "--concurrency",
            "2",
            "--loglevel",
            "ERROR",
        ]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--pool", "prefork"]
        with _process([sys.executable, *command], environment, Path(folder) / "worker"):
            app = celery_jobs.make_app(address, is_late=is_durable)
            task = app.tasks["states_mean"]

            def run() -> Any:
                return task.delay(QUESTION).get(timeout=_PATIENCE_S)

            def measure() -> Mapping[str, float]:
                alone = _one_by_one(run, seconds)
                began_s = time.perf_counter()
                for result in [task.delay(QUESTION) for _ in range(jobs)]:
                    result.get(timeout=_PATIENCE_S)
                return {**alone, "submitted, finished and read": jobs / (time.perf_counter() - began_s)}

            yield Running(about, run, measure)
            app.close()


@contextmanager
def _redis(folder: Path, more: Sequence[str]) -> Iterator[str]:
    port = free_port()
    command = [program("redis-server", "apt-get install redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    with _process([*command, "--dir", str(folder), *more], {}, folder / "redis"):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _procrastinate(seconds: int, jobs: int) -> Iterator[Running]:
    name = version_of("procrastinate")
    import procrastinate
    import psycopg

    from benchmarks import procrastinate_jobs
    from tests.support.postgresql import PASSWORD, lacking, running_postgresql

    if without := lacking():
        raise NotInstalled(f"skipped: {without}")
    with running_postgresql() as server, tempfile.TemporaryDirectory() as folder:
        address = f"{server.new_database()}?password={PASSWORD}"
        connector = procrastinate.SyncPsycopgConnector(conninfo=address)
        app, task = procrastinate_jobs.make_app(connector)
        environment = {procrastinate_jobs.DATABASE: address}
        command = [sys.executable, "-m", "benchmarks.procrastinate_jobs"]
        with app.open(), psycopg.connect(address, autocommit=True) as reading:
            app.schema_manager.apply_schema()
            reading.execute(procrastinate_jobs.RESULTS)
            version = reading.execute("SHOW server_version").fetchone()
            about = (
                f"{name} on PostgreSQL {version[0] if version else ''}, synchronous_commit=on, fsync=on: a job is on "
                f"disk before it is accepted. One worker with concurrency {procrastinate_jobs.CONCURRENCY}; the job "
                "writes its result into a table, which is polled"
            )
            with _process(command, environment, Path(folder) / "worker"):

                def read(job: int) -> Any:
                    until = time.monotonic() + _PATIENCE_S
                    while (
                        row := reading.execute("SELECT body FROM results WHERE job = %s", (job,)).fetchone()
                    ) is None:
                        if time.monotonic() > until:
                            raise Failed(f"job {job} has not ended after {_PATIENCE_S} s")
                    return row[0]

                def measure() -> Mapping[str, float]:
                    alone = _one_by_one(lambda: read(task.defer(question=QUESTION)), seconds)
                    began_s = time.perf_counter()
                    for job in [task.defer(question=QUESTION) for _ in range(jobs)]:
                        read(job)
                    return {**alone, "submitted, finished and read": jobs / (time.perf_counter() - began_s)}

                yield Running(about, lambda: read(task.defer(question=QUESTION)), measure)


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str], said: Path) -> Iterator[None]:
    """Run a part of a peer until the block ends."""
    with said.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        yield
        if process.poll() is not None:
            raise Failed(f"{command[0]} ended: {said.read_text(errors='replace')[-500:]}")
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _one_by_one(run: Callable[[], object], seconds: int) -> dict[str, float]:
    took_ms = []
    until = time.perf_counter() + seconds
    while (began_s := time.perf_counter()) < until:
        run()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return {"median": quantile(took_ms, 0.5), "p99": quantile(took_ms, 0.99)}


if __name__ == "__main__":
    sys.exit(main())
