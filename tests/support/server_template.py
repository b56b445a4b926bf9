"""A process that has imported what a server needs, and becomes one, in a copy, for each request: server_copies.py."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress

from meantime.later import import_soon, quick_imports
from reliability.forked import become


def main(descriptor: int) -> None:
    """Answer requests until the other end of the connection is closed."""
    with quick_imports(without="rich"):
        import meantime.assembly
        import meantime.cli.load_progress
        import meantime.cli.serve
        import meantime.log.capture
        import meantime.server  # noqa: F401 - so that copies have it
    import_soon()
    # Copies share these pages for as long as nobody writes to them, as a search for garbage does.
    gc.freeze()
    # Woken by the end of a copy; what the handler would do, the loop does.
    ended, wakes = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(ended, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    reports: dict[int, int] = {}
    requests = socket.socket(fileno=descriptor)
    while True:
        ready, _, _ = select.select([descriptor, ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _report(reports)
        if descriptor in ready:
            request, descriptors, _, _ = socket.recv_fds(requests, 2**20, 2)
            if not request:
                return
            stderr, report = descriptors
            pid = os.fork()
            if pid == 0:
                _serve(request, stderr)
            os.close(stderr)
            reports[pid] = report
            requests.send(str(pid).encode())


def _report(reports: dict[int, int]) -> None:
    """Tell of each copy that has ended its exit code."""
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        report = reports.pop(pid)
        with suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(report)


def _serve(request: bytes, stderr: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Whoever started the tests in the background of a shell had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(stderr, 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    arguments, environment, folder = json.loads(request)
    os.chdir(folder)
    become(["-m", *arguments], environment, 3)


if __name__ == "__main__":
    main(int(sys.argv[1]))
