"""Names that try to command a terminal, to be markup or to turn the text around them: no output obeys them.

One table has them as question, location, category, stratum, column, title and data set; jobs have them as labels; a
request has them in path and method.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meantime.cli import output
from meantime.text import ACTING
from tests.support import factories
from tests.support.command_line import meantime, reading_here
from tests.support.logs import FakeTerminal
from tests.support.server_process import RunningServer, serving
from tests.support.waiting import PATIENCE_S
from tests.support.web_app import served, using_framework

ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x9b2J"
TURNED = "a\u202eb\u2066c\u061cd"
MARKUP = "[/b] [bold]x[/] :warning: <script>"
HOSTILE = f"{ESCAPES} {TURNED} {MARKUP}"
# What may stay in an output: its own line ends, and the tabs of TSV.
_ACTS = re.compile(f"(?![\n\t])[{ACTING}]")


def harmless(text: str) -> str:
    assert [text[max(0, at.start() - 60) : at.end() + 20] for at in _ACTS.finditer(text)] == []
    return text


@pytest.fixture(scope="module", autouse=True)
def files_read_in_this_process() -> Iterator[None]:
    with reading_here():
        yield


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "hostile.csv"
    names = ",".join(f'"{kind} {HOSTILE}"' for kind in ("Question", "Location", "Category", "Stratum"))
    path.write_text(
        f'Year,Question,LocationDesc,Data_Value,StratificationCategory1,Stratification1,"Notes {HOSTILE}"\n'
        + "".join(
            f"2020,{question},{location},{value},{category},{stratum},x\n"
            for (question, location, category, stratum), value in (
                (names.split(","), 20),
                (names.replace("Location", "Other").split(","), 30),
            )
        )
        + '2020,"torn\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def server(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(str(hostile), state_dir=tmp_path_factory.mktemp("state"), MEANTIME_REJECTED_LIMIT="1") as running:
        yield running.ready()


def test_inspect_shows_them_as_text(hostile: Path) -> None:
    ran = meantime("inspect", f"{hostile}", "--rejected-limit", "1")
    assert ran.returncode == 0, ran.stderr
    harmless(ran.stdout)
    harmless(ran.stderr)
    for kind in ("Question", "Location", "Category", "Stratum", "Notes"):
        assert f"{kind} \\x1b]0;owned\\x07" in ran.stdout
    assert MARKUP in ran.stdout
    assert "\\u202e" in ran.stdout


@pytest.mark.parametrize("statistic", ["states_mean", "mean_by_category"])
def test_ask_shows_them_as_text(hostile: Path, statistic: str) -> None:
    asked = ("ask", statistic, "--question", f"Question {HOSTILE}", "--data", str(hostile), "--rejected-limit", "1")
    ran = meantime(*asked)
    harmless(ran.stdout)
    harmless(ran.stderr)
    assert "owned" in ran.stdout + ran.stderr


def test_a_question_that_does_not_exist_is_told_as_text(hostile: Path) -> None:
    ran = meantime("ask", "states_mean", "--question", HOSTILE * 2, "--data", str(hostile), "--rejected-limit", "1")
    assert ran.returncode == 2
    assert "owned" in harmless(ran.stderr)


def test_a_text_format_at_a_terminal_is_made_safe_and_elsewhere_is_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_text(f"{HOSTILE}\tx\n")
    assert capsys.readouterr().out == f"{HOSTILE}\tx\n"
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.write_text(f"{HOSTILE}\tx\n")
    assert "\tx\n" in harmless(terminal.getvalue())


def test_jobs_wait_and_cancel_show_them_as_text(server: RunningServer) -> None:
    body = {"statistic": "states_mean", "parameters": {"question": f"Question {HOSTILE}"}, "label": HOSTILE}
    reply = server.client.post("/v1/jobs", json=body)
    assert reply.status_code == 202, reply.text
    job_id = reply.json()["id"]
    for command in (("wait", job_id), ("jobs",), ("cancel", job_id), ("cancel", HOSTILE)):
        ran = meantime(*command, "--url", server.url)
        harmless(ran.stdout)
        harmless(ran.stderr)
    assert MARKUP.split(" <")[0] in meantime("jobs", "--url", server.url).stdout


def test_the_log_the_terminal_and_the_metrics_show_them_as_text(server: RunningServer) -> None:
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    for request in (
        f"GET /v1/jobs/{HOSTILE.encode().hex()}?label=%1b%5d0;x HTTP/1.1",
        "G\x1bT / HTTP/1.1",
        f"GET /{ESCAPES} HTTP/1.1",
        f"{'X' * 400} / HTTP/1.1",
    ):
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as raw:
            raw.sendall(f"{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1", "replace"))
            # A request that is none may be refused before all of it is read.
            with contextlib.suppress(ConnectionResetError):
                while raw.recv(65536):
                    pass
    server.client.post("/v1/jobs", json={"statistic": HOSTILE, "parameters": {HOSTILE: HOSTILE}})
    server.client.post("/api/states_mean", json={"question": HOSTILE})
    harmless(server.client.get("/metrics").text)
    harmless((server.state_dir / "webserver.log").read_text(encoding="utf-8"))
    harmless("".join(server.output))


def test_the_page_and_the_metrics_of_a_data_set_show_them_as_text(tmp_path: Path) -> None:
    row = factories.row(f"Question {HOSTILE}", f"Location {HOSTILE}", "1", category=HOSTILE, stratum=HOSTILE)
    with (
        using_framework("flask"),
        served(tmp_path, outcomes={HOSTILE.replace("/", ""): factories.snapshot([row])}) as server,
    ):
        page = harmless(server.ask("GET", "/", headers={"accept": "text/html"}).body.decode())
        assert "Question \\x1b]0;owned" in page
        assert "<script>" not in page
        harmless(server.ask("GET", "/metrics").body.decode())
        json.loads(server.ask("GET", "/readyz").body)
