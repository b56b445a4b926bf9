"""A PostgreSQL server for tests: Debian's programs, a folder of its own and a free port, ended with the tests.

A test asks for the fixture ``postgresql``, which its file or conftest.py imports from here. Where there is no server to
start, it is skipped; where CI=true, it fails.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.child_processes import children
from tests.support.waiting import PATIENCE_S

# Who owns the data, and their password: connections over TCP need it.
USER, PASSWORD = "meantime", "for-tests-only"
# A test's table is small. What is committed is kept, as it must be for jobs.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "100",
}


class PostgresServer:
    """A server in a folder. It can be stopped, killed and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "log"
        self._number = 0
        # PostgreSQL refuses to run as root, as which tests in a container often do.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        password = folder / "password"
        password.write_text(PASSWORD)
        if self._user:
            # After a test that ran `serve` in this process, what is written is for its owner alone.
            shutil.chown(password, self._user)
        data = self.folder / "data"
        self._run(
            *("initdb", "--pgdata", str(data), "--username", USER, "--auth", "scram-sha-256"),
            *("--pwfile", str(password), "--encoding", "UTF8", "--no-sync"),
        )
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
            file.write("unix_socket_directories = ''\n")
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(_programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)],
                user=self._user,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        waiting = threading.Event()
        for _ in range(PATIENCE_S * 20):
            ready = [str(_programs() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(ready, check=False).returncode == 0:
                return
            assert self._process.poll() is None, self._log.read_text()
            waiting.wait(0.05)
        raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: at once and cleanly by default; SIGKILL leaves it to recover at the next start."""
        assert self._process is not None
        if how == signal.SIGKILL:
            # As when the machine fails: its children too. Each of them has a group of its own.
            its_children = children(self._process.pid)
            self._process.kill()
            for child in its_children:
                with suppress(ProcessLookupError):
                    os.kill(child, how)
        else:
            self._process.send_signal(how)
        self._process.wait(PATIENCE_S)

    def url(self, database: str = "postgres") -> str:
        """The address of a database, without the password, as everybody may see it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    @cached_property
    def admin(self) -> Any:
        """A connection that commits each statement."""
        import psycopg

        return psycopg.connect(f"{self.url()}?password={PASSWORD}", autocommit=True)

    def new_database(self) -> str:
        """Make an empty database, and return its address."""
        self._number += 1
        name = f"test_{self._number}"
        self.admin.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(_programs() / program), *arguments]
        done = subprocess.run(command, user=self._user, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A server that all tests of a process share: they make databases and tables of their own."""
    if without := lacking():
        assert os.environ.get("CI") != "true", without
        pytest.skip(without)
    with running_postgresql() as server:
        yield server


@contextmanager
def running_postgresql() -> Iterator[PostgresServer]:
    """Start a server in a folder of its own; end it, and remove the folder, at the end."""
    # Not below a folder that only we may enter: the server may be run by another user.
    folder = Path(tempfile.mkdtemp(prefix="meantime-postgresql-"))
    server = None
    try:
        server = PostgresServer(folder)
        yield server
        if "admin" in vars(server):
            server.admin.close()
    finally:
        if server is not None:
            # At once: nobody will start it again.
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def lacking() -> str:
    """Return what keeps such a server from running; "" where nothing does."""
    if importlib.util.find_spec("psycopg") is None:
        return "the extra postgres is not installed: make cluster"
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
        return "there is no PostgreSQL to test with: apt-get install postgresql"
    return ""


def _programs() -> Path:
    """Return the folder of the server's programs: Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return (found[-1] if found else Path(shutil.which("initdb") or "initdb")).resolve().parent


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
