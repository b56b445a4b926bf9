"""Jobs of the v1 API over real HTTP, as a client without our library uses them."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import QUESTION, TABLE
from tests.support.server_process import RunningServer, serving
from tests.support.waiting import PATIENCE_S

ASKED = {"statistic": "states_mean", "parameters": {"question": QUESTION}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("jobs")
    table = folder / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    with serving(str(table), state_dir=folder / "state") as server:
        yield server.ready()


def submit(server: RunningServer, **headers: str) -> httpx.Response:
    return server.client.post("/v1/jobs", json=ASKED, headers=headers)


def test_a_job_is_accepted_waited_for_read_and_removed(server: RunningServer) -> None:
    accepted = submit(server)
    assert accepted.status_code == 202
    location = accepted.headers["location"]
    job = server.client.get(location, headers={"prefer": "wait=30"}).json()
    assert (job["state"], job["id"]) == ("done", accepted.json()["id"])
    result = server.client.get(job["links"]["results"])
    assert result.headers["content-encoding"] == "gzip"
    unchanged = server.client.get(job["links"]["results"], headers={"if-none-match": result.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    part = server.client.get(f"{job['links']['results']}.csv", headers={"range": "bytes=0-7"})
    assert (part.status_code, part.text) == (206, "location")
    assert server.client.delete(location).json()["outcome"] == "removed"
    gone = server.client.get(location)
    assert (gone.status_code, gone.json()["code"]) == (404, "job-unknown")


def test_clients_that_race_for_a_key_get_one_job(server: RunningServer) -> None:
    def race(_: int) -> Any:
        return submit(server, **{"idempotency-key": "the-race"}).json()["id"]

    with ThreadPoolExecutor(8) as clients:
        assert len(set(clients.map(race, range(24)))) == 1


def test_the_events_of_a_job_end_with_it(server: RunningServer) -> None:
    job = submit(server).json()
    with server.client.stream("GET", job["links"]["events"]) as reply:
        lines = list(reply.iter_lines())
    [*_, last] = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert (last["id"], last["state"]) == (job["id"], "done")


def test_who_follows_jobs_hears_of_them_and_does_not_hold_up_the_stop_of_the_server(tmp_path: Path) -> None:
    with serving(state_dir=tmp_path / "state") as server:
        server.ready()
        events: queue.SimpleQueue[str] = queue.SimpleQueue()

        def follow() -> None:
            with server.client.stream("GET", "/v1/jobs/events") as reply:
                for line in reply.iter_lines():  # raises where the answer is cut off before its end
                    events.put(line)
            events.put("the end")

        follower = threading.Thread(target=follow)
        follower.start()
        assert events.get(timeout=PATIENCE_S) == "retry: 2000"
        server.ask("global_mean", question=QUESTION)
        while events.get(timeout=PATIENCE_S) != "event: ended":
            pass
        assert server.end() == 0
        follower.join(PATIENCE_S)
        while events.get(timeout=PATIENCE_S) != "the end":
            pass
