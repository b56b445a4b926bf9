"""What docs/cluster.md promises, asked of running services, with the figures of each step."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from cluster.services import Services
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from tests.support.dask_cluster import reading_folders

# How long anything may take on a loaded machine.
_PATIENCE_S = 300
_ANSWERS = 20
_ROWS_COMPARED = 50
_JOBS = 100
# They read what is put there first.
_READERS = ("reader-1", "reader-2")

T = TypeVar("T")


def run(services: Services, *, rows: int, files: int) -> None:
    """Run all steps; the first promise that is not kept ends the script with exit code 1."""
    write_files(services.shared, rows, files)
    for name in services.names:
        if name not in _READERS:
            services.start(name)
    began = time.monotonic()
    found = {name: _wait_until_read(services, name) for name in ("server-1", "server-2")}
    seconds = time.monotonic() - began
    expected = _fingerprint_here(services)
    _require(set(found.values()) == {expected}, f"the fingerprints are {found}, and {expected} of one process")
    print(f"{rows:,} rows in {files} files: two servers read them by the cluster in {seconds:.0f} s; one fingerprint")
    question = _answers(services)
    _rows_behind(services, question)
    _shelf(services, expected)
    _shared_jobs(services, question)
    _lost_worker(services)
    _refuses_plaintext(services)


def write_files(folder: Path, rows: int, files: int) -> None:
    """Write a made table, cut into files."""
    table = folder.parent / "table.csv"
    subprocess.run([sys.executable, "-m", "meantime", "sample", "--rows", str(rows), "--out", str(table)], check=True)
    with table.open("rb") as source:
        header = source.readline()
        for number in range(files):
            with (folder / f"{number}.csv").open("wb") as part:
                part.write(header)
                for _ in range(-(-rows // files)):
                    part.write(source.readline())
    table.unlink()


def _answers(services: Services) -> str:
    """Ask the same of both servers, and of the balancer several times: the bytes must be the same."""
    dataset = _get(services, "server-1", "/v1/datasets/tables")
    question: str = dataset["questions"][0]["text"]
    path = "/v1/statistics/states_mean"
    answers = {
        httpx.get(f"{services.url(name)}{path}", params={"question": question}, timeout=_PATIENCE_S).content
        for name in ("server-1", "server-2", *["balancer"] * _ANSWERS)
    }
    _require(len(answers) == 1, f"{len(answers)} different answers to one question")
    print(f"{_ANSWERS} answers through the balancer: each has the bytes of either server")
    return question


def _rows_behind(services: Services, question: str) -> None:
    """Compare the rows of a number with the lines of the files."""
    began = time.monotonic()
    parameters: dict[str, str | int] = {"question": question, "row": 0, "page_rows": _ROWS_COMPARED}
    found = _get(services, "balancer", "/v1/statistics/states_mean/rows", **parameters)
    seconds = time.monotonic() - began
    rows = found["rows"]
    _require(bool(rows), "a number has no rows")
    for row in rows:
        with (services.shared / row["file"]).open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
            line = next(text for number, text in enumerate(file, 2) if number == row["line"])
        [fields] = csv.reader([line])
        there = dict(zip(header, fields, strict=True))
        _require(all(row[name] == text for name, text in there.items()), f"{row} is not the line {there}")
    print(f"{len(rows)} rows behind a number: each is the line of its file; the first look took {seconds:.1f} s")


def _shelf(services: Services, expected: str) -> None:
    """Serve the same from object storage and a database: one server reads it, the other takes it from the shelf."""
    services.fill()
    took = []
    for name, says in zip(_READERS, ("put on", "taken from"), strict=True):
        began = time.monotonic()
        services.start(name)
        for dataset in ("stored", "counted"):
            found = _wait_until_read(services, name, dataset)
            _require(found == expected, f"{dataset} of {name} has the fingerprint {found} instead of {expected}")
        took.append(time.monotonic() - began)
        line = f"a snapshot was {says} the shelf"
        _poll(services, partial(services.said, name), partial(_has, line), f"{name} never said {line!r}")
    fetched = list((services.folder / "reader-2-state" / "downloads").rglob("*.csv"))
    _require(not fetched, f"reader-2 has fetched {fetched}")
    print(
        f"the same from object storage and from PostgreSQL: one fingerprint; read in {took[0]:.0f} s by one server, "
        f"taken from the shelf in {took[1]:.0f} s by another, which fetched no file"
    )
    for name in _READERS:
        services.kill(name)


def _shared_jobs(services: Services, question: str) -> None:
    """Submit jobs through the balancer, and kill a host: each job has one result, at the other host too."""
    asked = {"statistic": "states_mean", "parameters": {"question": question}}
    ids = []
    with httpx.Client(base_url=services.url("balancer"), timeout=_PATIENCE_S) as client:
        for _ in range(_JOBS):
            reply = client.post("/v1/jobs", json=asked)
            _require(reply.is_success, f"a job was answered {reply.status_code}: {reply.text[:500]}")
            ids.append(reply.json()["id"])
    _require(len(set(ids)) == _JOBS, "two jobs have one id")
    services.kill("server-2")
    began = time.monotonic()
    states = _poll(
        services,
        lambda: [_get(services, "server-1", f"/v1/jobs/{job}")["state"] for job in ids],
        lambda states: all(state == "done" for state in states),
        "jobs of a host that was killed are not done",
    )
    # Until the lease of the lost host is over, its results are answered with 503.
    results = _poll(
        services,
        lambda: [
            httpx.get(f"{services.url('server-1')}/v1/jobs/{job}/results.csv", timeout=_PATIENCE_S) for job in ids
        ],
        lambda replies: all(reply.status_code != httpx.codes.SERVICE_UNAVAILABLE for reply in replies),
        "the results of a host that was killed are not there",
    )
    refused = [reply.text[:500] for reply in results if not reply.is_success]
    _require(not refused, f"results are not answered: {refused}")
    different = {reply.content for reply in results}
    _require(len(different) == 1, f"{len(different)} different results of one question")
    seconds = time.monotonic() - began
    print(f"{len(states)} jobs through the balancer: {seconds:.0f} s after a host was killed, all have one result")
    services.start("server-2")
    _wait_until_read(services, "server-2")


def _lost_worker(services: Services) -> None:
    """Kill a worker while a changed table is read again."""
    shutil.copy(services.shared / "0.csv", services.shared / "more.csv")
    before = _get(services, "server-1", "/v1/datasets/tables")["fingerprint"]
    began = time.monotonic()
    os.kill(services.processes["server-1"].pid, signal.SIGHUP)
    _poll(services, lambda: reading_folders(services.folder / "dask"), bool, "no worker has begun to read")
    services.kill("worker-1")
    after = _poll(
        services,
        lambda: _get(services, "server-1", "/v1/datasets/tables")["fingerprint"],
        lambda fingerprint: fingerprint != before,
        "the changed table was not read",
    )
    seconds = time.monotonic() - began
    _require(after == _fingerprint_here(services), "after the loss of a worker, the fingerprint is another")
    print(f"a worker killed while {seconds:.0f} s were read: its files were read by the other one; one fingerprint")
    services.start("worker-1")


def _refuses_plaintext(services: Services) -> None:
    """See that a scheduler elsewhere is not talked to without encryption."""
    command = [sys.executable, "-m", "meantime", "serve", "--cluster", "tcp://dask.example:8786", str(services.shared)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=services.folder)
    is_refused = ended.returncode == 2 and "not encrypted" in ended.stderr
    _require(is_refused, f"plaintext: {ended.returncode}, {ended.stderr}")
    print("a scheduler on another machine without TLS: refused at the start")


def _fingerprint_here(services: Services) -> str:
    """Return the fingerprint that one process of this machine finds."""
    source = Source(name="tables", path=str(services.shared / "*.csv"))
    ingestor = DataIngestor(memory_mb=2048, rejected_limit=0.05)
    return ingestor.ingest(source, services.folder / "here").name[:64]


def _has(line: str, said: str) -> bool:
    return line in said


def _wait_until_read(services: Services, name: str, dataset: str = "tables") -> str:
    def fingerprint() -> str | None:
        try:
            found = _get(services, name, f"/v1/datasets/{dataset}")
        except httpx.TransportError:  # it does not listen yet
            return None
        _require(found["status"] != "failed", f"{name} cannot read {dataset}: {found['failure']}")
        read: str | None = found["fingerprint"]
        return read

    return _poll(services, fingerprint, bool, f"{name} has not read {dataset}") or ""


def _get(services: Services, name: str, path: str, **parameters: str | int) -> Any:
    reply = httpx.get(f"{services.url(name)}{path}", params=parameters, timeout=_PATIENCE_S)
    _require(reply.status_code == 200, f"{path} of {name}: {reply.status_code} {reply.text[:500]}")
    return reply.json()


def _poll(services: Services, ask: Callable[[], T], enough: Callable[[T], bool], otherwise: str) -> T:
    deadline = time.monotonic() + _PATIENCE_S
    while not enough(answer := ask()):
        services.require_running()
        _require(time.monotonic() < deadline, otherwise)
        time.sleep(0.02)
    return answer


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        sys.exit(f"NOT KEPT: {otherwise}")
