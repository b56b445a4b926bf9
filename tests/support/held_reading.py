"""Hold a server's reading processes before they read, so that a small file is loading for as long as a test wants."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.child_processes import children
from tests.support.server_process import RunningServer
from tests.support.waiting import poll


@contextmanager
def held_reading(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the settings of a server that reads nothing until the block ends; ``folder`` gets a file for the lock."""
    path = folder / "reader-gate"
    with path.open("wb") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield {"PYTHONPATH": str(Path(__file__).parent / "reader_gate"), "READER_GATE": str(path)}


def reading_process(server: RunningServer) -> int:
    """Wait until a server with one data set has started to read it, and return the id of the process."""
    if not Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").exists():
        pytest.skip("this system does not list the children of a process")

    [reader] = poll(lambda: children(server.process.pid), bool)
    return reader
