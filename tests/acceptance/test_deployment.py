"""What docs/deployment.md and the files in deploy/ promise, against real servers."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from meantime.cli import main
from meantime.settings import SETTINGS
from tests.acceptance.conftest import QUESTION
from tests.support.document_commands import walk
from tests.support.server_process import serving
from tests.support.waiting import PATIENCE_S, poll

ROOT = Path(__file__).parents[2]
DEPLOYMENT = ROOT / "docs" / "deployment.md"
OPERATING = ROOT / "docs" / "operating.md"
UNIT = ROOT / "deploy" / "meantime.service"
NGINX = ROOT / "deploy" / "nginx.conf"
CONTAINER = ROOT / "deploy" / "Containerfile"


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3 is not installed; the backup is made with it")
def test_a_backup_made_as_documented_while_the_server_runs_has_every_job(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "meantime-state") as server:
        job_ids = [server.ready().ask("states_mean", question=QUESTION) for _ in range(20)]
        results = [server.result(job_id) for job_id in job_ids]
        walk(DEPLOYMENT, folder=tmp_path)
        assert server.end() == 0
    # The data file has changed meanwhile: results that were not copied come from the snapshots.
    table.write_text(table.read_text(encoding="utf-8").replace("20.5", "99.5"), encoding="utf-8")
    with serving(str(table), state_dir=tmp_path / "restored") as server:
        assert [server.result(job_id) for job_id in job_ids] == results
        assert server.end() == 0


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed (apt-get install nginx-light)")
def test_behind_nginx_addresses_bodies_and_events_arrive_as_they_were_sent(table: Path, tmp_path: Path) -> None:
    settings = {"MEANTIME_ALLOWED_HOSTS": "indicators.example.org"}
    with (
        serving(str(table), state_dir=tmp_path / "state", **settings) as server,
        nginx(httpx.URL(server.url).port or 0, tmp_path) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client,
    ):
        client.headers["Host"] = "indicators.example.org"
        server.ready()
        submitted = client.post("/v1/jobs", json={"statistic": "states_mean", "parameters": {"question": QUESTION}})
        assert submitted.status_code == 202
        server.result(submitted.json()["id"])
        # Two slashes, and a slash that is part of a name.
        for address in ("//api/jobs", "/v1/datasets/a%2Fb", "/v1/datasets/a%252Fb/x//y"):
            assert client.get(address).content == server.client.get(address).content
        # Our own refusal of what is too long, in our own form.
        too_long = client.post("/v1/jobs", content=b" " * (2 << 20), headers={"Content-Type": "application/json"})
        assert (too_long.status_code, too_long.json()["code"]) == (413, "body-too-large")
        # An event comes through before the stream has ended.
        with client.stream("GET", "/v1/jobs/events") as stream:
            again = client.post("/v1/jobs", json={"statistic": "states_mean", "parameters": {"question": QUESTION}})
            wanted = again.json()["id"]
            assert any(wanted in line for line in stream.iter_lines())
        # Whoever comes through the proxy is not an operator.
        assert client.get("/api/graceful_shutdown").status_code == 403
        assert server.end() == 0


@contextmanager
def nginx(upstream: int, folder: Path) -> Iterator[int]:
    """Run nginx with our configuration, in front of a port; give its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    ours = NGINX.read_text(encoding="utf-8")
    ours = ours.replace("server 127.0.0.1:5000;", f"server 127.0.0.1:{upstream};")
    ours = ours.replace("listen 80;", f"listen 127.0.0.1:{port};")
    temporary = "".join(
        f"{kind}_temp_path {folder}/nginx-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Started by root, it would work as another user, who may not write to the folder of the test.
    user = "user root;\n" * (os.geteuid() == 0)
    file = folder / "nginx.conf"
    file.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{ours}}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(file)], stderr=subprocess.PIPE)  # noqa: S607
    try:
        poll(lambda: _listens(port) or process.poll() is not None, bool)
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.read(UNIT, encoding="utf-8")
    return parser["Service"]


def test_the_unit_starts_a_command_that_there_is_and_lets_it_stop_in_time() -> None:
    program, *arguments = shlex.split(unit()["ExecStart"])
    assert program.endswith("/bin/meantime")
    asked = CliRunner().invoke(main, [*arguments[:1], "--help"])
    assert asked.exit_code == 0
    settings = {setting.name: setting.default for setting in SETTINGS}
    assert float(unit()["TimeoutStopSec"]) > float(settings["shutdown_deadline_s"])
    assert re.search(r"MEANTIME_(\w+)=", unit()["Environment"])[1].lower() in settings  # type: ignore[index]


def test_the_unit_does_not_start_again_what_has_to_be_corrected_first(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("nothing,of,use\n1,2,3\n", encoding="utf-8")
    with serving(str(bad), state_dir=tmp_path / "state") as server:
        assert str(server.wait()) == unit()["RestartPreventExitStatus"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / "meantime.service"
    text = UNIT.read_text(encoding="utf-8")
    copy.write_text(re.sub(r"/opt/meantime/\S*meantime ", "/bin/true ", text), encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"},
    )
    assert [line for line in checked.stderr.splitlines() if copy.name in line] == []


def test_the_container_file_copies_what_there_is_and_sets_what_is_a_setting() -> None:
    text = CONTAINER.read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, flags=re.MULTILINE) for name in line.split()]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    named = {name.lower() for name in re.findall(r"MEANTIME_(\w+)=", text)}
    assert named
    assert named <= {setting.name for setting in SETTINGS}


def test_every_metric_is_documented_and_every_documented_one_is_there(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "state") as server:
        server.result(server.ready().ask("states_mean", question=QUESTION))
        text = server.client.get("/metrics").text
        assert server.end() == 0
    section = OPERATING.read_text(encoding="utf-8").partition("## Metrics")[2]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(meantime_\w+)`", row)}
    # Counters have their names with the ending that the samples have.
    described = dict(re.findall(r"^# TYPE (meantime_\w+) (\w+)$", text, flags=re.MULTILINE))
    there = {name for name in described if not name.endswith("_created")}
    assert documented == there
