"""What must hold after every fault, whatever it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from reliability.clients import Connection, Ledger
from reliability.scene import is_right
from tests.support.server_process import RunningServer
from tests.support.waiting import poll

# Names of what is written under a temporary name and renamed, or belongs to work that is under way.
_TEMPORARY = ("results/.writing-*", "snapshots/.*", "temporary/*", "*.writing*")


def every_job_ends_right(url: str, ledger: Ledger, table: Path, *, only: Iterable[str] | None = None) -> None:
    """Check that acknowledged jobs, or ``only`` these, are there, end, and have the right answer, as they ever had."""
    with closing(Connection(url)) as connection:
        poll(lambda: json.loads(connection.ask("GET", "/api/num_jobs")[1])["num_jobs"], lambda waiting: waiting == 0)
        for job_id in list(ledger.acknowledged if only is None else only):
            _check(connection, job_id, ledger, table)


def _check(connection: Connection, job_id: str, ledger: Ledger, table: Path) -> None:
    status, answer = connection.ask("GET", f"/api/get_results/{job_id}")
    told = json.loads(answer)
    state = told.get("status")
    if state == "done":
        if not is_right(table, ledger.acknowledged[job_id], told["data"]):
            ledger.violated(f"the result of {job_id} is wrong: {answer[:200]!r}")
        if ledger.bodies.setdefault(job_id, answer) != answer:
            ledger.violated(f"the result of {job_id} has changed")
    elif job_id not in ledger.touched:  # else it may be cancelled or gone
        ledger.violated(f"{job_id} was acknowledged, and is answered {status} {answer[:200]!r}")


def no_job_is_invented(url: str, ledger: Ledger) -> None:
    """Check that every job that is listed was submitted, and each submission made one job at most."""
    labels: list[str] = []
    count = 0
    with closing(Connection(url)) as connection:
        path: str | None = "/v1/jobs?limit=1000"
        while path:
            page = json.loads(connection.ask("GET", path)[1])
            count += len(page["jobs"])
            labels += [job["label"] for job in page["jobs"] if job.get("label")]
            cursor = page.get("next")
            path = f"/v1/jobs?limit=1000&cursor={cursor}" if cursor else None
    if len(set(labels)) != len(labels):
        ledger.violated(f"{len(labels) - len(set(labels))} submissions made more than one job")
    if unknown := set(labels) - ledger.sent:
        ledger.violated(f"{len(unknown)} jobs have labels that nobody sent: {min(unknown)}")
    if count > ledger.attempts:
        ledger.violated(f"{count} jobs are listed, of {ledger.attempts} that were ever submitted")


def ends_well(server: RunningServer, ledger: Ledger) -> None:
    """Stop a server, and check that it says with its exit code that all is well."""
    if code := server.end():
        ledger.violated(f"the server ended with {code}: {''.join(server.output[-5:])}")


def nothing_is_left(state: Path, ledger: Ledger) -> None:
    """Check that a server which has ended leaves no temporary files."""
    left = [path for pattern in _TEMPORARY for path in state.glob(pattern)]
    if left:
        ledger.violated(f"left behind: {', '.join(str(path.relative_to(state)) for path in left[:5])}")


def descriptors(pid: int) -> int:
    """Return how many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count of names
