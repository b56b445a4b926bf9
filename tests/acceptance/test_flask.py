"""Meantime inside Flask, as real processes: Flask's own server, and gunicorn."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import QUESTION
from tests.support.server_process import RunningServer, environment, keeps_the_contract
from tests.support.waiting import PATIENCE_S, poll

FLASK = ("-m", "flask", "--app", "meantime.flask", "run", "--port", "0")
# Without the option gunicorn itself refuses paths as long as the conformance tests have them.
GUNICORN = (
    *("-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "8", "--limit-request-line", "0"),
    "meantime.flask:create_app()",
)
LISTENS = r"(?:Running on|Listening at:) (http://127\.0\.0\.1:\d+)"
SERVERS = pytest.mark.parametrize(
    "command", [pytest.param(FLASK, marks=pytest.mark.thorough), GUNICORN], ids=["flask", "gunicorn"]
)


def flask_server(*command: str, data: Path, state_dir: Path, **settings: str) -> RunningServer:
    settings = {"MEANTIME_DATA": str(data), "PYTHONUNBUFFERED": "1"} | settings
    return RunningServer(state_dir=state_dir, command=command, listens=LISTENS, **settings)


# In `make test` the routes are compared byte by byte in tests/unit/web/classic, and the servers are asked below.
@pytest.mark.thorough
@SERVERS
def test_it_keeps_the_contract(command: tuple[str, ...], sample: Path, tmp_path: Path) -> None:
    server = flask_server(*command, data=sample, state_dir=tmp_path / "state")
    try:
        server.ready()
        keeps_the_contract(server.url, sample, question=QUESTION)
        assert server.end() == 0
    finally:
        server.close()


@SERVERS
def test_jobs_are_kept_over_a_stop_in_order_and_a_restart(
    command: tuple[str, ...], table: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = flask_server(*command, data=table, state_dir=state)
    try:
        job_id = first.ready().ask("states_mean", question=QUESTION)
        before = first.result(job_id)
        assert first.end(signal.SIGTERM) == 0
    finally:
        first.close()
    log = (state / "webserver.log").read_text(encoding="utf-8")
    assert log.index("stopping: the queue drains") < log.index("stopped unfinished=0")
    second = flask_server(*command, data=table, state_dir=state)
    try:
        assert second.result(job_id) == before
        assert second.ready().ask("states_mean", question=QUESTION) == "job_id_2"
        assert second.end(signal.SIGINT) == 0
    finally:
        second.close()


def test_a_kill_loses_nothing(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = flask_server(*FLASK, data=table, state_dir=state)
    try:
        ids = [first.ask("states_mean", question=QUESTION) for _ in range(20)]
        first.end(signal.SIGKILL)
    finally:
        first.close()
    second = flask_server(*FLASK, data=table, state_dir=state)
    try:
        assert len({str(second.result(job_id)) for job_id in ids}) == 1
    finally:
        second.close()


def test_a_second_process_on_a_state_directory_is_refused_in_one_line(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    server = flask_server(*FLASK, data=table, state_dir=state)
    try:
        second = ended(*FLASK, MEANTIME_DATA=str(table), MEANTIME_STATE_DIR=str(state))
        assert second.returncode == 1
        [line] = second.stderr.strip().splitlines()
        assert str(state) in line
        assert "one worker with threads" in line
    finally:
        server.close()


def test_several_workers_are_refused_with_what_to_do(table: Path, tmp_path: Path) -> None:
    refused = ended(
        *GUNICORN[:-1], "--workers", "2", GUNICORN[-1], MEANTIME_DATA=str(table), MEANTIME_STATE_DIR=str(tmp_path / "s")
    )
    assert refused.returncode != 0
    assert "run one worker with threads" in refused.stderr


# Other reasons are those of `meantime serve`, and tests/unit/test_flask.py has them.
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"MEANTIME_QUEUE_LIMIT": "many"}, "queue_limit is 'many'"),
        pytest.param({"MEANTIME_DATA": "absent.csv"}, "absent.csv", marks=pytest.mark.thorough),
        pytest.param({"MEANTIME_DATA": "a=x.csv:a=y.csv"}, "named 'a'", marks=pytest.mark.thorough),
        pytest.param({"MEANTIME_CONFIG": "absent.toml"}, "absent.toml", marks=pytest.mark.thorough),
    ],
)
def test_what_cannot_be_started_is_one_clear_line(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    refused = ended(*FLASK, MEANTIME_STATE_DIR=str(tmp_path / "state"), **settings)
    assert refused.returncode == 1
    [line] = refused.stderr.strip().splitlines()
    assert says in line


def test_the_reloader_starts_the_parts_once(table: Path, tmp_path: Path) -> None:
    server = flask_server(*FLASK, "--reload", data=table, state_dir=tmp_path / "state")
    try:
        # The first process only watches; were it to hold the state directory, the second could not serve.
        job_id = server.ready().ask("global_mean", question=QUESTION)
        assert server.result(job_id)
        log = (tmp_path / "state" / "webserver.log").read_text(encoding="utf-8")
        assert len(re.findall(r"data set ready", log)) == 1
        serving = (tmp_path / "state" / "lock").read_text().strip()
        assert int(serving) != server.process.pid
        os.kill(int(serving), signal.SIGTERM)  # the process that serves
        poll(lambda: "stopped unfinished=0" in log_of(tmp_path), bool)
    finally:
        server.close()


def test_settings_come_from_toml_too(table: Path, tmp_path: Path) -> None:
    config = tmp_path / "meantime.toml"
    config.write_text('admin_key = "s3same"\nallowed_hosts = ["a.example"]\n', encoding="utf-8")
    server = flask_server(*FLASK, data=table, state_dir=tmp_path / "state", MEANTIME_CONFIG=str(config))
    try:
        assert server.client.get("/livez", headers={"Host": "a.example"}).status_code == 200
        stopped = server.client.get("/api/graceful_shutdown", headers={"Via": "1.1 p", "X-Admin-Key": "s3same"})
        assert stopped.status_code == 200
    finally:
        server.close()


def test_without_flask_the_install_line_is_said() -> None:
    code = "import sys; sys.modules['flask'] = None; import meantime.flask"
    refused = ended("-c", code)
    assert refused.returncode == 1
    assert "pip install 'meantime[flask]'" in refused.stderr.strip().splitlines()[-1]


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "state" / "webserver.log").read_text(encoding="utf-8")


def ended(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env=environment() | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
