"""A server that may have few files open, and clients that take all the connections there are."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.conftest import QUESTION
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S, wait_until

_LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
sys.argv = ["meantime", "serve", *sys.argv[1:]]
runpy.run_module("meantime", run_name="__main__")
"""


def limited(table: Path, state: Path, *, soft: int, hard: int) -> RunningServer:
    return RunningServer(str(table), state_dir=state, command=("-c", _LIMITED.format(soft=soft, hard=hard)))


def test_the_soft_limit_is_raised_and_a_low_one_is_said(table: Path, tmp_path: Path) -> None:
    server = limited(table, tmp_path / "state", soft=64, hard=256)
    try:
        assert server.wait_for(r"few files may be open at once.* limit=(\d+) connections=(\d+)").groups() == (
            "256",
            "128",
        )
        assert "few files" not in server.ready().client.get("/metrics").text
        assert server.end() == 0
    finally:
        server.close()


@pytest.mark.parametrize("limit", [64, pytest.param(96, marks=pytest.mark.thorough)])
def test_idle_connections_up_to_the_limit_cost_no_job_and_no_server(table: Path, tmp_path: Path, limit: int) -> None:
    server = limited(table, tmp_path / "state", soft=limit, hard=limit)
    try:
        first = server.ready().ask("states_mean", question=QUESTION)
        truth = server.result(first)
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        with ExitStack() as idle:
            for _ in range(limit + 20):
                connection = idle.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S))
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")
            # The client has a connection from before.
            assert server.client.get("/livez").status_code == 200
            later = [server.ask("states_mean", question=QUESTION) for _ in range(5)]
            assert [server.result(job) for job in [first, *later]] == [truth] * 6
            assert server.process.poll() is None
        wait_until(lambda: _answers(host, int(port)), "the connections are given back")
        assert [server.result(job) for job in later] == [truth] * 5
        assert server.end() == 0
        assert "Traceback" not in "".join(server.output)
    finally:
        server.close()


def _answers(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(100).startswith(b"HTTP/1.1 200")
