"""Servers that begin as copies of this process, which has imported all that they need.

Of the CPU of a server that is killed after a moment, its imports are more than half. What is killed most often is
started so; servers that check, and those that are killed while they start, begin from nothing.
"""

from __future__ import annotations

import os
import runpy
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NoReturn, cast

from tests.support.server_process import RunningServer

_IMPORTED = ("meantime.cli.serve", "meantime.server", "meantime.flask", "flask.cli", "duckdb")


class ForkedServer(RunningServer):
    """A server in a copy of this process. No other thread of this process may do anything while it is made."""

    def _popen(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        for name in _IMPORTED:
            import_module(name)
        return cast("subprocess.Popen[str]", _Copy(command, environment, self.prepare))

    def prepare(self, pid: int) -> None:
        """Do something with the process before it does anything."""


class _Copy:
    """What ``RunningServer`` uses of Popen, for a copy of this process that runs ``-m MODULE ARGUMENTS``."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], prepare: Callable[[int], None]) -> None:
        reading, writing = os.pipe()
        gate, opens_gate = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            os.close(opens_gate)
            os.read(gate, 1)
            os.close(gate)
            become(command, environment, writing)
        os.close(writing)
        os.close(gate)
        self.stderr = os.fdopen(reading, encoding="utf-8")
        self._handle = os.pidfd_open(self.pid)
        try:
            prepare(self.pid)
        finally:
            os.close(opens_gate)

    def poll(self) -> int | None:
        """Return the exit code, if it has ended."""
        return self._reap(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return the exit code."""
        if self.poll() is None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a copy of this process", timeout or 0.0)
            self._reap(0)  # it has ended, but whoever traces it may have to hear of that first
        return self.returncode or 0

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                os.close(self._handle)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def become(command: Sequence[str], environment: Mapping[str, str], stderr: int) -> NoReturn:
    """Go on as a process that was started with ``-m MODULE ARGUMENTS``, in a session of its own."""
    code = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for standard, descriptor in enumerate((null, null, stderr)):
            os.dup2(descriptor, standard)
        os.close(null)
        os.close(stderr)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(environment)
        _, module, *arguments = command
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, this copy must not go on with the work of its origin
        traceback.print_exc()
    finally:
        os._exit(code)
