"""The commands that ask a server, as a person types them, and the client that blocks, over real HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from meantime import Ask, Client
from meantime.errors import RequestInvalid
from tests.acceptance.conftest import QUESTION, TABLE
from tests.support.client_scripts import job_json
from tests.support.command_line import meantime
from tests.support.imports import SLOW_TO_IMPORT, imported_by
from tests.support.server_process import RunningServer, environment, serving
from tests.support.waiting import PATIENCE_S, join


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """For the commands: only one test below makes jobs, and knows their numbers."""
    folder = tmp_path_factory.mktemp("commands")
    table = folder / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    with serving(str(table), state_dir=folder / "state") as running:
        yield running.ready()


def test_ask_a_server_list_its_jobs_and_print_their_results_again(server: RunningServer, tmp_path: Path) -> None:
    at = ("--url", server.url)
    answer = meantime("ask", "state_mean", "--question", "have obesity", "--state", "utah", *at, "--format", "json")
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert (document["rows"][0]["location"], document["rows"][0]["mean"]) == ("Utah", 18.0)

    out = tmp_path / "best.xlsx"
    assert meantime("ask", "best5", "--question", QUESTION, "--label", "x", *at, "--out", str(out)).returncode == 0
    assert out.read_bytes()[:2] == b"PK"

    listed = meantime("jobs", *at)
    assert listed.stdout.index("job_id_2") < listed.stdout.index("job_id_1")
    assert "2 done" in listed.stdout
    limited = meantime("jobs", *at, "--limit", "1", "--format", "json")
    assert limited.stderr == "Older jobs are not listed. Use --limit to list more than 1.\n"
    newest = json.loads(limited.stdout)
    assert [(job["id"], job["statistic"]) for job in newest] == [("job_id_2", "best5")]
    assert "1 done" in meantime("jobs", *at, "--label", "x").stdout
    assert "No jobs" in meantime("jobs", *at, "--state", "failed", "--state", "queued").stdout

    waited = meantime("wait", "job_id_1", *at, "--format", "json")
    assert (waited.returncode, waited.stdout) == (0, answer.stdout)
    cancelled = meantime("cancel", "job_id_1", *at)
    assert (cancelled.returncode, cancelled.stdout) == (0, "job_id_1: already ended: done\n")
    assert meantime("wait", "job_id_1", *at, "--format", "json").stdout == answer.stdout


def test_the_commands_for_a_server_import_nothing_that_only_a_server_needs(server: RunningServer) -> None:
    # The second is refused by the server, so that it makes no job.
    for command, code in (("jobs", 0), ("ask state_mean --question obesity --format csv", 2)):
        imported = imported_by("-m", "meantime", *command.split(), "--url", server.url, code=code)
        assert "meantime.client.blocking" in imported
        assert not (SLOW_TO_IMPORT | {"meantime.web", "meantime.engine"}) & imported


def test_what_a_server_refuses_is_said_as_it_says_it(server: RunningServer) -> None:
    at = ("--url", server.url)
    for words, message in (
        (("ask", "state_means", "--question", "obesity"), "Did you mean"),
        (("ask", "state_mean", "--question", "obesity"), "state_mean needs --state."),
        (("ask", "states_mean", "--question", "obesity", "--dataset", "tabel"), "table"),
        (("ask", "states_mean", "--question", "obesety"), QUESTION),
        (("wait", "job_id_99"), "There is no job_id_99"),
        (("cancel", "7"), "job_id_7"),
    ):
        refused = meantime(*words, *at)
        assert refused.returncode == 2, refused.stderr
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr


def test_where_no_server_is_it_is_said_what_to_do() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        nobody = f"http://127.0.0.1:{taken.server_port}"
    refused = meantime("jobs", "--url", nobody)
    assert refused.returncode == 2
    assert f"No server answers at {nobody}" in refused.stderr
    assert "meantime serve" in refused.stderr


def test_the_client_that_blocks_asks_a_real_server(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "state") as server, Client(server.url) as client:
        result = client.ask("best5", question=QUESTION)
        assert [row["location"] for row in result] == ["Utah", "Alaska", "National", "Ohio"]
        answers = client.ask_all(
            [Ask("state_mean", question=QUESTION, state=state) for state in ("Utah", "Ohio")] * 300
        )
        assert [answer.rows[0]["mean"] for answer in answers] == [18.0, 30.1] * 300
        with pytest.raises(RequestInvalid, match='Did you mean "Utah"'):
            client.ask("state_mean", question=QUESTION, state="Utha")
        job = client.submit("states_mean", question=QUESTION, label="kept")
        assert server.end() == 0
    # Its successor at another address knows what it has accepted.
    with serving(state_dir=server.state_dir) as successor, Client(successor.url) as client:
        assert client.job(job.id).wait().state == "done"
        assert [each.id for each in client.jobs(label="kept")] == [job.id]


# Jobs that take longer than a test may


@contextmanager
def unhurried(state: str, **more: Any) -> Iterator[tuple[str, threading.Event]]:
    """A server with one job. Clients that wait for it are answered when the server ends. The event: somebody waits."""
    is_awaited, is_over = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/results"):
                self._say(424, "application/problem+json", {"code": "job-failed", "detail": "job_id_7 failed."})
                return
            if state == "running" and "Prefer" in self.headers:
                is_awaited.set()
                is_over.wait(PATIENCE_S)
            self._say(200, "application/json", job_json(state, **more))

        def _say(self, status: int, kind: str, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", is_awaited
        finally:
            is_over.set()
            listening.shutdown()
            join(thread)


def test_after_the_wait_the_job_continues_and_the_output_says_how_to_find_it() -> None:
    with unhurried("running") as (url, is_awaited):
        waiting = subprocess.Popen(
            [sys.executable, "-m", "meantime", "wait", "job_id_7", "--url", url],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert is_awaited.wait(PATIENCE_S)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=PATIENCE_S)
    assert (waiting.returncode, out) == (130, "")
    assert "job_id_7 continues on the server" in err
    assert f"meantime wait job_id_7 --url {url}" in err
    assert f"meantime cancel job_id_7 --url {url}" in err
    assert "Traceback" not in err


def test_a_job_that_failed_is_said_to_have_and_the_others_are_waited_for() -> None:
    with unhurried("failed") as (url, _):
        waited = meantime("wait", "job_id_7", "job_id_7", "--url", url)
    assert waited.returncode == 1
    assert waited.stderr.count("job_id_7 failed.") == 2
