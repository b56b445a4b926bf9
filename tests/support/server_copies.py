"""Servers as copies of one process that has imported all that they need: of what a start costs, imports are most.

The process is ``server_template.py``. It has one thread, and so can be copied at any time, unlike the one of the tests.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress

from tests.support.waiting import PATIENCE_S

# What a server reads when it starts to serve. Any other variable may count earlier: then it starts from nothing.
_READ_LATER = ("MEANTIME_", "PGPASSWORD", "AWS_", "PYTEST_CURRENT_TEST", "XDG_CACHE_HOME")


class ServerTemplate:
    """The process that is copied."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = _fixed(environment)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.server_template", str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket.settimeout(PATIENCE_S)
        # An answer belongs to the request before it.
        self._one_at_a_time = threading.Lock()

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Return whether a copy is what a server that starts from nothing in this environment would be."""
        return _fixed(environment) == self._environment

    def copy(self, arguments: list[str], environment: Mapping[str, str]) -> ServerCopy:
        """Make a copy, which runs ``meantime ARGUMENTS``."""
        reading, writing = os.pipe()
        status, reports = os.pipe()
        try:
            request = json.dumps([arguments, dict(environment), os.getcwd()]).encode()  # noqa: PTH109 - a text
            with self._one_at_a_time:
                socket.send_fds(self._socket, [request], [writing, reports])
                pid = int(self._socket.recv(64))
        except BaseException:
            # What comes late must not be taken for the answer to another request.
            self._socket.close()
            os.close(reading)
            os.close(status)
            raise
        finally:
            os.close(writing)
            os.close(reports)
        return ServerCopy(pid, stderr=reading, status=status)

    def close(self) -> None:
        """End it, which asks for nothing but the end of the connection."""
        self._socket.close()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()


class ServerCopy:
    """What ``RunningServer`` uses of Popen. The template waits for the end of a copy, and reports its exit code."""

    def __init__(self, pid: int, *, stderr: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stderr = os.fdopen(stderr, encoding="utf-8")
        self._status = os.fdopen(status, encoding="ascii")

    def poll(self) -> int | None:
        """Return the exit code, if it has ended."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return the exit code."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a copy of the template of servers", timeout or 0.0)
        return code

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            with self._status:
                # Nothing where the template itself has ended.
                self.returncode = int(self._status.read() or -signal.SIGKILL)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _fixed(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_READ_LATER)}
