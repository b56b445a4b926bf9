"""The job of the benchmark for Procrastinate: run as ``python -m benchmarks.procrastinate_jobs``, it works."""

from __future__ import annotations

import os
import threading
from typing import Any

import procrastinate
import psycopg
from psycopg.types.json import Jsonb

from benchmarks import means

DATABASE = "BENCHMARK_DATABASE"
# Procrastinate keeps no results: its jobs write them where the program wants them.
RESULTS = "CREATE TABLE results (job bigint PRIMARY KEY, body jsonb NOT NULL)"
CONCURRENCY = 4

_own = threading.local()


def make_app(connector: Any) -> tuple[Any, Any]:
    """Return the application and its task, for the worker and for the client."""
    app = procrastinate.App(connector=connector)

    def states_mean(context: Any, question: str) -> None:
        if not hasattr(_own, "connection"):
            _own.connection = psycopg.connect(os.environ[DATABASE], autocommit=True)
        body = Jsonb(means.states_mean(question))
        _own.connection.execute("INSERT INTO results VALUES (%s, %s)", (context.job.id, body))

    return app, app.task(states_mean, name="states_mean", pass_context=True)


if __name__ == "__main__":
    working, _ = make_app(procrastinate.PsycopgConnector(conninfo=os.environ[DATABASE]))
    working.run_worker(concurrency=CONCURRENCY)
