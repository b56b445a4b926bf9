"""A file that cannot be read: what becomes of the jobs that wait for it, and what clients are told."""

from __future__ import annotations

import gzip
import os
import signal
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from tests.acceptance.conftest import QUESTION
from tests.support.held_reading import held_reading, reading_process
from tests.support.server_process import serving

ROWS = f"Question,LocationDesc,Data_Value\n{QUESTION},Utah,1\n"


def write(path: Path) -> Path:
    path.write_text(ROWS)
    return path


@pytest.mark.parametrize("is_restarted", [False, True])
def test_accepted_jobs_outlive_a_reading_process_that_is_killed(tmp_path: Path, is_restarted: bool) -> None:
    table, state = write(tmp_path / "a.csv"), tmp_path / "state"
    with ExitStack() as stack:
        with held_reading(tmp_path) as held:
            held["MEANTIME_SHUTDOWN_DEADLINE_S"] = "100000"
            server = stack.enter_context(serving(str(table), state_dir=state, **held))
            reader = reading_process(server)
            jobs = [server.ask("states_mean", question=QUESTION) for _ in range(3)]
            os.kill(reader, signal.SIGKILL)
            server.wait_for("data set failed to load.*SIGKILL")
            if is_restarted:
                reading_process(server)
                refused = server.client.post("/api/states_mean", json={"question": QUESTION})
                assert (refused.status_code, refused.json()["status"]) == (503, "error")
                assert "Jobs for this data set are kept" in refused.json()["reason"]
                assert server.client.get(f"/api/get_results/{jobs[0]}").json() == {"status": "running"}
                stands = server.client.get("/readyz")
                assert (stands.status_code, stands.json()["datasets"]["a"]["code"]) == (503, "load-failed")
                # The jobs are on disk, and nobody can say when their data set is there: a stop does not wait for them.
                assert server.end() == 0
        if not is_restarted:
            # It is read again by itself; the server has not ended, though it has no other data set.
            assert [server.result(job) for job in jobs] == [{"Utah": 1.0}] * 3
            assert server.client.get("/readyz").status_code == 200
            assert server.end() == 0
            return
    with serving(str(table), state_dir=state) as server:
        assert [server.result(job) for job in jobs] == [{"Utah": 1.0}] * 3


def test_no_answer_shows_a_folder_or_a_traceback_whatever_is_wrong_with_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret-folder"
    secret.mkdir()
    good = write(secret / "good.csv")
    with duckdb.connect() as database:
        query = f"SELECT '{QUESTION}' AS Question, 'Utah' AS LocationDesc, 1 AS Data_Value, 1 AS file_row_number"
        database.execute(f"COPY ({query}) TO '{secret}/clash.parquet' (FORMAT parquet)")
    (secret / "cut.parquet").write_bytes((secret / "clash.parquet").read_bytes()[:-20])
    (secret / "cut.csv.gz").write_bytes(gzip.compress(ROWS.encode() * 99)[:-9])
    (secret / "zeros.csv.gz").write_bytes(gzip.compress(bytes(10**6)))
    (secret / "empty.csv").touch()
    (secret / "roles.csv").write_text("a,b\n1,2\n")
    for name, toml in (("idna", 'encoding = "idna"'), ("undefined", 'encoding = "undefined"'), ("broken", "= no")):
        write(secret / f"{name}.csv")
        (secret / f"{name}.csv.toml").write_text(toml)
    (secret / "folder").mkdir()
    write(secret / "folder" / "one.csv")
    (secret / "folder" / "meantime.toml").write_text("= no")
    bad = [path for path in sorted(secret.iterdir()) if path != good and path.suffix != ".toml"]
    sources = [f"bad{number}={path}" for number, path in enumerate(bad)]
    with serving(str(good), *sources, state_dir=tmp_path / "state") as server:
        for number in range(len(bad)):
            server.wait_for(rf"data set failed to load.*\bbad{number}\b")
        question = {"question": QUESTION}
        answers = [
            server.client.get("/readyz"),
            server.client.get("/v1/datasets"),
            server.client.get("/"),
            server.client.get("/", headers={"accept": "text/html"}),
            server.client.get("/metrics"),
        ]
        for number in range(len(bad)):
            name = f"bad{number}"
            submission = {"statistic": "states_mean", "dataset": name, "parameters": question}
            answers += [
                server.client.get(f"/v1/datasets/{name}"),
                server.client.get("/v1/statistics/states_mean", params={**question, "dataset": name}),
                server.client.post("/v1/jobs", json=submission),
                server.client.post(f"/v1/datasets/{name}/reload", headers={"prefer": "wait=30"}),
            ]
        stands = answers[0].json()["datasets"]
        assert {stands[f"bad{number}"]["status"] for number in range(len(bad))} == {"failed"}
        assert {stands[f"bad{number}"]["code"] for number in range(len(bad))}.isdisjoint({"load-failed"})
        for answer in answers:
            assert "secret-folder" not in answer.text, answer.url
            assert "Traceback" not in answer.text, answer.url
            assert answer.status_code != 500, answer.text
    assert "secret-folder" in (tmp_path / "state" / "webserver.log").read_text()
