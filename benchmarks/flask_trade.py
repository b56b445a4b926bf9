"""What it costs to carry the classic API by Flask: the main server, Flask on gunicorn threads, Flask on Granian.

Run as ``make bench BENCH=flask_trade``, with wrk on the path. Each server is a process of its own over the built-in
sample, a new one in each round; each submission is a durable job, and the disk matters, since it waits for a commit.
The jobs are worked on at the same time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.frame import Contestant, Failed, Quantity, Running, compare, options, show, version_of
from benchmarks.harness import (
    CONNECTIONS,
    QUESTION,
    Connection,
    Measured,
    meantime,
    require_no_errors,
    require_wrk,
    serving,
    wrk,
)

_GUNICORN = "-m gunicorn --bind 127.0.0.1:{port} --threads 32 --log-level error meantime.flask:create_app()"
_GRANIAN = (
    "-m granian --interface wsgi --factory --host 127.0.0.1 --port {port} --blocking-threads 32 --no-log "
    "meantime.flask:create_app"
)
_ASKED = json.dumps({"question": QUESTION})
_PATIENCE_S = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    given = options(__doc__, seconds=2).parse_args(arguments)
    require_wrk()
    ratios = compare(
        "POST /api/global_mean",
        Contestant("meantime serve", partial(_server, lambda: "", meantime(), given.seconds)),
        [
            Contestant(
                f"Flask on {package}",
                partial(_server, partial(_about, package), [sys.executable, *program.split()], given.seconds),
            )
            for package, program in (("gunicorn", _GUNICORN), ("granian", _GRANIAN))
        ],
        [Quantity("submissions", "/s"), Quantity("p50", "ms"), Quantity("p99", "ms")],
        given.rounds,
    )
    show(f"The classic API by Flask, {CONNECTIONS} connections", ratios)
    return 0


def _about(package: str) -> str:
    return f"{version_of('flask')} on {version_of(package)}, one process, 32 threads"


@contextmanager
def _server(about: Callable[[], str], command: Sequence[str], seconds: int) -> Iterator[Running]:
    def answer() -> Any:
        with serving(command) as server, Connection(server.url) as connection:
            job = json.loads(connection.ask("/api/global_mean", _ASKED.encode()))["job_id"]
            until = time.monotonic() + _PATIENCE_S
            while (found := json.loads(connection.ask(f"/api/get_results/{job}")))["status"] == "running":
                if time.monotonic() > until:
                    raise Failed(f"{job} has not ended after {_PATIENCE_S} s")
                time.sleep(0.01)
            return found

    def measure() -> Mapping[str, float]:
        with serving(command) as server:
            _submit(server.url, 1)  # warm
            found = require_no_errors(_submit(server.url, seconds))
            return {"submissions": found.per_s, "p50": found.p50_ms, "p99": found.p99_ms}

    yield Running(about(), answer, measure)


def _submit(url: str, seconds: int) -> Measured:
    return wrk(f"{url}/api/global_mean", seconds=seconds, method="POST", body=_ASKED)


if __name__ == "__main__":
    sys.exit(main())
