"""Graceful shutdown, as its clients see it. Last in the alphabet: afterwards the server takes no jobs any more."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from tests.conformance.api import BY_STATE, PATIENCE_S, STATISTICS, Api, Ask, Reply

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        os.environ.get("MEANTIME_MAY_STOP") != "1", reason="MEANTIME_MAY_STOP=1 does not allow to stop the server"
    ),
]

RUNNING = Reply(200, "application/json", b'{"status":"running"}')
DONE = Reply(200, "application/json", b'{"status":"done"}')
REFUSED = {"status": "error", "reason": "shutting down", "job_id": -1}


def test_it_drains_then_refuses_jobs_and_goes_on_reading(api: Api, question: str, states: list[str], done: str) -> None:
    ids = [api.submit(Ask("mean_by_category", question)) for _ in range(50)]
    deadline = time.monotonic() + PATIENCE_S
    while (reply := api.get("/api/graceful_shutdown")) != DONE:
        assert reply == RUNNING
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    assert _reply(api, "POST") == DONE
    assert api.get("/api/num_jobs").json() == {"status": "done", "num_jobs": 0}
    for statistic in STATISTICS:
        ask = Ask(statistic, question, states[0] if statistic in BY_STATE else None)
        reply = api.ask(ask)
        assert reply.status == 503
        assert json.dumps(reply.json()) == json.dumps(REFUSED)
    assert all(api.get(f"/api/get_results/{job_id}").json()["status"] == "done" for job_id in [done, *ids])
    assert api.get("/api/jobs").status == 200
    assert api.get("/livez").status == 200


def _reply(api: Api, method: str) -> Reply:
    response = api.send(method, "/api/graceful_shutdown")
    return Reply(response.status_code, response.headers.get("Content-Type", ""), response.content)
