"""Several data sets in one server, and files that change under it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import QUESTION
from tests.support.server_process import RunningServer, environment, serving
from tests.support.waiting import PATIENCE_S


def write(path: Path, **means: float) -> Path:
    """Write a table with one row a state; a new file each time, as when somebody replaces it."""
    new = path.with_suffix(".new")
    rows = [f"{QUESTION},{state},{mean}\n" for state, mean in means.items()]
    new.write_text("Question,LocationDesc,Data_Value\n" + "".join(rows))
    if path.exists():
        path.rename(path.with_name(f"{path.name}.{len(list(path.parent.iterdir()))}"))
    new.rename(path)
    return path


def means(server: RunningServer) -> Any:
    return server.result(server.ask("states_mean", question=QUESTION))


def datasets(server: RunningServer) -> Any:
    return server.client.get("/readyz").json()["datasets"]


def test_several_data_sets_each_load_and_fail_for_themselves_and_the_classic_api_asks_the_first(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first.csv", Utah=1), write(tmp_path / "second.csv", Ohio=2)
    broken = tmp_path / "broken.csv"
    broken.write_text("a,b\n1,2\n")
    with serving(str(first), f"other={second}", f"bad={broken}", state_dir=tmp_path / "state") as server:
        for name in ("first", "other", "bad"):
            server.wait_for(rf"data set (ready|failed to load).*\b{name}\b")
        stands = datasets(server)
        assert {name: how["status"] for name, how in stands.items()} == {
            "first": "ready",
            "other": "ready",
            "bad": "failed",
        }
        assert list(stands) == ["first", "other", "bad"]
        assert stands["first"]["fingerprint"] != stands["other"]["fingerprint"]
        assert means(server) == {"Utah": 1}


def test_a_hangup_signal_has_changed_files_read_again_and_older_jobs_keep_their_answers(tmp_path: Path) -> None:
    table, other = write(tmp_path / "a.csv", Utah=1), write(tmp_path / "b.csv", Ohio=7)
    with serving(str(table), str(other), state_dir=tmp_path / "state") as server:
        for name in "ab":
            server.wait_for(rf"data set ready.*dataset={name}\b")
        before = datasets(server)
        job = server.ask("states_mean", question=QUESTION)
        assert server.result(job) == {"Utah": 1}

        write(table, Utah=3)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(r"nothing to reload.*dataset=b\b")
        after = datasets(server)
        assert after["a"]["fingerprint"] != before["a"]["fingerprint"]
        assert after["b"] == before["b"]
        assert means(server) == {"Utah": 3}
        # Made again, from the snapshot that the job was accepted with.
        (tmp_path / "state" / "results" / job).unlink()
        assert server.result(job) == {"Utah": 1}

        table.write_text("no,roles\n1,2\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(r"reload failed; the previous content is still served.*dataset=a\b")
        assert means(server) == {"Utah": 3}


def test_files_are_read_again_when_their_operator_asks_by_http(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", Utah=1)
    with serving(str(table), state_dir=tmp_path / "state", MEANTIME_ADMIN_KEY="a key for the test") as server:
        server.ready()
        address, waiting = "/v1/datasets/a/reload", {"Prefer": "wait=60"}
        assert server.client.post(address, headers=waiting).json()["outcome"] == "unchanged"
        write(table, Utah=2)
        assert server.client.post(address, headers={**waiting, "Via": "1.1 proxy"}).status_code == 403
        with_key = {**waiting, "Via": "1.1 proxy", "X-Admin-Key": "a key for the test"}
        replaced = server.client.post(address, headers=with_key).json()
        assert replaced["outcome"] == "replaced"
        assert server.client.get("/v1/datasets/a").json() == replaced["dataset"]
        assert means(server) == {"Utah": 2}
        table.write_text("no,roles\n1,2\n")
        refused = server.client.post(address, headers=waiting)
        assert (refused.status_code, refused.json()["code"]) == (424, "reload-failed")
        assert datasets(server)["a"]["reload_failed"] in refused.json()["detail"]
        assert 'meantime_dataset_reload_failed{dataset="a"} 1.0' in server.client.get("/metrics").text
        assert means(server) == {"Utah": 2}


def terminal() -> tuple[int, int]:
    """Open a terminal; skip where the system has none, as in a root folder without /dev/pts."""
    try:
        return pty.openpty()
    except OSError as error:
        assert os.environ.get("CI") != "true", "where CI=true, there has to be a terminal"
        pytest.skip(f"no terminal can be opened here: {error}")


def test_a_server_whose_terminal_is_closed_stops_and_does_not_linger(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", Utah=1)
    ours, theirs = terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "meantime", "serve", str(table)],
        env=environment() | {"MEANTIME_PORT": "0", "MEANTIME_STATE_DIR": str(tmp_path / "state")},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread of this test holds a lock
    )
    os.close(theirs)
    try:
        assert process.stderr
        assert any("data set ready" in line for line in process.stderr)
        os.close(ours)
        assert process.wait(PATIENCE_S) == 0
        assert "SIGHUP" in process.stderr.read()
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)
