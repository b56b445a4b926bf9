"""The state directory is damaged, deleted or watched by others while a server needs it."""

from __future__ import annotations

import signal
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.acceptance.conftest import QUESTION
from tests.support.server_process import RunningServer, serving
from tests.support.waiting import PATIENCE_S


@contextmanager
def with_three_jobs(table: Path, state: Path) -> Iterator[RunningServer]:
    with serving(str(table), state_dir=state) as server:
        for number in (1, 2, 3):
            assert server.ready().ask("states_mean", question=QUESTION) == f"job_id_{number}"
            server.result(f"job_id_{number}")
        yield server


def test_a_damaged_record_is_one_failed_job_and_all_others_are_served(table: Path, tmp_path: Path) -> None:
    with with_three_jobs(table, tmp_path / "state") as server:
        truth = server.result("job_id_1")
        assert server.end() == 0
    with closing(sqlite3.connect(tmp_path / "state" / "jobs.sqlite3", isolation_level=None)) as other:
        other.execute("UPDATE jobs SET dataset = 'another', state = 'queued' WHERE number = 2")
    with serving(str(table), state_dir=tmp_path / "state") as server:
        client = server.ready().client
        assert server.result("job_id_1") == server.result("job_id_3") == truth
        classic = client.get("/api/get_results/job_id_2").json()
        assert classic["status"] == "error"
        assert "The record of job_id_2 on the server's disk is damaged" in classic["reason"]
        job = client.get("/v1/jobs/job_id_2").json()
        assert (job["state"], job["failure"]["code"], job["dataset"]) == ("failed", "record-damaged", "")
        for path in ("results", "results.csv", "results.svg", "explanation?row=0", "rows?row=0", "events"):
            answer = client.get(f"/v1/jobs/job_id_2/{path}")
            assert answer.status_code < 500, (path, answer.text)
            assert "another" not in answer.text
        assert [job["id"] for job in client.get("/v1/jobs").json()["jobs"]] == ["job_id_3", "job_id_2", "job_id_1"]
        assert 'meantime_job_trouble_total{error="RecordDamaged"} 1.0' in client.get("/metrics").text
        assert "job_id_2" in server.wait_for("trouble with a job.*").group()
        assert client.delete("/v1/jobs/job_id_2").json()["outcome"] == "removed"
        assert server.ask("states_mean", question=QUESTION) == "job_id_4"
        assert server.end() == 0
    with serving(str(table), state_dir=tmp_path / "state") as server:
        jobs = server.ready().client.get("/api/jobs").json()["data"]
        assert [next(iter(job)) for job in jobs] == ["job_id_1", "job_id_3", "job_id_4"]


def test_nothing_is_acknowledged_into_a_deleted_database_and_no_id_is_given_twice(table: Path, tmp_path: Path) -> None:
    with with_three_jobs(table, tmp_path / "state") as server:
        for file in (tmp_path / "state").glob("jobs.sqlite3*"):
            file.unlink()
        answer = server.client.post("/v1/jobs", json={"statistic": "states_mean", "parameters": {"question": QUESTION}})
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("store-broken")
        assert str(tmp_path) not in answer.text
        server.wait_for("stopping after a failure.*jobs.sqlite3.*while the server was running")
        assert server.wait() == 1
    with serving(str(table), state_dir=tmp_path / "state") as server:
        assert server.ready().ask("states_mean", question=QUESTION) == "job_id_4"


def test_what_is_in_the_state_directory_is_for_its_owner_alone(table: Path, tmp_path: Path) -> None:
    with with_three_jobs(table, tmp_path / "state") as server:
        server.client.get("/v1/statistics/states_mean.svg", params={"question": QUESTION})
        paths = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
        open_to_others = [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert open_to_others == []
        assert len(paths) > 10


def test_a_request_that_is_half_sent_when_the_server_stops_is_no_traceback(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "state") as server:
        server.ready()
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        half = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        with ExitStack() as connections:
            for path in ("/api/states_mean", "/v1/jobs"):
                connection = connections.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S))
                connection.sendall(f"POST {path} HTTP/1.1\r\n{half}".encode())
            # Answered behind it, so the server has seen the others.
            assert server.client.get("/livez").status_code == 200
            server.wait_for("data set ready")
            assert server.end(signal.SIGTERM) == 0
        said = "".join(server.output) + (tmp_path / "state" / "webserver.log").read_text(encoding="utf-8")
        assert "Traceback" not in said
        assert "CancelledError" not in said
