"""What it costs to carry the classic API by Flask: the main server, Flask on gunicorn threads, Flask on Granian.

Run as ``make bench BENCH=flask_trade``, with gunicorn and granian in the same environment and wrk on the path. Each
server is a process of its own over the built-in sample; each submission is a durable job, and the disk matters, since
it waits for a commit. The jobs are worked on at the same time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.harness import CONNECTIONS, QUESTION, Measured, meantime, middle, require_wrk, serving, wrk

_GUNICORN = "-m gunicorn --bind 127.0.0.1:{port} --threads 32 --log-level error meantime.flask:create_app()"
_GRANIAN = (
    "-m granian --interface wsgi --factory --host 127.0.0.1 --port {port} --blocking-threads 32 --no-log "
    "meantime.flask:create_app"
)
SERVERS = {
    "meantime serve": meantime(),
    "Flask, gunicorn, 32 threads": [sys.executable, *_GUNICORN.split()],
    "Flask, Granian, 32 threads": [sys.executable, *_GRANIAN.split()],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    require_wrk()
    rounds: dict[str, list[Measured]] = {name: [] for name in SERVERS}
    for _ in range(given.rounds):
        for name, command in SERVERS.items():
            with serving(command) as server:
                _submit(server.url, 1)  # warm
                rounds[name].append(_submit(server.url, given.seconds))
    _print(rounds, given)
    return 0


def _submit(url: str, seconds: int) -> Measured:
    return wrk(f"{url}/api/global_mean", seconds=seconds, method="POST", body=json.dumps({"question": QUESTION}))


def _print(rounds: dict[str, list[Measured]], given: argparse.Namespace) -> None:
    print(f"{CONNECTIONS} connections, {given.seconds} s a round, median of {given.rounds} rounds taken in turns\n")
    print("| server | submissions/s | of main | p50 ms | p99 ms | of main | errors |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    found = {name: middle(measured) for name, measured in rounds.items()}
    main = next(iter(found.values()))
    for name, one in found.items():
        print(
            f"| {name} | {one.per_s:,.0f} | {one.per_s / main.per_s:.2f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
            f"| {one.p99_ms / main.p99_ms:.1f} | {one.errors} |"
        )


if __name__ == "__main__":
    sys.exit(main())
