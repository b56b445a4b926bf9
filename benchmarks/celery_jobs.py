"""The job of the benchmark for Celery: run as ``celery -A benchmarks.celery_jobs worker``."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from benchmarks import means

# Where Redis is, and whether a job is to be acknowledged only when it is done.
REDIS, LATE = "BENCHMARK_REDIS", "BENCHMARK_LATE"


def make_app(address: str, *, is_late: bool) -> Any:
    """Return the application, for the worker and for the client."""
    app = Celery("benchmarks", broker=address, backend=address)
    app.conf.update(task_acks_late=is_late, broker_connection_retry_on_startup=True, worker_send_task_events=False)
    app.task(means.states_mean, name="states_mean")
    return app


if REDIS in os.environ:
    app = make_app(os.environ[REDIS], is_late=os.environ[LATE] == "1")
