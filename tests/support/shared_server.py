"""A fixture for folders whose tests share a server: their conftest.py imports it, and it is then used by every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server_process import RunningServer


@pytest.fixture(autouse=True)
def the_server_still_runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the very test in which a shared server ends by itself, with its exit code and output."""
    server = request.getfixturevalue("server") if "server" in request.fixturenames else None
    yield
    if isinstance(server, RunningServer):
        server.still_runs()
