"""SIGKILL, and every errno that a disk or a system may give, at each system call of a server's life (by strace).

A server lives through a scenario: it starts, accepts jobs, answers, removes one, reads its file again, and stops. It is
traced once, and then lives again for each call of that trace that writes, being killed there or given an error.
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reliability import invariants
from reliability.clients import Connection, Ledger, submit
from reliability.forked import ForkedServer
from reliability.outcome import Outcome
from reliability.scene import ASKS, MAIN, closing, touch, write_table
from tests.support.waiting import PATIENCE_S, poll

# The calls by which something gets to the disk, or is removed from it.
CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "unlink", "ftruncate", "mkdir", "write")
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "EACCES", "EROFS", "ENOMEM", "EINTR")
_FORKED = MAIN._replace(server=ForkedServer)
_CUT = (OSError, AssertionError, http.client.HTTPException, json.JSONDecodeError)


def trace(folder: Path) -> dict[str, int]:
    """Live through the scenario once; return how often each call comes, in the thread where it comes most often."""
    table, ledger = write_table(folder / "table.csv"), Ledger()
    output = folder / "trace"
    _live(table, folder / "state", ledger, ("-o", str(output), "-e", f"trace={','.join(CALLS)}"))
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
        # A call that another thread interrupts has two lines; the first has its name before a parenthesis.
        if match := re.match(r"(\d+) +(\w+)\(", line):
            counts[match[1], match[2]] += 1
    return {call: max((n for (_, name), n in counts.items() if name == call), default=0) for call in CALLS}


def kills_at_calls(*, number: int | None = None) -> Outcome:
    """Kill the server at each call of a trace, or at ``number`` of them."""
    return _at_calls("SIGKILL", ("signal=SIGKILL",), number)


def errors_at_calls(*, number: int | None = None) -> Outcome:
    """Give each call of a trace an error, each in turn, or ``number`` of them."""
    return _at_calls("an error", tuple(f"error={error}" for error in ERRORS), number)


def _at_calls(what: str, injections: Sequence[str], number: int | None) -> Outcome:
    if not shutil.which("strace"):
        return Outcome(f"{what} at system calls", "not tried: strace is not installed", ())
    violations: list[str] = []
    acknowledged = hit = 0
    with _folder() as folder:
        counts = trace(folder)
    points = [(call, index) for call in CALLS for index in range(1, counts[call] + 1)]
    if number is not None:
        points = points[:: max(1, len(points) // number)][:number]
    for position, (call, index) in enumerate(points):
        injection = injections[position % len(injections)]
        with _folder() as folder:
            ledger = Ledger()
            is_hit = _at_call(folder, ledger, f"{call}:{injection}:when={index}")
            acknowledged += len(ledger.acknowledged)
            hit += is_hit
            violations += [f"{call} {index} {injection}: {violation}" for violation in ledger.violations]
    told = ", ".join(f"{call} {count}" for call, count in counts.items() if count)
    return Outcome(
        f"{what} at each system call of a trace",
        f"{len(points):,} calls (of {told}), {hit:,} ended or disturbed the server; {acknowledged:,} acknowledged jobs",
        violations,
    )


def _at_call(folder: Path, ledger: Ledger, injection: str) -> bool:
    table, state = write_table(folder / "table.csv"), folder / "state"
    is_through = _live(
        table,
        state,
        ledger,
        ("-o", os.devnull, "-e", f"trace={injection.partition(':')[0]}", "-e", f"inject={injection}"),
    )
    with closing(_FORKED.start(table, state)) as server:
        # Not only when the data is there: a reading that an error has ended is tried again by the server itself.
        poll(lambda: server.client.get("/readyz").status_code, lambda status: status == 200)
        invariants.every_job_ends_right(server.url, ledger, table)
        invariants.no_job_is_invented(server.url, ledger)
        invariants.ends_well(server, ledger)
    invariants.nothing_is_left(state, ledger)
    return not is_through


def _live(table: Path, state: Path, ledger: Ledger, strace: Sequence[str]) -> bool:
    """Live through the scenario; return whether it came to its end."""
    try:
        server = MAIN._replace(server=partial(TracedServer, strace)).start(table, state)
    except AssertionError:
        return False  # it ended before it listened
    assert isinstance(server, TracedServer)
    with closing(server):
        try:
            return _scenario(server, table, ledger)
        except _CUT:
            return False
        except subprocess.TimeoutExpired:
            ledger.violated(f"the server was told to stop, and did not: {''.join(server.output[-5:])}")
            return False


class TracedServer(ForkedServer):
    """A server that strace is attached to from its first call on."""

    def __init__(self, strace: Sequence[str], *arguments: str, **settings: Any) -> None:
        self._strace: subprocess.Popen[bytes] | None = None
        self._arguments = strace
        super().__init__(*arguments, **settings)

    def prepare(self, pid: int) -> None:
        """Attach strace."""
        self._strace = subprocess.Popen(
            [shutil.which("strace") or "strace", "-f", "-qq", *self._arguments, "-p", str(pid)],
            stdin=subprocess.DEVNULL,
        )
        status = Path(f"/proc/{pid}/status")
        poll(lambda: "TracerPid:\t0\n" not in status.read_text(encoding="utf-8"), bool)

    def let_go(self) -> None:
        """Detach strace."""
        if self._strace:
            self._strace.terminate()
            self._strace.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave no process, and let strace write all that it has seen."""
        self._may_end = True  # by a call that was disturbed
        super().close()
        if self._strace:
            self._strace.wait(PATIENCE_S)


def _scenario(server: TracedServer, table: Path, ledger: Ledger) -> bool:
    is_disturbed = False
    with contextlib.closing(Connection(server.url)) as connection:
        for ask in ASKS[:3]:
            label = f"label-{ASKS.index(ask)}"
            ledger.sent.add(label)
            ledger.attempts += 1
            body = {"statistic": ask.statistic, "parameters": ask.parameters, "label": label}
            status, answer = connection.ask("POST", "/v1/jobs", body, **{"Idempotency-Key": label})
            if status == 202:
                ledger.acknowledge(json.loads(answer)["id"], ask)
        for ask in ASKS[3:6]:
            submit(connection, ledger, ask)
        if "failed" in server.wait_for("data set (ready|failed)")[0]:
            # strace counts in each process, so whichever reads next is disturbed too. When the trouble is over, the
            # file is read, and nothing was lost.
            is_disturbed = True
            server.let_go()
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("data set ready")
        for job_id in list(ledger.acknowledged):
            reply = poll(
                lambda job_id=job_id: connection.ask("GET", f"/api/get_results/{job_id}")[1],  # type: ignore[misc]
                lambda answer: b'"running"' not in answer[:40] and b'"status"' in answer,
            )
            ledger.bodies.setdefault(job_id, reply)
        if first := next(iter(ledger.acknowledged), None):
            ledger.touched.add(first)
            connection.ask("DELETE", f"/v1/jobs/{first}")
        touch(table)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("nothing to reload|reload|failed")
        submit(connection, ledger, ASKS[7])
    server.process.send_signal(signal.SIGTERM)
    return server.process.wait(PATIENCE_S) == 0 and not is_disturbed


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="meantime-syscalls-") as folder:
        yield Path(folder)
